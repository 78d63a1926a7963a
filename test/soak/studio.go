// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"encoding/json"
	"math/rand/v2"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/livepeer/livepeer-task-operator/hack/testbed"
	"github.com/livepeer/livepeer-task-operator/internal/studio/livepeertest"
)

const (
	churnTick  = 50 * time.Millisecond
	studioRate = 10 // times faster than life
	lagEvery   = 5 * time.Second
)

// studio is a simulated Studio whose tasks change all the time, save while it is calm.
type studio struct {
	server *livepeertest.Server
	web    *testbed.Studio
	report *report
	size   int

	mu        sync.Mutex // held by whoever changes tasks
	rand      *rand.Rand
	simulator *livepeertest.Simulator
	calm      bool

	faultMu   sync.Mutex
	faultRand *rand.Rand
	share     float64                // of the requests goes wrong
	lagging   *livepeertest.Snapshot // an older state
	lie       studioFault            // what every list says, until lieUntil
	lieUntil  time.Time
}

func startStudio(size int, seed uint64, report *report) *studio {
	server := livepeertest.NewServer()
	server.Populate(size, seed)
	s := &studio{
		server: server, report: report, size: size,
		rand:      rand.New(rand.NewPCG(seed, 2)),
		simulator: livepeertest.NewSimulator(server, seed, studioRate),
		calm:      true, faultRand: rand.New(rand.NewPCG(seed, 3)), lagging: server.Snapshot(),
	}
	server.Put(oddTasks(time.Now())...)
	server.Fault(s.fault)
	s.web = testbed.StartStudio(server, s.live)
	return s
}

// live changes tasks until ctx ends.
func (s *studio) live(ctx context.Context) {
	ticker := time.NewTicker(churnTick)
	defer ticker.Stop()
	lag := time.NewTicker(lagEvery)
	defer lag.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case now := <-ticker.C:
			s.tick(now)
		case <-lag.C:
			before := s.server.Snapshot()
			s.faultMu.Lock()
			s.lagging = before
			s.faultMu.Unlock()
		}
	}
}

// tick makes happen what is due, and something else now and then.
func (s *studio) tick(now time.Time) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.calm {
		return
	}
	n := len(s.simulator.Step(now))
	switch chance := s.rand.IntN(100); {
	case chance < 4:
		n += s.insert(now, 1+s.rand.IntN(3))
	case chance == 4:
		n += s.insert(now, 1+s.size/10) // at once
	case chance < 12:
		n += s.update(now)
	case chance < 15 && s.server.Len() > s.size/2:
		n += s.remove()
	case s.server.Len() > 2*s.size:
		n += s.remove()
	}
	s.report.add(operations, n)
}

// settle stops all changes, or lets them go on. Once it has returned, nothing changes any more.
func (s *studio) settle(calm bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.calm = calm
}

// insert adds tasks as they come, every other of them with the past that a late row of a replica has.
func (s *studio) insert(now time.Time, n int) int {
	for task := range livepeertest.Generate(n, s.rand.Uint64(), now) {
		if status, ok := task["status"].(map[string]any); ok && s.rand.IntN(2) == 0 {
			task["createdAt"], status["updatedAt"] = now.UnixMilli(), now.UnixMilli()
		}
		s.server.Put(task)
	}
	return n
}

// update changes a task of any kind, the odd ones too, in one of the ways that tasks change.
func (s *studio) update(now time.Time) int {
	id := s.any()
	changed := 0
	s.server.Update(id, func(task livepeertest.Task) {
		status, ok := task["status"].(map[string]any)
		if !ok {
			return // odd, or older than all changes
		}
		changed = 1
		before, _ := status["updatedAt"].(json.Number)
		ms, _ := before.Int64() // 0 where there is none
		status["updatedAt"] = max(now.UnixMilli(), ms+1)
		switch s.rand.IntN(4) {
		case 0:
			status["phase"], status["errorMessage"] = "failed", "changed by hand "+now.Format(time.RFC3339Nano)
		case 1:
			status["phase"], status["retries"] = "waiting", 0
			delete(status, "progress")
		case 2:
			status["phase"], status["progress"] = "running", s.rand.Float64()
		case 3:
			task["outputAssetId"] = id + "-" + now.Format("150405.000")
		}
	})
	return changed
}

// remove deletes or purges a task. The odd ones stay.
func (s *studio) remove() int {
	id := s.any()
	if strings.HasPrefix(id, oddPrefix) {
		return 0
	}
	if s.rand.IntN(3) == 0 {
		s.server.Purge(id)
	} else {
		s.server.Delete(id)
	}
	return 1
}

// any picks a task that is alive. There always is one: the odd ones.
func (s *studio) any() string {
	ids := s.server.IDs()
	return ids[s.rand.IntN(len(ids))]
}

// alive reports whether the task is in the account. One that is gone never comes back.
func (s *studio) alive(id string) bool {
	_, found := slices.BinarySearch(s.server.IDs(), id)
	return found
}

// tasks returns what the account holds, as JSON.
func (s *studio) tasks() (map[string][]byte, error) {
	tasks := map[string][]byte{}
	for _, id := range s.server.IDs() {
		task, ok := s.server.Get(id)
		if !ok {
			continue
		}
		raw, err := json.Marshal(task)
		if err != nil {
			return nil, err
		}
		tasks[id] = raw
	}
	return tasks, nil
}
