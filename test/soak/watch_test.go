// SPDX-License-Identifier: Apache-2.0

package main

import (
	"testing"

	. "github.com/onsi/gomega"
	coordinationv1 "k8s.io/api/coordination/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/client-go/kubernetes/scheme"

	"github.com/livepeer/livepeer-task-operator/api/v1alpha1"
)

func taskObject(uid types.UID, name, id string) v1alpha1.LivepeerTask {
	task := v1alpha1.LivepeerTask{Spec: v1alpha1.LivepeerTaskSpec{ID: id}}
	task.UID, task.Name, task.Namespace = uid, name, "media"
	return task
}

func TestWitnessJudgesDeletions(t *testing.T) {
	g := NewWithT(t)
	report := newReport(t.Output())
	w := newWitness(report, func(_, id string) bool { return id != "gone" })
	w.replace([]v1alpha1.LivepeerTask{
		taskObject("1", "alive", "alive"), taskObject("2", "gone", "gone"), taskObject("3", "people", "people"),
		taskObject("4", "kept", "kept"), taskObject("5", "unseen", "unseen"),
	})
	g.Expect(w.count("media")).To(Equal(5))
	g.Expect(w.count("other")).To(BeZero())

	w.gone("2") // Studio deleted it
	w.byPeople("3")
	w.byPeople("3")() // a second hand came too late
	w.gone("3")
	w.byPeople("4")() // it was not they
	g.Expect(report.get(wrongDeletions)).To(BeZero())
	w.gone("4")
	g.Expect(report.get(wrongDeletions)).To(Equal(1))
	w.gone("1")
	g.Expect(report.get(wrongDeletions)).To(Equal(2))
	w.replace(nil) // a deletion while nobody watched
	g.Expect(report.get(wrongDeletions)).To(Equal(3))
	g.Expect(report.get(deletions)).To(Equal(5))
	g.Expect(report.clean()).To(BeFalse())
}

func TestWitnessFindsDoubles(t *testing.T) {
	g := NewWithT(t)
	report := newReport(t.Output())
	w := newWitness(report, func(string, string) bool { return true })
	first, moved, second := taskObject("1", "a", "A"), taskObject("2", "a-hash", "A"), taskObject("3", "a", "A")

	w.replace([]v1alpha1.LivepeerTask{first})
	w.there(&first) // edited
	w.byPeople("1")
	w.replace([]v1alpha1.LivepeerTask{moved}) // deleted and made again while nobody watched
	g.Expect(report.get(doubled)).To(BeZero())

	w.there(&second)
	g.Expect(report.get(doubled)).To(Equal(1))
}

func TestHolderInALease(t *testing.T) {
	g := NewWithT(t)
	lease := &coordinationv1.Lease{Spec: coordinationv1.LeaseSpec{HolderIdentity: new("host_a")}}
	for _, contentType := range []string{runtime.ContentTypeJSON, runtime.ContentTypeProtobuf} {
		info, ok := runtime.SerializerInfoForMediaType(scheme.Codecs.SupportedMediaTypes(), contentType)
		g.Expect(ok).To(BeTrue())
		body, err := runtime.Encode(scheme.Codecs.EncoderForVersion(info.Serializer, coordinationv1.SchemeGroupVersion), lease)
		g.Expect(err).NotTo(HaveOccurred())
		g.Expect(holderIn(body)).To(Equal("host_a"))
	}
	g.Expect(holderIn([]byte(`{"apiVersion":"coordination.k8s.io/v1","kind":"Lease","spec":{"holderIdentity":""}}`))).To(BeEmpty())
}

func TestLedgerFindsWritesWithoutTheLease(t *testing.T) {
	g := NewWithT(t)
	report := newReport(t.Output())
	l := &ledger{report: report, log: t.Output()}
	l.wrote("a#1", "PUT", "/x") // alone: no lease is needed
	g.Expect(report.get(writesAfterLoss)).To(BeZero())

	l.elect(true)
	l.leased("a#1", "host_a")
	l.leased("a#1", "host_a")
	l.leased("b#1", "host_a") // puts its key into the lease
	l.wrote("a#1", "PUT", "/x")
	g.Expect(report.get(writesAfterLoss)).To(BeZero())
	l.leased("b#1", "host_b")
	l.wrote("b#1", "PUT", "/x")
	g.Expect(report.get(writesAfterLoss)).To(BeZero())
	l.wrote("a#1", "PUT", "/x")
	g.Expect(report.get(writesAfterLoss)).To(Equal(1))
	l.leased("b#1", "")
	l.wrote("b#1", "PUT", "/x")
	g.Expect(report.get(writesAfterLoss)).To(Equal(2))
	g.Expect(report.get(leaderChanges)).To(Equal(2))
	g.Expect(l.leader()).To(BeEmpty())
}
