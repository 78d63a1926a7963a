// SPDX-License-Identifier: Apache-2.0

package livepeertest

import (
	"encoding/json"
	"errors"
	"math"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// Tasks come out as the real server writes them: shorter keys first, numbers and text as JavaScript does.
func TestEncoding(t *testing.T) {
	s := NewServer()
	s.Put(Task{
		"type": "upload", "id": "a", "b": nil, "status": obj{"progress": 1e-7, "updatedAt": json.Number("1795000900000")},
		"list": []any{1, int64(2), 0.5, "<ü&>", "\"ü\n", true, obj{}, []any{}},
	})
	want := `{"b":null,"id":"a","list":[1,2,0.5,"<ü&>","\"ü\n",true,{},[]],"type":"upload",` +
		`"status":{"progress":1e-7,"updatedAt":1795000900000}}`
	if diff := cmp.Diff(want, do(t, s, "/api/task/a").Body.String()); diff != "" {
		t.Error(diff)
	}
	if !s.Update("a", func(Task) {}) || do(t, s, "/api/task/a").Body.String() != want {
		t.Error("an update that changes nothing changes bytes")
	}
	if got, ok := s.Get("a"); !ok || milliseconds(object(got, "status")["updatedAt"]) != 1795000900000 {
		t.Errorf("read back: %v", got)
	}
}

func TestUnusableTasks(t *testing.T) {
	s := NewServer()
	if err := s.PutRaw([]byte(`{"type":"upload"}`)); !errors.Is(err, ErrNoID) {
		t.Errorf("without an id: %v", err)
	}
	if err := s.PutRaw([]byte(`[`)); err == nil {
		t.Error("what is not JSON was taken")
	}
	for _, task := range []Task{{"id": 5}, {"id": "a", "n": math.NaN()}} {
		func() {
			defer func() {
				if recover() == nil {
					t.Errorf("%v was taken", task)
				}
			}()
			s.Put(task)
		}()
	}
	if s.Len() != 0 {
		t.Errorf("%d tasks", s.Len())
	}
}
