// SPDX-License-Identifier: Apache-2.0

package studio

import (
	"encoding/pem"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	. "github.com/onsi/gomega"
)

// TestAnAnswerThatIsNotReadOnWaitsAtItsServer: while what was read is being written, or there is no room for more, no more than a little of
// the rest is in memory, whatever the server sends. Over HTTP/2, up to 4 MiB of each request would be.
func TestAnAnswerThatIsNotReadOnWaitsAtItsServer(t *testing.T) {
	g := NewWithT(t)
	var sent atomic.Int64
	server := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		_, _ = w.Write([]byte("["))
		text := strings.Repeat("x", 16<<10)
		for n := range 1000 {
			wrote, err := fmt.Fprintf(w, `{"id":"%d","a":%q},`, n, text)
			if err != nil {
				return
			}
			sent.Add(int64(wrote))
		}
	}))
	server.EnableHTTP2 = true
	server.StartTLS()
	t.Cleanup(server.Close)
	client, err := New(Config{
		BaseURL: server.URL + "/api", Key: NewKey("key"), Timeout: time.Minute,
		CA: pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: server.Certificate().Raw}),
	})
	g.Expect(err).NotTo(HaveOccurred())
	t.Cleanup(client.Close)
	begun, ended := make(chan struct{}), make(chan struct{})
	go func() {
		defer close(ended)
		_ = client.NewPass(Query{Whole: true}).Next(t.Context(), func(Task) bool {
			begun <- struct{}{}
			<-begun
			return false
		})
	}()
	<-begun
	last := int64(-1)
	g.Eventually(func() bool { // until nothing more is sent
		before := last
		last = sent.Load()
		return before == last
	}, time.Minute, 500*time.Millisecond).Should(BeTrue())
	t.Logf("%d KiB are sent", last>>10)
	g.Expect(last).To(BeNumerically("<", 1<<20))
	close(begun)
	<-ended
}
