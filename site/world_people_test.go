package site_test

import (
	"slices"
	"strconv"

	"github.com/loquet/loquet/event"
	"github.com/loquet/loquet/site"
)

// live lets one thing happen.
func (w *world) live() {
	w.t.Helper()
	happenings := []func(){w.passTime, w.passTime, w.passTime, w.household, w.merchant, w.courier, w.courier, w.courier,
		w.courier, w.courier, w.hand, w.hand, w.network, w.network, w.network, w.network, w.mailman, w.mailman, w.connector,
		w.connector, w.camera, w.camera, w.resident, w.driver, w.driver, w.story, w.story, w.story}
	happenings[w.pick(len(happenings))]()
}

// story brings a delivery as far as to the door, as it mostly goes.
func (w *world) story() {
	if len(w.home().Visits) > 1 {
		return
	}
	operator := event.Actor{Kind: event.ActorOperator, ID: "operator"}
	courier := []event.CourierID{"anna", "bruno"}[w.pick(2)]
	b := w.anyBooking()
	b.Window = event.Span{From: w.now, To: w.now.Add([]event.Millis{event.Minute, event.Hour}[w.pick(2)])}
	if w.pick(3) == 0 {
		b.AccessPoint = w.car.place
	}
	if w.try(home, operator, b); len(w.home().Deliveries) == 0 {
		return
	}
	d := w.home().Deliveries[len(w.home().Deliveries)-1]
	w.try(home, w.member(home), site.ConsentTo{Delivery: d.ID})
	w.try(home, operator, w.assignment(d.ID, courier))
	w.ask(courier, site.Approach{AccessPoint: d.AccessPoint})
	w.wait(w.now.Add(event.Second))
	w.findCar()
	for _, p := range d.Parcels {
		if now, ok := w.home().Delivery(d.ID); ok && w.pick(8) > 0 {
			w.ask(courier, site.Scan{Visit: now.Visit, Parcel: p.Code})
		}
	}
}

func (w *world) passTime() {
	due := w.nextDue()
	choices := []event.Instant{w.now + 1, w.now.Add(event.Second), w.now.Add(10 * event.Second), w.now.Add(40 * event.Second),
		w.now.Add(event.Minute), w.now.Add(event.Millis(1+w.pick(20)) * event.Minute), due - 1, due, due + 1}
	w.wait(max(w.now, choices[w.pick(len(choices))]))
}

// home's things, chosen; the zero value where there is none.
func one[T any](w *world, all []T) T {
	if len(all) == 0 {
		var none T
		return none
	}
	return all[w.pick(len(all))]
}

func (w *world) home() site.State { return w.sites[home].state }

func (w *world) delivery() event.DeliveryID { return one(w, w.home().Deliveries).ID }

// household: what the people of a site decide, the tower's now and then.
func (w *world) household() {
	d := w.delivery()
	lobby := w.sites[tower].state.Barriers[0].ID
	wishes := []site.Request{site.ConsentTo{Delivery: d}, site.ConsentTo{Delivery: d}, site.WithdrawFrom{Delivery: d},
		site.Block{Delivery: d}, site.GiveConsent{Consent: w.anyConsent(), Open: w.spansOfOpen()},
		site.GiveConsent{Consent: w.anyConsent(), Replaces: one(w, w.home().Consents).ID, Open: w.spansOfOpen()},
		site.WithdrawConsent{Consent: one(w, w.home().Consents).ID}, site.SetRules{Rules: w.anyRules()},
		site.Answer{Delivery: d, Question: event.QuestionPets, Yes: w.pick(3) > 0},
		site.Answer{Delivery: d, Question: event.QuestionAlarm, Yes: w.pick(3) > 0},
		site.AddMember{}}
	if w.pick(20) == 0 {
		wishes = append(wishes, site.RetireAccessPoint{AccessPoint: one(w, w.home().AccessPoints).ID})
	}
	switch i := w.pick(len(wishes) + 2); i {
	case len(wishes):
		w.try(tower, w.member(tower), site.EndLending{Barrier: lobby, Borrower: home})
	case len(wishes) + 1:
		w.try(tower, w.member(tower), site.AllowLending{Barrier: lobby, Borrower: home})
	default:
		w.try(home, w.member(home), wishes[i])
	}
}

