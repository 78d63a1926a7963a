// SPDX-License-Identifier: Apache-2.0

package v1alpha1_test

import (
	"fmt"

	"github.com/livepeer/livepeer-task-operator/api/v1alpha1"
)

func ExampleLivepeerTask_PlaybackURL() {
	task := &v1alpha1.LivepeerTask{Status: v1alpha1.LivepeerTaskStatus{
		Phase: v1alpha1.PhaseCompleted,
		Output: &v1alpha1.TaskOutput{Upload: &v1alpha1.AssetOutput{AssetSpec: &v1alpha1.AssetSpec{
			PlaybackURL: "https://cdn.example.com/hls/27d2c5368ce097ae/index.m3u8",
		}}},
	}}
	if url := task.PlaybackURL(); task.Succeeded() && url != "" {
		fmt.Println(url)
	}
	// Output: https://cdn.example.com/hls/27d2c5368ce097ae/index.m3u8
}
