package server

import (
	"encoding/json"
	"os"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// What the feed writes is what the API answers, and both are described alike.
func TestFeedSchemaDescribesWhatTheAPIDoes(t *testing.T) {
	api, err := openAPI()
	if err != nil {
		t.Fatal(err)
	}
	feed, err := os.ReadFile("../docs/feed.schema.json")
	if err != nil {
		t.Fatal(err)
	}
	var described struct {
		Components struct{ Schemas map[string]any }
	}
	var schema struct {
		Defs map[string]any `json:"$defs"`
	}
	api = []byte(strings.ReplaceAll(string(api), "#/components/schemas/", "#/$defs/"))
	if err := json.Unmarshal(api, &described); err != nil {
		t.Fatal(err)
	}
	if err := json.Unmarshal(feed, &schema); err != nil {
		t.Fatal(err)
	}

	for name, shape := range schema.Defs {
		if diff := cmp.Diff(described.Components.Schemas[name], shape); diff != "" {
			t.Errorf("%s (-openapi.yaml +feed.schema.json):\n%s", name, diff)
		}
	}
	if schema.Defs["Highlight"] == nil || schema.Defs["Reply"] == nil {
		t.Error("the feed's schema describes no highlight or no reply")
	}
}
