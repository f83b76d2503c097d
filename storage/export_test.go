package storage

import (
	"maps"
	"slices"
)

// LanguageTags are those that a page can say it is in.
func LanguageTags() []string { return slices.Sorted(maps.Keys(languages)) }

// SearchBody is what of some fields is searched.
func SearchBody(fields ...string) string { return searchBody(fields) }

// OpenWith is Open with other steps than the migrations.
var OpenWith = open

// SweepLock is the lock of whoever sweeps.
const SweepLock int64 = sweepLock

// SearchLikeMany has a search among few highlights go as one among many, until the test ends.
func SearchLikeMany(t interface{ Cleanup(func()) }) {
	many, some := manySearched, recently
	t.Cleanup(func() { manySearched, recently = many, some })
	manySearched, recently = 0, 100
}
