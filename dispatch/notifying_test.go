package dispatch

import (
	"bytes"
	"context"
	"encoding/json"
	"log/slog"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"github.com/loquet/loquet/event"
	"github.com/loquet/loquet/site"
	"github.com/loquet/loquet/store"
	"github.com/loquet/loquet/store/memory"
)

// notice is a Notice with when it is due.
type notice struct {
	Notice
	due event.Instant
}

// notices takes what the people of a home are to be told, in order of the journal. What it took it does not return
// again.
func (w *town) notices() (all []notice) {
	w.t.Helper()
	far := event.InstantOf(time.Now()).Add(90 * event.Day)
	work, err := w.store.Claim(w.t.Context(), []string{WorkNotify}, far, far+1, 1000)
	if err != nil {
		w.t.Fatal(err)
	}
	for _, x := range work {
		n := notice{due: x.Due}
		if err := json.Unmarshal(x.Data, &n.Notice); err != nil {
			w.t.Fatal(err)
		}
		all = append(all, n)
		if err := w.store.Finish(w.t.Context(), x.ID); err != nil {
			w.t.Fatal(err)
		}
	}
	slices.SortFunc(all, func(a, b notice) int { return int(a.Event.Seq) - int(b.Event.Seq) })
	return all
}

func kindsOf(all []notice) (kinds []event.Kind) {
	for _, n := range all {
		kinds = append(kinds, n.Event.Body.Kind())
	}
	return kinds
}

func (w *town) wantNotices(want ...event.Kind) []notice {
	w.t.Helper()
	all := w.notices()
	if got := kindsOf(all); !slices.Equal(got, want) {
		w.t.Errorf("the people are told of %v, want %v", got, want)
	}
	return all
}

// TestAVisitIsToldToTheHousehold: little, and each thing once.
func TestAVisitIsToldToTheHousehold(t *testing.T) {
	for _, by := range []event.PermitType{event.PermitRemote, event.PermitCode} {
		t.Run(string(by), func(t *testing.T) {
			bubble(t, func(t *testing.T) {
				w := newTown(t, memory.New())
				h, delivery := w.ready(by)
				w.wantNotices("delivery.booked", "courier.assigned")
				d := w.process()
				end := w.run(d)
				(&phone{town: w, home: h, server: always(d)}).deliver()
				end()
				all := w.wantNotices("visit.begun", "opening.resolved", "delivery.delivered")
				for _, n := range all {
					if !slices.Equal(n.Deliveries, []event.DeliveryID{delivery}) || n.Visit == "" || n.Window.From == 0 || n.due != n.Event.At {
						t.Errorf("%s: %+v", n.Event.Body.Kind(), n)
					}
				}
				if n := all[1]; n.Barrier != h.barrier || n.Is != event.FrontDoor {
					t.Errorf("opened: %+v", n)
				}
				if n := all[2]; n.Secured == 0 || n.Secured > n.Event.At || n.Seen != (event.Closure{Bolt: true, Contact: true}) || n.Kept || n.Camera {
					t.Errorf("delivered: %+v", n)
				}
			})
		})
	}
}

