package live

import (
	"io"
	"log/slog"
	"net"
	"strings"
	"testing"

	"github.com/google/uuid"

	"limn/storage"
	"limn/storage/storagetest"
)

// A change of 1 KB on its way to 256 readers over real connections: nobody in particular, or members of three groups.
func BenchmarkDelivery(b *testing.B) {
	for name, reads := range map[string][]uuid.UUID{
		"to anybody":                 {storage.Public},
		"to members of three groups": {storage.Public, uuid.New(), uuid.New(), uuid.New(), uuid.New()},
	} {
		b.Run(name, func(b *testing.B) {
			hub, err := NewHub(storagetest.Open(b), nil, slog.New(slog.DiscardHandler))
			if err != nil {
				b.Fatal(err)
			}
			p := newPage(hub, uuid.New())
			for range crowd {
				p.watches = append(p.watches, startWatch(b, hub, p, reads))
			}
			change := storage.Change{Seq: 1, Kind: "highlight", Highlight: &storage.Highlight{Note: strings.Repeat("x", 600)}}
			e, err := newEvent(hub.store.Epoch(), p.id, change)
			if err != nil {
				b.Fatal(err)
			}
			for b.Loop() {
				e.change.Seq++ // as if it were another
				p.deliver([]*event{e}, e.change.Seq)
			}
			b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N*crowd), "ns/delivery")
		})
	}
}

// startWatch is a reader of a page who takes whatever comes.
func startWatch(b *testing.B, hub *Hub, p *page, reads []uuid.UUID) *watch {
	b.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		b.Fatal(err)
	}
	defer listener.Close()
	reader, err := net.Dial("tcp", listener.Addr().String())
	if err != nil {
		b.Fatal(err)
	}
	go io.Copy(io.Discard, reader) // until the reader is closed
	accepted, err := listener.Accept()
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() { accepted.Close(); reader.Close() })
	conn, err := newConnection(accepted)
	if err != nil {
		b.Fatal(err)
	}
	v := hub.newViewer(Subscription{Reader: storage.Reader{Groups: reads}, Done: func() {}})
	v.conn, v.phase = conn, following
	w := &watch{viewer: v, page: p}
	v.watches = []*watch{w}
	return w
}
