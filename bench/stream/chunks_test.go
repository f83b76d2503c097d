//go:build linux

package main

import (
	"bytes"
	"io"
	"net/http/httputil"
	"testing"
)

// However the bytes arrive, the data is what the standard library makes of them.
func FuzzChunks(f *testing.F) {
	f.Add([]byte("event: live\ndata: {}\n\n"), []byte("x"), uint8(3))
	f.Add(bytes.Repeat([]byte("0123456789abcdef"), 40), []byte("\r\n"), uint8(1))
	f.Fuzz(func(t *testing.T, first, second []byte, step uint8) {
		var sent bytes.Buffer
		w := httputil.NewChunkedWriter(&sent)
		w.Write(first)
		w.Write(second)
		want, err := io.ReadAll(httputil.NewChunkedReader(bytes.NewReader(append(sent.Bytes(), "0\r\n\r\n"...))))
		if err != nil {
			t.Fatal(err)
		}

		c := chunks{chunked: true}
		var got []byte
		for all := sent.Bytes(); len(all) > 0; {
			n := min(len(all), 1+int(step))
			for piece := all[:n]; len(piece) > 0; {
				var data []byte
				data, piece = c.next(piece)
				got = append(got, data...)
			}
			all = all[n:]
		}

		if !bytes.Equal(got, want) {
			t.Errorf("%q is read as %q, not %q", sent.Bytes(), got, want)
		}
	})
}
