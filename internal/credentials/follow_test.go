// SPDX-License-Identifier: Apache-2.0

package credentials

import (
	"context"
	"io"
	"strconv"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	. "github.com/onsi/gomega"
	"k8s.io/apimachinery/pkg/types"
	apiwatch "k8s.io/apimachinery/pkg/watch"
)

// TestSecretsThatCannotBeWatched are read each time: what the last watch told may be long ago. Once they can be, a change is told at once.
func TestSecretsThatCannotBeWatched(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		g := NewWithT(t)
		k := following(t)
		told := 0
		k.OnChange(func(types.NamespacedName) { told++ })
		first, err := k.open()
		g.Expect(err).NotTo(HaveOccurred())
		synctest.Wait()
		k.watches[0].tell(apiwatch.Added, k.content.ResourceVersion)
		synctest.Wait()

		k.shut.Store(true)
		_ = k.watches[0].told.Close()
		<-time.After(2 * maxSecretWatchPause)
		synctest.Wait()
		k.content = aSecret("2", map[string]string{"apiKey": "b"})
		second, err := k.open()
		g.Expect(err).NotTo(HaveOccurred())
		g.Expect(second).NotTo(BeIdenticalTo(first))

		k.shut.Store(false)
		<-time.After(2 * maxSecretWatchPause)
		synctest.Wait()
		for n := 1; n < 10; n++ { // those that end by themselves
			g.Expect(k.watches).To(HaveLen(1 + n))
			k.watches[n].tell(apiwatch.Added, k.content.ResourceVersion)
			_ = k.watches[n].told.Close()
			<-time.After(2 * secretWatchPause)
			synctest.Wait()
		}
		g.Expect(told).To(Equal(2), "each change is told once")
	})
}

// watched is a Secret that was read, and whose watch has told what exists. end ends the watch.
func watched(t *testing.T) (k *keeper, first *thing, end func()) {
	k = newKeeper()
	k.watcher.ctx, end = context.WithCancel(t.Context())
	first, err := k.open()
	NewWithT(t).Expect(err).NotTo(HaveOccurred())
	synctest.Wait()
	k.watches[0].tell(apiwatch.Added, k.content.ResourceVersion)
	return k, first, end
}

// TestAWatchWhoseOtherEndIsGone ends nevertheless, and until then at the latest a change is noticed.
func TestAWatchWhoseOtherEndIsGone(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		g := NewWithT(t)
		k, first, end := watched(t)
		defer end()
		synctest.Wait()
		k.content = aSecret("2", map[string]string{"apiKey": "b"}) // and nobody tells
		<-time.After(3 * secretWatchTime)
		synctest.Wait()
		second, err := k.open()
		g.Expect(err).NotTo(HaveOccurred())
		g.Expect(second).NotTo(BeIdenticalTo(first))
		g.Expect(k.watches[0].closed).To(BeTrue())
		g.Expect(len(k.watches)).To(BeNumerically(">", 1))
	})
}

// TestBetweenTwoWatches: what changes there is not told, so the Secret is read.
func TestBetweenTwoWatches(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		g := NewWithT(t)
		k, first, end := watched(t)
		defer end()
		_ = k.watches[0].told.Close()
		synctest.Wait()
		k.content = aSecret("2", map[string]string{"apiKey": "b"})
		second, err := k.open()
		g.Expect(err).NotTo(HaveOccurred())
		g.Expect(k.watches).To(HaveLen(1))
		g.Expect(second).NotTo(BeIdenticalTo(first))
	})
}

// TestWatchesThatTellNothing are begun as seldom as those that can't be begun: a proxy may answer all of a thousand Secrets with a page.
func TestWatchesThatTellNothing(t *testing.T) {
	for name, answer := range map[string]string{
		"ended at once": "", "a page": "<html>", "expired": `{"type":"ERROR","object":{"kind":"Status","code":410}}`,
		"without a version": `{"type":"ADDED","object":{"kind":"Table","metadata":{}}}`,
	} {
		synctest.Test(t, func(t *testing.T) {
			ctx, end := context.WithCancel(t.Context())
			defer end()
			begun := 0
			w := NewWatcher(nil, func(context.Context, types.NamespacedName) (io.ReadCloser, error) {
				begun++
				return io.NopCloser(strings.NewReader(answer)), nil
			})
			go w.follow(ctx, ofMain, newSecretWatch(nil))
			<-time.After(time.Hour)
			synctest.Wait()
			if most := int(time.Hour/maxSecretWatchPause) + 10; begun > most {
				t.Errorf("%s: %d watches were begun within an hour, more than %d", name, begun, most)
			}
		})
	}
}

