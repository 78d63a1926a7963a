// SPDX-License-Identifier: Apache-2.0

package mirror

import (
	"fmt"
	"strings"
	"testing"

	"github.com/livepeer/livepeer-task-operator/internal/redact"
)

func TestDisplayName(t *testing.T) {
	const secret = "Kn0wnS3cr3tValue"
	upload := func(url string) string { return fmt.Sprintf(`"params":{"upload":{"url":%q}}`, url) }
	for task, want := range map[string]string{
		`"type":"export"`: "",
		upload("https://cdn.example.com/a/holiday%20in%20Rome.mp4?token=x#y"):                                              "holiday in Rome.mp4",
		upload("https://cdn.example.com/a/b/"):                                                                             "b",
		upload("https://cdn.example.com/"):                                                                                 "",
		upload("https://cdn.example.com"):                                                                                  "",
		upload("holiday.mp4"):                                                                                              "",
		upload("ipfs://bafybeigdyrzt5sfp7udm7hu76uh7y26nf3efuylqabf3o/a.mp4"):                                              "a.mp4",
		upload("https://cdn.example.com/100% mine.mp4"):                                                                    "100% mine.mp4",
		upload("https://cdn.example.com/%4Bn0wnS3cr3tValue%zz"):                                                            "",
		upload("https://cdn.example.com/%zz"):                                                                              "%zz",
		upload("https://cdn.example.com/a%E2%80%AEb%0A%1B[31m.mp4"):                                                        "a b [31m.mp4",
		upload("https://cdn.example.com/token%3D" + secret + "x"):                                                          "",
		upload("https://cdn.example.com/%4Bn0wnS3cr3tValue"):                                                               "",
		upload("https://cdn.example.com/" + strings.Repeat("é", 70)):                                                       strings.Repeat("é", 59) + "…",
		upload("s3+https://key:secret@host/bucket/in.mp4"):                                                                 "in.mp4",
		`"params":{"import":{"url":"https://h/old.mp4"}}`:                                                                  "old.mp4",
		`"params":{"transcode":{"url":"https://h/older.mp4"}}`:                                                             "older.mp4",
		`"params":{"clip":{"url":"https://h/hls/x/index.m3u8"}}`:                                                           "index.m3u8",
		`"params":{"transcode-file":{"input":{"url":"s3+https://h/b/f.mov"}}}`:                                             "f.mov",
		upload("https://h/a.mp4") + `,"output":{"upload":{"assetSpec":{"name":"My\nholiday"}}}`:                            "My holiday",
		`"params":{"clip":{"url":"https://h/a.m3u8"}},"output":{"clip":{"assetSpec":{"name":"Goal"}}}`:                     "Goal",
		`"params":{"transcode":{"url":"https://h/a.mp4"}},"output":{"transcode":{"asset":{"assetSpec":{"name":"Small"}}}}`: "Small",
		upload("https://h/a.mp4") + `,"output":{"upload":{"assetSpec":{"id":"x"}}}`:                                        "a.mp4",
		upload("https://h/a.mp4") + `,"output":{"upload":{"assetSpec":{"name":"` + secret + `"}}}`:                         "[redacted]",
	} {
		o, err := Convert([]byte(`{"id":"A",`+task+`}`), redact.New(secret))
		if err != nil {
			t.Fatal(err)
		}
		if got := o.Status.DisplayName; got != want {
			t.Errorf("%s: %q, want %q", task, got, want)
		}
	}
}
