package verify

import (
	"context"
	"errors"
	"time"
	"unicode/utf8"

	"github.com/google/uuid"

	"limn/storage"
	"limn/xpath"
)

// judge says whether a highlight still stands: its worst range decides. It returns the ranges as they are to be
// stored, with what was missing of quotes, positions and landmarks. Not ok: the budget is spent, another visit has to judge.
func judge(r *reading, ranges []xpath.Range, budget *xpath.Budget) (_ []xpath.Range, _ storage.Check, ok bool) {
	ample := budget.Ample()
	check := storage.Check{State: xpath.Verified}
	filled, now := make([]xpath.Range, len(ranges)), make([]xpath.Range, len(ranges))
	for i, asked := range ranges {
		v, ok := xpath.CheckAll(r.documents, asked, budget)
		if !ok {
			return ranges, storage.Check{State: xpath.Unverifiable, Reason: reasonTimeout}, ample
		}
		filled[i], now[i] = v.Range, v.Range
		switch {
		case v.Range.Quote != nil && len(v.Range.Quote.Exact) > storage.MaxQuote: // not kept: nobody marks a book
			filled[i] = asked
		case v.State == xpath.Verified && v.Range.Landmarks == nil:
			filled[i].Landmarks = r.landmarks(v.Range, budget)
		}
		switch {
		case v.State == xpath.Orphaned:
			check.State = xpath.Orphaned
		case v.State == xpath.Moved && check.State == xpath.Verified:
			check.State = xpath.Moved
		}
		if v.Now != nil {
			now[i] = *v.Now
		}
	}
	if check.State == xpath.Moved {
		check.Ranges = now
	}
	return filled, check, true
}

// landmarks are those of a range that was verified, in the document in which it was.
func (r *reading) landmarks(verified xpath.Range, budget *xpath.Budget) *xpath.Landmarks {
	for _, d := range r.documents {
		if l := d.Landmarks(verified, budget); l != nil {
			return l
		}
	}
	return nil
}

// Find tells of ranges that stand where they were made, on a page that was read a moment ago; nil: that is not so, or
// it takes more to find out than to look.
func (c *Checker) Find(pageURL string, ranges []xpath.Range) *storage.Finding {
	found, ok := c.reader.get(pageURL)
	if !ok || found.reading == nil || time.Since(found.readAt) > keptFor {
		return nil
	}
	filled, check, ok := judge(found.reading, ranges, new(xpath.Budget)) // with nothing to spend on a search
	if !ok || check.State != xpath.Verified {
		return nil
	}
	budget := xpath.NewBudget()
	for i, r := range filled {
		if r.Landmarks == nil {
			filled[i].Landmarks = found.reading.landmarks(r, budget)
		}
	}
	return &storage.Finding{ReadAt: found.readAt, Ranges: filled}
}

// A Report is what a page holds where somebody says that something stands.
type Report struct {
	URL    string        `json:"url"`    // normalised
	Reason string        `json:"reason"` // why the page could not be read; empty: it could
	Ranges []RangeReport `json:"ranges"` // one for each that was asked about
}

// A RangeReport is the verdict on one range.
type RangeReport struct {
	State   xpath.State  `json:"state"`
	Reason  string       `json:"reason"`
	Quote   *string      `json:"quote"`    // what its paths hold on the page, at most 64 KiB; null: they lead nowhere
	MovedTo *xpath.Range `json:"moved_to"` // where its quote stands now, when moved; else null
}

// Report reads a page and says what became of some ranges, of which nothing is stored. The error is a
// *storage.URLError, or the context's.
func (c *Checker) Report(ctx context.Context, pageURL string, ranges []xpath.Range) (Report, error) {
	if err := CheckURL(pageURL); err != nil {
		return Report{}, err
	}
	normal, err := storage.NormalizeURL(pageURL)
	if err != nil {
		return Report{}, err
	}
	report := Report{URL: normal, Ranges: make([]RangeReport, len(ranges))}
	found, err := c.read(ctx, normal, false, version{}, func(found edition) bool {
		budget, content := xpath.NewBudget(), true
		for i, asked := range ranges {
			report.Ranges[i] = found.reading.report(asked, budget)
			content = content && report.Ranges[i].State == xpath.Verified
		}
		return content
	})
	if errors.Is(err, errBusy) {
		found.failure, err = &failure{reason: reasonBusy}, nil
	}
	if err != nil {
		return Report{}, err
	}
	if found.failure != nil {
		c.logFailure(ctx, storage.PageID(normal), found.failure)
		report.Reason = found.failure.reason
		for i := range report.Ranges {
			report.Ranges[i] = RangeReport{State: xpath.Unverifiable, Reason: report.Reason}
		}
	}
	return report, nil
}

func (r *reading) report(asked xpath.Range, budget *xpath.Budget) RangeReport {
	v, ok := xpath.CheckAll(r.documents, asked, budget)
	if !ok {
		return RangeReport{State: xpath.Unverifiable, Reason: reasonTimeout}
	}
	report := RangeReport{State: v.State, MovedTo: v.Now}
	for _, d := range r.documents {
		quote, _, ok := d.Holds(asked)
		if !ok {
			continue
		}
		if report.Quote == nil || v.State == xpath.Verified && quote.Exact == v.Range.Quote.Exact {
			report.Quote = &quote.Exact
		}
	}
	if report.Quote != nil && len(*report.Quote) > storage.MaxQuote {
		*report.Quote = truncate(*report.Quote, storage.MaxQuote)
	}
	return report
}

// truncate cuts a text at a character, after at most some number of bytes.
func truncate(text string, bytes int) string {
	for bytes > 0 && !utf8.RuneStart(text[bytes]) {
		bytes--
	}
	return text[:bytes]
}

// logFailure says that a page cannot be read. Its address is for those who debug: who marks something on it may not want
// anybody to know.
func (c *Checker) logFailure(ctx context.Context, page uuid.UUID, f *failure) {
	c.log.InfoContext(ctx, "a page cannot be read", "page", page, "reason", f.reason)
	c.log.DebugContext(ctx, "why a page cannot be read", "page", page, "cause", f.cause)
}
