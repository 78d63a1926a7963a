// SPDX-License-Identifier: Apache-2.0

package task

import (
	"cmp"
	"fmt"
	"slices"
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
		results.add("Playback policy", policy(asset.PlaybackPolicy))
		results.stored(asset.Storage)
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

// Restricted says who may play what a URL of a task leads to, where that is not everybody: the URL alone is not enough then.
func Restricted(t *v1alpha1.LivepeerTask, url string) string {
	if asset := t.OutputAsset(); asset != nil && (url == asset.PlaybackURL || url == asset.DownloadURL) {
		return policy(asset.PlaybackPolicy)
	}
	return ""
}

func policy(p *v1alpha1.PlaybackPolicy) string {
	if p == nil {
		return ""
	}
	var rules []string
	switch p.Type {
	case "", "public":
	case "jwt":
		rules = append(rules, "jwt: a player needs a signed token")
	case "webhook":
		rules = append(rules, "webhook: it is asked who may play")
	default:
		rules = append(rules, p.Type)
	}
	if len(p.AllowedOrigins) > 0 && !slices.Contains(p.AllowedOrigins, "*") {
		rules = append(rules, "only on "+strings.Join(p.AllowedOrigins, ", "))
	}
	return strings.Join(rules, "; ")
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

// URLOf returns the URL of what an argument means, and the task that it came of; "" and nil where there is none. For an asset, what made
// it counts before what was made of it: its playback URL is what is looked for, not where it was exported to since.
func URLOf(arg string, tasks []v1alpha1.LivepeerTask) (string, *v1alpha1.LivepeerTask) {
	chosen := Choose(arg, tasks)
	if chosen != nil && !isAsset(arg, chosen) {
		if url := URL(chosen); url != "" {
			return url, chosen
		}
		return "", nil
	}
	found := OfAsset(arg, tasks)
	for _, comesOut := range []bool{true, false} {
		for _, t := range found {
			if url := URL(t); url != "" && strings.EqualFold(t.Spec.OutputAssetID, arg) == comesOut {
				return url, t
			}
		}
	}
	return "", nil
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
	r.metadata(ipfs.NFTMetadataGatewayURL, ipfs.NFTMetadataURL, ipfs.NFTMetadataCID)
}

// metadata adds where the metadata of an NFT is. It is none of the URLs that are looked for.
func (r *results) metadata(gateway, url, cid string) {
	r.add("NFT metadata", cmp.Or(gateway, url))
	r.add("NFT metadata CID", cid)
}

// stored adds where an asset is besides Studio, and what has become of that if it is not there.
func (r *results) stored(storage *v1alpha1.AssetStorage) {
	if storage == nil {
		return
	}
	if ipfs := storage.IPFS; ipfs != nil {
		r.add("Gateway URL", ipfs.GatewayURL)
		r.add("IPFS URL", ipfs.URL)
		r.add("IPFS CID", ipfs.CID)
		if nft := ipfs.NFTMetadata; nft != nil {
			r.metadata(nft.GatewayURL, nft.URL, nft.CID)
		}
	}
	if status := storage.Status; status != nil {
		r.add("IPFS storage", state(status.Phase, status.ErrorMessage))
	}
}

// state is a phase and what went wrong, or "" where all is well.
func state(phase, message string) string {
	switch {
	case message != "":
		return strings.TrimPrefix(phase+": ", ": ") + message
	case phase == "ready":
		return ""
	}
	return phase
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
