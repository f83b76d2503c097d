// Package live tells everyone who reads a page what changes on it, as server-sent events.
//
// Postgres is the truth and a hint only wakes: whoever changes a page says so (Hub.Changed), over the Bus also to
// the other instances, and each instance with readers on that page then reads the rows with a higher number, once,
// encodes each once and hands the same bytes to all of them. A hint that is lost only delays, because every
// instance also compares the numbers of its pages every second or two. A reader's snapshot, replay and live
// events are the answers to one query, so they cannot disagree.
//
// One goroutine a page reads what is new and writes it to all readers of the page (page.run). It never waits for one of
// them: a reader that falls behind gets a goroutine of its own (viewer.drain) until it follows again.
package live
