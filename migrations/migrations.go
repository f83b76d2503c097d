// Package migrations holds the database's schema as numbered steps, applied in order and never edited
// once released.
package migrations

import "embed"

// Files are the steps, one transaction each, in goose's format.
//
//go:embed *.sql
var Files embed.FS
