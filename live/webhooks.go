package live

import (
	"bytes"
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"math/rand/v2"
	"net/http"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/google/uuid"
	"go.opentelemetry.io/otel"
	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/codes"
	"go.opentelemetry.io/otel/trace"

	"limn/storage"
)

// tracer makes spans that do not say who is told of what.
var tracer = otel.Tracer("limn/live")

// Webhooks tell addresses that people name what changes, as docs/webhooks.md says; Run does the work. Any number of instances
// may run: of one page's changes to one webhook, one of them has the turn. What one has not told when it ends, another one
// tells.
type Webhooks struct {
	store  *storage.Store
	pulse  func() (beats uint64, next <-chan struct{})
	client *http.Client
	log    *slog.Logger
}

const (
	webhookLook   = time.Second // between looks for what is due, if nothing is known to have changed
	webhookSweep  = 10 * time.Minute
	webhookTurns  = 64              // at once
	webhookChunk  = 20              // changes read at once
	webhookAnswer = 16 << 10        // bytes of an answer that are read, to use its connection again
	firstRetry    = 5 * time.Second // after a failure
	lastRetry     = 12 * time.Hour  // between attempts, however many have failed
)

// NewWebhooks makes webhooks that use a client, which has to keep them from addresses that are not to be reached.
func NewWebhooks(store *storage.Store, hub *Hub, client *http.Client, log *slog.Logger) *Webhooks {
	return &Webhooks{store: store, pulse: hub.Pulse, client: client, log: log}
}

// Run tells what changes until ctx ends.
func (w *Webhooks) Run(ctx context.Context) {
	look, sweep := time.NewTicker(webhookLook), time.NewTicker(webhookSweep)
	defer look.Stop()
	defer sweep.Stop()
	var turns sync.WaitGroup
	defer turns.Wait()
	free := make(chan struct{}, webhookTurns)
	ended := make(chan struct{}, 1) // a turn has, so that the next of its webhook can begin
	for ctx.Err() == nil {
		_, next := w.pulse()
		more, err := w.begin(ctx, &turns, free, ended)
		if err != nil && ctx.Err() == nil {
			w.log.Warn("webhooks are told nothing at the moment", "error", err)
		}
		if more && err == nil {
			continue
		}
		select {
		case <-next:
		case <-ended:
		case <-look.C:
		case <-sweep.C:
			if err := w.store.SweepWebhooks(ctx); err != nil && ctx.Err() == nil {
				w.log.Warn("webhooks cannot be swept", "error", err)
			}
		case <-ctx.Done():
		}
	}
}

// begin deals out what has changed, and begins the turns that are due, as far as there is room.
func (w *Webhooks) begin(ctx context.Context, all *sync.WaitGroup, free chan struct{}, ended chan struct{}) (more bool, err error) {
	if more, err = w.store.DealOut(ctx); err != nil {
		return false, err
	}
	turns, err := w.store.TakeWebhookTurns(ctx, cap(free)-len(free))
	if err != nil {
		return false, err
	}
	for _, t := range turns {
		free <- struct{}{}
		all.Go(func() {
			defer func() {
				<-free
				signal(ended)
			}()
			w.turn(ctx, t)
		})
	}
	return more, nil
}

// turn tells a webhook all that is new on a page.
func (w *Webhooks) turn(ctx context.Context, t storage.WebhookTurn) {
	done, err := w.tell(ctx, t)
	if err != nil && ctx.Err() == nil {
		w.log.Warn("a webhook's turn is broken off", "webhook", t.Webhook.ID, "error", err)
	}
	ending, cancel := context.WithTimeout(context.WithoutCancel(ctx), farewellLimit)
	defer cancel()
	if err := w.store.EndTurn(ending, t, done); err != nil {
		w.log.Warn("a webhook's turn ends only with its lease", "webhook", t.Webhook.ID, "error", err)
	}
}

// tell tells one change after the other. Done: there are no more.
func (w *Webhooks) tell(ctx context.Context, t storage.WebhookTurn) (done bool, err error) {
	for {
		changes, reached, err := w.store.Changes(ctx, t.Page, t.Seq, webhookChunk)
		if err != nil {
			return false, err
		}
		for _, c := range changes {
			owner, err := w.store.WebhookOwner(ctx, t.Webhook) // who is put out of a group is told nothing more of it
			if err != nil {
				return false, err
			}
			if n, concerns := newNotice(t, owner, c); concerns {
				if ok, err := w.deliver(ctx, t.Webhook, n); err != nil || !ok {
					return false, err
				}
			}
			if kept, err := w.store.Told(ctx, t, c.Seq); err != nil || !kept {
				return false, err
			}
		}
		if kept, err := w.store.Told(ctx, t, reached.Seq); err != nil || !kept {
			return false, err
		}
		if t.Seq = reached.Seq; !reached.More {
			return true, nil
		}
	}
}

// A notice is what a webhook is sent.
type notice struct {
	Type      string     `json:"type"` // highlight, reply, removed or ping
	Timestamp time.Time  `json:"timestamp"`
	Page      *uuid.UUID `json:"page,omitempty"`
	Seq       *int64     `json:"seq,omitempty"`
	Data      any        `json:"data"`
	id        uuid.UUID
}