// TestTheCourierIsNearOnce: from ten minutes before the estimate, as it stands then, or on arrival.
func TestTheCourierIsNearOnce(t *testing.T) {
	const in = event.Minute
	for name, c := range map[string]struct {
		// begun is the first estimate, counted from the beginning; renewed what is said five minutes later, 0 for
		// nothing; arrived when the courier arrives.
		begun, renewed, arrived event.Millis
		// want is what is due, and how long after the beginning.
		want []event.Kind
		due  []event.Millis
	}{
		"far":                         {begun: 30 * in, want: []event.Kind{"visit.begun"}, due: []event.Millis{20 * in}},
		"near at once":                {begun: 7 * in, want: []event.Kind{"visit.begun"}, due: []event.Millis{0}},
		"no estimate":                 {want: []event.Kind{"visit.begun"}, due: []event.Millis{0}},
		"renewed in time":             {begun: 30 * in, renewed: 40 * in, want: []event.Kind{"visit.begun", "visit.estimated"}, due: []event.Millis{20 * in, 30 * in}},
		"renewed to now":              {begun: 30 * in, renewed: 12 * in, want: []event.Kind{"visit.begun", "visit.estimated"}, due: []event.Millis{20 * in, 5 * in}},
		"renewed as it was":           {begun: 30 * in, renewed: 30 * in, want: []event.Kind{"visit.begun"}, due: []event.Millis{20 * in}},
		"renewed when told already":   {begun: 11 * in, renewed: 30 * in, want: []event.Kind{"visit.begun"}, due: []event.Millis{in}},
		"arrived before the estimate": {begun: 30 * in, arrived: 6 * in, want: []event.Kind{"visit.begun", "visit.arrived"}, due: []event.Millis{20 * in, 6 * in}},
		"arrived as told":             {begun: 12 * in, arrived: 6 * in, want: []event.Kind{"visit.begun"}, due: []event.Millis{2 * in}},
	} {
		t.Run(name, func(t *testing.T) {
			bubble(t, func(t *testing.T) {
				w := newTown(t, memory.New())
				h, _ := w.ready(event.PermitRemote)
				w.notices()
				d := w.process()
				began := event.InstantOf(time.Now())
				eta := func(in event.Millis) event.Instant {
					if in == 0 {
						return 0
					}
					return began.Add(in)
				}
				visit := the[event.VisitBegun](t, w.do(d, "home", w.courier("anna"), site.Approach{AccessPoint: h.place, ETA: eta(c.begun)})).Visit
				if c.renewed != 0 {
					pass(5 * time.Minute)
					w.do(d, "home", w.courier("anna"), site.Approach{AccessPoint: h.place, ETA: eta(c.renewed)})
				}
				if c.arrived != 0 {
					pass(c.arrived.Duration())
					w.do(d, "home", w.courier("anna"), site.Arrive{Visit: visit})
				}
				for i, n := range w.wantNotices(c.want...) {
					if i < len(c.due) && n.due != began.Add(c.due[i]) {
						t.Errorf("%s is due after %s, want %s", n.Event.Body.Kind(), n.due.Since(began).Duration(), c.due[i].Duration())
					}
				}
			})
		})
	}
}

// TestARehearsalIsNoNews: whoever rehearses is there.
func TestARehearsalIsNoNews(t *testing.T) {
	bubble(t, func(t *testing.T) {
		w := newTown(t, memory.New())
		h, _ := w.ready(event.PermitRemote)
		d := w.process()
		end := w.run(d)
		defer end()
		w.do(d, "home", operator(), site.Suspend{Courier: "anna"})
		h.door.turn(event.BoltUnlocked)
		synctest.Wait()
		h.door.turn(event.BoltLocked)
		synctest.Wait()
		w.notices()
		visit := the[event.VisitBegun](t, w.do(d, "home", member(h.member), site.Rehearse{AccessPoint: h.place})).Visit
		synctest.Wait()
		h.door.push()
		synctest.Wait()
		h.door.shut()
		w.do(d, "home", member(h.member), site.Close{Visit: visit})
		until(t, "the rehearsal ends", func() bool { return len(w.state("home").Visits) == 0 })
		inOrder(t, w.journal("home"), "opening.intended", "opening.resolved", "visit.ended")
		w.wantNotices()
	})
}

// TestAnAlarmIsToldOnceItHasClimbedToTheHousehold, its climb to the operator, and its end to whom it was told.
func TestAnAlarmIsToldOnceItHasClimbedToTheHousehold(t *testing.T) {
	for _, climbs := range []bool{false, true} {
		bubble(t, func(t *testing.T) {
			w := newTown(t, memory.New())
			h, delivery := w.ready(event.PermitRemote)
			d := w.process()
			end := w.run(d)
			defer end()
			visit := the[event.VisitBegun](t, w.do(d, "home", w.courier("anna"), site.Approach{AccessPoint: h.place})).Visit
			w.do(d, "home", w.courier("anna"), site.Scan{Visit: visit, Parcel: "parcel"})
			synctest.Wait()
			h.door.push()
			w.notices()
			level := event.AlarmCourier
			if climbs {
				level = event.AlarmOperator
			}
			until(t, "the alarm", func() bool {
				return slices.ContainsFunc(w.state("home").Visits, func(v site.Visit) bool { return v.Alarm.Level == level })
			})
			w.do(d, "home", operator(), site.AcknowledgeAlarm{Visit: visit})
			h.door.shut()
			w.do(d, "home", w.courier("anna"), site.Close{Visit: visit})
			until(t, "the visit ends", func() bool { return len(w.state("home").Visits) == 0 })
			if !climbs {
				w.wantNotices("delivery.delivered")
				return
			}
			all := w.wantNotices("alarm.raised", "alarm.raised", "alarm.acknowledged", "alarm.ended", "delivery.delivered")
			if n := all[0]; n.Event.Body.(event.AlarmRaised).Level != event.AlarmCustomer || n.Barrier != h.barrier || n.Is != event.FrontDoor ||
				!slices.Equal(n.Deliveries, []event.DeliveryID{delivery}) {
				t.Errorf("the alarm: %+v", n)
			}
			if n := all[1]; n.Event.Body.(event.AlarmRaised).Level != event.AlarmOperator || n.Alarm.Level != event.AlarmCustomer || n.Alarm.Barrier != h.barrier {
				t.Errorf("its climb: %+v", n)
			}
			if n := all[3]; n.Alarm.Level != event.AlarmOperator || n.Barrier != h.barrier {
				t.Errorf("its end: %+v", n)
			}
		})
	}
}

