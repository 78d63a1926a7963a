// SPDX-License-Identifier: Apache-2.0

package term

import (
	"os"

	"golang.org/x/sys/windows"
)

// obeys has a console of Windows obey escape sequences, which it does only if it is asked to.
func obeys(file *os.File) bool {
	var mode uint32
	console := windows.Handle(file.Fd())
	if err := windows.GetConsoleMode(console, &mode); err != nil {
		return false
	}
	return windows.SetConsoleMode(console, mode|windows.ENABLE_VIRTUAL_TERMINAL_PROCESSING) == nil
}
