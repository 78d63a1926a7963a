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
	return ok && term.IsTerminal(int(file.Fd())) //nolint:gosec // A file descriptor fits.
}

// Size returns the columns and rows of the terminal that is written to; 0 and 0 where it is none. The variable COLUMNS, which a
// script may set, counts for what is no terminal.
func Size(out io.Writer) (columns, rows int) {
	if file, ok := out.(*os.File); ok {
		if columns, rows, err := term.GetSize(int(file.Fd())); err == nil { //nolint:gosec // Likewise.
			return columns, rows
		}
	}
	if columns, err := strconv.Atoi(os.Getenv("COLUMNS")); err == nil && columns > 0 {
		return columns, 0
	}
	return 0, 0
}
