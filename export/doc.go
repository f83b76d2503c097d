// Package export writes highlights and their threads in formats that others read.
//
// Everything is streamed: a thread is written and forgotten, so that an export may have any length. What breaks off in the
// middle never looks complete where the format can tell, and Write says so where it cannot.
//
// What people wrote is hostile in every format: a spreadsheet runs cells that begin like a formula, a Markdown viewer
// renders HTML and follows links, a browser ends a script at "</script>" even within JSON.
package export
