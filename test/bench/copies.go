// SPDX-License-Identifier: Apache-2.0

package main

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"time"

	"k8s.io/apimachinery/pkg/types"
	"k8s.io/apimachinery/pkg/util/uuid"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/livepeer/livepeer-task-operator/api/v1alpha1"
	"github.com/livepeer/livepeer-task-operator/hack/testbed"
)

// copied is how many objects are read and written at once: etcd takes 128 operations and 1.5 MB.
const copied = 100

// entry is a key of etcd and its value, as its JSON API has both: encoding/json writes bytes as base64, as it does.
type entry struct {
	Key   []byte `json:"key"`
	Value []byte `json:"value"`
}

// copyTasks stores the tasks of namespace in other namespaces as well, as if they had been mirrored there for their sources. It
// writes to etcd: through the API server, hundreds of thousands take hours.
func (s *stage) copyTasks(ctx context.Context, namespaces []string) error {
	from, err := s.sourceUID(ctx, namespace)
	if err != nil {
		return err
	}
	to := map[string]types.UID{}
	for _, other := range namespaces {
		if to[other], err = s.sourceUID(ctx, other); err != nil {
			return err
		}
	}
	prefix := "/registry/" + v1alpha1.GroupVersion.Group + "/livepeertasks/" + namespace + "/"
	end := strings.TrimSuffix(prefix, "/") + "0" // the character after the slash
	for next := []byte(prefix); ; {
		page := struct {
			Header struct{ Revision string }
			Kvs    []entry
		}{}
		if err := s.etcdCall(ctx, "range", map[string]any{"key": next, "range_end": []byte(end), "limit": copied}, &page); err != nil {
			return err
		}
		for other, uid := range to {
			if err := s.putCopies(ctx, page.Kvs, other, strings.NewReplacer(
				`"namespace":"`+namespace+`"`, `"namespace":"`+other+`"`, string(from), string(uid),
			)); err != nil {
				return err
			}
		}
		if len(page.Kvs) < copied {
			return s.caughtUp(ctx, page.Header.Revision)
		}
		next = slices.Concat(page.Kvs[len(page.Kvs)-1].Key, []byte{0})
	}
}

// caughtUp waits until the API server's cache has what was written to etcd up to a revision, but for the last few namespaces.
func (s *stage) caughtUp(ctx context.Context, revision string) error {
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	return every(ctx, time.Second, func() (bool, error) {
		return s.send(ctx, http.MethodGet, s.tasksPath(namespace)+"?limit=1&resourceVersion="+revision, "", nil, nil) == nil, ctx.Err()
	})
}

// putCopies writes objects into another namespace, each with a UID of its own.
func (s *stage) putCopies(ctx context.Context, objects []entry, other string, rename *strings.Replacer) error {
	var puts []map[string]entry
	for _, object := range objects {
		meta := struct{ Metadata struct{ Name, UID string } }{}
		if err := json.Unmarshal(object.Value, &meta); err != nil {
			return err
		}
		value := strings.Replace(rename.Replace(string(object.Value)), meta.Metadata.UID, string(uuid.NewUUID()), 1)
		key := bytes.Replace(object.Key, []byte("/"+namespace+"/"), []byte("/"+other+"/"), 1)
		puts = append(puts, map[string]entry{"requestPut": {Key: key, Value: []byte(value)}})
	}
	return s.etcdCall(ctx, "txn", map[string]any{"success": puts}, nil)
}

// etcdCall asks the JSON API of etcd.
func (s *stage) etcdCall(ctx context.Context, what string, question, answer any) error {
	body, err := json.Marshal(question)
	if err != nil {
		return err
	}
	request, err := http.NewRequestWithContext(ctx, http.MethodPost, s.bed.Plane.Etcd()+"/v3/kv/"+what, bytes.NewReader(body))
	if err != nil {
		return err
	}
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		return err
	}
	defer response.Body.Close() //nolint:errcheck // read as far as it is wanted
	if response.StatusCode != http.StatusOK {
		return fmt.Errorf("etcd answers %s to %s", response.Status, what)
	}
	if answer == nil {
		return nil
	}
	return json.NewDecoder(response.Body).Decode(answer)
}

func (s *stage) sourceUID(ctx context.Context, namespace string) (types.UID, error) {
	source := &v1alpha1.LivepeerTaskSource{}
	err := s.bed.Admin.Get(ctx, client.ObjectKey{Namespace: namespace, Name: testbed.SourceName}, source)
	return source.UID, err
}
