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

// AccessPoint returns a place where a parcel may be left.
func (s State) AccessPoint(id event.AccessPointID) (AccessPoint, bool) {
	return find(s.AccessPoints, id)
}

// Camera returns a camera of the site.
func (s State) Camera(id event.CameraID) (Camera, bool) { return find(s.Cameras, id) }

// Clip returns what was kept of a visit and is not erased yet.
func (s State) Clip(id event.ClipID) (Clip, bool) { return find(s.Clips, id) }

// Member says whether a person decides here.
func (s State) Member(id event.MemberID) bool {
	_, ok := find(s.Members, id)
	return ok
}