func (w *world) anyConsent() event.Consent {
	return event.Consent{AccessPoint: one(w, w.home().AccessPoints).ID, Largest: event.SizeLarge,
		Hours: []event.Hours{{Days: []int{1, 2, 3, 4, 5, 6, 7}, From: 0, To: 24 * 60}}}
}

func (w *world) spansOfOpen() []site.DeliverySpans {
	var all []site.DeliverySpans
	for _, d := range w.home().Deliveries {
		all = append(all, site.DeliverySpans{Delivery: d.ID, Spans: []event.Span{{From: d.Window.From, To: d.Window.From.Add(event.Hour)}}})
	}
	return all
}

func (w *world) anyRules() event.Rules {
	r := event.Rules{Dwell: []event.Millis{20 * event.Second, 5 * event.Minute}[w.pick(2)], Climb: event.Minute,
		AskPets: w.pick(4) == 0, AskAlarm: w.pick(4) == 0, Camera: w.pick(4) == 0, Watch: w.pick(2) == 0, WatchCars: w.pick(4) == 0,
		OperatorWatches: w.pick(2) == 0, KeepClips: []event.Millis{0, event.Hour}[w.pick(2)]}
	for range w.pick(3) {
		r.PlanB = append(r.PlanB, []event.Fallback{{Kind: event.FallbackNeighbour, Who: "claude"}, {Kind: event.FallbackOutside},
			{Kind: event.FallbackReference}, {Kind: event.FallbackAccessPoint, AccessPoint: one(w, w.home().AccessPoints).ID}}[w.pick(4)])
	}
	return r
}

// merchant: bookings, and what an operator does.
func (w *world) merchant() {
	who := event.Actor{Kind: event.ActorOperator, ID: "operator"}
	d := w.delivery()
	courier := []event.CourierID{"anna", "bruno"}[w.pick(2)]
	wishes := []site.Request{w.anyBooking(), w.anyBooking(), w.assignment(d, courier), w.assignment(d, courier),
		w.assignment(d, courier), site.Cancel{Delivery: d}, site.Block{Delivery: d}, site.Suspend{Courier: courier},
		site.AcknowledgeAlarm{Visit: one(w, w.home().Visits).ID}, site.AcknowledgeAlarm{Visit: one(w, w.home().Visits).ID}}
	w.try(home, who, wishes[w.pick(len(wishes))])
}

func (w *world) assignment(d event.DeliveryID, c event.CourierID) site.Assign {
	return site.Assign{Delivery: d, Courier: c, Key: keyOf(string(c)), PublicKey: "jwk"}
}

func (w *world) anyBooking() site.Book {
	from := w.now.Add([]event.Millis{-event.Minute, event.Minute, event.Hour, 26 * event.Hour}[w.pick(4)])
	b := site.Book{Merchant: "flora", Carrier: "swift", Window: event.Span{From: from, To: from.Add(2 * event.Hour)},
		AccessPoint: one(w, w.home().AccessPoints).ID, Whole: w.pick(3) == 0, AskAt: from.Add(-event.Day)}
	for range 1 + w.pick(2) {
		w.parcel++
		b.Parcels = append(b.Parcels, event.Parcel{Code: event.Commitment("parcel" + strconv.Itoa(w.parcel)), Size: event.SizeSmall})
	}
	for _, c := range w.home().Consents {
		b.Spans = append(b.Spans, site.ConsentSpans{Consent: c.ID, Spans: []event.Span{{From: from, To: from.Add(event.Hour)}}})
	}
	return b
}