// TestAWatchOfNothing: a Secret that is not there yet is watched on at once, however often that watch has ended at its time, since it may
// be created meanwhile.
func TestAWatchOfNothing(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ctx, end := context.WithCancel(t.Context())
		defer end()
		begun := 0
		w := NewWatcher(nil, func(ctx context.Context, _ types.NamespacedName) (io.ReadCloser, error) {
			begun++
			stream, told := io.Pipe()
			context.AfterFunc(ctx, func() { _ = told.Close() })
			time.AfterFunc(secretWatchTime, func() { _ = told.Close() })
			return stream, nil
		})
		go w.follow(ctx, ofMain, newSecretWatch(nil))
		const times = 100
		<-time.After(times * (secretWatchTime + 2*secretWatchPause))
		synctest.Wait()
		if begun < times {
			t.Errorf("%d watches were begun, fewer than %d", begun, times)
		}
	})
}

// TestEventsOfAWatch: they may come in pieces, or several at once. What is no event ends the watch.
func TestEventsOfAWatch(t *testing.T) {
	event := func(version string) string {
		return `{"type":"MODIFIED","object":{"metadata":{"resourceVersion":"` + version + `"}}}`
	}
	for name, c := range map[string]struct {
		stream, version string
		ends            bool
	}{
		"one":                   {event("1") + "\n", "1", false},
		"several at once":       {event("1") + "\n" + event("2") + "\n" + event("3") + "\n", "3", false},
		"without a line's end":  {event("1") + event("2"), "2", false},
		"half of the next":      {event("1") + "\n" + event("2")[:20], "1", false},
		"a large one between":   {event("1") + `{"type":"MODIFIED","more":"` + strings.Repeat("x", 1<<16) + `",` + event("2")[19:] + event("3"), "3", false},
		"a deletion":            {event("1") + strings.Replace(event("2"), "MODIFIED", "DELETED", 1), "", false},
		"a bookmark":            {event("1") + strings.Replace(event("2"), "MODIFIED", "BOOKMARK", 1), "1", false},
		"an error":              {event("1") + `{"type":"ERROR","object":{"kind":"Status","code":410,"metadata":{"resourceVersion":"4"}}}`, "1", true},
		"without a version":     {event("1") + event(""), "1", true},
		"nothing":               {event("1") + "null\n", "1", true},
		"no JSON":               {event("1") + "<html>", "1", true},
		"another kind of value": {event("1") + `"MODIFIED"` + "\n", "1", true},
	} {
		synctest.Test(t, func(t *testing.T) {
			ctx, end := context.WithCancel(t.Context())
			defer end()
			open := newStream(ctx)
			w, watch := NewWatcher(nil, nil), newSecretWatch(nil)
			ended := false
			go func() {
				w.listen(ofMain, watch, open)
				ended = true
			}()
			go func() { _, _ = io.WriteString(open.told, c.stream) }()
			synctest.Wait()
			if watch.version != c.version || !watch.known || ended != c.ends || open.closed != c.ends {
				t.Errorf("%s: %+v, ended %v, closed %v", name, watch, ended, open.closed)
			}
		})
	}
}

// TestASecretThatChangesAllTheTime is told of once a second, so that the many sources that may name it are not connected anew all the time; and
// its last change is told.
func TestASecretThatChangesAllTheTime(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		g := NewWithT(t)
		k := following(t)
		var mu sync.Mutex
		var told []string
		version := k.content.ResourceVersion
		k.OnChange(func(types.NamespacedName) {
			mu.Lock()
			defer mu.Unlock()
			told = append(told, version)
		})
		_, err := k.open()
		g.Expect(err).NotTo(HaveOccurred())
		synctest.Wait()
		for n := range 100 {
			mu.Lock()
			version = strconv.Itoa(n + 2)
			mu.Unlock()
			k.watches[0].tell(apiwatch.Modified, strconv.Itoa(n+2))
			synctest.Wait()
			if n == 0 {
				g.Expect(told).To(Equal([]string{"2"}), "at once")
			}
			<-time.After(100 * time.Millisecond)
		}
		<-time.After(time.Second)
		synctest.Wait()
		g.Expect(len(told)).To(BeNumerically("<=", 10+tellBurst+2))
		g.Expect(told[len(told)-1]).To(Equal("101"))
		k.Forget(ofMain)
	})
}
