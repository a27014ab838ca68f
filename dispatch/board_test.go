package dispatch

import (
	"testing"
	"testing/synctest"
	"time"

	"pgregory.net/rapid"

	"github.com/loquet/loquet/event"
	"github.com/loquet/loquet/site"
	"github.com/loquet/loquet/store/memory"
)

// compareRetold requires every row of these sites to be as if told anew from the first event on.
func (w *town) compareRetold(t rapid.TB, sites ...event.SiteID) {
	t.Helper()
	want := map[string]map[string]string{}
	for _, id := range sites {
		rows, err := Retell(id, w.journal(id))
		if err != nil {
			t.Fatal(err)
		}
		for _, r := range rows {
			if want[r.Partition] == nil {
				want[r.Partition] = map[string]string{}
			}
			if r.Data != nil {
				want[r.Partition][r.Key] = string(r.Data)
			}
		}
	}
	for partition, should := range want {
		rows, err := w.store.Rows(w.t.Context(), partition, "", 10_000)
		if err != nil {
			t.Fatal(err)
		}
		for _, r := range rows {
			if should[r.Key] != string(r.Data) {
				t.Fatalf("%s %s\nis     %s\nretold %s", partition, r.Key, r.Data, should[r.Key])
			}
		}
		if len(rows) != len(should) {
			t.Fatalf("%s holds %d rows, retold %d", partition, len(rows), len(should))
		}
	}
}

// everything reads all pages of a list, two rows at a time.
func everything[T any](t *testing.T, read func(after string, limit int) ([]T, string, error)) (all []T) {
	t.Helper()
	for after := ""; ; {
		some, next, err := read(after, 2)
		must(t, err)
		all, after = append(all, some...), next
		if next == "" {
			return all
		}
	}
}

func (w *town) facts(t *testing.T, d *Dispatcher) []Fact {
	t.Helper()
	today := DayOf(event.InstantOf(time.Now()))
	return everything(t, func(after string, limit int) ([]Fact, string, error) {
		return d.Facts(t.Context(), today, after, limit)
	})
}

// A visit that goes well, on the operator's board and in the numbers of its day.
func TestAVisitOnTheBoard(t *testing.T) {
	bubble(t, func(t *testing.T) {
		w := newTown(t, memory.New())
		h, _ := w.ready(event.PermitRemote)
		d := w.process()
		end := w.run(d)
		defer end()
		w.do(d, "home", w.courier("anna"), site.Approach{AccessPoint: h.place})
		under, next, err := d.Underway(t.Context(), "", 10)
		must(t, err)
		if len(under) != 1 || next != "" || under[0].Courier != "anna" || under[0].Site != "home" || under[0].AccessPoint != h.place || under[0].Begun == 0 {
			t.Errorf("under way: %+v", under)
		}
		(&phone{town: w, home: h, server: always(d)}).deliver()
		synctest.Wait()
		if under, _, err = d.Underway(t.Context(), "", 10); err != nil || len(under) != 0 {
			t.Errorf("under way after the end: %+v, %v", under, err)
		}
		facts := w.facts(t, d)
		if len(facts) != 1 || facts[0].Ended == nil || facts[0].Ended.How != event.EndSecured {
			t.Fatalf("facts: %+v", facts)
		}
		f := *facts[0].Ended
		for what, took := range map[string]func() (event.Millis, bool){"scan to order": f.ScanToOrder, "order to open": f.OrderToOpened, "open": f.OpenedToSecured} {
			if ms, known := took(); !known || ms < 0 || ms > event.Hour {
				t.Errorf("%s took %d ms, known %t: %+v", what, ms, known, f)
			}
		}
		openings := everything(t, func(after string, limit int) ([]Opening, string, error) {
			return d.Openings(t.Context(), "home", after, limit)
		})
		if o := openings[0]; len(openings) != 1 || o.Visit != facts[0].Visit || o.Outcome != event.Done || !o.Seen || o.Secured == 0 || o.Courier != "anna" ||
			o.Barrier != h.barrier || len(o.Deliveries) != 1 || o.Grade != event.GradeReported {
			t.Errorf("openings: %+v", openings)
		}
		booked, _, err := d.DeliveriesOn(t.Context(), DayOf(event.InstantOf(time.Now())), "", 10)
		if err != nil || len(booked) != 1 || booked[0].Status != StatusDelivered || booked[0].Visit != facts[0].Visit {
			t.Errorf("deliveries: %+v, %v", booked, err)
		}
	})
}

