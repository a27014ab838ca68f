package audit_test

import (
	"testing"

	"github.com/loquet/loquet/event"
)

func TestLaw9ARefusalIsAnAnswer(t *testing.T) {
	t.Parallel()
	outside := event.Fallback{Kind: event.FallbackOutside}
	find(t, 9, []plant{
		{"a refusal without a reason", planB, edit("refused", func(r *event.Refused) { r.Code = "" }), "no known reason"},
		{"a refusal for an unknown reason", planB, edit("refused", func(r *event.Refused) { r.Code = "computer-says-no" }), "computer-says-no"},
		{"a lease refused for an unknown reason", lobby, after("lend", func(s *story) {
			s.at("tower9", func() { s.say(event.LeaseRefused{Lease: "home1-l99", Barrier: s.doors[0], Code: "no"}) })
		}), "no known reason"},
		{"a lease denied for an unknown reason", lobby, after("ask", func(s *story) {
			s.say(event.LeaseDenied{Lease: "home1-l99", Code: "no"})
		}), "no known reason"},
		{"outside without permission", planB, edit("move in", func(r *event.RulesSet) { r.Rules.PlanB = r.Rules.PlanB[:1] }), "not what the customer chose"},
		{"outside, though the customer no longer wants it", planB, before("outside", func(s *story) {
			s.say(event.RulesSet{Rules: event.Rules{Dwell: event.Minute, Climb: event.Minute, PlanB: []event.Fallback{neighbour}}, By: s.byMember()})
		}), "not what the customer chose"},
		{"another neighbour", planB, edit("nobody", func(p *event.PlanBFollowed) { p.Fallback.Who = parcel("stranger") }), "not what the customer chose"},
		{"outside, and no step of plan B", planB, also(without("nobody"), edit("outside", func(p *event.PlanBFollowed) { p.Nobody = true })), "had not followed"},
		{"diverted elsewhere than plan B says", planB, edit("outside", func(d *event.DeliveryDiverted) { d.To = neighbour }), "had not followed"},
		{"diverted without a step of plan B", planB, also(without("nobody"), instead("outside", func(s *story) {
			s.say(event.DeliveryDiverted{Delivery: s.delivery, To: outside})
		})), "had not followed"},
	})
}
