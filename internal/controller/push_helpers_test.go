// SPDX-License-Identifier: Apache-2.0

package controller_test

import (
	"bytes"
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"net/http"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	. "github.com/onsi/gomega"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	ctrl "sigs.k8s.io/controller-runtime"

	"github.com/livepeer/livepeer-task-operator/api/v1alpha1"
	"github.com/livepeer/livepeer-task-operator/internal/controller"
	"github.com/livepeer/livepeer-task-operator/internal/studio/livepeertest"
	"github.com/livepeer/livepeer-task-operator/internal/webhook"
)

const hookSecret = "a-shared-secret-of-32-characters"

// pushed is a world whose operator receives webhooks. It polls once an hour unless the source says otherwise: what moves
// sooner was pushed.
type pushed struct {
	*world
	address string
	events  atomic.Int64
}

func pushing(t *testing.T, count int, change ...func(*v1alpha1.LivepeerTaskSourceSpec)) *pushed {
	t.Helper()
	p := &pushed{world: newWorld(t)}
	p.studio.Populate(count, 1)
	p.hookSecret(hookSecret)
	hourly := func(spec *v1alpha1.LivepeerTaskSourceSpec) { spec.Interval = metav1.Duration{Duration: time.Hour} }
	p.source("main", append([]func(*v1alpha1.LivepeerTaskSourceSpec){hourly}, change...)...)
	p.start()
	p.eventuallyReady("main", v1alpha1.ReasonSynced)
	p.path("main")
	return p
}

func (p *pushed) start() {
	p.address = freeAddress(p.world)
	p.startOperatorWith(ctrl.Options{}, controller.Config{Receiver: &webhook.Config{Address: p.address}})
}

// hookSecret stores the Secret with this webhookSecret.
func (p *pushed) hookSecret(secret string) {
	p.t.Helper()
	p.secretNamed("livepeer", map[string]string{"apiKey": livepeertest.APIKey, "webhookSecret": secret})
}

// path waits until a source says where its webhooks are received.
func (p *pushed) path(source string) string {
	p.t.Helper()
	p.Eventually(func() *v1alpha1.ReceiverStatus { return p.getSource(source).Status.Receiver }, soon, tick).ShouldNot(BeNil())
	return p.getSource(source).Status.Receiver.Path
}

func (p *pushed) noPath(source string) {
	p.t.Helper()
	p.Eventually(func() *v1alpha1.ReceiverStatus { return p.getSource(source).Status.Receiver }, soon, tick).Should(BeNil())
}

// event is what Studio says of a task as it is now.
func (p *pushed) event(id string) []byte {
	task, _ := p.studio.Get(id)
	return p.eventOf(id, task)
}

func (p *pushed) eventOf(id string, snapshot livepeertest.Task) []byte {
	body, err := json.Marshal(map[string]any{
		"id": fmt.Sprint("event-", p.events.Add(1)), "webhookId": "hook", "createdAt": 1, "timestamp": time.Now().UnixMilli(),
		"event": "task.updated", "payload": map[string]any{"task": map[string]any{"id": id, "type": "upload", "snapshot": snapshot}},
	})
	p.Expect(err).NotTo(HaveOccurred())
	return body
}

// deliver posts an event, signed, and answers the status; 0 where there was no answer.
func (p *pushed) deliver(body []byte, secret ...string) int {
	return deliver(p.ctx, "http://"+p.address+"/hooks/"+p.namespace+"/main", body, append(secret, hookSecret)[0])
}

func deliver(ctx context.Context, url string, body []byte, secret string) int {
	hash := hmac.New(sha256.New, []byte(secret))
	hash.Write(body)
	ctx, cancel := context.WithTimeout(ctx, time.Minute)
	defer cancel()
	request, err := http.NewRequestWithContext(ctx, http.MethodPost, url, bytes.NewReader(body))
	if err != nil {
		return 0
	}
	request.Header.Set("Content-Type", "application/json")
	request.Header.Set("Livepeer-Signature", "t=1,v1="+hex.EncodeToString(hash.Sum(nil)))
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		return 0
	}
	defer response.Body.Close()
	return response.StatusCode
}

// push says that a task has changed.
func (p *pushed) push(id string) {
	p.t.Helper()
	p.Eventually(func() int { return p.deliver(p.event(id)) }, soon, tick).Should(Equal(http.StatusAccepted))
}

// asked counts the requests to Studio: for single tasks, and for lists.
func (p *pushed) asked() (singles, lists int) {
	for _, request := range p.studio.Requests() {
		if request.Path == "/api/task" {
			lists++
		} else {
			singles++
		}
	}
	return singles, lists
}

// phase is that of a mirrored task; empty where there is none.
func (p *pushed) phase(id string) func() string {
	return func() string { return strings.Fields(p.mirroredStates()[id] + " - -")[0] }
}

// onSingles picks f for requests for one task, the first n of them; all where n is negative.
func onSingles(n int, f livepeertest.Fault) func(*http.Request) livepeertest.Fault {
	var seen atomic.Int64
	return func(r *http.Request) livepeertest.Fault {
		if livepeertest.IsList(r) || n >= 0 && seen.Add(1) > int64(n) {
			return livepeertest.Fault{}
		}
		return f
	}
}
