// SPDX-License-Identifier: Apache-2.0

// Command tokens writes credentials as they look at many services, made up from the rules of gitleaks, for the tests of the
// masking. Run it in its directory: go run . > ../../internal/redact/testdata/tokens.tsv
package main

import (
	"bytes"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"regexp"
	"regexp/syntax"
	"runtime/debug"
	"strings"

	"github.com/BurntSushi/toml"
	"github.com/zricethezav/gitleaks/v8/config"
)

const (
	samples = 3
	seed    = 19
	// context is what the patterns of gitleaks begin with that ask for a name beside a value.
	context = `[\w.-]{0,50}?`
	// break is put into each credential, so that nothing that scans the repository takes it for one.
	mark = "·"
)

func main() {
	rules, err := load()
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	fmt.Printf("# Credentials as they look at many services: made up by hack/tokens from the rules of gitleaks %s,\n", version())
	fmt.Println("# https://github.com/gitleaks/gitleaks, Copyright (c) 2019 Zachary Rice, MIT License. None opens anything. The rule; form, where")
	fmt.Println("# the credential is known by how it looks, or the word that has to stand beside it; a text; and the credential in it.")
	fmt.Printf("# A %s in both is to be removed.\n", mark)
	random := rand.New(rand.NewPCG(seed, seed)) //nolint:gosec // the same each time, and no secret
	for _, rule := range rules.Rules {
		if rule.Regex == "" {
			continue
		}
		kind := "form"
		if strings.Contains(rule.Regex, context) {
			kind = rule.Keywords[0]
		}
		pattern := regexp.MustCompile(rule.Regex)
		for range samples {
			text, err := generate(rule.Regex, random)
			if err != nil {
				fmt.Fprintln(os.Stderr, rule.ID, err)
				os.Exit(1)
			}
			secret := secretOf(pattern, text, rule.SecretGroup)
			text = strings.TrimSpace(text)
			if kind != "form" {
				text = secret
			}
			if len(secret) >= 8 && !strings.ContainsAny(text, "\n\t") {
				fmt.Printf("%s\t%s\t%s\t%s\n", rule.ID, kind, strings.ReplaceAll(text, secret, broken(secret)), broken(secret))
			}
		}
	}
}

// broken puts the mark into a credential.
func broken(secret string) string {
	return secret[:3] + mark + secret[3:]
}

type rule struct {
	ID          string
	Regex       string
	Keywords    []string
	SecretGroup int
}

// load reads the rules that gitleaks comes with.
func load() (all struct{ Rules []rule }, err error) {
	_, err = toml.NewDecoder(bytes.NewReader([]byte(config.DefaultConfig))).Decode(&all)
	return all, err
}

func version() string {
	info, _ := debug.ReadBuildInfo()
	for _, dep := range info.Deps {
		if strings.Contains(dep.Path, "gitleaks") {
			return filepath.Base(dep.Version)
		}
	}
	return "?"
}

// secretOf returns what gitleaks takes for the credential in a text that matches.
func secretOf(pattern *regexp.Regexp, text string, group int) string {
	m := pattern.FindStringSubmatch(text)
	if m == nil {
		return ""
	}
	if group > 0 {
		return m[group]
	}
	longest := ""
	for _, s := range m[1:] {
		if len(s) > len(longest) {
			longest = s
		}
	}
	if len(longest) < 8 {
		return m[0][max(0, len(m[0])-60):]
	}
	return longest
}

// generate makes up a text that matches.
func generate(pattern string, random *rand.Rand) (string, error) {
	re, err := syntax.Parse(pattern, syntax.Perl)
	if err != nil {
		return "", err
	}
	var b strings.Builder
	(&writer{&b, pattern, random}).write(re)
	return b.String(), nil
}

type writer struct {
	*strings.Builder
	pattern string
	random  *rand.Rand
}

func (w *writer) write(re *syntax.Regexp) {
	switch re.Op {
	case syntax.OpLiteral:
		w.literal(re)
	case syntax.OpCharClass:
		w.WriteRune(class(re.Rune, w.random))
	case syntax.OpAnyChar, syntax.OpAnyCharNotNL:
		w.WriteByte('.')
	case syntax.OpCapture, syntax.OpConcat:
		for _, sub := range re.Sub {
			w.write(sub)
		}
	case syntax.OpAlternate:
		w.write(re.Sub[w.random.IntN(len(re.Sub))])
	case syntax.OpQuest, syntax.OpStar, syntax.OpPlus, syntax.OpRepeat:
		low, high := re.Min, re.Max
		switch re.Op {
		case syntax.OpQuest:
			low, high = 0, 1
		case syntax.OpStar:
			low, high = 0, 0
		case syntax.OpPlus:
			low, high = 8, 12
		}
		if high < low {
			high = low + 4
		}
		if high-low > 20 { // context, or something that may be long
			high = low
		}
		for range low + w.random.IntN(high-low+1) {
			if op := re.Sub[0].Op; op == syntax.OpAnyChar || op == syntax.OpAnyCharNotNL {
				w.WriteByte("abcdefgh23456789"[w.random.IntN(16)])
				continue
			}
			w.write(re.Sub[0])
		}
	}
}

// literal writes a literal as the pattern has it: where case doesn't matter, syntax forgets it.
func (w *writer) literal(re *syntax.Regexp) {
	s := string(re.Rune)
	if i := strings.Index(strings.ToLower(w.pattern), strings.ToLower(s)); re.Flags&syntax.FoldCase != 0 && i >= 0 {
		s = w.pattern[i : i+len(s)]
	}
	w.WriteString(s)
}

// class picks a character of a class: an ordinary one, if there is any.
func class(ranges []rune, random *rand.Rand) rune {
	first := '!'
	if len(ranges) > 2 && ranges[0] == ' ' { // a class with a space in it
		first = ' '
	}
	var all []rune
	for i := 0; i < len(ranges); i += 2 {
		for r := max(ranges[i], first); r <= min(ranges[i+1], '~'); r++ {
			all = append(all, r)
		}
	}
	if len(all) == 0 {
		return ranges[0]
	}
	return all[random.IntN(len(all))]
}
