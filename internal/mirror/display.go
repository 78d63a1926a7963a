// SPDX-License-Identifier: Apache-2.0

package mirror

import (
	"net/url"
	"strings"

	"github.com/livepeer/livepeer-task-operator/api/v1alpha1"
	"github.com/livepeer/livepeer-task-operator/internal/redact"
)

// displayName returns a name that a person recognises a task by: that of the asset that it made, else the file name of
// its input; "" if there is neither. Both were masked before; the decoded file name is masked again.
func displayName(params *v1alpha1.TaskParams, status *v1alpha1.LivepeerTaskStatus, r *redact.Redactor) string {
	if asset := (&v1alpha1.LivepeerTask{Status: *status}).OutputAsset(); asset != nil && asset.Name != "" {
		return short(asset.Name)
	}
	name := fileName(sourceURL(params))
	if decoded, err := url.PathUnescape(name); err == nil { // else it is no escape, as in "100% mine.mp4"
		name = decoded
	}
	name, _ = r.PlainText(name)
	if strings.Contains(name, redact.Mask) {
		return ""
	}
	return short(name)
}

// sourceURL returns the URL of a task's input.
func sourceURL(params *v1alpha1.TaskParams) string {
	switch {
	case params == nil:
		return ""
	case params.Upload != nil:
		return params.Upload.URL
	case params.TranscodeFile != nil && params.TranscodeFile.Input != nil:
		return params.TranscodeFile.Input.URL
	case params.Clip != nil:
		return params.Clip.URL
	case params.Import != nil:
		return params.Import.URL
	case params.Transcode != nil:
		return params.Transcode.URL
	}
	return ""
}

// fileName returns the last part of a URL's path.
func fileName(address string) string {
	_, rest, _ := strings.Cut(address, "://")
	if end := strings.IndexAny(rest, "?#"); end >= 0 {
		rest = rest[:end]
	}
	_, path, _ := strings.Cut(rest, "/")
	path = strings.TrimRight(path, "/")
	return path[strings.LastIndexByte(path, '/')+1:]
}