// courier: what a courier's phone asks, mostly of their own visit and from the right place.
func (w *world) courier() {
	v := one(w, w.home().Visits)
	who := v.Courier
	if who == "" || w.pick(10) == 0 {
		who = []event.CourierID{"anna", "bruno"}[w.pick(2)]
	}
	w.ask(who, w.courierWish(v))
}

func (w *world) courierWish(v site.Visit) site.Request {
	if v.ID == "" || w.pick(8) == 0 {
		d := one(w, w.home().Deliveries)
		return []site.Request{site.Approach{AccessPoint: d.AccessPoint, ETA: w.now.Add(event.Minute)},
			site.FollowPlanB{Delivery: d.ID, Nobody: w.pick(2) == 0}}[w.pick(2)*w.pick(2)]
	}
	if r := w.nextWish(v); r != nil && w.pick(3) > 0 {
		return r
	}
	step := one(w, v.Steps)
	return []site.Request{site.Scan{Visit: v.ID, Parcel: w.parcelOf(v), Offline: w.pick(6) == 0},
		site.Scan{Visit: v.ID, Parcel: w.parcelOf(v)}, site.Scan{Visit: v.ID, Parcel: w.parcelOf(v)},
		site.Missing{Visit: v.ID, Parcel: w.parcelOf(v)}, site.Arrive{Visit: v.ID},
		site.Open{Visit: v.ID, Barrier: step.Barrier}, site.Open{Visit: v.ID, Barrier: step.Barrier},
		site.ShowCode{Visit: v.ID, Barrier: step.Barrier}, site.ShowCode{Visit: v.ID, Barrier: step.Barrier},
		site.Reopen{Visit: v.ID, Barrier: step.Barrier}, site.Deposit{Visit: v.ID}, site.Close{Visit: v.ID},
		site.Leave{Visit: v.ID}, site.Leave{Visit: v.ID}, site.TooLarge{Visit: v.ID, Delivery: one(w, v.Deliveries)},
		site.Danger{Visit: v.ID}}[w.pick(16-w.pick(2))]
}

// nextWish is what a courier who does everything right asks next.
func (w *world) nextWish(v site.Visit) site.Request {
	for _, p := range v.Steps {
		b, _ := w.home().Barrier(p.Barrier)
		switch {
		case p.Intended == 0:
			return []site.Request{site.Open{Visit: v.ID, Barrier: p.Barrier}, site.Scan{Visit: v.ID, Parcel: w.parcelOf(v)}}[w.pick(2)]
		case p.By == event.PermitCode && p.Shown == 0 && p.Outcome == event.Done:
			return site.ShowCode{Visit: v.ID, Barrier: p.Barrier}
		case p.Opened == 0:
			return nil
		case b.Bolt == event.BoltLocked && b.Contact == event.ContactOpen:
			return site.Reopen{Visit: v.ID, Barrier: p.Barrier}
		}
	}
	switch {
	case !v.Deposited:
		return site.Deposit{Visit: v.ID}
	case !v.Closing:
		return site.Close{Visit: v.ID}
	default:
		return site.Leave{Visit: v.ID}
	}
}

// parcelOf: mostly the next parcel that the visit waits for.
func (w *world) parcelOf(v site.Visit) event.Commitment {
	for _, id := range v.Deliveries {
		d, _ := w.home().Delivery(id)
		for _, p := range d.Parcels {
			if !p.Scanned && !p.Missing && w.pick(5) > 0 {
				return p.Code
			}
		}
	}
	return one(w, one(w, w.home().Deliveries).Parcels).Code
}

