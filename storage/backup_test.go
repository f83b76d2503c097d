package storage_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"limn/storage"
	"limn/storage/storagetest"
)

// fillStore writes something of everything that people make.
func fillStore(t *testing.T, s *storage.Store) {
	t.Helper()
	ctx := t.Context()
	must := func(err error) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
	}
	ada, bob := mustReader(t, s, "Ada"), mustReader(t, s, "Bob")
	group, _, err := s.CreateGroup(ctx, ada, storage.NewGroup{Name: "Readers", Kind: "closed"})
	must(err)
	invite, err := s.CreateInvite(ctx, ada, group.ID, storage.NewInvite{})
	must(err)
	_, err = s.AcceptInvite(ctx, bob, invite.Code)
	must(err)
	ada, bob = mustReaderAgain(t, s, ada), mustReaderAgain(t, s, bob)
	_, _, err = s.CreateToken(ctx, ada, storage.NewToken{Name: "a program"})
	must(err)
	kept, shared, gone := mustHighlight(t, s, ada, "public"), mustHighlight(t, s, ada, group.ID.String()), mustHighlight(t, s, bob, "me")
	_, _, _, err = s.CreateReply(ctx, bob, storage.NewReply{Highlight: kept.ID, Note: "line\r\nother line\ttab \\. 𝔘"})
	must(err)
	color := "green"
	_, err = s.UpdateHighlight(ctx, ada, kept.ID, storage.HighlightEdit{Color: &color})
	must(err)
	_, _, _, err = s.CreateAttachment(ctx, ada, storage.NewAttachment{
		On: storage.Attached{Highlight: kept.ID}, Name: "a picture", Size: storage.MaxAttachment,
	}, bytes.NewReader(bytes.Repeat([]byte{0, 1, 2, '\n', '\\', 0xff}, 100_000)))
	must(err)
	must(s.FlagHighlight(ctx, bob, shared.ID, "odd"))
	_, err = s.HideHighlight(ctx, ada, shared.ID, true)
	must(err)
	_, err = s.DeleteHighlight(ctx, bob, gone.ID, nil)
	must(err)
}

// mustReaderAgain is a reader with the rights that they have now.
func mustReaderAgain(t *testing.T, s *storage.Store, r storage.Reader) storage.Reader {
	t.Helper()
	secret, _, err := s.CreateSession(t.Context(), r.Account.ID)
	if err != nil {
		t.Fatal(err)
	}
	if r, err = s.Authenticate(t.Context(), secret); err != nil {
		t.Fatal(err)
	}
	return r
}

// contents are the rows of each table, but what says who is connected and which life of the database it is.
func contents(t *testing.T, s *storage.Store) map[string]string {
	t.Helper()
	conn := mustConnect(t, s)
	all := map[string]string{}
	for _, table := range queryTexts(t, conn, `
		SELECT relname FROM pg_class WHERE relnamespace = 'public'::regnamespace AND relkind = 'r' AND relpersistence = 'p'
		AND relname NOT IN ('server', 'goose_db_version')`) {
		all[table] = strings.Join(queryTexts(t, conn, `SELECT t::text FROM `+table+` t ORDER BY 1`), "\n")
	}
	return all
}

// shape is what the schema is made of, and which of its triggers work.
func shape(t *testing.T, s *storage.Store) []string {
	t.Helper()
	return queryTexts(t, mustConnect(t, s), `
		SELECT format('column %s.%s %s %s %s', attrelid::regclass, attname, format_type(atttypid, atttypmod), attnotnull, pg_get_expr(adbin, adrelid))
		FROM pg_attribute a JOIN pg_class c ON c.oid = attrelid LEFT JOIN pg_attrdef ON adrelid = attrelid AND adnum = attnum
		WHERE relnamespace = 'public'::regnamespace AND relkind = 'r' AND attnum > 0 AND NOT attisdropped
		UNION ALL SELECT format('table %s %s %s', relname, relpersistence, reloptions) FROM pg_class WHERE relnamespace = 'public'::regnamespace AND relkind = 'r'
		UNION ALL SELECT format('constraint %s %s %s', conrelid::regclass, conname, pg_get_constraintdef(oid))
		FROM pg_constraint WHERE connamespace = 'public'::regnamespace
		UNION ALL SELECT 'index ' || indexdef FROM pg_indexes WHERE schemaname = 'public'
		UNION ALL SELECT format('trigger %s %s', tgenabled, pg_get_triggerdef(oid)) FROM pg_trigger WHERE NOT tgisinternal
		UNION ALL SELECT format('function %s %s', proname, md5(prosrc)) FROM pg_proc WHERE pronamespace = 'public'::regnamespace
		UNION ALL SELECT 'schema ' || nspname FROM pg_namespace WHERE nspname NOT LIKE 'pg\_%'
		ORDER BY 1`)
}

