package storage

import (
	"bytes"
	"context"
	"crypto/sha256"
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
	"go.mau.fi/util/confusable"
	"golang.org/x/text/cases"
	"golang.org/x/text/unicode/norm"
)

const (
	maxName    = 60   // characters
	maxRawName = 4096 // bytes, before spaces and accents are put in order, which takes its time with megabytes
)

// checkName returns the name as it is shown and as it is compared.
func checkName(name string) (shown, key string, err error) {
	var invalid InvalidError
	if len(name) > maxRawName {
		invalid.refuse("/name", "must have at most %d characters", maxName)
		return "", "", &invalid
	}
	shown = strings.Join(strings.Fields(norm.NFC.String(name)), " ")
	key = nameKey(shown)
	switch {
	case key == "":
		invalid.refuse("/name", "must not be empty")
	case utf8.RuneCountInString(shown) > maxName:
		invalid.refuse("/name", "must have at most %d characters", maxName)
	case strings.ContainsFunc(shown, isInvisible):
		invalid.refuse("/name", "must not contain control or invisible characters")
	}
	return shown, key, invalid.orNil()
}

// isInvisible finds what would let two names look the same or turn the text around them. The joiners stay:
// Persian names and emoji need them.
func isInvisible(r rune) bool {
	if r == zeroWidthNonJoiner || r == zeroWidthJoiner {
		return false
	}
	return unicode.Is(unicode.C, r) || r == blankBraille || r == unicode.ReplacementChar || unicode.Is(unicode.Other_Default_Ignorable_Code_Point, r)
}

const zeroWidthNonJoiner, zeroWidthJoiner, blankBraille = '\u200c', '\u200d', '\u2800'

// NameKey is what two ways to write one name share; of what is no name it is empty.
func NameKey(name string) string {
	_, key, err := checkName(name)
	if err != nil {
		return ""
	}
	return key
}

// nameKey is a name case-folded, without what nobody sees.
func nameKey(name string) string { return norm.NFKC.String(cases.Fold().String(visible(name))) }

// visible is a name as far as it is seen.
func visible(name string) string {
	name = strings.Map(func(r rune) rune {
		if r == zeroWidthNonJoiner || r == zeroWidthJoiner || unicode.Is(unicode.Variation_Selector, r) {
			return -1
		}
		return r
	}, name)
	return strings.Join(strings.Fields(norm.NFKC.String(name)), " ")
}

// looks are what a name looks like; names that share one are taken for each other. The first is the skeleton of Unicode
// Technical Standard 39, section 4: paypaI is paypal. It tells cases apart, because a capital I looks like an l, and
// Ian must not keep Lan away. The second is in one case, and takes only foreign letters for ASCII: ВОВ, which is Cyrillic, is Bob.
func looks(name string) []string {
	name = visible(name)
	var latin strings.Builder
	for _, r := range norm.NFD.String(name) {
		like := confusable.GetReplacement(r)
		switch {
		case r < utf8.RuneSelf || like == "":
			like = string(r)
		case like == "l" && unicode.IsUpper(r):
			like = "I" // which the standard has no skeleton of
		}
		latin.WriteString(like)
	}
	return []string{"seen " + confusable.Skeleton(name), "read " + nameKey(latin.String())}
}

// What has a name. Accounts and groups may have the same.
const (
	ofAccount = "account"
	ofGroup   = "group"
)

// takeName gives a name's looks to the one that has the name now: an error that is ErrNameTaken if another one of its kind
// has one of them.
func takeName(ctx context.Context, tx pgx.Tx, kind string, owner uuid.UUID, name string) error {
	if err := giveUpName(ctx, tx, kind, owner); err != nil {
		return err
	}
	_, err := tx.Exec(ctx, `INSERT INTO looks (kind, hash, owner_id) SELECT $1, hash, $2 FROM unnest($3::bytea[]) hash`, kind, owner, hashedLooks(name))
	return err
}

// hashedLooks are the looks as they are kept, because some are too long for an index, and in the order in which everybody
// takes them, so that two who take the same wait for one another.
func hashedLooks(name string) (hashes [][]byte) {
	for _, look := range looks(name) {
		sum := sha256.Sum256([]byte(look))
		hashes = append(hashes, sum[:])
	}
	slices.SortFunc(hashes, bytes.Compare)
	return hashes
}

// takeMissing gives accounts and groups that were written by other ways the looks of their names, but for those that somebody
// has already.
func takeMissing(ctx context.Context, tx pgx.Tx) error {
	for kind, table := range map[string]string{ofAccount: "accounts", ofGroup: "groups"} {
		for after := uuid.Nil; ; {
			rows, _ := tx.Query(ctx, `
				SELECT id, name FROM `+table+` t
				WHERE id > $2 AND deleted_at IS NULL AND NOT EXISTS (SELECT FROM looks l WHERE l.kind = $1 AND l.owner_id = t.id)
				ORDER BY id LIMIT $3`, kind, after, takenTogether)
			missing, err := pgx.CollectRows(rows, pgx.RowToStructByPos[Account])
			if err != nil {
				return err
			}
			if len(missing) == 0 {
				break
			}
			var owners []uuid.UUID
			var hashes [][]byte
			for _, m := range missing {
				for _, hash := range hashedLooks(m.Name) {
					owners, hashes = append(owners, m.ID), append(hashes, hash)
				}
			}
			_, err = tx.Exec(ctx, `
				INSERT INTO looks (kind, hash, owner_id) SELECT $1, hash, owner FROM unnest($2::bytea[], $3::uuid[]) AS l (hash, owner)
				ORDER BY hash, owner ON CONFLICT DO NOTHING`, kind, hashes, owners)
			if err != nil {
				return err
			}
			after = missing[len(missing)-1].ID
		}
	}
	return nil
}

const takenTogether = 1000 // names whose looks are held at once

func giveUpName(ctx context.Context, tx pgx.Tx, kind string, owner uuid.UUID) error {
	_, err := tx.Exec(ctx, `DELETE FROM looks WHERE kind = $1 AND owner_id = $2`, kind, owner)
	return err
}