// TestAnotherAlarmIsNews while one stands at the household's level; so is that it climbs on.
func TestAnotherAlarmIsNews(t *testing.T) {
	stood := site.Alarm{Reason: event.AlarmAjar, Barrier: "home-b1", Level: event.AlarmCustomer}
	for name, c := range map[string]struct {
		before site.Alarm
		raised event.AlarmRaised
		want   bool
	}{
		"climbs to the household": {site.Alarm{Reason: event.AlarmAjar, Barrier: "home-b1", Level: event.AlarmCourier}, event.AlarmRaised{Reason: event.AlarmAjar, Barrier: "home-b1", Level: event.AlarmCustomer}, true},
		"climbs on":               {stood, event.AlarmRaised{Reason: event.AlarmAjar, Barrier: "home-b1", Level: event.AlarmOperator}, true},
		"another way":             {stood, event.AlarmRaised{Reason: event.AlarmJammed, Barrier: "home-b1", Level: event.AlarmCustomer}, false},
		"of no barrier":           {site.Alarm{Reason: event.AlarmPicture, Level: event.AlarmOperator}, event.AlarmRaised{Reason: event.AlarmDanger, Level: event.AlarmOperator}, true},
		"another barrier":         {stood, event.AlarmRaised{Reason: event.AlarmAjar, Barrier: "home-b2", Level: event.AlarmCustomer}, true},
		"danger at once":          {site.Alarm{}, event.AlarmRaised{Reason: event.AlarmDanger, Level: event.AlarmOperator}, true},
		"the courier's alone":     {site.Alarm{}, event.AlarmRaised{Reason: event.AlarmAjar, Barrier: "home-b1", Level: event.AlarmCourier}, false},
	} {
		t.Run(name, func(t *testing.T) {
			c.raised.Visit = "home-v1"
			before := site.State{Site: "home", Visits: []site.Visit{{ID: "home-v1", Alarm: c.before}}}
			e := event.Event{Site: "home", Seq: 9, At: 1, Body: c.raised}
			if _, _, told := noticeOf(change{first: before, before: before, after: site.Evolve(before, e), event: e}); told != c.want {
				t.Errorf("told: %v", told)
			}
		})
	}
}

