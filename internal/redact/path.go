// SPDX-License-Identifier: Apache-2.0

package redact

import "strings"

// maskPath masks what is a credential in the path of a URL: the stream key, at the end, where something is streamed to;
// what follows a segment that names a credential (/token/...); and the tokens in the addresses of webhooks.
func maskPath(scheme, host, path string) string {
	if len(path) < 2 {
		return path
	}
	segments := strings.Split(path, "/")
	stream := strings.HasPrefix(strings.ToLower(scheme), "rtmp")
	changed := false
	hook := strings.HasPrefix(strings.ToLower(host), "hooks.")
	for i, segment := range segments {
		before := ""
		if i > 0 {
			before = segments[i-1]
		}
		switch {
		case segment == "" || segment == Mask:
		case stream && i > 1 && i == len(segments)-1,
			hook && tokenLike(segment),
			tokenLike(segment) && !strings.Contains(segment, ".") && credentialKey(before),
			strings.HasPrefix(segment, "bot") && strings.IndexByte(segment, ':') > 0 && tokenLike(segment):
			segments[i], changed = Mask, true
		}
		hook = hook || segment == "hooks" || segment == "webhook" || segment == "webhooks"
	}
	if !changed {
		return path
	}
	return strings.Join(segments, "/")
}
