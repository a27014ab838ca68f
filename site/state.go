package site

import (
	"encoding/json"
	"fmt"
	"slices"

	"github.com/loquet/loquet/event"
)

// State is what is still open at one site. Finished deliveries and visits have left it and live in the journal.
// It is a value: Evolve copies what it changes and never touches what it was given.
type State struct {
	Site event.SiteID  `json:"site"`
	Seq  uint64        `json:"seq"`
	At   event.Instant `json:"at"`
	// Open from the first event until the members moved out.
	Open         bool            `json:"open"`
	Zone         string          `json:"zone"`
	Rules        event.Rules     `json:"rules"`
	Members      []Member        `json:"members,omitempty"`
	Barriers     []Barrier       `json:"barriers,omitempty"`
	AccessPoints []AccessPoint   `json:"accessPoints,omitempty"`
	Consents     []event.Consent `json:"consents,omitempty"`
	Lending      []Lending       `json:"lending,omitempty"`
	Deliveries   []Delivery      `json:"deliveries,omitempty"`
	Visits       []Visit         `json:"visits,omitempty"`
	Leases       []Lease         `json:"leases,omitempty"`
	Cameras      []Camera        `json:"cameras,omitempty"`
	// Clips are kept until nothing of them is left, after the site was closed too.
	Clips []Clip `json:"clips,omitempty"`
	// Borrowers and Spent tell an old letter about a lease from a new one; they outlast the site.
	Borrowers []Borrower   `json:"borrowers,omitempty"`
	Spent     []SpentLease `json:"spent,omitempty"`
	// Fence is the largest fencing number granted so far.
	Fence uint64 `json:"fence,omitempty"`
	// Proofs are the identifiers of signed requests that were used and could still be replayed.
	Proofs []UsedProof `json:"proofs,omitempty"`
}

// Member is a person who decides at the site.
type Member struct {
	ID event.MemberID `json:"id"`
}

// AccessPoint is a place where a parcel may be left.
type AccessPoint struct {
	ID     event.AccessPointID `json:"id"`
	WayIn  []event.BarrierRef  `json:"wayIn"`
	Radius int                 `json:"radius"`
	// Vehicle holds the terms of a car, and Car what is known of it.
	Vehicle event.VehicleTerms `json:"vehicle,omitzero"`
	Car     Car                `json:"car,omitzero"`
}

// Lending says that a borrower's visits may pass through a barrier of ours.
type Lending struct {
	Barrier  event.BarrierID `json:"barrier"`
	Borrower event.SiteID    `json:"borrower"`
}

// UsedProof is remembered until nobody could present it again.
type UsedProof struct {
	ID    string        `json:"id"`
	Until event.Instant `json:"until"`
}

// stateVersion is written with every state. A state of another version is folded again from the journal.
const stateVersion = 7

type encodedState struct {
	Version int   `json:"v"`
	State   State `json:"state"`
}

// Encode writes the state for the store.
func Encode(s State) ([]byte, error) { return json.Marshal(encodedState{stateVersion, s}) }

// Decode reads what Encode wrote.
func Decode(data []byte) (State, error) {
	var e encodedState
	if err := json.Unmarshal(data, &e); err != nil {
		return State{}, fmt.Errorf("site: a stored state can't be read: %w", err)
	}
	if e.Version != stateVersion {
		return State{}, fmt.Errorf("site: a stored state has version %d, not %d", e.Version, stateVersion)
	}
	return e.State, nil
}

// The rest of this file finds and changes elements of a state's slices without ever sharing memory.

func (m Member) key() event.MemberID           { return m.ID }
func (a AccessPoint) key() event.AccessPointID { return a.ID }
func (b Barrier) key() event.BarrierID         { return b.ID }
func (d Delivery) key() event.DeliveryID       { return d.ID }
func (v Visit) key() event.VisitID             { return v.ID }
func (l Lease) key() event.LeaseID             { return l.ID }
func (b Borrower) key() event.SiteID           { return b.Site }
func (l SpentLease) key() event.BarrierID      { return l.Barrier }

type keyed[K comparable] interface{ key() K }

func find[K comparable, T keyed[K]](all []T, key K) (T, bool) {
	i := slices.IndexFunc(all, func(x T) bool { return x.key() == key })
	if i < 0 {
		var none T
		return none, false
	}
	return all[i], true
}

// edit changes one element in a copy of the slice.
func edit[K comparable, T keyed[K]](all *[]T, key K, change func(*T)) {
	i := slices.IndexFunc(*all, func(x T) bool { return x.key() == key })
	if i < 0 {
		return
	}
	*all = slices.Clone(*all)
	change(&(*all)[i])
}

// add appends to a copy of the slice.
func add[T any](all []T, x T) []T { return append(slices.Clone(all), x) }

// without returns a copy of the slice without the elements that match, nil when none remains.
func without[T any](all []T, match func(T) bool) []T {
	var kept []T
	for _, x := range all {
		if !match(x) {
			kept = append(kept, x)
		}
	}
	return kept
}

func is[K comparable, T keyed[K]](key K) func(T) bool {
	return func(x T) bool { return x.key() == key }
}
