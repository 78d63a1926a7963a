// SPDX-License-Identifier: Apache-2.0

package livepeertest

import (
	"slices"
	"time"
)

// DeliveryFault is what goes wrong with the delivery of one event. The zero DeliveryFault is none.
type DeliveryFault struct {
	// Drop loses it.
	Drop bool
	// Twice delivers it a second time, whatever the answer to the first.
	Twice bool
	// Delay passes before its first attempt; later events overtake it.
	Delay time.Duration
	// Reverse holds it back until that long after the first that is held, and then delivers those held, the last first.
	Reverse time.Duration
}

// FaultDeliveries switches faults of deliveries on: pick is called for every event and webhook before the first attempt,
// and must not call the Server. nil switches them off.
func (s *Server) FaultDeliveries(pick func(Delivery) DeliveryFault) {
	s.sender.mu.Lock()
	defer s.sender.mu.Unlock()
	s.sender.faults = pick
}

// EachDelivery picks f for every event.
func EachDelivery(f DeliveryFault) func(Delivery) DeliveryFault {
	return func(Delivery) DeliveryFault { return f }
}

// dispatch queues a parcel as the fault has it, the caller holding the lock. Events of one task are in one queue.
func (s *sender) dispatch(p *parcel) {
	var f DeliveryFault
	if s.faults != nil {
		f = s.faults(p.about())
	}
	if f.Drop {
		return
	}
	parcels := []*parcel{p}
	if f.Twice {
		parcels = append(parcels, &parcel{hook: p.hook, message: p.message})
	}
	if f.Reverse > 0 {
		if len(s.held) == 0 {
			s.later(f.Reverse, s.release)
		}
		s.held = append(s.held, parcels...)
		return
	}
	queue := func() {
		for _, p := range parcels {
			s.queue(p.message.Payload.Task.ID+p.hook.id, p)
		}
	}
	if f.Delay > 0 {
		s.later(f.Delay, queue)
		return
	}
	queue()
}

// release delivers what was held back, the last first and one at a time. The caller holds the lock.
func (s *sender) release() {
	for _, p := range slices.Backward(s.held) {
		s.queue("held", p)
	}
	s.held = nil
}
