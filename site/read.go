package site

import (
	"github.com/loquet/loquet/event"
)

// The readers of a state. What they return is a copy in the state's own memory: look, don't change.

// Visit returns a visit that is under way.
func (s State) Visit(id event.VisitID) (Visit, bool) { return find(s.Visits, id) }

// Delivery returns a delivery that has not ended.
func (s State) Delivery(id event.DeliveryID) (Delivery, bool) { return find(s.Deliveries, id) }

// Barrier returns a barrier of the site, or one that it has borrowed.
func (s State) Barrier(id event.BarrierID) (Barrier, bool) { return find(s.Barriers, id) }

// PassedOn returns an observation of a barrier as its borrower is to hear it, by what its owner knew before. What does
// not speak for now goes as a stored copy: the borrower may not have heard yet what shows it to be a replay.
func (s State) PassedOn(id event.BarrierID, o event.Observation) event.Observation {
	if b, _ := find(s.Barriers, id); o.Current() && !b.speaksNow(o) {
		o.Origin = event.OriginRetained
	}
	return o
}

// Hearing is the barrier as it would stand had an observation been recorded. What only repeats what is known is written
// down while a visit waits for it alone, but is no less true.
func (b Barrier) Hearing(o event.Observation) Barrier { return b.hear(o) }

// FreshUntil is when what the device said last is no longer fresh; 0 when it is not.
func (b Barrier) FreshUntil() event.Instant {
	if b.ReachedAt == 0 {
		return 0
	}
	return b.staleAt()
}

// ShutBy is when a barrier that a step opened, and nothing has proven shut, has stood open for too long; 0 for a step
// that opened nothing, or is proven shut.
func (s State) ShutBy(p Step) event.Instant {
	if !p.spent() || p.Secured != 0 {
		return 0
	}
	return p.Began.Add(s.Rules.Dwell)
}

// Releasable says whether a courier who asks to leave at an instant may go, as things stand.
func (s State) Releasable(v Visit, at event.Instant) bool {
	v.Closing = true
	return s.unfinished(v, at) == ""
}

// AccessPoint returns a place where a parcel may be left.
func (s State) AccessPoint(id event.AccessPointID) (AccessPoint, bool) {
	return find(s.AccessPoints, id)
}

// Camera returns a camera of the site.
func (s State) Camera(id event.CameraID) (Camera, bool) { return find(s.Cameras, id) }

// Filmed says whether a visit to an access point would be filmed.
func (s State) Filmed(ap event.AccessPointID) bool {
	_, filmed := s.cameraOn(ap, true)
	return filmed
}

// Clip returns what was kept of a visit and is not erased yet.
func (s State) Clip(id event.ClipID) (Clip, bool) { return find(s.Clips, id) }

// Member says whether a person decides here.
func (s State) Member(id event.MemberID) bool {
	_, ok := find(s.Members, id)
	return ok
}
