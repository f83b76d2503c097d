//go:build linux

package main

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
	"github.com/twmb/franz-go/pkg/kgo"
)

// The checker can fail: each of these faults is planted between limn and those who use it, or in the database, and is
// found by its name.
func TestPlantedFaultsAreFound(t *testing.T) {
	t.Parallel()
	rig := startRig(t, options{
		instances: 1, writers: 4, readers: 12, pages: 2, patience: time.Second, settings: []string{"fsync=off"},
	})
	for name, c := range map[string]struct {
		plant func(*testing.T, *round)
		find  []anomaly
	}{
		"an event is dropped":                    {events(dropped), []anomaly{skipped}},
		"an old event is sent again":             {events(repeated), []anomaly{disordered}},
		"two events are swapped":                 {events(swapped), []anomaly{disordered}},
		"a private event goes to nobody":         {events(leakedToNobody()), []anomaly{leaked}},
		"who was put out of a group reads on":    {sneakedIn, []anomaly{leaked}},
		"an event is altered for some":           {events(altered), []anomaly{unlikeRow, unlikeOthers}},
		"a stream falls silent":                  {events(muted), []anomaly{wrongState}},
		"a resync is left out":                   {events(withoutResync), []anomaly{noResync}},
		"live is said too early":                 {events(liveTooEarly), []anomaly{staleLive}},
		"a change is acknowledged, only":         {between(patchAsGet, nil), []anomaly{lostWrite}},
		"a change is refused, but made":          {answers("PATCH", refusedOnly), []anomaly{seenFailure}},
		"a new thing is refused the second time": {answers("POST", conflictAfterLoss()), []anomaly{replayRefused}},
		"a read is behind":                       {answers("GET", notFound), []anomaly{staleRead}},
		"a list is not whole":                    {answers("GET", shortList), []anomaly{wrongList}},
		"what is wrong is accepted":              {answers("", acceptAll), []anomaly{accepted}},
		"a 503 says no time to come again":       {answers("PATCH", fault503), []anomaly{noRetryAfter}},
		"an answer is 500":                       {answers("PATCH", fault500), []anomaly{serverFault}},
		"numbers come from a sequence":           {numberFirst, []anomaly{numberOrder, skipped}},
		"a row changes without a number":         {sql(`UPDATE highlights SET note = 'x' WHERE id = $2 AND page_id = $1`), []anomaly{numberTwice}},
		"a number is taken and not used":         {sql(`UPDATE pages SET seq = seq + 1 WHERE id = $1 AND $2::uuid IS NOT NULL`), []anomaly{numberGap}},
		"a deletion is undone":                   {resurrected, []anomaly{cameBack}},
		"an acknowledged change vanishes":        {sql(`WITH gone AS (DELETE FROM torture_history WHERE page_id = $1 AND id = $2), told AS (DELETE FROM history WHERE highlight_id = $2) DELETE FROM highlights WHERE id = $2`), []anomaly{lostWrite, wrongState}},
	} {
		t.Run(name, func(t *testing.T) {
			// What a round meets is chance, so there are more until the fault has been found.
			for deadline := time.Now().Add(30 * time.Second); ; {
				r := rig.newRound()
				c.plant(t, r)
				if err := r.run(t.Context(), 1500*time.Millisecond, false); err != nil {
					t.Fatal(err)
				}
				missed := slices.DeleteFunc(slices.Clone(c.find), r.report.found)
				if len(missed) == 0 {
					return
				}
				if time.Now().After(deadline) {
					t.Fatalf("it is not found that %s:\n%s", missed[0], r.report)
				}
			}
		})
	}
}

func TestInstanceThatEndsIsFound(t *testing.T) {
	rig := startRig(t, options{instances: 1, writers: 1, readers: 1, pages: 1, patience: time.Second, settings: []string{"fsync=off"}})
	r := rig.newRound()
	i := rig.instances[0]

	if err := i.signal(9); err != nil {
		t.Fatal(err)
	}
	<-i.ended

	if !r.report.found(instanceEnded) {
		t.Errorf("it is not found:\n%s", r.report)
	}
}

// A saboteur changes the events of one stream: it returns what is sent for each.
type saboteur func(request *http.Request) func(event) []event