func mustConnect(t *testing.T, s *storage.Store) *pgx.Conn {
	t.Helper()
	conn, err := s.Connect(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { conn.Close(context.Background()) })
	return conn
}

func queryTexts(t *testing.T, conn *pgx.Conn, query string) []string {
	t.Helper()
	rows, _ := conn.Query(t.Context(), query)
	texts, err := pgx.CollectRows(rows, pgx.RowTo[string])
	if err != nil {
		t.Fatal(err)
	}
	return texts
}

func mustBackup(t *testing.T, s *storage.Store) []byte {
	t.Helper()
	var file bytes.Buffer
	if _, err := s.Backup(t.Context(), &file); err != nil {
		t.Fatal(err)
	}
	return file.Bytes()
}

func mustOpenBackup(t *testing.T, file []byte) *storage.Backup {
	t.Helper()
	b, err := storage.OpenBackup(bytes.NewReader(file), int64(len(file)))
	if err != nil {
		t.Fatal(err)
	}
	return b
}

func TestABackupRestoresEverything(t *testing.T) {
	old, other := storagetest.Open(t), storagetest.Open(t)
	fillStore(t, old)
	want, fresh := contents(t, old), shape(t, other)

	if err := other.Restore(t.Context(), mustOpenBackup(t, mustBackup(t, old)), false); err != nil {
		t.Fatal(err)
	}

	if diff := cmp.Diff(want, contents(t, other)); diff != "" {
		t.Errorf("other rows were restored (- want):\n%s", diff)
	}
	if diff := cmp.Diff(fresh, shape(t, other)); diff != "" {
		t.Errorf("the schema is another one now (- want):\n%s", diff)
	}
	if other.Epoch() == old.Epoch() {
		t.Error("the epoch was restored, too")
	}
	mustHighlight(t, other, mustReader(t, other, "Cem"), "public")
}

// Whoever writes during a backup: what was acknowledged before it is in it, and each page is whole up to its number.
func TestABackupIsOneMoment(t *testing.T) {
	s := storagetest.Open(t)
	ctx, stop := context.WithCancel(t.Context())
	defer stop()
	var mu sync.Mutex
	acknowledged := map[uuid.UUID]bool{}
	writing := make(chan struct{}, 100)
	var writers sync.WaitGroup
	defer writers.Wait()
	defer stop()
	for w := range 4 {
		author := mustReader(t, s, fmt.Sprint("writer ", w))
		writers.Go(func() {
			for n := 0; ctx.Err() == nil; n++ {
				new := newHighlight("public")
				new.URL = fmt.Sprintf("https://example.org/%d", n%3)
				h, _, err := s.CreateHighlight(ctx, author, new)
				if err != nil {
					if ctx.Err() == nil {
						t.Error(err)
					}
					return
				}
				mu.Lock()
				acknowledged[h.ID] = true
				mu.Unlock()
				select {
				case writing <- struct{}{}:
				default:
				}
			}
		})
	}
	for range cap(writing) {
		<-writing
	}
	mu.Lock()
	before := maps.Clone(acknowledged)
	mu.Unlock()

	file := mustBackup(t, s)

	other := storagetest.Open(t)
	if err := other.Restore(t.Context(), mustOpenBackup(t, file), false); err != nil {
		t.Fatal(err)
	}
	conn := mustConnect(t, other)
	for _, id := range queryTexts(t, conn, `SELECT id::text FROM highlights`) {
		delete(before, uuid.MustParse(id))
	}
	if len(before) > 0 {
		t.Errorf("%d highlights are missing that were acknowledged before the backup", len(before))
	}
	torn := queryTexts(t, conn, `
		SELECT p.url FROM pages p JOIN highlights h ON h.page_id = p.id GROUP BY p.id
		HAVING count(*) <> p.seq OR max(h.seq) <> p.seq`)
	if len(torn) > 0 {
		t.Errorf("the numbers of %v are not those of their highlights", torn)
	}
}

func TestARestoreIsRefusedWhereSomethingWouldBeLost(t *testing.T) {
	old, s := storagetest.Open(t), storagetest.Open(t)
	fillStore(t, old)
	b := mustOpenBackup(t, mustBackup(t, old))
	mustReader(t, s, "Dora")
	there := contents(t, s)

	if err := s.Restore(t.Context(), b, false); !errors.Is(err, storage.ErrNotEmpty) {
		t.Errorf("into a database that is not empty: %v", err)
	}
	instance := uuid.New()
	if _, _, err := s.KeepInstance(t.Context(), instance); err != nil {
		t.Fatal(err)
	}
	if err := s.Restore(t.Context(), b, true); !errors.Is(err, storage.ErrServed) {
		t.Errorf("while an instance runs: %v", err)
	}
	if diff := cmp.Diff(there, contents(t, s)); diff != "" {
		t.Errorf("a refused restore has changed (- want):\n%s", diff)
	}

	if err := s.DeleteInstance(t.Context(), instance); err != nil {
		t.Fatal(err)
	}
	if err := s.Restore(t.Context(), b, true); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(contents(t, old), contents(t, s)); diff != "" {
		t.Errorf("other rows were restored (- want):\n%s", diff)
	}
}

