package audit

import (
	"iter"
	"reflect"
	"slices"
	"sort"

	"github.com/loquet/loquet/event"
)

// history is one site's journal, found again by what its events are about. It never folds them into a state: who
// wants to know how something stood looks back from a position. A position is the place of an event in the
// journal, counted from 0, which holds even where the sequence does not.
type history struct {
	site   event.SiteID
	damage error
	events []event.Event
	places map[place][]int
	said   map[event.BarrierID][]reading
	// proofs are the positions at which each courier's proof stands, answers what the check of its signature said.
	proofs  map[proofName][]int
	answers map[signedBy]error
}

// place is one drawer of the index: events of one kind about one thing. No kind stands for every kind, no thing
// for anything.
type place struct {
	kind  event.Kind
	what  reflect.Type
	named string
}

func newHistory(j Journal) *history {
	h := &history{site: j.Site, damage: j.Damage, events: legible(j.Events), places: make(map[place][]int),
		said: make(map[event.BarrierID][]reading), proofs: make(map[proofName][]int), answers: make(map[signedBy]error)}
	for pos, e := range h.events {
		if e.Body == nil {
			continue // law 10 tells
		}
		kind := e.Body.Kind()
		h.file(place{kind: kind}, pos)
		if s, signed := e.Body.(event.Signer); signed && s.Proof().ID != "" {
			name := nameOf(s.Proof())
			h.proofs[name] = append(h.proofs[name], pos)
		}
		leaves(reflect.ValueOf(e.Body), nil, func(_ []string, v reflect.Value) {
			if _, isID := letters[v.Type()]; !isID || v.Len() == 0 {
				return
			}
			h.file(place{kind, v.Type(), v.String()}, pos)
			if v.Type() == visitID {
				h.file(place{"", visitID, v.String()}, pos)
			}
		})
	}
	return h
}

// legible returns the events; those whose body is of no known kind without one, in a copy.
func legible(events []event.Event) []event.Event {
	copied := false
	for i, e := range events {
		if e.Body == nil || known(e.Body) {
			continue
		}
		if !copied {
			events, copied = slices.Clone(events), true
		}
		events[i].Body = nil
	}
	return events
}

// known says whether a body is what decoding an event gives: a plain value of a registered kind.
func known(b event.Body) bool {
	of := reflect.TypeOf(b)
	return of.Kind() == reflect.Struct && reflect.TypeOf(event.Zero(b.Kind())) == of
}

func (h *history) file(p place, pos int) {
	all := h.places[p]
	if len(all) == 0 || all[len(all)-1] != pos {
		h.places[p] = append(all, pos)
	}
}

// seq is the sequence of the event at a position.
func (h *history) seq(pos int) uint64 { return h.events[pos].Seq }

// end is the position after the last event.
func (h *history) end() int { return len(h.events) }

// entry is an event of one type with its place.
type entry[B event.Body] struct {
	pos  int
	at   event.Instant
	body B
}

// moment is the entry's place in time and in the journal.
func (e entry[B]) moment() moment { return moment{e.at, e.pos} }

func get[B event.Body](h *history, pos int) entry[B] {
	return entry[B]{pos, h.events[pos].At, h.events[pos].Body.(B)}
}

func drawer[B event.Body, T ~string](h *history, id T) []int {
	var zero B
	return h.places[place{zero.Kind(), reflect.TypeFor[T](), string(id)}]
}

// every returns all events of a type in the journal.
func every[B event.Body](h *history) []entry[B] {
	var zero B
	return entries[B](h, h.places[place{kind: zero.Kind()}])
}

// all returns the events of a type about a thing before a position.
func all[B event.Body, T ~string](h *history, id T, before int) []entry[B] {
	return between[B](h, id, -1, before)
}

// between returns the events of a type about a thing after one position and before another.
func between[B event.Body, T ~string](h *history, id T, after, before int) []entry[B] {
	positions := drawer[B](h, id)
	from, to := sort.SearchInts(positions, after+1), sort.SearchInts(positions, before)
	if from >= to {
		return nil
	}
	return entries[B](h, positions[from:to])
}

func entries[B event.Body](h *history, positions []int) []entry[B] {
	list := make([]entry[B], len(positions))
	for i, pos := range positions {
		list[i] = get[B](h, pos)
	}
	return list
}

// backwards yields the events of a type about a thing before a position, the latest first.
func backwards[B event.Body, T ~string](h *history, id T, before int) iter.Seq[entry[B]] {
	positions := drawer[B](h, id)
	return func(yield func(entry[B]) bool) {
		for i := sort.SearchInts(positions, before) - 1; i >= 0; i-- {
			if !yield(get[B](h, positions[i])) {
				return
			}
		}
	}
}

// last returns the latest event of a type about a thing before a position.
func last[B event.Body, T ~string](h *history, id T, before int) (entry[B], bool) {
	for e := range backwards[B](h, id, before) {
		return e, true
	}
	return entry[B]{pos: -1}, false
}

// has says whether there was an event of a type about a thing after one position and before another.
func has[B event.Body, T ~string](h *history, id T, after, before int) bool {
	e, found := last[B](h, id, before)
	return found && e.pos > after
}

// latest returns the latest event of a type, about anything, before a position.
func latest[B event.Body](h *history, before int) (entry[B], bool) {
	var zero B
	positions := h.places[place{kind: zero.Kind()}]
	i := sort.SearchInts(positions, before)
	if i == 0 {
		return entry[B]{pos: -1}, false
	}
	return get[B](h, positions[i-1]), true
}

// ofVisit returns the positions of all events about a visit, in order.
func (h *history) ofVisit(v event.VisitID) []int {
	return h.places[place{"", visitID, string(v)}]
}

var visitID = reflect.TypeFor[event.VisitID]()

// letters are the types of identifiers by which the history finds events. Those that embed a site have the
// letter of their kind; 0 for those from outside.
var letters = map[reflect.Type]byte{
	reflect.TypeFor[event.MemberID]():      'm',
	reflect.TypeFor[event.BarrierID]():     'b',
	reflect.TypeFor[event.AccessPointID](): 'a',
	reflect.TypeFor[event.ConsentID]():     'k',
	reflect.TypeFor[event.DeliveryID]():    'd',
	visitID:                                'v',
	reflect.TypeFor[event.PermitID]():      'p',
	reflect.TypeFor[event.LeaseID]():       'l',
	reflect.TypeFor[event.CameraID]():      'c',
	reflect.TypeFor[event.ClipID]():        'f',
	reflect.TypeFor[event.KeyID]():         0,
	reflect.TypeFor[event.CourierID]():     0,
}

// leaves calls f for each value of a body that is not made of others, with the names of the fields that lead to
// it.
func leaves(v reflect.Value, path []string, f func(path []string, v reflect.Value)) {
	switch v.Kind() {
	case reflect.Struct:
		for i := range v.NumField() {
			leaves(v.Field(i), append(path, v.Type().Field(i).Name), f)
		}
	case reflect.Slice:
		for i := range v.Len() {
			leaves(v.Index(i), path, f)
		}
	case reflect.Pointer:
		if !v.IsNil() {
			leaves(v.Elem(), path, f)
		}
	default:
		f(path, v)
	}
}
