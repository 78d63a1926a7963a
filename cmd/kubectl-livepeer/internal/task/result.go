// SPDX-License-Identifier: Apache-2.0

package task

import (
	"fmt"
	"strings"

	"github.com/livepeer/livepeer-task-operator/api/v1alpha1"
)

// Result is one thing that came of a task.
type Result struct{ Label, Value string }

// Results returns what came of a task, the most useful URL first.
func Results(t *v1alpha1.LivepeerTask) []Result {
	results := &results{}
	results.add("Playback URL", t.PlaybackURL())
	if asset := t.OutputAsset(); asset != nil {
		results.add("Download URL", asset.DownloadURL)
		results.add("Playback ID", asset.PlaybackID)
		if asset.Storage != nil && asset.Storage.IPFS != nil {
			results.add("IPFS URL", asset.Storage.IPFS.URL)
			results.add("IPFS CID", asset.Storage.IPFS.CID)
		}
	}
	if output := t.Status.Output; output != nil {
		results.export(output.Export)
		if output.ExportData != nil && output.ExportData.IPFS != nil {
			results.cid("IPFS URL", output.ExportData.IPFS.CID)
			results.add("IPFS CID", output.ExportData.IPFS.CID)
		}
		results.transcoded(output.TranscodeFile)
	}
	if params := t.Spec.Params; params != nil && params.Export != nil && params.Export.Custom != nil && t.Succeeded() {
		results.add("Export URL", params.Export.Custom.URL)
	}
	return *results
}

// URL returns the first URL among the results, or "".
func URL(t *v1alpha1.LivepeerTask) string {
	for _, result := range Results(t) {
		if strings.HasSuffix(result.Label, "URL") {
			return result.Value
		}
	}
	return ""
}

// URLOf returns the URL of what an argument means. For an asset, what made it counts before what was made of it: its playback URL is
// what is looked for, not where it was exported to since.
func URLOf(arg string, tasks []v1alpha1.LivepeerTask) string {
	chosen := Choose(arg, tasks)
	if chosen == nil {
		return ""
	}
	if !isAsset(arg, chosen) {
		return URL(chosen)
	}
	found := OfAsset(arg, tasks)
	for _, comesOut := range []bool{true, false} {
		for _, t := range found {
			if url := URL(t); url != "" && strings.EqualFold(t.Spec.OutputAssetID, arg) == comesOut {
				return url
			}
		}
	}
	return ""
}

// isAsset reports whether an argument that means this task is the ID of an asset.
func isAsset(arg string, t *v1alpha1.LivepeerTask) bool {
	return !strings.EqualFold(t.Spec.ID, arg) && !strings.EqualFold(t.Name, arg)
}

type results []Result

func (r *results) add(label, value string) {
	if value != "" {
		*r = append(*r, Result{label, value})
	}
}

func (r *results) cid(label, cid string) {
	if cid != "" {
		r.add(label, "ipfs://"+cid)
	}
}

func (r *results) export(output *v1alpha1.ExportOutput) {
	if output == nil || output.IPFS == nil {
		return
	}
	ipfs := output.IPFS
	r.add("Gateway URL", ipfs.VideoFileGatewayURL)
	r.add("IPFS URL", ipfs.VideoFileURL)
	r.add("IPFS CID", ipfs.VideoFileCID)
	r.add("NFT metadata CID", ipfs.NFTMetadataCID)
}

// transcoded adds the whole URL of each output where its storage has one, else its path.
func (r *results) transcoded(output *v1alpha1.TranscodeFileOutput) {
	if output == nil {
		return
	}
	add := func(label, path string) {
		if output.BaseURL == "" || path == "" {
			r.add(label+" path", path)
			return
		}
		r.add(label+" URL", strings.TrimRight(output.BaseURL, "/")+"/"+strings.TrimLeft(path, "/"))
	}
	if output.HLS != nil {
		add("HLS", output.HLS.Path)
	}
	for i, mp4 := range output.MP4 {
		label := "MP4"
		if len(output.MP4) > 1 {
			label = fmt.Sprintf("MP4 %d", i+1)
		}
		add(label, mp4.Path)
	}
}
