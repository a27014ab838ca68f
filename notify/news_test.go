package notify

import (
	"testing"

	"github.com/loquet/loquet/dispatch"
	"github.com/loquet/loquet/event"
	"github.com/loquet/loquet/site"
)

// TestWhatIsPastIsNotTold: what came later is told in its place.
func TestWhatIsPastIsNotTold(t *testing.T) {
	visit := func(change ...func(*site.Visit)) site.State {
		v := site.Visit{ID: "home-v7", ETA: noon, Deliveries: []event.DeliveryID{"home-d3"}, Steps: []site.Step{{Barrier: "home-b2"}}}
		for _, c := range change {
			c(&v)
		}
		return site.State{Visits: []site.Visit{v}, Deliveries: []site.Delivery{{ID: "home-d3", Courier: "karim", Key: "key"}}}
	}
	alarm := func(level event.AlarmLevel, b event.BarrierID) site.State {
		return visit(func(v *site.Visit) { v.Alarm = site.Alarm{Level: level, Barrier: b} })
	}
	asked := func(a site.Ask) site.State {
		return site.State{Deliveries: []site.Delivery{{ID: "home-d3", Asked: []site.Ask{a}}}}
	}
	pets := event.QuestionAsked{Delivery: "home-d3", Question: event.QuestionPets, Round: event.RoundApproach}
	opened := event.OpeningResolved{Visit: "home-v7", Barrier: "home-b2", Outcome: event.Done}
	ajar := event.AlarmRaised{Visit: "home-v7", Barrier: "home-b2", Level: event.AlarmCustomer}
	low := event.BarrierObserved{Barrier: "home-b2"}
	spot := event.SpotAsked{AccessPoint: "home-a4", Delivery: "home-d3", Round: event.RoundDayBefore}
	car := func(c site.Car) site.State {
		return site.State{AccessPoints: []site.AccessPoint{{ID: "home-a4", Car: c}}}
	}
	battery := func(low bool) site.State {
		return site.State{Barriers: []site.Barrier{{ID: "home-b2", LowBattery: low}}}
	}
	for _, c := range []struct {
		what  string
		body  event.Body
		state site.State
		told  bool
	}{
		{"near", event.VisitBegun{Visit: "home-v7", ETA: noon}, visit(), true},
		{"near, and there by now", event.VisitBegun{Visit: "home-v7", ETA: noon}, visit(func(v *site.Visit) { v.Arrived = noon }), false},
		{"near, by an estimate that changed", event.VisitBegun{Visit: "home-v7", ETA: noon - 1}, visit(), false},
		{"near, for nothing", event.VisitBegun{Visit: "home-v7", ETA: noon}, visit(func(v *site.Visit) { v.Deliveries = nil }), false},
		{"near, and gone", event.VisitEstimated{Visit: "home-v7", ETA: noon}, site.State{}, false},
		{"near by another estimate", event.VisitEstimated{Visit: "home-v7", ETA: noon}, visit(), true},
		{"near by an older estimate", event.VisitEstimated{Visit: "home-v7", ETA: noon + 1}, visit(), false},
		{"there", event.VisitArrived{Visit: "home-v7"}, visit(func(v *site.Visit) { v.Arrived = noon }), true},
		{"there, and inside by now", event.VisitArrived{Visit: "home-v7"}, visit(func(v *site.Visit) { v.Steps[0].Opened = noon }), false},
		{"opened", opened, visit(), true},
		{"opened, and over", opened, site.State{}, false},
		{"an alarm", ajar, alarm(event.AlarmCustomer, "home-b2"), true},
		{"an alarm that the operator has by now", ajar, alarm(event.AlarmOperator, "home-b2"), false},
		{"an alarm that is over", ajar, visit(), false},
		{"an alarm after its visit", ajar, site.State{}, false},
		{"an alarm that the courier has again", ajar, alarm(event.AlarmCourier, "home-b2"), false},
		{"an alarm of another door by now", ajar, alarm(event.AlarmCustomer, "home-b9"), false},
		{"an alarm in hand", event.AlarmAcknowledged{Visit: "home-v7"}, alarm(event.AlarmCustomer, "home-b2"), true},
		{"an alarm in hand that is over", event.AlarmAcknowledged{Visit: "home-v7"}, visit(), false},
		{"an alarm's end", event.AlarmEnded{Visit: "home-v7"}, visit(), true},
		{"an alarm's end after the visit", event.AlarmEnded{Visit: "home-v7"}, site.State{}, true},
		{"an alarm's end, and the next", event.AlarmEnded{Visit: "home-v7"}, alarm(event.AlarmCustomer, "home-b2"), false},
		{"a question", pets, asked(site.Ask{Question: event.QuestionPets, Round: event.RoundApproach}), true},
		{"a question answered", pets, asked(site.Ask{Question: event.QuestionPets, Round: event.RoundApproach, Answered: true}), false},
		{"a question of another round", pets, asked(site.Ask{Question: event.QuestionPets, Round: event.RoundDayBefore}), false},
		{"a question of nothing", pets, site.State{}, false},
		{"booked", event.DeliveryBooked{Delivery: "home-d3"}, visit(), true},
		{"booked, and gone", event.DeliveryBooked{Delivery: "home-d3"}, site.State{}, false},
		{"permission taken back", event.DeliveryUnconsented{Delivery: "home-d3"}, visit(), true},
		{"permission taken back and given again", event.DeliveryUnconsented{Delivery: "home-d3"}, site.State{Deliveries: []site.Delivery{{ID: "home-d3", Consented: true}}}, false},
		{"permission taken back for nothing", event.DeliveryUnconsented{Delivery: "home-d3"}, site.State{}, false},
		{"assigned", event.CourierAssigned{Delivery: "home-d3", Courier: "karim", Key: "key"}, visit(), true},
		{"assigned to another by now", event.CourierAssigned{Delivery: "home-d3", Courier: "tom", Key: "key"}, visit(), false},
		{"a car's spot", spot, car(site.Car{}), true},
		{"a car's spot, told by now", spot, car(site.Car{Described: noon}), false},
		{"a car's spot that has none any more", spot, site.State{}, false},
		{"a car too far away", event.VehicleFound{AccessPoint: "home-a4", Code: event.CarTooFar}, car(site.Car{Code: event.CarTooFar}), true},
		{"a car that has come near", event.VehicleFound{AccessPoint: "home-a4", Code: event.CarTooFar}, car(site.Car{}), false},
		{"a low battery", low, battery(true), true},
		{"a new battery", low, battery(false), false},
		{"delivered", event.DeliveryDelivered{Delivery: "home-d3"}, site.State{}, true},
		{"a break-in", event.ForeignOpening{Barrier: "home-b2"}, site.State{}, true},
		{"what is told to nobody", event.CodeShown{}, visit(), false},
	} {
		n := dispatch.Notice{Event: event.Event{Site: "home", Seq: 9, At: noon, Body: c.body}, Visit: "home-v7", Deliveries: []event.DeliveryID{"home-d3"}}
		if _, told := newsOf(n, c.state, noon); told != c.told {
			t.Errorf("%s: told %v", c.what, told)
		}
	}
}

