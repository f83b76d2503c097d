// Package verify reads pages as a stranger would and says whether their highlights still stand.
//
// Fetching is hostile work: anybody may name any URL, and what answers may be anything. So a Fetcher dials no
// address of a private network (allow.go), believes nothing that a server claims about size, type or encoding
// (fetch.go, charset.go), and a page is only parsed within limits of time and memory (parse.go).
//
// A Checker takes the pages that storage says are due, reads each, and saves one verdict for each highlight. It reads
// them again as often as they change (watch.go), and judges anew when what a highlight can stand on has (content.go).
// A verdict is data, not a gate: what a person marked is kept whatever the server can read.
package verify
