package pluginhost

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"strconv"
)

// The places in /proc/PID/stat after the name of the program, which is the one field that may hold anything (proc(5)).
const (
	statGroup    = 2
	statResident = 21
)

// residentByGroup answers how many bytes the processes of each process group have resident. Pages that several share
// count for each. A system without /proc answers os.ErrNotExist.
func residentByGroup() (map[int]uint64, error) {
	if _, err := os.Stat("/proc/self/stat"); err != nil {
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
	groups := make(map[int]uint64)
	page := uint64(os.Getpagesize())
	for _, name := range names {
		if name[0] < '1' || name[0] > '9' {
			continue
		}
		stat, err := os.ReadFile("/proc/" + name + "/stat")
		if err != nil {
			continue // it has ended meanwhile, or is somebody else's
		}
		group, pages, err := parseStat(stat)
		if err != nil {
			return nil, fmt.Errorf("read process table: process %s: %w", name, err)
		}
		groups[group] += pages * page
	}
	return groups, nil
}

// parseStat reads the process group and the resident pages.
func parseStat(stat []byte) (group int, pages uint64, err error) {
	fields := bytes.Fields(stat[bytes.LastIndexByte(stat, ')')+1:])
	if len(fields) <= statResident {
		return 0, 0, errors.New("too few fields")
	}
	if group, err = strconv.Atoi(string(fields[statGroup])); err != nil {
		return 0, 0, errors.New("no process group")
	}
	resident, err := strconv.ParseInt(string(fields[statResident]), 10, 64)
	if err != nil {
		return 0, 0, errors.New("no resident pages")
	}
	return group, uint64(max(resident, 0)), nil
}
