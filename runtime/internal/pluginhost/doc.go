// Package pluginhost runs policies as child processes.
//
// It owns a policy's process from start to death: the executable and its hash, the private socket folder, the go-plugin
// handshake, the host services on the other side, the process's standard error, its health, its restarts, and the calls
// that are made to it.
//
// It promises:
//   - Start answers a policy that is up, configured and healthy, or leaves nothing behind.
//   - A process that dies is noticed at once and started again from the same bytes with the same input, with growing
//     pauses: three times within a minute. With a fourth crash the policy is down until somebody starts it anew.
//   - A process that fails three health checks in a row counts as crashed, as does one that leaves every Evaluate without
//     an answer for five seconds, though the host did not hold it up: a store that hangs ends no policy.
//   - A process has no more memory than its Spec says, with those that it starts: by a cgroup of its own where the host has
//     been given one to make them in, else by a look each second, between two of which it may have more. Where neither can
//     be had (macOS), a Go process is told to collect its garbage in time, and that is all.
//   - A process confirms what the host knows of its policy (paths, inputs of decisions, files), or is not started.
//   - A call that meets a restart waits for it, at most two seconds. Evaluate, which changes nothing, is asked once more
//     if a crash cut it. A request that may have reached the policy's HTTP side is never sent twice.
//   - After Stop and Close, goroutines, descriptors, processes and socket files are back where they were, also after
//     crashes; and no process outlives the host by more than a second, however the host ends.
//   - Nothing that a process says or fails to say takes the host down, blocks it, or becomes an allow: messages are
//     bounded in bytes and in fields before they are decoded, and checked; log lines are bounded and taken as text; a fault
//     is an error.
//   - No secret option's value that a process writes to its standard error or into an error reaches the log, not even in
//     the panic that it dies of (G10). What a process makes of a secret, or writes in other words, is its own affair.
//
// What a process starts ends with it, if it stays in the process's group. A child that makes itself a session of its own
// outlives it, unless there are cgroups; a service manager that ends all of a unit's processes ends it with the host's.
//
// It is not for deciding when policies start and stop (generations do), for draining (the caller has, before Stop), for
// caching decisions, or for knowing what a policy does. It runs on Unix only.
package pluginhost
