package site

import (
	"github.com/loquet/loquet/event"
)

// Evolve folds one event into the state. It is pure: the state that it is given stays as it was. An event that
// changes nothing that is still open only counts.
func Evolve(s State, e event.Event) State {
	if f, ok := evolvers[e.Body.Kind()]; ok {
		f(&s, e)
	}
	s.Site, s.Seq, s.At = e.Site, e.Seq, e.At
	s.rememberProof(e)
	return s
}

// Fold evolves a state over a journal.
func Fold(s State, events []event.Event) State {
	for _, e := range events {
		s = Evolve(s, e)
	}
	return s
}

// evolvers is the table of what each kind of event changes; each life has its part in its own file.
var evolvers = table(householdEvolvers, consentEvolvers, deliveryEvolvers, visitEvolvers, openingEvolvers, codeEvolvers,
	observationEvolvers, closingEvolvers, alarmEvolvers, leaseEvolvers, cameraEvolvers, vehicleEvolvers, spotEvolvers)

type evolver struct {
	kind event.Kind
	fold func(*State, event.Event)
}

// on makes the entry for one type of event. The function works on a shallow copy of the state: it may set
// fields, and replaces slices instead of changing them in place.
func on[B event.Body](f func(s *State, e event.Event, b B)) evolver {
	var zero B
	return evolver{zero.Kind(), func(s *State, e event.Event) { f(s, e, e.Body.(B)) }}
}

func table(parts ...[]evolver) map[event.Kind]func(*State, event.Event) {
	all := make(map[event.Kind]func(*State, event.Event))
	for _, part := range parts {
		for _, ev := range part {
			if _, twice := all[ev.kind]; twice {
				panic("site: two evolvers for " + string(ev.kind))
			}
			all[ev.kind] = ev.fold
		}
	}
	return all
}

// rememberProof keeps the proof of a signed request until it could no longer be accepted anyway.
func (s *State) rememberProof(e event.Event) {
	signer, signed := e.Body.(event.Signer)
	if !signed || signer.Proof().ID == "" || s.proofUsed(signer.Proof().ID) {
		return
	}
	s.Proofs = without(s.Proofs, func(p UsedProof) bool { return p.Until <= e.At })
	s.Proofs = add(s.Proofs, UsedProof{signer.Proof().ID, e.At.Add(proofLife)})
}

func (s State) proofUsed(id string) bool {
	for _, p := range s.Proofs {
		if p.ID == id {
			return true
		}
	}
	return false
}
