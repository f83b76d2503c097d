package export

import (
	"bufio"
	"fmt"
	"io"
	"iter"

	"limn/storage"
)

// A Format is a way to write highlights down.
type Format struct {
	Name      string // as it is asked for
	MediaType string // with its parameters
	Extension string // of a file, without the dot
	Whole     bool   // it has room for all that is known of a thread

	begin func(w io.Writer, origin string) sheet
}

// A sheet is an export on its way to a writer.
type sheet interface {
	add(storage.Thread) error
	end() error
}

// Formats are all there are.
var Formats = []Format{
	{"json", "application/json", "json", true, beginJSON},
	{"ndjson", "application/x-ndjson", "ndjson", true, beginNDJSON},
	{"jsonld", `application/ld+json; profile="http://www.w3.org/ns/anno.jsonld"`, "jsonld", false, beginJSONLD},
	{"csv", "text/csv; charset=utf-8; header=present", "csv", false, beginCSV},
	{"readwise", "text/csv; charset=utf-8; header=present", "csv", false, beginReadwise},
	{"hypothesis", "application/json", "json", false, beginHypothesis},
	{"markdown", "text/markdown; charset=utf-8", "md", false, beginMarkdown},
	{"html", "text/html; charset=utf-8", "html", false, beginHTML},
}

// Find is the format of a name.
func Find(name string) (Format, bool) {
	for _, f := range Formats {
		if f.Name == name {
			return f, true
		}
	}
	return Format{}, false
}

// Write writes the threads one by one. origin is this server's public URL without a slash at its end, which ids
// and links begin with. After an error, also one of threads, what was written is not complete: the caller breaks the
// connection off or throws the file away.
func (f Format) Write(w io.Writer, origin string, threads iter.Seq2[storage.Thread, error]) error {
	buffered := bufio.NewWriter(w)
	s := f.begin(buffered, origin)
	for thread, err := range threads {
		if err != nil {
			return fmt.Errorf("read highlights: %w", err)
		}
		if err := s.add(thread); err != nil {
			return fmt.Errorf("write %s: %w", f.Name, err)
		}
	}
	if err := s.end(); err != nil {
		return fmt.Errorf("write %s: %w", f.Name, err)
	}
	if err := buffered.Flush(); err != nil {
		return fmt.Errorf("write %s: %w", f.Name, err)
	}
	return nil
}

// highlightURL opens a highlight's page at the passage.
func highlightURL(origin string, h storage.Highlight) string {
	if origin == "" { // on a command line that was not told: a file has no server of its own
		return ""
	}
	return origin + "/h/" + h.ID.String()
}