func (w *world) ask(who event.CourierID, r site.Request) {
	w.proofs++
	f := site.Facts{Actor: event.Actor{Kind: event.ActorCourier, ID: string(who)}, Ready: w.ready(),
		Signed: event.Signed{Key: keyOf(string(who)), ID: "proof" + strconv.Itoa(w.proofs), IssuedAt: w.now, JWS: "jws"},
		Place:  &event.Place{Distance: 5, Accuracy: 5}}
	f.Pictures = w.pictures()
	switch w.pick(24) {
	case 0:
		f.Signed.Key = "stolen"
	case 1:
		f.Signed.ID = "proof" + strconv.Itoa(w.pick(w.proofs))
	case 2:
		f.Place = nil
	case 3:
		f.Place.Distance = 31
	case 4:
		f.Place.Age = 31 * event.Second
	}
	w.t.Helper()
	_ = w.decide(home, site.Command{Facts: f, Do: r})
}

// resident: what a member does in person.
func (w *world) resident() {
	v, ap := one(w, w.home().Visits), one(w, w.home().AccessPoints)
	wishes := []site.Request{site.TakeOver{Visit: v.ID}, site.TakeOver{Visit: v.ID}, site.Close{Visit: v.ID},
		site.Rehearse{AccessPoint: ap.ID}}
	if len(v.Steps) > 0 {
		wishes = append(wishes, site.Open{Visit: v.ID, Barrier: one(w, v.Steps).Barrier})
	}
	w.try(home, w.member(home), wishes[w.pick(len(wishes))])
}

// hand: somebody moves a door.
func (w *world) hand() {
	d := w.busyDoor()
	switch w.pick(6) {
	case 0:
		if d.bolt != event.BoltLocked || !d.bolted || d.spec.Reveals == event.RevealsTrunk {
			w.become(d, d.bolt, event.ContactOpen)
		}
	case 1, 2:
		w.become(d, d.bolt, event.ContactClosed)
	case 3, 4:
		w.become(d, event.BoltLocked, d.contact)
	case 5:
		w.become(d, event.BoltUnlocked, d.contact)
	}
	if d.code != "" && w.pick(2) == 0 {
		w.become(d, event.BoltUnlocked, d.contact)
	}
	if d.free > w.now && w.pick(2) == 0 { // whoever opens the trunk unlocks the whole car
		w.become(d, event.BoltUnlocked, event.ContactOpen)
	}
}

// busyDoor chooses a door, mostly one that a visit has opened.
func (w *world) busyDoor() *door {
	v := one(w, w.home().Visits)
	if step := one(w, v.Steps); step.Intended != 0 && w.pick(4) > 0 {
		return w.doors[step.Barrier]
	}
	return w.doors[one(w, w.doorIDs())]
}

// network: a report arrives, is lost, or comes twice, or again later as a stored copy. Where a device can't be
// asked nothing could tell an old message from a new one, so that its reports come once.
func (w *world) network() {
	d := w.busyDoor()
	if len(d.said) == 0 {
		if w.pick(4) == 0 {
			w.hear(d, event.Observation{Battery: 1 + w.pick(100), Origin: event.OriginLive})
		}
		return
	}
	o := d.said[0]
	if w.now.Since(o.ReceivedAt) > latency {
		d.said = d.said[1:]
		return
	}
	if d.clocked && len(d.heard) > 0 && w.pick(4) == 0 { // somebody plays back what the device said once
		w.hear(d, one(w, d.heard))
		return
	}
	d.heard = append(d.heard, o)
	switch w.pick(8) {
	case 0:
		d.heard = d.heard[:len(d.heard)-1]
		d.said = d.said[1:]
		return
	case 1:
		o.Origin = event.OriginRetained
	case 2:
		if !d.spec.Reads {
			d.said = d.said[1:]
		}
	case 3:
		o = event.Observation{Reach: []event.Reach{event.ReachOffline, event.ReachOnline}[w.pick(2)], Origin: event.OriginLive}
	default:
		d.said = d.said[1:]
	}
	w.hear(d, o)
}

func (w *world) hear(d *door, o event.Observation) {
	o.Device, o.ReceivedAt = d.spec.Device, w.now
	if w.pick(3) == 0 {
		o.Cause = []string{"manual", "remote", "keypad", "auto"}[w.pick(4)]
	}
	w.try(d.site, event.Actor{Kind: event.ActorDevice}, site.Observe{Barrier: d.id, Observation: o})
}