// An alarm stands on the board as long as it stands, with its owner, and in the numbers of the day on which it began.
func TestAnAlarmOnTheBoard(t *testing.T) {
	bubble(t, func(t *testing.T) {
		w := newTown(t, memory.New())
		h, _ := w.ready(event.PermitRemote)
		d := w.process()
		end := w.run(d)
		defer end()
		w.do(d, "home", member(h.member), site.SetRules{Rules: event.Rules{Dwell: event.Minute, Climb: event.Minute}})
		visit := the[event.VisitBegun](t, w.do(d, "home", w.courier("anna"), site.Approach{AccessPoint: h.place})).Visit
		w.do(d, "home", w.courier("bert"), site.Arrive{Visit: visit})
		w.do(d, "home", w.courier("anna"), site.Scan{Visit: visit, Parcel: "parcel"})
		synctest.Wait()
		h.door.push()
		standing := func() []StandingAlarm {
			return everything(t, func(after string, limit int) ([]StandingAlarm, string, error) {
				return d.StandingAlarms(t.Context(), after, limit)
			})
		}
		until(t, "an alarm for the household", func() bool { s := standing(); return len(s) == 1 && s[0].Level == event.AlarmCustomer })
		w.do(d, "home", operator(), site.AcknowledgeAlarm{Visit: visit})
		if s := standing()[0]; s.Owner.ID != "ops" || s.Owned == 0 || s.Visit != visit || s.Courier != "anna" || s.At <= s.Raised || s.Raised == 0 {
			t.Errorf("it stands as %+v", s)
		}
		raised := standing()[0].Raised
		h.door.shut()
		until(t, "everything is shut", func() bool { return len(standing()) == 0 })
		facts := w.facts(t, d)
		var alarm *AlarmFact
		var refused *RefusalFact
		for _, f := range facts {
			if f.Alarm != nil {
				alarm = f.Alarm
			}
			if f.Refusal != nil {
				refused = f.Refusal
			}
		}
		if alarm == nil || alarm.Raised != raised || alarm.Owner.ID != "ops" || alarm.Ended < alarm.Owned || alarm.Level < event.AlarmCustomer || alarm.Is != event.FrontDoor {
			t.Errorf("the alarm of the day: %+v", alarm)
		}
		if refused == nil || refused.Code != event.WrongCourier || refused.Asked != event.AskedArrive || refused.By != event.ActorCourier || refused.Is != event.FrontDoor {
			t.Errorf("the refusal of the day: %+v", refused)
		}
	})
}

// What the household or somebody else opened stands among the openings, the latest first.
func TestForeignOpenings(t *testing.T) {
	bubble(t, func(t *testing.T) {
		w := newTown(t, memory.New())
		h, _ := w.ready(event.PermitRemote)
		d := w.process()
		end := w.run(d)
		defer end()
		pass(time.Minute)
		for range 3 {
			h.door.turn(event.BoltUnlocked)
			pass(time.Minute)
			h.door.turn(event.BoltLocked)
			pass(time.Minute)
		}
		openings := everything(t, func(after string, limit int) ([]Opening, string, error) {
			return d.Openings(t.Context(), "home", after, limit)
		})
		if len(openings) != 3 {
			t.Fatalf("%d openings: %+v", len(openings), openings)
		}
		for i, o := range openings {
			if !o.Foreign || o.Cause == "" || o.Visit != "" || i > 0 && o.At >= openings[i-1].At {
				t.Errorf("opening %d: %+v", i, o)
			}
		}
		if facts := w.facts(t, d); len(facts) != 3 || facts[0].Foreign == nil || facts[0].Foreign.Barrier != h.barrier {
			t.Errorf("facts: %+v", facts)
		}
	})
}
