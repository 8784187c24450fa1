// Package config turns the bytes of policies.json, of every *.oas.json beside it, of gateway.json and of the files that
// they import into a Config. Each may be written as .jsonc.
//
// It owns which files are read, $import and $env, the rules that go beyond the schemas, and the hashes by which a reload
// tells what has changed.
//
// It promises: a Config is whole and valid or there is none; all problems are told at once, each with file, line, column
// and JSON pointer where a person would mend it, in the order of the files; what is imported is as if it were written in
// place of the import, in every respect but where problems are told; the same bytes and variables, and the same in the
// files that policies read, give an equal Config; no value that came from the environment, and no secret option, stands in
// a problem, a note or an excerpt (requirement G10); no input makes it panic, and none makes it take more memory than 64
// times its size and 32 MiB.
//
// It is not for watching files, for flags, nor for running anything: it calls a policy type's pure Validate or Compile
// and nothing else. It knows of policy types what Options.Types says.
package config
