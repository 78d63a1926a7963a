// SPDX-License-Identifier: Apache-2.0

package task

import (
	"cmp"
	"fmt"
	"strings"
	"time"

	"github.com/livepeer/livepeer-task-operator/api/v1alpha1"
)

// made adds what the result is like, and how it is.
func (s *Section) made(t *v1alpha1.LivepeerTask, age func(time.Duration) string) {
	if asset := t.OutputAsset(); asset != nil {
		s.add("Media", media(asset, age))
		if asset.Status != nil {
			s.add("Asset status", state(asset.Status.Phase, asset.Status.ErrorMessage))
		}
	}
	if output := t.Status.Output; output != nil && output.TranscodeFile != nil {
		if input := output.TranscodeFile.InputVideo; input != nil {
			s.add("Input video", joined(seconds(input.Duration, age), size(input.Size)))
		}
		s.add("Request ID", output.TranscodeFile.RequestID)
	}
}

// media says what an asset is like: its format, the size of its picture, its length, its size.
func media(asset *v1alpha1.AssetSpec, age func(time.Duration) string) string {
	spec := cmp.Or(asset.VideoSpec, &v1alpha1.VideoSpec{})
	picture := ""
	for i := range spec.Tracks {
		if track := &spec.Tracks[i]; track.Width != nil && track.Height != nil && picture == "" {
			picture = fmt.Sprintf("%gx%g", *track.Width, *track.Height)
		}
	}
	return joined(cmp.Or(spec.Format, asset.Type), picture, seconds(spec.Duration, age), size(asset.Size))
}

// seconds is a length; "" where it is none that makes sense.
func seconds(n *float64, age func(time.Duration) string) string {
	const century = 100 * 365 * 24 * 3600
	if n == nil || !(*n > 0 && *n < century) {
		return ""
	}
	return age(time.Duration(*n * float64(time.Second)))
}

// size is a number of bytes as people read it, in powers of ten; "" where it makes no sense.
func size(n *float64) string {
	if n == nil || !(*n >= 0 && *n < 1e18) {
		return ""
	}
	switch {
	case *n >= 1e9:
		return fmt.Sprintf("%.1f GB", *n/1e9)
	case *n >= 1e6:
		return fmt.Sprintf("%.1f MB", *n/1e6)
	case *n >= 1e3:
		return fmt.Sprintf("%.1f kB", *n/1e3)
	}
	return fmt.Sprintf("%.0f B", *n)
}

func joined(parts ...string) string {
	var there []string
	for _, part := range parts {
		if part != "" {
			there = append(there, part)
		}
	}
	return strings.Join(there, ", ")
}

// OutputAsset is the ID of the asset that a task makes, as the task tells it, or else the asset itself.
func OutputAsset(t *v1alpha1.LivepeerTask) string {
	if asset := t.OutputAsset(); asset != nil {
		return cmp.Or(t.Spec.OutputAssetID, asset.ID)
	}
	return t.Spec.OutputAssetID
}

// creator is who made the asset, or asked for the file, as the user of Studio calls them.
func creator(t *v1alpha1.LivepeerTask) string {
	if asset := t.OutputAsset(); asset != nil && asset.CreatorID != nil {
		return asset.CreatorID.Value
	}
	if p := t.Spec.Params; p != nil && p.TranscodeFile != nil && p.TranscodeFile.CreatorID != nil {
		return p.TranscodeFile.CreatorID.Value
	}
	return ""
}