// TestABookingIsAQuestionUntilSomethingAllowsIt.
func TestABookingIsAQuestionUntilSomethingAllowsIt(t *testing.T) {
	n := dispatch.Notice{Event: event.Event{Site: "home", Seq: 9, At: noon, Body: event.DeliveryBooked{Delivery: "home-d3"}}}
	for consented, want := range map[bool]Topic{true: Planned, false: Question} {
		x, told := newsOf(n, site.State{Deliveries: []site.Delivery{{ID: "home-d3", Consented: consented}}}, noon)
		if !told || x.topic != want {
			t.Errorf("consented %v: %s", consented, x.topic)
		}
	}
}

// TestEveryTopicHasItsCustom, and is worth telling for a while.
func TestEveryTopicHasItsCustom(t *testing.T) {
	for _, topic := range Topics() {
		if c := topic.custom(); c.topic != topic || c.keep < event.Minute {
			t.Errorf("%s: %+v", topic, c)
		}
	}
	for _, topic := range []Topic{Alarm, Foreign} {
		if !(Choice{topic, topic.custom().by}).By(Email) {
			t.Errorf("%s does not go by e-mail from the beginning", topic)
		}
	}
	if len(Planned.custom().by) != 0 {
		t.Error("what is planned is told to whoever did not ask for it")
	}
	if c := Topic("weather").custom(); c.topic != "" {
		t.Errorf("%+v", c)
	}
}