// newNotice is what a change means to who owns a webhook, if anything. Its id is the same each time.
func newNotice(t storage.WebhookTurn, owner storage.Reader, c storage.Change) (n notice, concerns bool) {
	n = notice{
		Type: c.Kind, Timestamp: c.At, Page: &t.Page, Seq: &c.Seq,
		id: uuid.NewSHA1(t.Webhook.ID, fmt.Appendf(nil, "%s %s %d", t.Page, c.ID, c.Seq)),
	}
	switch c.Effect(owner.Reads) {
	case storage.Nothing:
		return notice{}, false
	case storage.Remove:
		n.Type, n.Data = "removed", removed{c.ID, t.Page, c.Kind}
	default:
		if n.Data = c.Highlight; c.Reply != nil {
			n.Data = c.Reply
		}
	}
	if n.Timestamp.IsZero() { // of a verdict
		n.Timestamp = time.Now().UTC()
	}
	return n, true
}

// Ping sends a webhook a message that says nothing, and tells how that went. A webhook that is disabled is active again if it
// went well.
func (w *Webhooks) Ping(ctx context.Context, hook storage.Webhook) (storage.Delivery, error) {
	d, gone := w.send(ctx, hook, notice{Type: "ping", Timestamp: time.Now().UTC(), Data: struct{}{}, id: uuid.New()})
	if hook.State != "active" && d.Reason != "" { // it has its time for the next attempt
		return d, nil
	}
	return d, w.store.RecordDelivery(ctx, hook.ID, d, time.Now().Add(retryAfter(1)), gone)
}

// deliver sends a message and records it. Not ok: it has to be sent again, before any other of its page.
func (w *Webhooks) deliver(ctx context.Context, hook storage.Webhook, n notice) (ok bool, err error) {
	d, gone := w.send(ctx, hook, n)
	if ctx.Err() != nil { // which is no fault of theirs
		return false, ctx.Err()
	}
	return d.Reason == "", w.store.RecordDelivery(ctx, hook.ID, d, time.Now().Add(retryAfter(hook.Failures+1)), gone)
}

// retryAfter is how long to wait after some failures in a row: four times as long each time, and not all webhooks of one
// server at once.
func retryAfter(failures int) time.Duration {
	pause := lastRetry
	if failures < 10 {
		pause = min(lastRetry, firstRetry<<(2*(failures-1)))
	}
	return time.Duration(float64(pause) * (0.75 + rand.Float64()/2))
}

// send makes one attempt. Gone: nothing is to be sent there any more.
func (w *Webhooks) send(ctx context.Context, hook storage.Webhook, n notice) (d storage.Delivery, gone bool) {
	ctx, span := tracer.Start(ctx, "tell a webhook", trace.WithSpanKind(trace.SpanKindClient))
	defer func() {
		span.SetAttributes(attribute.String("limn.type", n.Type), attribute.Int("http.response.status_code", d.Status))
		if d.Reason != "" {
			span.SetStatus(codes.Error, d.Reason)
		}
		span.End()
	}()
	d = storage.Delivery{ID: n.id, Type: n.Type, Page: n.Page, Seq: n.Seq, At: time.Now().UTC()}
	body, err := json.Marshal(n)
	if err != nil {
		d.Reason = "cannot be written as JSON"
		return d, false
	}
	request, err := http.NewRequestWithContext(ctx, http.MethodPost, hook.URL, bytes.NewReader(body))
	if err != nil {
		d.Reason = "the URL cannot be asked"
		return d, false
	}
	seconds := strconv.FormatInt(d.At.Unix(), 10)
	request.Header.Set("Content-Type", "application/json")
	request.Header.Set("User-Agent", "limn")
	request.Header.Set("webhook-id", n.id.String())
	request.Header.Set("webhook-timestamp", seconds)
	request.Header.Set("webhook-signature", "v1,"+sign(hook.Secret, n.id.String(), seconds, body))
	answer, err := w.client.Do(request)
	if err != nil { // whatever it was: nobody is to find out by this what there is on our network
		d.Reason = "no answer"
		return d, false
	}
	defer answer.Body.Close()
	io.Copy(io.Discard, io.LimitReader(answer.Body, webhookAnswer))
	if d.Status = answer.StatusCode; d.Status < 200 || d.Status > 299 {
		d.Reason = "answered with the status " + strconv.Itoa(d.Status)
	}
	return d, d.Status == http.StatusGone
}

// sign is the signature of a message by Standard Webhooks 1.0: HMAC-SHA256 of its id, time and body.
func sign(secret, id, seconds string, body []byte) string {
	key, err := base64.StdEncoding.DecodeString(strings.TrimPrefix(secret, "whsec_"))
	if err != nil {
		key = nil // no secret of ours
	}
	mac := hmac.New(sha256.New, key)
	fmt.Fprintf(mac, "%s.%s.%s", id, seconds, body)
	return base64.StdEncoding.EncodeToString(mac.Sum(nil))
}
