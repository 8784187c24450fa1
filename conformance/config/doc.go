// Package config holds the gateway to what it tells the person who has written a faulty configuration.
//
// It owns the cases in testdata/config: each is a configuration with a fault that people make, the exact lines that
// `durward validate` prints of it, and the same configuration repaired. It promises that every faulty one is refused with
// exit status 1 and those lines, and nothing else; that every repaired one loads, so the fault is in the line that is
// blamed and in no other; that no two cases are of one kind, told by the text of their first problem without names and
// places; that the cases which claim to be right in form and wrong in meaning pass the schemas; and that no value of the
// environment is printed (G10).
//
// It is not for how a problem looks on a terminal, nor for what a gateway that runs makes of a faulty reload: those are
// the command's tests and conformance/reload.
//
// # A case
//
// A case is a txtar archive, testdata/config/NAME.txtar. Its comment begins with "kind: KIND" and, if every file of it is
// as the schemas have it, "meaning: yes"; then it says what is wrong, in the words of whoever has to find it. Its members:
//
//	args              further arguments of `durward validate`, one a line
//	env               variables, NAME=VALUE or NAME for one that is not set; see base/env for those that are there anyway
//	setup             what files cannot say of themselves, see below
//	faulty/FILE       a file of the faulty configuration, relative to the configuration folder
//	problems          what is printed, byte for byte
//	repaired/FILE     a file of the repaired configuration
//	repaired env      variables of the repaired configuration
//	repaired setup    the same as setup, for the repaired configuration in its place
//
// The files of testdata/config/base are there in both unless the case has others of their names; those of "faulty/" are
// there in the repaired configuration too unless "repaired/" has others. The folder is config in a project folder of its
// own: "faulty/../.env" is a file beside it. $PROJECT stands for the project folder's path, in variables and in problems.
//
// The lines of a setup, with files as above:
//
//	remove FILE
//	chmod MODE FILE
//	symlink FILE -> TARGET
//	folder FILE                 the file is a folder
//	encode FILE ENCODING        utf-8-bom, utf-16 or latin-1, in which editors save
//	pad FILE BYTES              spaces at its end, until it is as large
//	pair CERT KEY HOST [DAYS]   a certificate for a host, signed by itself, and its key (mode 0600); DAYS to its end, 90
//	                            unless it says another number
//
// `go test ./config -update` writes what is printed.
package config