// mailman brings a few letters, maybe out of order, maybe twice.
func (w *world) mailman() {
	for range 1 + w.pick(4) {
		if len(w.mail) > 0 {
			w.bring(w.pick(1 + w.pick(min(len(w.mail), 3))))
		}
	}
}

func (w *world) bring(i int) {
	l := w.mail[i]
	if w.pick(5) > 0 {
		w.mail = slices.Delete(w.mail, i, i+1)
	}
	w.try(l.to, event.Actor{Kind: event.ActorSite}, l.do)
}

// connector: the answer to a command, true or unknown; at a restart, the question how all stands.
func (w *world) connector() {
	v := one(w, w.home().Visits)
	p := one(w, v.Steps).Permit
	if p.ID == "" || w.pick(10) == 0 {
		w.try(home, event.Actor{Kind: event.ActorSystem}, site.Resume{})
		return
	}
	w.try(home, event.Actor{Kind: event.ActorSystem}, site.Resolve{Permit: p.ID, Outcome: w.outcome(p)})
}

func (w *world) outcome(p event.Permit) event.Outcome {
	d := w.doors[p.Barrier]
	under := slices.ContainsFunc(d.coming, func(o order) bool { return o.permit == p.ID })
	switch {
	case p.Type == event.PermitCode && w.pick(4) > 0:
		return event.Done
	case w.pick(4) == 0 || under || p.Type == event.PermitCode:
		return event.Unknown
	case d.obeyed == p.ID:
		return event.Done
	default:
		return event.NotDone
	}
}

// pictures is what the cameras show: mostly a live picture.
func (w *world) pictures() []event.Picture {
	var all []event.Picture
	for _, c := range w.home().Cameras {
		all = append(all, w.picture(c.ID))
	}
	return all
}

func (w *world) picture(id event.CameraID) event.Picture {
	p := event.Picture{Camera: id, At: w.now, Since: w.now.Add(-6 * event.Second), Keys: 4}
	switch w.pick(10) {
	case 0:
		p.Fault = event.PictureFaults()[w.pick(len(event.PictureFaults()))]
	case 1:
		p.At = w.now.Add(-3 * event.Second)
	case 2:
		p.Keys = 1
	}
	return p
}

// hangCamera has one camera film the first three ways in.
func (w *world) hangCamera() {
	var sees []event.AccessPointID
	for _, ap := range w.home().AccessPoints[:3] {
		sees = append(sees, ap.ID)
	}
	w.must(home, w.member(home), site.AddCamera{Sees: sees})
	id := w.home().Cameras[0].ID
	proof := event.Picture{Camera: id, At: w.now, Since: w.now.Add(-6 * event.Second), Keys: 4}
	w.must(home, w.member(home), site.ProveCamera{Camera: id, Seen: proof})
}

// camera: what the media service says, and what the household does with its camera and its clips.
func (w *world) camera() {
	system := event.Actor{Kind: event.ActorSystem}
	cam, kept := one(w, w.home().Cameras), one(w, w.home().Clips)
	switch w.pick(9) {
	case 8:
		visit := one(w, w.home().Visits).ID
		w.try(home, []event.Actor{w.member(home), {Kind: event.ActorOperator, ID: "operator"}}[w.pick(2)], site.WatchPicture{Visit: visit})
	case 0, 1, 2, 3:
		w.try(home, system, site.SeePicture{Seen: w.picture(cam.ID)})
	case 4:
		w.try(home, system, site.FinishClip{Clip: kept.ID, Files: make([]event.ClipFile, w.pick(3))})
	case 5:
		w.try(home, system, site.ConfirmErasure{Clip: kept.ID})
	case 6:
		w.try(home, w.member(home), site.EraseClip{Clip: kept.ID})
	default:
		w.try(home, w.member(home), site.WatchPicture{Clip: kept.ID})
	}
}
