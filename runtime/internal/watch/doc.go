// Package watch owns one question: has the content of these files changed since somebody last looked?
//
// It promises that no change is lost for longer than Options.Poll and that nothing is said unless content differs: a
// file replaced by rename, a ConfigMap swapped beneath a symbolic link, a file deleted and restored, a folder moved
// away and another put in its place, and a change made while the last one was being loaded are all seen; touching a file,
// or saving the same bytes, is not. File events make it quick; where they do not come (NFS, a FUSE share, an exhausted
// inotify limit) reading every Options.Poll takes their place, and events are tried for again as often.
//
// Beside files it watches which files of a kind there are in a folder (Listing).
//
// It does not know what the files mean, and reads each of them whole: it is for configuration and executables, not for data.
package watch
