// Package xpath is about anchors: the paths that name a place in a page, the ranges between two such places,
// and what they hold. It knows nothing of HTTP or SQL.
package xpath
