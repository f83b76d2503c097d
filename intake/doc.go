// Package intake reads the files that highlights come in from: those that package export writes, and those of other
// programs. A file is read once, from its beginning to its end, whatever its length; what of it cannot be taken is named, and the
// rest goes on. Package storage stores it.
package intake
