// SPDX-License-Identifier: Apache-2.0

package v1alpha1

// IsFinishedPhase reports whether a task in this phase has ended, well or not.
func IsFinishedPhase(phase string) bool {
	return phase == PhaseCompleted || phase == PhaseFailed || phase == PhaseCancelled
}

// IsFinished reports whether the task has ended, well or not. A finished task can still be retried in Studio. It is
// false for nil, and for a task whose status is not written yet.
func (t *LivepeerTask) IsFinished() bool {
	return t != nil && IsFinishedPhase(t.Status.Phase)
}

// Succeeded reports whether the task has ended well, which is when its Ready condition is True and status.output is
// whole. It is false for nil, and for a task whose status is not written yet. A task that is finished but has not
// succeeded failed or was cancelled:
//
//	if task.IsFinished() && !task.Succeeded() {
//		log.Info("No result", "phase", task.Status.Phase, "why", task.Status.ErrorMessage)
//	}
func (t *LivepeerTask) Succeeded() bool {
	return t != nil && t.Status.Phase == PhaseCompleted
}

// OutputAsset returns the asset that an upload or a clip (or an old import or transcode) made, or nil where there is none:
// tasks of other types make none, and unfinished ones need not tell it. It is part of the task: copy it before changing it.
//
//	if asset := task.OutputAsset(); asset != nil && asset.VideoSpec != nil {
//		fmt.Println(asset.Name, asset.VideoSpec.Format)
//	}
func (t *LivepeerTask) OutputAsset() *AssetSpec {
	for _, output := range t.assetOutputs() {
		if output != nil && output.AssetSpec != nil {
			return output.AssetSpec
		}
	}
	return nil
}

// PlaybackURL returns the URL of the HLS playlist of what an upload or a clip made, as the printer column "Playback URL"
// shows it, or "" where the task names none. Of old tasks of type transcode it also finds the one that is a level deeper, which the
// column does not. Query values are masked, so that a signed URL does not play.
//
//	if url := task.PlaybackURL(); task.Succeeded() && url != "" {
//		publish(url)
//	}
func (t *LivepeerTask) PlaybackURL() string {
	for _, output := range t.assetOutputs() {
		if output != nil && output.AssetSpec != nil && output.AssetSpec.PlaybackURL != "" {
			return output.AssetSpec.PlaybackURL
		}
	}
	return ""
}

// assetOutputs are the outputs that may hold an asset, in the order of the printer column; each may be nil.
func (t *LivepeerTask) assetOutputs() []*AssetOutput {
	if t == nil || t.Status.Output == nil {
		return nil
	}
	output := t.Status.Output
	outputs := []*AssetOutput{output.Upload, output.Clip, output.Import}
	if output.Transcode != nil {
		outputs = append(outputs, &output.Transcode.AssetOutput, output.Transcode.Asset)
	}
	return outputs
}
