// Package legible makes text from outside fit to be looked at.
//
// It owns which characters of a text that strangers have written reach a person's eyes, or the terminal that they read
// in, and how.
//
// It promises that what it answers shows all that it says: nothing in it is invisible, turns around how the rest is read,
// or is obeyed by a terminal (S16). It works on characters alone and cannot fail.
//
// It is not for escaping: what is legible may still be HTML. It does not tell letters that look alike from one another:
// for that, hosts are shown in punycode.
package legible
