// SPDX-License-Identifier: Apache-2.0

package credentials

import (
	"bytes"
	"context"
	"encoding/json"
	"io"
	"time"

	"k8s.io/apimachinery/pkg/types"
	"k8s.io/apimachinery/pkg/util/wait"
	apiwatch "k8s.io/apimachinery/pkg/watch"
	"sigs.k8s.io/controller-runtime/pkg/log"
)

const (
	// Pauses between watches: the first after a watch that worked, the longest while none does.
	secretWatchPause    = time.Second
	maxSecretWatchPause = 30 * time.Second
	// Changes of a Secret are told of at once, and a second apart where there are many: after each, all sources that name it are connected
	// anew and polled, which they may be every second, too.
	tellRate  = 1
	tellBurst = 5
)

// follow watches one Secret until ctx ends, with one watch after the other.
func (w *Watcher) follow(ctx context.Context, secret types.NamespacedName, watch *secretWatch) {
	pauses := func() wait.Backoff {
		return wait.Backoff{
			Duration: secretWatchPause, Factor: 2, Jitter: 0.5, Steps: 10, Cap: maxSecretWatchPause,
		}
	}
	pause := pauses()
	for {
		begun := time.Now()
		if told := w.once(ctx, secret, watch); told || time.Since(begun) >= secretWatchTime { // or of a Secret that is not there
			pause = pauses()
		}
		timer := time.NewTimer(pause.Step())
		select {
		case <-ctx.Done():
			timer.Stop()
			return
		case <-timer.C:
		}
	}
}

// once watches a Secret until that watch ends, and reports whether it told anything. The API server ends it, unless it is gone, or what is
// between.
func (w *Watcher) once(ctx context.Context, secret types.NamespacedName, watch *secretWatch) (told bool) {
	bounded, end := context.WithTimeout(ctx, maxSecretWatchTime)
	defer end()
	var stream io.ReadCloser
	var err error
	aside(func() { stream, err = w.open(bounded, secret) })
	switch {
	case err == nil:
		told = w.listen(secret, watch, stream)
	case ctx.Err() == nil:
		log.FromContext(ctx).V(1).Info("Secret can't be watched for now", "secret", secret, "error", err.Error())
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	watch.known = false // it may change or be deleted before the next watch, and for a deletion there is no event then
	return told
}

// listen takes in the events of a watch until it ends, and reports whether there were any. It waits for the first byte of an event and
// reads the rest aside, so that a watch at rest, of which there may be thousands, takes 5 KB less than with client-go's StreamWatcher:
// that has one more goroutine, and keeps its buffers.
func (w *Watcher) listen(secret types.NamespacedName, watch *secretWatch, stream io.ReadCloser) (told bool) {
	defer func() { _ = stream.Close() }()
	first := make([]byte, 1)
	for rest := io.Reader(stream); rest != nil; {
		if _, err := io.ReadFull(rest, first); err != nil {
			return told
		}
		if first[0] == '\n' { // between two events
			continue
		}
		aside(func() {
			var news *event
			if news, rest = decode(io.MultiReader(bytes.NewReader(first), rest)); news != nil {
				told = true
				w.note(secret, watch, news)
			}
		})
	}
	return told
}

// aside does work that needs a large stack in a goroutine of its own, and waits: the stack of a long-lived goroutine would stay as large.
func aside(work func()) {
	done := make(chan struct{})
	go func() {
		defer close(done)
		work()
	}()
	<-done
}

// event is one of a watch, of an object that is told of as a table.
type event struct {
	Type   apiwatch.EventType `json:"type"`
	Object struct {
		Metadata struct {
			ResourceVersion string `json:"resourceVersion"`
		} `json:"metadata"`
	} `json:"object"`
}

// decode reads one event, and returns what follows it; nil where the watch is over.
func decode(stream io.Reader) (told *event, rest io.Reader) {
	events := json.NewDecoder(stream)
	if err := events.Decode(&told); err != nil || told == nil || told.Type == apiwatch.Error || told.Object.Metadata.ResourceVersion == "" {
		return nil, nil
	}
	return told, io.MultiReader(events.Buffered(), stream)
}

// note keeps what an event says of the Secret: its version.
func (w *Watcher) note(secret types.NamespacedName, watch *secretWatch, told *event) {
	version := told.Object.Metadata.ResourceVersion
	switch told.Type {
	case apiwatch.Deleted:
		version = ""
	case apiwatch.Bookmark: // of no object
		return
	}
	w.mu.Lock()
	news := version != watch.version && !watch.due // else that is told of with what is due
	watch.version, watch.known = version, true
	pause := time.Duration(0)
	if news {
		pause = watch.turns.Reserve().Delay()
		watch.due = pause > 0
	}
	w.mu.Unlock()
	switch {
	case news && pause > 0:
		time.AfterFunc(pause, func() {
			w.mu.Lock()
			watch.due = false
			w.mu.Unlock()
			w.notify(secret)
		})
	case news:
		w.notify(secret)
	}
}

// notify tells of every source that refers to the Secret.
func (w *Watcher) notify(secret types.NamespacedName) {
	w.mu.Lock()
	var told []func()
	for of, used := range w.refs {
		if tell, ok := w.changed[of.field]; ok && used == secret {
			told = append(told, func() { tell(of.source) })
		}
	}
	w.mu.Unlock()
	for _, tell := range told {
		tell()
	}
}
