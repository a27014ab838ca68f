package audit_test

import (
	"testing"

	"github.com/loquet/loquet/event"
)

func TestLaw4ABlockWinsOrLoses(t *testing.T) {
	t.Parallel()
	find(t, 4, []plant{
		{"opened after the block had won", home, also(before("open", block(event.BlockWon)), instead("open", tap(0)), upTo("open")), "answered with yes"},
		{"inner door opened after a block from there on", twoDoors, also(after("unlocked", block(event.BlockFromHere)), upTo("open inner")), "answered with yes"},
		{"code shown after the block had won", code, also(before("shown", block(event.BlockWon)), upTo("shown")), "answered with yes"},
		{"won, though the order had gone", home, also(upTo("done"), after("done", block(event.BlockWon))), `should have been "too-late"`},
		{"too late, though nothing had gone", blocked, also(instead("block", block(event.BlockTooLate)), upTo("block")), `should have been "blocked"`},
		{"too late, though an inner door was shut", twoDoors, after("unlocked", block(event.BlockTooLate)), `should have been "blocked-from-here"`},
		{"from here, though nothing is further in", home, also(upTo("done"), after("done", block(event.BlockFromHere))), `should have been "too-late"`},
		{"blocked twice", blocked, after("block", block(event.BlockWon)), `should have been "already-blocked"`},
		{"won, though it was delivered", home, after("leave", func(s *story) {
			s.say(event.BlockAnswered{Delivery: s.delivery, Verdict: event.BlockWon, By: s.byMember()})
		}), `should have been "already-ended"`},
		{"too late, for an order that was never given", tooLate, edit("blocked", func(b *event.BlockAnswered) { b.IntendedAt++ }), "there was none"},
		{"won, for an order that was given", blocked, edit("block", func(b *event.BlockAnswered) { b.IntendedAt = clock("10:40:00") }), "it names an order"},
		{"blocked and delivered", twoDoors, also(after("inner done", func(s *story) {
			block(event.BlockTooLate)(s)
		}), before("leave", func(s *story) {
			s.say(event.BlockAnswered{Delivery: s.delivery, Visit: s.visit, Verdict: event.BlockFromHere, IntendedAt: s.intended(), By: s.byMember()})
		})), "called delivered"},
	})
}

func TestLaw4Lending(t *testing.T) {
	t.Parallel()
	endLending := func(v event.BlockVerdict) func(*story) {
		return func(s *story) {
			s.at("tower9", func() {
				s.say(event.LendingEnded{Barrier: s.doors[0], Borrower: "home1", Verdict: v, By: s.byMember()})
			})
		}
	}
	find(t, 4, []plant{
		{"granted after the lending had ended", lobby, before("grant", endLending(event.BlockWon)), "had ended"},
		{"ended as won while it was out", lobby, after("grant", endLending(event.BlockWon)), `should have been "too-late"`},
		{"ended as too late before it was out", lobby, also(upTo("scan two"), after("scan two", endLending(event.BlockTooLate))), `should have been "blocked"`},
		{"ended twice", lobby, after("take back", func(s *story) {
			endLending(event.BlockWon)(s)
			endLending(event.BlockWon)(s)
		}), `should have been "already-blocked"`},
	})
}

// TestLaw4EndsOfLending are the right ones.
func TestLaw4EndsOfLending(t *testing.T) {
	t.Parallel()
	end := func(v event.BlockVerdict) func(*story) {
		return func(s *story) {
			s.at("tower9", func() {
				s.say(event.LendingEnded{Barrier: s.doors[0], Borrower: "home1", Verdict: v, By: s.byMember()})
			})
		}
	}
	holds(t, after("grant", end(event.BlockTooLate))(lobby))
	holds(t, after("take back", end(event.BlockWon))(lobby))
	holds(t, also(after("take back", end(event.BlockAlready)), after("take back", end(event.BlockWon)))(lobby))
	holds(t, also(before("grant", end(event.BlockWon)), before("grant", func(s *story) {
		s.at("tower9", func() { s.say(event.LendingAllowed{Barrier: s.doors[0], Borrower: "home1", By: s.byMember()}) })
	}))(lobby))
}

// TestLaw4BlocksOneOfTwo: the visit goes on for the delivery that was not blocked, before the first barrier and
// between the two.
func TestLaw4BlocksOneOfTwo(t *testing.T) {
	t.Parallel()
	var other event.DeliveryID
	shared := also(
		edit("approach", func(v *event.VisitBegun) { v.Deliveries = append(v.Deliveries, other) }),
		before("approach", func(s *story) {
			other = id[event.DeliveryID](s, 'd')
			s.say(event.DeliveryBooked{Delivery: other, Merchant: "shop", Carrier: "carrier", Window: window,
				AccessPoint: s.place, Parcels: []event.Parcel{{Code: parcel("three"), Size: event.SizeSmall}}})
			s.say(event.DeliveryConsented{Delivery: other, Allowed: []event.Span{window}, By: s.byMember()})
			s.say(event.CourierAssigned{Delivery: other, Courier: courier, Key: s.phone.key, PublicKey: s.phone.jwk, By: operator})
		}),
	)
	block := func(v event.BlockVerdict) func(*story) {
		return func(s *story) {
			b := event.BlockAnswered{Delivery: other, Visit: s.visit, Verdict: v, By: s.byMember()}
			if v != event.BlockWon {
				b.IntendedAt = s.intended()
			}
			s.say(b)
		}
	}
	scanOther := func(s *story) {
		s.say(event.ParcelScanned{Visit: s.visit, Delivery: other, Parcel: parcel("three"), Signed: s.sign()})
	}
	holds(t, also(shared, before("scan two", block(event.BlockWon)))(twoDoors))
	holds(t, also(shared, before("scan two", scanOther), before("open inner", block(event.BlockFromHere)))(twoDoors))
}
