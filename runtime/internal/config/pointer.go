package config

import (
	"strconv"
	"strings"

	"durward/schema/jsonpointer"
)

// at appends the place in an array to a JSON pointer.
func at(pointer string, i int) string { return pointer + "/" + strconv.Itoa(i) }

// parent answers the pointer of what holds the value, and false for the document as a whole.
func parent(pointer string) (string, bool) {
	cut := strings.LastIndexByte(pointer, '/')
	if cut < 0 {
		return "", false
	}
	return pointer[:cut], true
}

// find answers what a pointer leads to in decoded JSON, or nil.
func find(value any, pointer string) any {
	value, _ = jsonpointer.Find(value, jsonpointer.Split(pointer))
	return value
}

// exists says whether a pointer leads to a value in decoded JSON.
func exists(value any, pointer string) bool {
	_, ok := jsonpointer.Find(value, jsonpointer.Split(pointer))
	return ok
}
