// Package mutation changes every node of configurations that load, in every way that a slip of the hand might: deleted,
// of another type, misspelt, twice, empty. Each such mutant must be reported at its own line, or stand in the list of those
// that are legal (testdata/legal.txt), which people have read.
//
// It owns the mutants and the list. It promises that what is accepted, or reported elsewhere, without being listed fails;
// and so does a line of the list that is true of nothing, so that the list says no more than is so.
//
// It is not for the texts of problems: those have tables of their own.
package mutation
