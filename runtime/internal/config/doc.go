// Package config turns the bytes of policies.json, of every *.oas.json beside it and of gateway.json into a Config.
//
// It owns the reading (strict JSON in which every value keeps its position), $env, the rules that go beyond the schemas,
// and the hashes by which a reload tells what has changed.
//
// It promises: a Config is whole and valid or there is none; all problems are told at once, each with file, line, column
// and JSON pointer, in the order of the files; the same bytes and variables, and the same in the files that policies
// read, give an equal Config; no value that came from the environment, and no secret option, stands in a problem or a
// note (requirement G10); no input makes it panic.
//
// It is not for watching files, for flags, nor for running anything: it calls a policy type's pure Validate or Compile
// and nothing else. It knows of policy types what Options.Types says.
package config
