// SPDX-License-Identifier: Apache-2.0

package doctor

import (
	"errors"
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	appsv1 "k8s.io/api/apps/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/livepeer/livepeer-task-operator/api/v1alpha1"
)

func expect(t *testing.T, c Check, level Level, parts ...string) {
	t.Helper()
	for _, part := range parts {
		if !strings.Contains(c.String(), part) {
			t.Errorf("%q lacks %q", c, part)
		}
	}
	if c.Level != level || level != OK && c.Next == "" {
		t.Errorf("%q is not %s with a next step", c, level)
	}
}

func TestCRDs(t *testing.T) {
	expect(t, CRDs(true, nil, nil), OK, "installed")
	expect(t, CRDs(false, nil, nil), Fail, "not installed", "kubectl apply")
	expect(t, CRDs(true, []string{"a", "b", "c", "d", "e"}, nil), Fail, "a, b, c and 2 more")
	if c := CRDs(true, []string{"a", "b", "c"}, nil); !strings.HasSuffix(c.Finding, "a, b, c") {
		t.Error(c)
	}
	expect(t, CRDs(true, nil, errors.New("no answer")), Warn, "no answer")
}

// TestSentences: a message that ends with a full stop goes on with one semicolon.
func TestSentences(t *testing.T) {
	line := Check{Fail, "source main", "Unavailable: It is not there.", "see docs"}.String()
	if line != "fail  source main: Unavailable: It is not there; see docs" {
		t.Error(line)
	}
	if line := (Check{OK, "source main", "Synced: all is well.", ""}).String(); line != "ok    source main: Synced: all is well." {
		t.Error(line)
	}
}

func TestMissingFields(t *testing.T) {
	document := `{"components": {"schemas": {
		"org.livepeer.studio.v1alpha1.LivepeerTask": {"properties": {"spec": {"properties": {"id": {}}}}},
		"org.livepeer.studio.v1alpha1.LivepeerTaskList": {}}}}`
	missing, err := MissingFields([]byte(document))
	if err != nil {
		t.Fatal(err)
	}
	if !slices.IsSorted(missing) {
		t.Error(missing)
	}
	all := " " + strings.Join(missing, " ") + " "
	for _, field := range []string{"LivepeerTask.spec.type", "LivepeerTask.status", "LivepeerTaskSource"} {
		if !strings.Contains(all, " "+field+" ") {
			t.Errorf("%s is not in %s", field, all)
		}
	}
	if strings.Contains(all, "spec.id") || strings.Contains(all, "status.phase") {
		t.Error(all)
	}
	if _, err := MissingFields([]byte("<html>")); err == nil {
		t.Error("that is no document")
	}
}

func TestOperator(t *testing.T) {
	deployment := func(replicas *int32, ready int32) []appsv1.Deployment {
		return []appsv1.Deployment{{
			ObjectMeta: metav1.ObjectMeta{Namespace: "system", Name: "manager"},
			Spec:       appsv1.DeploymentSpec{Replicas: replicas}, Status: appsv1.DeploymentStatus{ReadyReplicas: ready},
		}}
	}
	for _, c := range []struct {
		deployments []appsv1.Deployment
		err         error
		level       Level
		says        string
	}{
		{deployment(nil, 1), nil, OK, "system/manager, 1 of 1 replicas ready"},
		{deployment(new(int32(2)), 1), nil, Warn, "kubectl -n system describe deployment manager"},
		{deployment(new(int32(2)), 0), nil, Fail, "kubectl -n system logs deployment/manager"},
		{deployment(new(int32(0)), 0), nil, Fail, "--replicas=1"},
		{nil, nil, Fail, "no Deployment"},
		{nil, errors.New("forbidden"), Warn, "forbidden"},
	} {
		expect(t, Operator(c.deployments, c.err)[0], c.level, c.says)
	}
	besides := operator("manager")
	besides.Spec.Template.Spec.Containers[0].Image, besides.Spec.Template.Spec.Containers[1].Image = "proxy:v1", "operator:v2"
	expect(t, Operator([]appsv1.Deployment{besides}, nil)[0], Fail, "0 of 1 replicas ready, operator:v2")
}

func TestRights(t *testing.T) {
	expect(t, Rights("media", []Right{{"list", "tasks", true, true}, {"patch", "sources", true, false}}, nil), OK, "you may list tasks, patch sources in media")
	expect(t, Rights("media", []Right{{"list", "tasks", true, true}, {"patch", "sources", false, false}}, nil), Warn, "you may not patch sources")
	expect(t, Rights("media", []Right{{"list", "tasks", false, true}, {"patch", "sources", false, false}}, nil), Fail, "list tasks, patch sources")
	expect(t, Rights("media", nil, errors.New("no answer")), Warn, "no answer")
}

