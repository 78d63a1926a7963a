// SPDX-License-Identifier: Apache-2.0

package term

import (
	"io"
	"os"
	"strconv"

	"golang.org/x/term"
)

// IsTerminal reports whether a person reads or writes there.
func IsTerminal(stream any) bool {
	file, ok := stream.(*os.File)
	return ok && term.IsTerminal(int(file.Fd()))
}

// CanDraw reports whether a terminal is written to that obeys escape sequences.
func CanDraw(out io.Writer) bool {
	file, ok := out.(*os.File)
	return ok && term.IsTerminal(int(file.Fd())) && os.Getenv("TERM") != "dumb" && obeys(file)
}

// Size returns the columns and rows of the terminal that is written to; 0 and 0 where it is none. The variable COLUMNS, which a
// script may set, counts for what is no terminal.
func Size(out io.Writer) (columns, rows int) {
	if file, ok := out.(*os.File); ok {
		if columns, rows, err := term.GetSize(int(file.Fd())); err == nil {
			return columns, rows
		}
	}
	if columns, err := strconv.Atoi(os.Getenv("COLUMNS")); err == nil && columns > 0 {
		return columns, 0
	}
	return 0, 0
}
