package main

import (
	"strings"
	"testing"

	"limn/storage/storagetest"
)

// Whoever runs the server makes tokens for others, of the scopes and the life that are asked for.
func TestTokenIsMadeOnTheCommandLine(t *testing.T) {
	environment := []string{"LIMN_DATABASE_URL=" + storagetest.URL(t)}
	mustRun(t, environment, "account", "Ada")
	p := startLimn(t, environment...)

	token := strings.TrimSpace(mustRun(t, environment, "token", "ada", "--name=nightly", "--scopes=read,admin", "--days=2"))

	list, _ := p.get("/tokens", token)["items"].([]any)
	if len(list) != 2 {
		t.Fatalf("Ada has %d tokens, want 2", len(list))
	}
	made, _ := list[1].(map[string]any)
	if scopes, _ := made["scopes"].([]any); made["name"] != "nightly" || made["kind"] != "token" || len(scopes) != 2 {
		t.Errorf("it is %v", made)
	}
}

func TestTokenIsRefusedWithASentence(t *testing.T) {
	environment := []string{"LIMN_DATABASE_URL=" + storagetest.URL(t)}
	mustRun(t, environment, "account", "Ada")
	for _, c := range []struct{ arguments, says string }{
		{"Dora", "nobody is called Dora"},
		{"Ada --days=0", "--days must be"},
		{"Ada --scopes=all", "--scopes"},
	} {
		out, err := command(t, append([]string{"token"}, strings.Fields(c.arguments)...), environment...).CombinedOutput()
		if err == nil || !strings.Contains(string(out), c.says) {
			t.Errorf("limn token %s: %v: %s", c.arguments, err, out)
		}
	}
}
