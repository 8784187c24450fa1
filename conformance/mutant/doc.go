// Package mutant shows of a table of requirements that each row can fail: it builds the product with an edit of its
// source that takes away what the row holds, and plays the row against that.
//
// It promises that an edit which no longer fits the source is known at once (Apply), and that a row which does not
// notice its own edit is named (Play), as is an edit that breaks more than its row.
//
// It is not for finding edits: those stand in the tables, beside the rows.
package mutant
