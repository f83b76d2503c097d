package xpath

// A State says what became of a highlight when its page was read.
type State string

const (
	Pending      State = "pending"      // not looked at yet
	Verified     State = "verified"     // both ends resolve and hold exactly the quote
	Moved        State = "moved"        // the quote stands elsewhere on the page
	Orphaned     State = "orphaned"     // the page was read and the quote is not in it
	Unverifiable State = "unverifiable" // the page could not be read
)
