// SPDX-License-Identifier: Apache-2.0

// Package controller wires the operator together: Setup adds all parts to a manager, and SourceReconciler reports in each source's
// status how its mirroring goes. The work is done elsewhere: sourcesync mirrors, cloudevents sends, webhook receives.
package controller