// TestEveryRefusalIsSortedOut: for each code it was thought about whether the household hears of it at the door.
func TestEveryRefusalIsSortedOut(t *testing.T) {
	heard := []event.Code{event.NoConsent, event.QuestionOpen, event.PetsLoose, event.AlarmOn, event.TooLate, event.DeviceOffline,
		event.BarrierNotReady, event.CameraNotLive, event.CameraNoRoom, event.LenderRefused, event.LenderBlocked, event.ParcelMissed,
		event.WrongDevice, event.Suspended, event.WrongCourier, event.ParcelDoesNotFit, event.CarTooFar, event.CarMoving, event.CarPositionOld,
		event.CarIndoors, event.CarNotLocked, event.CarAsleep, event.CarUnreachable, event.CarRevoked, event.CarOpensOtherwise}
	unheard := []event.Code{event.WrongParcel, event.WrongPlace, event.NoPosition, event.PositionVague, event.PositionOld, event.TooEarly,
		event.Blocked, event.AlreadyScanned, event.AlreadyOpened, event.AlreadyEnded, event.NothingToDeliver, event.ParcelsLeft,
		event.BarrierBusy, event.OutcomePending, event.CameraProving, event.LeasePending, event.NotSecured, event.NotAjar,
		event.NotOpened, event.NotPresent, event.ProofReused, event.NotConfirmed, event.CarChecking, event.CarBusy, event.TrunkWindowPassed}
	for _, code := range event.Codes() {
		by := event.Actor{Kind: event.ActorCourier, ID: "anna"}
		if told := heardByHousehold(event.Refused{Asked: event.AskedScan, Code: code, By: by}); told != slices.Contains(heard, code) {
			t.Errorf("%s: told %v", code, told)
		}
		if slices.Contains(heard, code) == slices.Contains(unheard, code) {
			t.Errorf("%s belongs in exactly one list", code)
		}
		by.Kind = event.ActorMember
		if heardByHousehold(event.Refused{Asked: event.AskedScan, Code: code, By: by}) {
			t.Errorf("%s: a member's own", code)
		}
	}
	if heardByHousehold(event.Refused{Asked: event.AskedApproach, Code: event.WrongCourier, By: event.Actor{Kind: event.ActorCourier}}) {
		t.Error("somebody far away is no news")
	}
}

// TestWhatIsToldOfADoor between visits: an opening that nobody asked for, and a battery that becomes low.
func TestWhatIsToldOfADoor(t *testing.T) {
	bubble(t, func(t *testing.T) {
		w := newTown(t, memory.New())
		h, _ := w.ready(event.PermitRemote)
		d := w.process()
		w.do(d, "home", member(h.member), site.SetRules{Rules: event.Rules{Dwell: event.Minute, Climb: event.Minute, Watch: true}})
		w.notices()
		for _, battery := range []int{50, 15, 12, 60, 9} {
			o := h.door.observation("")
			o.Battery = battery
			if err := d.Heard(t.Context(), "home", o); err != nil {
				t.Fatal(err)
			}
		}
		all := w.wantNotices("barrier.observed", "barrier.observed")
		if all[0].Event.Body.(event.BarrierObserved).Observation.Battery != 15 || all[0].Is != event.FrontDoor {
			t.Errorf("%+v", all[0])
		}
		h.door.turn(event.BoltUnlocked)
		if err := d.Heard(t.Context(), "home", h.door.observation("keypad")); err != nil {
			t.Fatal(err)
		}
		if n := w.wantNotices("barrier.foreign-opening")[0]; n.Barrier != h.barrier || n.Is != event.FrontDoor {
			t.Errorf("%+v", n)
		}
	})
}

// TestWhatEndsADelivery is told unless a member did it; a visit is told of once, whatever it delivered.
func TestWhatEndsADelivery(t *testing.T) {
	bubble(t, func(t *testing.T) {
		w := newTown(t, memory.New())
		h, _ := w.ready(event.PermitRemote)
		d := w.process()
		more := []event.DeliveryID{w.promise(d, h, "bread"), w.promise(d, h, "milk"), w.promise(d, h, "wine")}
		w.notices()
		w.do(d, "home", member(h.member), site.Cancel{Delivery: more[0]})
		w.wantNotices()
		w.do(d, "home", merchant(), site.Cancel{Delivery: more[1]})
		w.wantNotices("delivery.cancelled")
		w.do(d, "home", operator(), site.Block{Delivery: more[2]})
		w.do(d, "home", operator(), site.Block{Delivery: more[2]})
		w.do(d, "home", merchant(), site.Cancel{Delivery: more[2]})
		w.wantNotices("block.answered", "delivery.cancelled")
		w.promise(d, h, "roses")
		w.notices()
		end := w.run(d)
		(&phone{town: w, home: h, server: always(d)}).deliver()
		end()
		if n := len(every[event.DeliveryDelivered](w.journal("home"))); n != 2 {
			t.Fatalf("%d deliveries", n)
		}
		w.wantNotices("visit.begun", "opening.resolved", "delivery.delivered")
	})
}

