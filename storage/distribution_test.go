package storage_test

import (
	"context"
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/jackc/pgx/v5"

	"limn/storage/storagetest"
)

// What stands on a page can live on one node: its tables' unique indexes and references hold the page's id, but for those that
// docs/scaling.md names, and so does that page name every table.
func TestTablesDistributeByPage(t *testing.T) {
	scaling, err := os.ReadFile("../docs/scaling.md")
	if err != nil {
		t.Fatal(err)
	}
	conn, err := pgx.Connect(t.Context(), storagetest.URL(t))
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close(context.Background())
	list := func(query string) []string {
		t.Helper()
		rows, _ := conn.Query(t.Context(), query)
		names, err := pgx.CollectRows(rows, pgx.RowTo[string])
		if err != nil {
			t.Fatal(err)
		}
		return names
	}

	unlike := list(`
		SELECT i.indexrelid::regclass::text FROM pg_index i JOIN pg_attribute a ON a.attrelid = i.indrelid AND a.attname = 'page_id'
		WHERE i.indisunique AND NOT a.attnum = ANY(i.indkey)
		ORDER BY 1`)
	foreign := list(`
		SELECT DISTINCT confrelid::regclass::text FROM pg_constraint c JOIN pg_attribute a ON a.attrelid = c.conrelid AND a.attname = 'page_id'
		WHERE contype = 'f' AND NOT a.attnum = ANY(c.conkey)`)
	tables := list(`SELECT tablename FROM pg_tables WHERE schemaname = 'public' AND tablename <> 'goose_db_version'`)

	if want := []string{"attachments_id", "highlights_id", "replies_id"}; !slices.Equal(unlike, want) {
		t.Errorf("without the page's id are the unique indexes %v, want %v", unlike, want)
	}
	for _, table := range foreign {
		if !slices.Contains([]string{"accounts", "instances", "webhooks"}, table) {
			t.Errorf("%s is referred to across pages, and is not small enough to be on every node", table)
		}
	}
	for _, name := range slices.Concat(unlike, foreign, tables) {
		if !strings.Contains(string(scaling), "`"+name+"`") {
			t.Errorf("docs/scaling.md does not say where %s goes", name)
		}
	}
}