// events puts a saboteur before every instance.
func events(s saboteur) func(*testing.T, *round) {
	return between(nil, func(response *http.Response) error {
		if !strings.HasPrefix(response.Header.Get("Content-Type"), "text/event-stream") {
			return nil
		}
		change := s(response.Request)
		from := response.Body
		out, in := io.Pipe()
		go func() {
			defer from.Close()
			lines := bufio.NewReader(from)
			for {
				e, err := nextEvent(lines)
				if err != nil {
					in.CloseWithError(err)
					return
				}
				for _, e := range change(e) {
					if e.id != "" {
						fmt.Fprintf(in, "id: %s\n", e.id)
					}
					if _, err := fmt.Fprintf(in, "event: %s\ndata: %s\n\n", e.name, e.data); err != nil {
						return
					}
				}
			}
		}()
		response.Body = out
		response.Header.Del("Content-Length")
		return nil
	})
}

// between puts a proxy before every instance, which may change requests and answers.
func between(ask func(*http.Request), change func(*http.Response) error) func(*testing.T, *round) {
	return func(t *testing.T, r *round) {
		var mu sync.Mutex
		proxies := map[string]*httptest.Server{}
		r.via = func(target string) string {
			mu.Lock()
			defer mu.Unlock()
			if proxies[target] == nil {
				to, err := url.Parse(target)
				if err != nil {
					panic(err)
				}
				proxies[target] = httptest.NewServer(&httputil.ReverseProxy{
					Rewrite: func(p *httputil.ProxyRequest) {
						p.SetURL(to)
						if ask != nil {
							ask(p.Out)
						}
					},
					FlushInterval: -1, ModifyResponse: change, ErrorLog: log.New(io.Discard, "", 0),
					ErrorHandler: func(w http.ResponseWriter, _ *http.Request, _ error) { w.WriteHeader(http.StatusBadGateway) },
				})
			}
			return proxies[target].URL
		}
		t.Cleanup(func() {
			for _, p := range proxies {
				p.Close()
			}
		})
	}
}

// isChange tells events that have a number.
func isChange(e event) bool { return e.name == "highlight" || e.name == "reply" || e.name == "removed" }

func dropped(*http.Request) func(event) []event {
	n := 0
	return func(e event) []event {
		if e.name == "highlight" {
			if n++; n%7 == 0 {
				return nil
			}
		}
		return []event{e}
	}
}

func repeated(*http.Request) func(event) []event {
	var old *event
	return func(e event) []event {
		switch {
		case !isChange(e):
		case old == nil:
			old = &e
		default:
			return []event{e, *old}
		}
		return []event{e}
	}
}

func swapped(*http.Request) func(event) []event {
	var held []event
	return func(e event) []event {
		if !isChange(e) {
			sent := append(held, e)
			held = nil
			return sent
		}
		if held == nil {
			held = []event{e}
			return nil
		}
		sent := append([]event{e}, held...)
		held = nil
		return sent
	}
}

func leakedToNobody() saboteur {
	var private atomic.Pointer[event]
	return func(request *http.Request) func(event) []event {
		nobody := request.Header.Get("Authorization") == ""
		return func(e event) []event {
			if strings.Contains(e.data, `"group":"me"`) {
				private.Store(&e)
			}
			if secret := private.Load(); nobody && secret != nil && isChange(e) {
				return []event{*secret, e}
			}
			return []event{e}
		}
	}
}

var someone atomic.Int64

func altered(*http.Request) func(event) []event {
	alter := someone.Add(1)%2 == 0
	return func(e event) []event {
		if alter {
			e.data = strings.Replace(e.data, `"note":"`, `"note":"not `, 1)
		}
		return []event{e}
	}
}

func muted(*http.Request) func(event) []event {
	n := 0
	return func(e event) []event {
		if n++; n > 20 && isChange(e) {
			return nil
		}
		return []event{e}
	}
}

func withoutResync(*http.Request) func(event) []event {
	return func(e event) []event {
		if e.name == "resync" {
			return nil
		}
		return []event{e}
	}
}

func liveTooEarly(request *http.Request) func(event) []event {
	begun := false
	page := request.URL.Query().Get("page")
	return func(e event) []event {
		if begun {
			return []event{e}
		}
		begun = true
		return []event{{name: "live", data: `{"page":"` + page + `","seq":0}`}, e}
	}
}

// patchAsGet has changes answered as if they were made.
func patchAsGet(request *http.Request) {
	if request.Method == "PATCH" {
		request.Method, request.Body, request.ContentLength = "GET", nil, 0
	}
}

// answers puts a proxy before every instance that changes the answers to a method.
func answers(method string, change func(*http.Response)) func(*testing.T, *round) {
	return between(nil, func(response *http.Response) error {
		isStream := strings.HasPrefix(response.Header.Get("Content-Type"), "text/event-stream")
		if !isStream && (method == "" || response.Request.Method == method) {
			change(response)
		}
		return nil
	})
}

