// SPDX-License-Identifier: Apache-2.0

package task

import (
	"fmt"
	"testing"

	"github.com/livepeer/livepeer-task-operator/api/v1alpha1"
)

// made lets an upload have made an asset.
func made(name string) func(*v1alpha1.LivepeerTask) {
	return func(t *v1alpha1.LivepeerTask) {
		t.Status.Output = &v1alpha1.TaskOutput{Upload: &v1alpha1.AssetOutput{AssetSpec: &v1alpha1.AssetSpec{
			Name: name, PlaybackURL: "https://cdn.example.com/" + name, DownloadURL: "https://download.example.com", PlaybackID: "27d2",
		}}}
	}
}

func output(o v1alpha1.TaskOutput) func(*v1alpha1.LivepeerTask) {
	return func(t *v1alpha1.LivepeerTask) { t.Status.Output = &o }
}

func custom(t *v1alpha1.LivepeerTask) {
	t.Spec.Params = &v1alpha1.TaskParams{Export: &v1alpha1.ExportParams{Custom: &v1alpha1.CustomExport{URL: "https://mine.example.com/f", Method: "PUT"}}}
}

func TestURL(t *testing.T) {
	for _, c := range []struct {
		task v1alpha1.LivepeerTask
		want string
	}{
		{at(0, "x", "completed", made("a")), "https://cdn.example.com/a"},
		{at(0, "x", "completed", output(v1alpha1.TaskOutput{Export: &v1alpha1.ExportOutput{IPFS: &v1alpha1.ExportIPFSOutput{
			VideoFileCID: "bafy", VideoFileURL: "ipfs://bafy", VideoFileGatewayURL: "https://gateway.example.com/bafy",
		}}})), "https://gateway.example.com/bafy"},
		{at(0, "x", "completed", output(v1alpha1.TaskOutput{ExportData: &v1alpha1.ExportDataOutput{IPFS: &v1alpha1.ExportDataIPFSOutput{CID: "bafy"}}})), "ipfs://bafy"},
		{at(0, "x", "completed", output(v1alpha1.TaskOutput{TranscodeFile: &v1alpha1.TranscodeFileOutput{
			BaseURL: "s3+https://storage.example.com/bucket/", HLS: &v1alpha1.OutputPath{Path: "/hls/index.m3u8"},
		}})), "s3+https://storage.example.com/bucket/hls/index.m3u8"},
		{at(0, "x", "completed", output(v1alpha1.TaskOutput{TranscodeFile: &v1alpha1.TranscodeFileOutput{
			MP4: []v1alpha1.OutputPath{{Path: "a.mp4"}, {Path: "b.mp4"}},
		}})), ""},
		{at(0, "x", "completed", custom), "https://mine.example.com/f"},
		{at(0, "x", "running", custom), ""},
		{at(0, "x", "completed"), ""},
	} {
		if got := URL(&c.task); got != c.want {
			t.Errorf("%q, not %q", got, c.want)
		}
	}
}

func TestResults(t *testing.T) {
	stored := at(0, "x", "completed", made("a"))
	stored.Status.Output.Upload.AssetSpec.Storage = &v1alpha1.AssetStorage{IPFS: &v1alpha1.AssetIPFS{URL: "ipfs://bafy", CID: "bafy"}}
	transcoded := at(0, "x", "completed", output(v1alpha1.TaskOutput{TranscodeFile: &v1alpha1.TranscodeFileOutput{
		BaseURL: "s3+https://h/b", HLS: &v1alpha1.OutputPath{}, MP4: []v1alpha1.OutputPath{{Path: "a.mp4"}, {Path: "b.mp4"}},
	}}))
	for want, task := range map[string]*v1alpha1.LivepeerTask{
		"[{Playback URL https://cdn.example.com/a} {Download URL https://download.example.com} {Playback ID 27d2} {IPFS URL ipfs://bafy} {IPFS CID bafy}]": &stored,
		"[{MP4 1 URL s3+https://h/b/a.mp4} {MP4 2 URL s3+https://h/b/b.mp4}]":                                                                              &transcoded,
	} {
		if got := fmt.Sprint(Results(task)); got != want {
			t.Errorf("%s, not %s", got, want)
		}
	}
}

func TestURLOfAnAssetIsWhereItPlays(t *testing.T) {
	tasks := []v1alpha1.LivepeerTask{
		at(1, "upload", "completed", assets("", "asset"), made("a")),
		at(5, "export", "completed", assets("asset", ""), custom),
		at(6, "export-failed", "failed", assets("asset", "")),
		at(7, "of-other", "completed", assets("stream", "other"), custom),
	}
	for arg, want := range map[string]string{
		"asset": "https://cdn.example.com/a", "export": "https://mine.example.com/f", "export-failed": "", "stream": "https://mine.example.com/f", "nope": "",
	} {
		if got := URLOf(arg, tasks); got != want {
			t.Errorf("%s: %q, not %q", arg, got, want)
		}
	}
}

func TestAsked(t *testing.T) {
	for _, c := range []struct {
		params *v1alpha1.TaskParams
		want   string
	}{
		{nil, "  "},
		{&v1alpha1.TaskParams{Export: &v1alpha1.ExportParams{IPFS: &v1alpha1.IPFSExport{}}}, "export to IPFS  "},
		{&v1alpha1.TaskParams{Export: &v1alpha1.ExportParams{Custom: &v1alpha1.CustomExport{Method: "PUT", URL: "https://a.example.com/b"}}}, "export by HTTP PUT  a.example.com"},
		{&v1alpha1.TaskParams{ExportData: &v1alpha1.ExportDataParams{Type: "attestation"}}, "store data attestation  "},
		{&v1alpha1.TaskParams{TranscodeFile: &v1alpha1.TranscodeFileParams{
			Input: &v1alpha1.FileLocation{URL: "https://in.example.com/f"}, Storage: &v1alpha1.FileLocation{URL: "s3+https://xxx:xxx@out.example.com"},
			Outputs: &v1alpha1.TranscodeOutputs{HLS: &v1alpha1.OutputPath{}, FMP4: &v1alpha1.OutputPath{}},
		}}, "make HLS, fragmented MP4 in.example.com out.example.com"},
		{&v1alpha1.TaskParams{Clip: &v1alpha1.ClipParams{URL: "https://play.example.com/x", ClipStrategy: &v1alpha1.ClipStrategy{
			StartTime: new(1587667174000.), EndTime: new(1587667204000.),
		}}}, "30s of playback from 2020-04-23T18:39:34Z play.example.com "},
	} {
		if got := fmt.Sprint(asked(c.params), " ", host(from(c.params)), " ", host(to(c.params))); got != c.want {
			t.Errorf("%q, not %q", got, c.want)
		}
	}
}
