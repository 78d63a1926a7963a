// SPDX-License-Identifier: Apache-2.0

package task

import (
	"fmt"
	"strings"
	"time"

	"github.com/livepeer/livepeer-task-operator/api/v1alpha1"
)

// from is the URL that a task takes its file from.
func from(p *v1alpha1.TaskParams) string {
	switch {
	case p == nil:
		return ""
	case p.Upload != nil:
		return p.Upload.URL
	case p.TranscodeFile != nil && p.TranscodeFile.Input != nil:
		return p.TranscodeFile.Input.URL
	case p.Clip != nil:
		return p.Clip.URL
	case p.Import != nil:
		return p.Import.URL
	case p.Transcode != nil:
		return p.Transcode.URL
	}
	return ""
}

// to is the URL that a task brings its file to.
func to(p *v1alpha1.TaskParams) string {
	switch {
	case p == nil:
		return ""
	case p.Export != nil && p.Export.Custom != nil:
		return p.Export.Custom.URL
	case p.TranscodeFile != nil && p.TranscodeFile.Storage != nil:
		return p.TranscodeFile.Storage.URL
	}
	return ""
}

// asked says in a few words what a task was asked to do, beyond its type.
func asked(p *v1alpha1.TaskParams) string {
	var words []string
	switch {
	case p == nil:
	case p.Upload != nil:
		words = renditions(p.Upload.Profiles)
	case p.Export != nil && p.Export.IPFS != nil:
		words = []string{"export to IPFS"}
	case p.Export != nil && p.Export.Custom != nil:
		words = []string{strings.TrimSpace("export by HTTP " + p.Export.Custom.Method)}
	case p.ExportData != nil:
		words = with([]string{strings.TrimSpace("store data " + p.ExportData.Type)}, "ID", p.ExportData.ID)
	case p.TranscodeFile != nil:
		words = append(outputs(p.TranscodeFile.Outputs), renditions(p.TranscodeFile.Profiles)...)
	case p.Clip != nil:
		words = clip(p.Clip)
	case p.Import != nil:
		words = renditions(p.Import.Profiles)
	case p.Transcode != nil:
		profiles := p.Transcode.Profiles
		if p.Transcode.Profile != nil {
			profiles = append([]v1alpha1.TranscodeProfile{*p.Transcode.Profile}, profiles...)
		}
		words = renditions(profiles)
	}
	return strings.Join(words, "; ")
}

func renditions(profiles []v1alpha1.TranscodeProfile) []string {
	var names []string
	for i := range profiles {
		switch p := &profiles[i]; {
		case p.Name != "":
			names = append(names, p.Name)
		case p.Height != nil:
			names = append(names, fmt.Sprintf("%dp", *p.Height))
		case p.Bitrate != nil: // all that Studio requires
			names = append(names, fmt.Sprintf("%d bit/s", *p.Bitrate))
		default:
			names = append(names, "unnamed")
		}
	}
	if len(names) == 0 {
		return nil
	}
	return []string{"renditions " + strings.Join(names, ", ")}
}

func outputs(o *v1alpha1.TranscodeOutputs) []string {
	if o == nil {
		return nil
	}
	var names []string
	for _, output := range []struct {
		name string
		path *v1alpha1.OutputPath
	}{{"HLS", o.HLS}, {"MP4", o.MP4}, {"fragmented MP4", o.FMP4}} {
		switch {
		case output.path == nil:
		case output.path.Path == "":
			names = append(names, output.name)
		default:
			names = append(names, output.name+" at "+output.path.Path)
		}
	}
	if len(names) == 0 {
		return nil
	}
	return []string{"make " + strings.Join(names, ", ")}
}

// clip says what is clipped, and which part of it.
func clip(p *v1alpha1.ClipParams) []string {
	words := part(p.ClipStrategy)
	if p.ClipStrategy != nil {
		words = with(words, "playback ID", p.ClipStrategy.PlaybackID)
	}
	return with(with(words, "session", p.SessionID), "input", p.InputID)
}

// with adds what something is known by, where that is told.
func with(words []string, what, id string) []string {
	if id == "" {
		return words
	}
	return append(words, what+" "+id)
}

// part says which part is cut. Times are milliseconds since 1970, or nonsense.
func part(s *v1alpha1.ClipStrategy) []string {
	const year9999 = 253402300800000
	if s == nil || s.StartTime == nil || !(*s.StartTime >= 0 && *s.StartTime < year9999) {
		return nil
	}
	at := func(ms float64) time.Time { return time.UnixMilli(int64(ms)).UTC() }
	start := "from " + at(*s.StartTime).Format(time.RFC3339)
	if s.EndTime == nil || !(*s.EndTime >= *s.StartTime && *s.EndTime < year9999) {
		return []string{start}
	}
	length := at(*s.EndTime).Sub(at(*s.StartTime)).Round(time.Second)
	return []string{fmt.Sprintf("%s of playback %s", length, start)}
}