func replace(response *http.Response, status int, body []byte) {
	response.Body.Close()
	response.StatusCode, response.ContentLength = status, int64(len(body))
	response.Body = io.NopCloser(bytes.NewReader(body))
	response.Header.Set("Content-Length", fmt.Sprint(len(body)))
}

func refusedOnly(response *http.Response) {
	replace(response, http.StatusUnprocessableEntity, []byte("{}"))
}

func fault500(response *http.Response) {
	replace(response, http.StatusInternalServerError, []byte("{}"))
}

func fault503(response *http.Response) {
	replace(response, http.StatusServiceUnavailable, []byte("{}"))
}

func acceptAll(response *http.Response) {
	if response.StatusCode >= 400 {
		replace(response, http.StatusOK, []byte("{}"))
	}
}

// conflictAfterLoss loses the first answer and refuses what comes after that.
func conflictAfterLoss() func(*http.Response) {
	var n atomic.Int64
	return func(response *http.Response) {
		if n.Add(1)%2 == 1 {
			replace(response, http.StatusBadGateway, nil)
		} else {
			replace(response, http.StatusConflict, []byte("{}"))
		}
	}
}

func notFound(response *http.Response) {
	if strings.HasPrefix(response.Request.URL.Path, api+"/highlights/") {
		replace(response, http.StatusNotFound, []byte("{}"))
	}
}

// shortList leaves out what is listed first.
func shortList(response *http.Response) {
	var list struct {
		Items []json.RawMessage `json:"items"`
		Next  *string           `json:"next"`
	}
	body, err := io.ReadAll(response.Body)
	if err != nil || json.Unmarshal(body, &list) != nil || len(list.Items) == 0 {
		replace(response, response.StatusCode, body)
		return
	}
	list.Items = list.Items[1:]
	body, _ = json.Marshal(list)
	replace(response, response.StatusCode, body)
}

// meanwhile does something to the database until it has been done often enough, or the test ends.
func meanwhile(t *testing.T, times int, do func(ctx context.Context) error) {
	ctx, stop := context.WithCancel(context.Background())
	var working sync.WaitGroup
	working.Go(func() {
		for n := 0; n < times && ctx.Err() == nil; {
			switch err := do(ctx); {
			case err == nil:
				n++
			case !errors.Is(err, pgx.ErrNoRows) && ctx.Err() == nil: // there is nothing yet to do it to
				t.Error(err)
				return
			}
		}
	})
	t.Cleanup(func() { stop(); working.Wait() })
}

// victim is a highlight that is not deleted and has no replies. It holds all pages, first, as writers do.
func (r *round) victim(ctx context.Context, tx pgx.Tx) (page, id uuid.UUID, err error) {
	if _, err := tx.Exec(ctx, `SELECT FROM pages WHERE id = ANY($1) ORDER BY id FOR UPDATE`, r.pages); err != nil {
		return page, id, err
	}
	err = tx.QueryRow(ctx, `
		SELECT page_id, id FROM highlights h WHERE page_id = ANY($1) AND group_id = $2 AND deleted_at IS NULL
		AND NOT EXISTS (SELECT FROM replies WHERE highlight_id = h.id) ORDER BY seq LIMIT 1`, r.pages, uuid.Nil).Scan(&page, &id)
	return page, id, err
}

// sql changes the database past all rules, with a page and a highlight on it as $1 and $2.
func sql(statement string) func(*testing.T, *round) {
	return func(t *testing.T, r *round) {
		meanwhile(t, 1, func(ctx context.Context) error {
			return pgx.BeginFunc(ctx, r.postgres.pool, func(tx pgx.Tx) error {
				page, id, err := r.victim(ctx, tx)
				if err != nil {
					return err
				}
				_, err = tx.Exec(ctx, statement, page, id)
				return err
			})
		})
	}
}

// numberFirst takes numbers as a sequence gives them: before the change, which is committed after later ones.
func numberFirst(t *testing.T, r *round) {
	meanwhile(t, 3, func(ctx context.Context) error {
		var number, now int64
		page := r.pages[0]
		err := r.postgres.pool.QueryRow(ctx, `UPDATE pages SET seq = seq + 1 WHERE id = $1 RETURNING seq`, page).Scan(&number)
		for err == nil && now < number+8 {
			err = r.postgres.pool.QueryRow(ctx, `SELECT seq FROM pages WHERE id = $1`, page).Scan(&now)
		}
		if err != nil {
			return err
		}
		_, err = r.postgres.pool.Exec(ctx, `
			UPDATE highlights SET seq = $2 WHERE page_id = $1 AND id =
				(SELECT id FROM highlights WHERE page_id = $1 AND seq < $2 AND deleted_at IS NULL ORDER BY seq LIMIT 1)`, page, number)
		return err
	})
}

