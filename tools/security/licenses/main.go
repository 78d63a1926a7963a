// SPDX-License-Identifier: Apache-2.0

// Licenses lists the licence of every module that the package in the working directory is built from, as CSV, and fails
// where one is not permissive, or not known.
package main

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
)

// permissive licences, told by what only they say. The first that fits is taken: BSD-3-Clause says all that BSD-2-Clause does.
var permissive = []struct {
	name  string
	words []string
}{
	{"Apache-2.0", []string{"Apache License", "Version 2.0"}},
	{"MIT", []string{"Permission is hereby granted, free of charge", "without restriction"}},
	{"BSD-3-Clause", []string{"Redistribution and use in source and binary forms", "endorse or promote products"}},
	{"BSD-2-Clause", []string{"Redistribution and use in source and binary forms"}},
	{"ISC", []string{"Permission to use, copy, modify, and", "distribute this software for any"}},
}

// refused says what a licence that is not permissive mentions.
var refused = []string{"GENERAL PUBLIC LICENSE", "GNU General Public License", "GNU Lesser", "Mozilla Public License",
	"Server Side Public License", "Business Source License", "Commons Clause", "NonCommercial"}

func main() {
	out, err := exec.Command("go", "list", "-deps", "-f", "{{with .Module}}{{.Path}},{{.Version}},{{.Dir}}{{end}}", ".").Output()
	if err != nil {
		fmt.Fprintln(os.Stderr, "go list:", err)
		os.Exit(1)
	}
	modules := strings.Fields(string(out))
	slices.Sort(modules)
	failed := false
	for _, line := range slices.Compact(modules) {
		module := strings.SplitN(line, ",", 3)
		names, err := licenses(module[2])
		if err != nil {
			fmt.Fprintf(os.Stderr, "%s: %v\n", module[0], err)
			failed = true
			continue
		}
		fmt.Printf("%s,%s,%s\n", module[0], module[1], strings.Join(names, " AND "))
	}
	if failed {
		os.Exit(1)
	}
}

// licenses returns the names of the licences in the top folder of a module.
func licenses(dir string) ([]string, error) {
	entries, err := os.ReadDir(dir)
	if err != nil {
		return nil, err
	}
	var names []string
	for _, entry := range entries {
		base := strings.ToUpper(entry.Name())
		if entry.IsDir() || !strings.HasPrefix(base, "LICEN") && !strings.HasPrefix(base, "COPYING") {
			continue
		}
		text, err := os.ReadFile(filepath.Join(dir, entry.Name()))
		if err != nil {
			return nil, err
		}
		name := identify(string(text))
		if name == "" {
			return nil, fmt.Errorf("%s is no permissive licence that is known here", entry.Name())
		}
		names = append(names, name)
	}
	if len(names) == 0 {
		return nil, fmt.Errorf("no licence in %s", dir)
	}
	slices.Sort(names)
	return slices.Compact(names), nil
}

// identify returns the name of the licence with this text, "" if it is not known or not permissive.
func identify(text string) string {
	text = strings.Join(strings.Fields(text), " ")
	for _, words := range refused {
		if strings.Contains(text, words) {
			return ""
		}
	}
	for _, license := range permissive {
		if !slices.ContainsFunc(license.words, func(words string) bool { return !strings.Contains(text, words) }) {
			return license.name
		}
	}
	return ""
}
