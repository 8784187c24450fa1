// Package watch shows that the real gateway reloads once for each save of its files: no matter how an editor, a tool or
// Kubernetes saves, and where the files lie.
//
// It owns the table of kinds of save by kinds of mount: folders, links, a ConfigMap, bind mounts of a folder and of single
// files, tmpfs and overlayfs, and machines that have no file events left. The mounts are real ones, in a namespace of the
// gateway's own. It promises exact numbers: what should cause one reload causes one, and what should cause none causes
// none.
//
// It is not for the moments of time at which a change is told of, which the tests of runtime/internal/watch know to the
// millisecond, nor for what a reload does to traffic (package reload).
package watch