// TestAPermissionTakenBackIsTold a minute later, to whoever can give it again.
func TestAPermissionTakenBackIsTold(t *testing.T) {
	bubble(t, func(t *testing.T) {
		w := newTown(t, memory.New())
		h, delivery := w.ready(event.PermitRemote)
		d := w.process()
		w.notices()
		w.do(d, "home", member(h.member), site.WithdrawFrom{Delivery: delivery})
		n := w.wantNotices("delivery.unconsented")[0]
		if n.due != n.Event.At.Add(SettledAfter) || !slices.Equal(n.Deliveries, []event.DeliveryID{delivery}) || n.Window.From == 0 {
			t.Errorf("%+v", n)
		}
	})
}

// TestAnotherPhoneOfTheSameCourierIsTold apart from another courier.
func TestAnotherPhoneOfTheSameCourierIsTold(t *testing.T) {
	bubble(t, func(t *testing.T) {
		w := newTown(t, memory.New())
		_, delivery := w.ready(event.PermitRemote)
		d := w.process()
		w.notices()
		for _, c := range []struct {
			courier event.CourierID
			key     event.KeyID
			rebound bool
		}{{"anna", "another key", true}, {"tom", "key-of-tom", false}} {
			w.do(d, "home", operator(), site.Assign{Delivery: delivery, Courier: c.courier, Key: c.key, PublicKey: "{}"})
			if n := w.wantNotices("courier.assigned")[0]; n.Rebound != c.rebound {
				t.Errorf("%s with %s: %+v", c.courier, c.key, n)
			}
		}
		w.do(d, "home", operator(), site.Suspend{Courier: "tom"})
		if n := w.wantNotices("courier.suspended")[0]; !slices.Equal(n.Deliveries, []event.DeliveryID{delivery}) {
			t.Errorf("%+v", n)
		}
	})
}

// TestAHandlerMayChooseALaterTime, and nothing is said to have failed.
func TestAHandlerMayChooseALaterTime(t *testing.T) {
	bubble(t, func(t *testing.T) {
		w := newTown(t, memory.New())
		w.put("w")
		var seen attempts
		var logged bytes.Buffer
		d := w.process()
		d.log = slog.New(slog.NewTextHandler(&logged, nil))
		d.Handle(WorkTell, func(context.Context, store.Work) error {
			if seen.note("w") < 3 {
				return Later{At: event.InstantOf(time.Now()).Add(3 * event.Hour)}
			}
			return nil
		})
		end := w.run(d)
		pass(24 * time.Hour)
		end()
		at := seen.at["w"]
		if len(at) != 3 || at[1].Sub(at[0]) != 3*time.Hour || at[2].Sub(at[1]) != 3*time.Hour {
			t.Errorf("tried at %v", at)
		}
		if logged.Len() > 0 {
			t.Errorf("logged: %s", &logged)
		}
	})
}

// TestWhatIsToldOfACar: how a car was found is told where the household can do something about it, and not when the courier
// stands there and is refused for it.
func TestWhatIsToldOfACar(t *testing.T) {
	lasting := []event.Code{event.CarTooFar, event.CarIndoors, event.CarPositionOld, event.CarAsleep, event.CarUnreachable, event.CarRevoked}
	passing := []event.Code{event.CarMoving, event.CarNotLocked}
	for _, round := range []event.Round{event.RoundDayBefore, event.RoundApproach, event.RoundArrival, event.RoundSpot, event.RoundRehearsal, ""} {
		for _, code := range append(event.Codes(), "") {
			want := slices.Contains(lasting, code) && (round == event.RoundDayBefore || round == event.RoundApproach) ||
				slices.Contains(passing, code) && round == event.RoundApproach || code == event.CarRevoked && round != event.RoundArrival
			e := event.Event{Site: "home", Seq: 9, At: 1, Body: event.VehicleFound{AccessPoint: "home-a4", Round: round, Code: code}}
			if _, _, told := noticeOf(change{event: e}); told != want {
				t.Errorf("%q in the round %q: told %v", code, round, told)
			}
		}
	}
	e := event.Event{Site: "home", Seq: 9, At: 1, Body: event.SpotAsked{AccessPoint: "home-a4", Delivery: "home-d3"}}
	if n, _, told := noticeOf(change{event: e}); !told || !slices.Equal(n.Deliveries, []event.DeliveryID{"home-d3"}) {
		t.Errorf("a spot that is asked for: told %v, %+v", told, n)
	}
}
