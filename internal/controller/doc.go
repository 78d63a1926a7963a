// SPDX-License-Identifier: Apache-2.0

// Package controller is where the parts meet: Setup wires them into a manager, and SourceReconciler says in each source's status
// how its mirroring goes. What to do is decided elsewhere: sourcesync mirrors, cloudevents sends, webhook receives.
package controller
