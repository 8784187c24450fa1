// Package access judges who of those whom the identity provider lets in may come in: the option access.
//
// It owns the rules, what is kept of a person's identity so that they can be asked again ([Person]), and the reasons for
// which somebody is kept out ([Denial]).
//
// It promises that what is not known of a person meets no rule: an address counts only if the provider vouches for it, and
// one that mail software might read in two ways has no domain; that values are equal only if they are the same JSON value,
// whatever their size; and that of an identity no more is kept than the rules ask about, in bounded space.
//
// It is not for signing people in, nor for whether the provider still knows them. Which of a person's sessions and grants
// live on under rules that have changed is its callers' part.
package access