func resurrected(t *testing.T, r *round) {
	meanwhile(t, 1, func(ctx context.Context) error {
		var id uuid.UUID
		return r.postgres.pool.QueryRow(ctx, `
			WITH page AS (UPDATE pages SET seq = seq + 1 WHERE id = $1 RETURNING seq)
			UPDATE highlights SET deleted_at = NULL, seq = page.seq FROM page WHERE id =
				(SELECT id FROM highlights WHERE page_id = $1 AND deleted_at IS NOT NULL LIMIT 1)
			RETURNING id`, r.pages[0]).Scan(&id)
	})
}

// What is wrong with the feed is found, too.
func TestPlantedFaultsOfTheFeedAreFound(t *testing.T) {
	t.Parallel() // beside the others, on a rig of its own
	rig := startRig(t, options{
		kafka: true, instances: 1, writers: 4, readers: 1, pages: 2, patience: 2 * time.Second, settings: []string{"fsync=off"},
	})
	for name, c := range map[string]struct {
		plant func(*testing.T, *round)
		find  anomaly
	}{
		"a change is noted and not written":       {sql(`UPDATE feed_pages SET seq = seq + 1000000 WHERE page_id = $1 AND $2::uuid IS NOT NULL`), wrongState},
		"an old state is written after a new one": {forged(`later.group_id = $2 AND old.group_id = $2 AND NOT old.deleted`), disordered},
		"what is private is written":              {forged(`old.group_id = old.author_id AND old.group_id <> $2 AND NOT old.deleted`), leaked},
		"what is deleted is written":              {forged(`old.deleted AND old.group_id = $2`), cameBack},
	} {
		t.Run(name, func(t *testing.T) {
			for deadline := time.Now().Add(30 * time.Second); ; {
				r := rig.newRound()
				c.plant(t, r)
				if err := r.run(t.Context(), 1500*time.Millisecond, false); err != nil {
					t.Fatal(err)
				}
				if r.report.found(c.find) {
					return
				}
				if time.Now().After(deadline) {
					t.Fatalf("it is not found that %s:\n%s", name, r.report)
				}
			}
		})
	}
}

// forged writes an old version of a highlight to the feed that has a later one there.
func forged(which string) func(*testing.T, *round) {
	return func(t *testing.T, r *round) {
		meanwhile(t, 1, func(ctx context.Context) error {
			var page, id, author uuid.UUID
			var seq int64
			err := r.postgres.pool.QueryRow(ctx, `
				SELECT old.page_id, old.id, old.author_id, old.seq
				FROM torture_history old JOIN feed_pages f ON f.page_id = old.page_id
				JOIN torture_history later ON later.id = old.id AND later.seq >= old.seq AND later.seq <= f.seq
				WHERE old.page_id = ANY($1) AND old.kind = 'highlight' AND (later.seq > old.seq OR old.deleted OR old.group_id <> $2) AND (`+which+`)
				LIMIT 1`, r.pages, uuid.Nil).Scan(&page, &id, &author, &seq)
			if err != nil {
				return err
			}
			value := fmt.Sprintf(`{"type":"limn.highlight","subject":%q,"page":%q,"seq":%d,"data":{"id":%q,"page":{"id":%q},"group":"public","author":{"id":%q},"seq":%d}}`,
				id, page, seq, id, page, author, seq)
			client, err := kgo.NewClient(kgo.SeedBrokers(r.broker.address))
			if err != nil {
				return err
			}
			defer client.Close()
			return client.ProduceSync(ctx, &kgo.Record{Topic: feedTopic, Key: []byte(id.String()), Value: []byte(value)}).FirstErr()
		})
	}
}

// sneakedIn lets everybody into the group, and the checker does not know.
func sneakedIn(t *testing.T, r *round) {
	meanwhile(t, 20, func(ctx context.Context) error {
		_, err := r.postgres.pool.Exec(ctx, `
			INSERT INTO members (group_id, account_id, role, joined_at)
			SELECT g.id, a.id, 'reader', now() FROM groups g, accounts a WHERE g.name = $1
			ON CONFLICT DO NOTHING`, fmt.Sprintf("round %d", r.rounds))
		pause(ctx, 50*time.Millisecond)
		return err
	})
}