// An instance that was missed, as one that had just begun, learns that the database is not what it knows.
func TestAnInstanceLearnsOfARestore(t *testing.T) {
	url := storagetest.URL(t)
	running, s := mustOpen(t, url), mustOpen(t, url)

	if err := s.Restore(t.Context(), mustOpenBackup(t, mustBackup(t, s)), false); err != nil {
		t.Fatal(err)
	}

	if _, _, err := running.KeepInstance(t.Context(), uuid.New()); !errors.Is(err, storage.ErrReplaced) {
		t.Errorf("it is told %v, want %v", err, storage.ErrReplaced)
	}
}

func mustOpen(t *testing.T, url string) *storage.Store {
	t.Helper()
	s, err := storage.Open(t.Context(), url)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(s.Close)
	return s
}

// Rows that cannot be written, in the last table, leave the database as it was.
func TestARestoreThatFailsChangesNothing(t *testing.T) {
	url := storagetest.URL(t)
	old, s := mustOpen(t, url), storagetest.Open(t)
	fillStore(t, old)
	execSQL(t, url, `ALTER TABLE tokens ADD later_column text`)
	b := mustOpenBackup(t, mustBackup(t, old))
	mustReader(t, s, "Dora")
	there := contents(t, s)

	err := s.Restore(t.Context(), b, true)

	if err == nil || !strings.Contains(err.Error(), "tokens.later_column") {
		t.Errorf("what has no place is restored: %v", err)
	}
	if diff := cmp.Diff(there, contents(t, s)); diff != "" {
		t.Errorf("it has changed (- want):\n%s", diff)
	}
}

// Nothing is deleted that highlights and replies refer to, and what refers to nothing is not restored.
func TestWhatHighlightsReferToStays(t *testing.T) {
	url := storagetest.URL(t)
	broken, s := mustOpen(t, url), storagetest.Open(t)
	mustHighlight(t, broken, mustReader(t, broken, "Ada"), "public")
	conn := mustConnect(t, broken)

	for _, table := range []string{"pages", "accounts"} {
		if _, err := conn.Exec(t.Context(), `DELETE FROM `+table); err == nil || !strings.Contains(err.Error(), "stay") {
			t.Errorf("rows of %s can be deleted: %v", table, err)
		}
	}
	execSQL(t, url, `ALTER TABLE pages DISABLE TRIGGER pages_stay; DELETE FROM pages`)
	err := s.Restore(t.Context(), mustOpenBackup(t, mustBackup(t, broken)), false)

	if err == nil || !strings.Contains(err.Error(), "1 rows of highlights have no page") {
		t.Errorf("a highlight without its page is restored: %v", err)
	}
}

func TestADamagedBackupIsRefused(t *testing.T) {
	s := storagetest.Open(t)
	fillStore(t, s)
	file := mustBackup(t, s)
	whole := mustOpenBackup(t, file)

	for _, length := range []int{0, 1, 21, len(file) / 3, len(file) / 2, len(file) - 100, len(file) - 22, len(file) - 1} {
		if _, err := storage.OpenBackup(bytes.NewReader(file), int64(length)); err == nil {
			t.Errorf("the first %d bytes of %d are taken for a backup", length, len(file))
		}
	}
	refused := 0
	for at := 0; at < len(file); at += 1 + len(file)/500 {
		damaged := bytes.Clone(file)
		damaged[at] ^= 0x10
		b, err := storage.OpenBackup(bytes.NewReader(damaged), int64(len(damaged)))
		if err != nil {
			refused++
			continue
		}
		// The zip says some things that nobody needs, such as an entry's time: everything else is as it was.
		if diff := cmp.Diff(asJSON(t, whole), asJSON(t, b)); diff != "" {
			t.Errorf("the damage at %d is not seen:\n%s", at, diff)
		}
	}
	if refused < 400 {
		t.Errorf("only %d of 500 damaged files were refused", refused)
	}
}

func asJSON(t *testing.T, b *storage.Backup) string {
	t.Helper()
	text, err := json.Marshal(b)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

func FuzzOpenBackup(f *testing.F) {
	f.Add([]byte("PK\x05\x06" + strings.Repeat("\x00", 18)))
	f.Fuzz(func(t *testing.T, file []byte) {
		began := time.Now()
		if b, err := storage.OpenBackup(bytes.NewReader(file), int64(len(file))); err == nil && len(b.Tables) > len(file) {
			t.Errorf("%d tables in %d bytes", len(b.Tables), len(file))
		}
		if took := time.Since(began); took > 5*time.Second {
			t.Errorf("%d bytes take %v", len(file), took)
		}
	})
}