var now = time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)

// a source that is well.
func well(change ...func(*v1alpha1.LivepeerTaskSource)) *v1alpha1.LivepeerTaskSource {
	s := &v1alpha1.LivepeerTaskSource{ObjectMeta: metav1.ObjectMeta{Namespace: "media", Name: "main"}}
	s.Spec.URL, s.Spec.SecretRef.Name, s.Spec.Interval.Duration = "https://livepeer.studio/api", "livepeer", 10*time.Second
	s.Status.LastPollTime = new(metav1.NewTime(now.Add(-4 * time.Minute)))
	s.Status.Conditions = []metav1.Condition{{Type: "Ready", Status: "True", Reason: "Synced", Message: "mirrored"}}
	for _, f := range change {
		f(s)
	}
	return s
}

func says(reason string) func(*v1alpha1.LivepeerTaskSource) {
	return func(s *v1alpha1.LivepeerTaskSource) {
		s.Status.Conditions[0].Status, s.Status.Conditions[0].Reason = "False", reason
	}
}

func receiving(status metav1.ConditionStatus, path string) func(*v1alpha1.LivepeerTaskSource) {
	return func(s *v1alpha1.LivepeerTaskSource) {
		s.Status.Conditions = append(s.Status.Conditions, metav1.Condition{Type: "Receiving", Status: status, Reason: "R", Message: "why"})
		if path != "" {
			s.Status.Receiver = &v1alpha1.ReceiverStatus{Path: path}
		}
	}
}

func TestReady(t *testing.T) {
	expect(t, Ready(well()), OK, "Synced: mirrored")
	for reason, level := range map[string]Level{"Unauthorized": Fail, "PruningPaused": Fail, "Syncing": Warn, "Unavailable": Fail, "Conflict": Fail} {
		expect(t, Ready(well(says(reason))), level, reason)
	}
	expect(t, Ready(well(says("PruningPaused"))), Fail, "confirm-deletion main")
	expect(t, Ready(well(says("Conflict"))), Fail, "docs/runbook.md says what to do about Conflict")
	expect(t, Ready(&v1alpha1.LivepeerTaskSource{}), Warn, "has not looked at this source yet")
	suspended := well(func(s *v1alpha1.LivepeerTaskSource) {
		s.Spec.Suspend, s.Status.Conditions[0].Reason = true, "Suspended"
	})
	expect(t, Ready(suspended), Warn, "resume main")
	if checks := Source(suspended, Secret{}, now); len(checks) != 1 {
		t.Errorf("a suspended source is not polled: %v", checks)
	}
}

// TestEveryReasonIsJudged: of each reason why a source of this version is not ready, host knows what it says of Studio's answers.
func TestEveryReasonIsJudged(t *testing.T) {
	constants, err := os.ReadFile("../../../../api/v1alpha1/constants.go")
	if err != nil {
		t.Fatal(err)
	}
	_, group, _ := strings.Cut(string(constants), "// Reasons of a LivepeerTaskSource's conditions.")
	group, _, _ = strings.Cut(group, "\n)")
	reasons := regexp.MustCompile(`Reason\w+ = "(\w+)"`).FindAllStringSubmatch(group, -1)
	if len(reasons) < 15 {
		t.Fatalf("only %d reasons", len(reasons))
	}
	for _, reason := range reasons {
		source := well(says(reason[1]))
		ready := slices.Contains([]string{v1alpha1.ReasonSynced, v1alpha1.ReasonSuspended}, reason[1])
		if c := host(source); !ready && strings.Contains(c.Finding, "is not known") {
			t.Errorf("%s: add it to host, or to elsewhere: %s", reason[1], c)
		}
	}
}

func TestSecret(t *testing.T) {
	expect(t, secretOf(well(), Secret{true, true, true, "Opaque"}), OK, "has an apiKey")
	expect(t, secretOf(well(), Secret{true, false, false, ""}), Fail, "kubectl -n media create secret generic livepeer")
	expect(t, secretOf(well(), Secret{true, true, false, "Opaque"}), Fail, "has no apiKey")
	expect(t, secretOf(well(), Secret{true, true, true, "kubernetes.io/tls"}), Fail, "kubernetes.io/tls")
	if checks := Source(well(), Secret{true, true, true, "Opaque"}, now); len(checks) != 6 {
		t.Errorf("condition, Secret, host, poll, tasks, webhooks: %v", checks)
	}
	for _, c := range Source(well(), Secret{}, now) {
		if strings.Contains(c.Finding, "Secret") {
			t.Errorf("what may not be read is not judged: %s", c)
		}
	}
}

