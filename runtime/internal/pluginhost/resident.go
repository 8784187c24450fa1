package pluginhost

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"slices"
	"strconv"
	"syscall"
)

// residentByGroup answers how many bytes the processes of each of the process groups have resident. The process that a
// group is named after counts for it even if it has left for another. Pages that several share count for each. A system
// without /proc answers os.ErrNotExist.
//
// Of a process in no group that is asked for nothing is read but its group, which costs next to nothing.
func residentByGroup(groups []int) (map[int]uint64, error) {
	if _, err := os.Stat("/proc/self/statm"); err != nil {
		return nil, fmt.Errorf("find process table: %w", err)
	}
	folder, err := os.Open("/proc")
	if err != nil {
		return nil, fmt.Errorf("read process table: %w", err)
	}
	defer folder.Close()
	names, err := folder.Readdirnames(-1)
	if err != nil {
		return nil, fmt.Errorf("read process table: %w", err)
	}
	resident := make(map[int]uint64, len(groups))
	page := uint64(os.Getpagesize())
	for _, name := range names {
		pid, err := strconv.Atoi(name)
		if err != nil {
			continue
		}
		group := pid
		if !slices.Contains(groups, pid) {
			group, err = syscall.Getpgid(pid)
		}
		if err != nil || !slices.Contains(groups, group) {
			continue
		}
		statm, err := os.ReadFile("/proc/" + name + "/statm")
		if err != nil {
			continue // it has ended meanwhile
		}
		pages, err := parseStatm(statm)
		if err != nil {
			return nil, fmt.Errorf("read process table: process %s: %w", name, err)
		}
		resident[group] += pages * page
	}
	return resident, nil
}

// parseStatm reads the resident pages, the second field (proc(5)).
func parseStatm(statm []byte) (uint64, error) {
	fields := bytes.Fields(statm)
	if len(fields) < 2 {
		return 0, errors.New("too few fields")
	}
	pages, err := strconv.ParseUint(string(fields[1]), 10, 64)
	if err != nil {
		return 0, errors.New("no resident pages")
	}
	return pages, nil
}
