//go:build linux

package main

import (
	"context"
	"path/filepath"
	"slices"
	"syscall"
	"testing"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kgo"
)

// What a producer commits after it was cut off by a kill is read, also by who reads past the cut at once.
func TestKilledBrokerLosesNothingCommittedLater(t *testing.T) {
	dir := t.TempDir()
	b, err := newBroker(dir, filepath.Join(t.TempDir(), "log"), func(state string) { t.Error(state) })
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(b.close)
	ctx, cancel := context.WithTimeout(t.Context(), requestTimeout)
	defer cancel()
	client := func(o ...kgo.Opt) *kgo.Client {
		c, err := kgo.NewClient(append(o, kgo.SeedBrokers(b.address))...)
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(c.Close)
		return c
	}
	must := func(err error) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
	}
	begin := func(value string) *kgo.Client {
		c := client(kgo.TransactionalID("writer"))
		must(c.BeginTransaction())
		must(c.ProduceSync(ctx, &kgo.Record{Topic: feedTopic, Key: []byte("key"), Value: []byte(value)}).FirstErr())
		return c
	}
	must(b.start())
	_, err = kadm.NewClient(client()).CreateTopic(ctx, 1, 1, nil, feedTopic)
	must(err)

	must(begin("before").EndTransaction(ctx, kgo.TryCommit))
	begin("cut off")
	want := []string{"before"}
	for range 2 { // what was cut off by the first kill stays so after the second
		b.end(syscall.SIGKILL)
		must(b.start())
		must(begin("after").EndTransaction(ctx, kgo.TryCommit))
		want = append(want, "after")

		reader := client(kgo.ConsumeTopics(feedTopic), kgo.FetchIsolationLevel(kgo.ReadCommitted()))
		for read := []string(nil); !slices.Equal(read, want); {
			fetches := reader.PollFetches(ctx)
			if err := fetches.Err(); err != nil {
				t.Fatalf("read %q, want %q: %v", read, want, err)
			}
			fetches.EachRecord(func(r *kgo.Record) { read = append(read, string(r.Value)) })
		}
	}
}