func TestHost(t *testing.T) {
	expect(t, host(well()), OK, "livepeer.studio answers")
	for reason, level := range map[string]Level{
		"Unavailable": Fail, "Malformed": Fail, "InvalidURL": Fail, "Unauthorized": Fail, "Forbidden": Fail, "RateLimited": Warn,
	} {
		expect(t, host(well(says(reason))), level, "livepeer.studio")
	}
	expect(t, host(well(says("PruningPaused"))), OK, "livepeer.studio answers")
	expect(t, host(well(says("ReasonOfANewerOperator"))), Warn, "not known")
	for _, address := range []string{"studio.local", "http://%zz"} {
		expect(t, host(well(func(s *v1alpha1.LivepeerTaskSource) { s.Spec.URL = address })), OK, address+" answers")
	}
	expect(t, host(well(says("Unauthorized"))), Fail, "store another apiKey")
	// The operator may lack the right to read the Secret: then Studio was never asked.
	expect(t, host(well(says("Forbidden"))), Fail, "or the cluster refuses the operator", "message above says which")
	expect(t, host(well(func(s *v1alpha1.LivepeerTaskSource) { s.Status.LastPollTime = nil })), Warn, "not answered")
}

func TestPoll(t *testing.T) {
	expect(t, poll(well(), now), OK, "last poll 4m ago", "every 10s")
	// The status tells the time of a poll at most once in 5 minutes.
	expect(t, poll(well(), now.Add(6*time.Minute)), OK)
	expect(t, poll(well(), now.Add(7*time.Minute)), Fail, "last poll 11m ago", "although it is polled every 10s")
	never := well(func(s *v1alpha1.LivepeerTaskSource) { s.Spec.Interval.Duration = 150 * 365 * 24 * time.Hour })
	expect(t, poll(never, now.Add(time.Hour)), OK)
	slow := well(func(s *v1alpha1.LivepeerTaskSource) { s.Spec.Interval.Duration = time.Hour })
	expect(t, poll(slow, now.Add(3*time.Hour)), OK)
	expect(t, poll(well(func(s *v1alpha1.LivepeerTaskSource) { s.Status.LastPollTime = nil }), now), Warn, "never polled")
}

func TestWebhooks(t *testing.T) {
	expect(t, webhooks(well()), OK, "within 10s", "docs/push.md")
	expect(t, webhooks(well(receiving("True", "/hooks/media/main"))), OK, "/hooks/media/main", "kubectl livepeer webhook main")
	expect(t, webhooks(well(receiving("True", ""))), Warn, "no path")
	expect(t, webhooks(well(receiving("False", ""))), Warn, "R: why")
	if Failed([]Check{{Level: OK}, {Level: Warn}}) || !Failed([]Check{{Level: Fail}}) {
		t.Error("a warning is no failure")
	}
}

func TestTasks(t *testing.T) {
	expect(t, tasks(well()), OK, "0 tasks mirrored")
	bounded := well(func(s *v1alpha1.LivepeerTaskSource) {
		s.Spec.Types, s.Status.Tasks = []string{"upload", "clip"}, v1alpha1.TaskCounts{Total: 87, Omitted: 1200}
	})
	expect(t, tasks(bounded), OK, "87 tasks mirrored, of the types upload, clip only (spec.types), without 1200 finished ones beyond spec.history")
	stalled := well(func(s *v1alpha1.LivepeerTaskSource) { s.Status.Tasks = v1alpha1.TaskCounts{Total: 3, Stalled: 2} })
	expect(t, tasks(stalled), Warn, "2 are under way without an update")
}

// TestDelivery: who sends CloudEvents is told where they do not arrive.
func TestDelivery(t *testing.T) {
	delivers := func(status metav1.ConditionStatus, reason string) *v1alpha1.LivepeerTaskSource {
		return well(func(s *v1alpha1.LivepeerTaskSource) {
			s.Spec.Notify = &v1alpha1.Notify{CloudEvents: &v1alpha1.CloudEvents{Sink: "https://events.example.com"}}
			s.Status.Conditions = append(s.Status.Conditions, metav1.Condition{Type: "Delivering", Status: status, Reason: reason, Message: "it answered 503"})
		})
	}
	last := func(s *v1alpha1.LivepeerTaskSource) Check {
		checks := Source(s, Secret{}, now)
		return checks[len(checks)-1]
	}
	expect(t, last(delivers("True", "Delivered")), OK, "CloudEvents, Delivered: it answered 503")
	expect(t, last(delivers("False", "SinkUnavailable")), Fail, "CloudEvents, SinkUnavailable: it answered 503; docs/runbook.md")
	silent := delivers("True", "Delivered")
	silent.Status.Conditions = silent.Status.Conditions[:1]
	expect(t, last(silent), Warn, "not told yet")
}
