package site_test

import (
	"cmp"
	"maps"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/loquet/loquet/event"
	"github.com/loquet/loquet/site"
)

// A sentence of a script: who does what. The groups of the pattern reach the function as w[1], w[2], …
type sentence struct {
	pattern *regexp.Regexp
	request func(s *stage, w []string) site.Request
}

func says(pattern string, request func(s *stage, w []string) site.Request) sentence {
	return sentence{regexp.MustCompile("^" + pattern + "$"), request}
}

// Sentences of the household: "member marie …", "operator …", "merchant shop …".
var householdSentences = []sentence{
	says(`opens the site in (\S+)`, func(_ *stage, w []string) site.Request { return site.OpenSite{Zone: w[1]} }),
	says(`moves out`, func(*stage, []string) site.Request { return site.CloseSite{} }),
	says(`adds member (\w+)`, func(s *stage, w []string) site.Request {
		s.call(w[1])
		return site.AddMember{}
	}),
	says(`removes member (\w+)`, func(s *stage, w []string) site.Request {
		return site.RemoveMember{Member: id[event.MemberID](s, w[1])}
	}),
	says(`sets rules: (.+)`, func(s *stage, w []string) site.Request { return site.SetRules{Rules: s.rules(w[1])} }),
	says(`reserves ([\w-]+) (\w+): (.*)`, func(s *stage, w []string) site.Request {
		s.call(w[2])
		spec, accepted := s.spec(w[2], w[3])
		return site.ReserveBarrier{Is: event.BarrierKind(w[1]), Spec: spec, AcceptUnprovable: accepted}
	}),
	says(`retires barrier (\w+)`, func(s *stage, w []string) site.Request {
		return site.RetireBarrier{Barrier: id[event.BarrierID](s, w[1])}
	}),
	says(`adds place (\w+): (.+), (\d+)m around`, func(s *stage, w []string) site.Request {
		way := s.wayIn(w[2])
		s.call(w[1])
		return site.AddAccessPoint{WayIn: way, Radius: number(s, w[3])}
	}),
	says(`retires place (\w+)`, func(s *stage, w []string) site.Request {
		return site.RetireAccessPoint{AccessPoint: id[event.AccessPointID](s, w[1])}
	}),
	says(`lends (\w+) to (\w+)`, func(s *stage, w []string) site.Request {
		return site.AllowLending{Barrier: id[event.BarrierID](s, w[1]), Borrower: event.SiteID(w[2])}
	}),
	says(`no longer lends (\w+) to (\w+)`, func(s *stage, w []string) site.Request {
		return site.EndLending{Barrier: id[event.BarrierID](s, w[1]), Borrower: event.SiteID(w[2])}
	}),
}

// Sentences about consent and questions.
var consentSentences = []sentence{
	says(`allows (\w+) at (\w+): (.+)`, func(s *stage, w []string) site.Request {
		s.call(w[1])
		c := s.consent(w[2], w[3])
		return site.GiveConsent{Consent: c, Open: s.spansOfOpen(c)}
	}),
	says(`in place of (\w+) allows (\w+) at (\w+): (.+)`, func(s *stage, w []string) site.Request {
		s.call(w[2])
		c := s.consent(w[3], w[4])
		return site.GiveConsent{Consent: c, Replaces: id[event.ConsentID](s, w[1]), Open: s.spansOfOpen(c)}
	}),
	says(`withdraws (\w+)`, func(s *stage, w []string) site.Request {
		return site.WithdrawConsent{Consent: id[event.ConsentID](s, w[1])}
	}),
	says(`consents to (\w+)`, func(s *stage, w []string) site.Request {
		return site.ConsentTo{Delivery: id[event.DeliveryID](s, w[1])}
	}),
	says(`takes back the consent to (\w+)`, func(s *stage, w []string) site.Request {
		return site.WithdrawFrom{Delivery: id[event.DeliveryID](s, w[1])}
	}),
	says(`answers (yes|no) to (\S+) for (\w+)`, func(s *stage, w []string) site.Request {
		return site.Answer{Delivery: id[event.DeliveryID](s, w[3]), Question: event.Question(w[2]), Yes: w[1] == "yes"}
	}),
}

// Sentences about the promise of a delivery.
var deliverySentences = []sentence{
	says(`books (\w+) to (\w+), (\d\d:\d\d)-(\d\d:\d\d): (.+)`, func(s *stage, w []string) site.Request {
		s.call(w[1])
		return s.booking(w)
	}),
	says(`cancels (\w+)`, func(s *stage, w []string) site.Request {
		return site.Cancel{Delivery: id[event.DeliveryID](s, w[1])}
	}),
	says(`blocks (\S+)`, func(s *stage, w []string) site.Request {
		return site.Block{Delivery: id[event.DeliveryID](s, w[1])}
	}),
	says(`assigns (\w+) to (\w+)`, func(s *stage, w []string) site.Request {
		return site.Assign{Delivery: id[event.DeliveryID](s, w[2]), Courier: event.CourierID(w[1]),
			Key: keyOf(w[1]), PublicKey: "jwk of " + w[1]}
	}),
	says(`acknowledges the alarm of (\w+)`, func(s *stage, w []string) site.Request {
		return site.AcknowledgeAlarm{Visit: s.visit(w[1])}
	}),
	says(`suspends (\w+)`, func(_ *stage, w []string) site.Request {
		return site.Suspend{Courier: event.CourierID(w[1])}
	}),
}

// Sentences of a courier at the door, and of a member who is there: "courier anna …".
var visitSentences = []sentence{
	says(`approaches (\w+), due (\d\d:\d\d)`, func(s *stage, w []string) site.Request {
		return site.Approach{AccessPoint: id[event.AccessPointID](s, w[1]), ETA: s.clock(w[2] + ":00")}
	}),
	says(`arrives`, func(s *stage, w []string) site.Request { return site.Arrive{Visit: s.visit(w[0])} }),
	says(`scans (\S+)( without network)?`, func(s *stage, w []string) site.Request {
		return site.Scan{Visit: s.visit(w[0]), Parcel: event.Commitment(w[1]), Offline: w[2] != ""}
	}),
	says(`misses (\S+)`, func(s *stage, w []string) site.Request {
		return site.Missing{Visit: s.visit(w[0]), Parcel: event.Commitment(w[1])}
	}),
	says(`opens (\w+)`, func(s *stage, w []string) site.Request {
		return site.Open{Visit: s.visit(w[0]), Barrier: id[event.BarrierID](s, w[1])}
	}),
	says(`opens (\w+) again`, func(s *stage, w []string) site.Request {
		return site.Reopen{Visit: s.visit(w[0]), Barrier: id[event.BarrierID](s, w[1])}
	}),
	says(`asks for the code of (\w+)`, func(s *stage, w []string) site.Request {
		return site.ShowCode{Visit: s.visit(w[0]), Barrier: id[event.BarrierID](s, w[1])}
	}),
	says(`deposits(?:, photo (\S+))?`, func(s *stage, w []string) site.Request {
		return site.Deposit{Visit: s.visit(w[0]), Photo: event.Commitment(w[1])}
	}),
	says(`is out`, func(s *stage, w []string) site.Request { return site.Close{Visit: s.visit(w[0])} }),
	says(`leaves`, func(s *stage, w []string) site.Request { return site.Leave{Visit: s.visit(w[0])} }),
	says(`flees`, func(s *stage, w []string) site.Request { return site.Danger{Visit: s.visit(w[0])} }),
	says(`takes (\w+) to plan B(, nobody there)?`, func(s *stage, w []string) site.Request {
		return site.FollowPlanB{Delivery: id[event.DeliveryID](s, w[1]), Nobody: w[2] != ""}
	}),
	says(`takes (\w+) to plan B as shown: (\S+)(?: (\w+))?`, func(s *stage, w []string) site.Request {
		return site.FollowPlanB{Delivery: id[event.DeliveryID](s, w[1]), Shown: s.fallback(w[2:])}
	}),
	says(`takes over from (\w+)`, func(s *stage, w []string) site.Request {
		return site.TakeOver{Visit: s.visit(w[1])}
	}),
	says(`rehearses (\w+)`, func(s *stage, w []string) site.Request {
		return site.Rehearse{AccessPoint: id[event.AccessPointID](s, w[1])}
	}),
}

// Sentences of the connectors and of the system itself: "door answers done", "system resumes".
var systemSentences = []sentence{
	says(`answers (done|not-done|unknown)`, func(s *stage, w []string) site.Request {
		return site.Resolve{Permit: s.permit(w[0]), Outcome: event.Outcome(w[1])}
	}),
	says(`forgot the code`, func(s *stage, w []string) site.Request {
		return site.ReportCodeRemoval{Permit: s.permit(w[0]), Confirmed: true}
	}),
	says(`did not forget the code`, func(s *stage, w []string) site.Request {
		return site.ReportCodeRemoval{Permit: s.permit(w[0])}
	}),
	says(`resumes`, func(*stage, []string) site.Request { return site.Resume{} }),
}

var position = regexp.MustCompile(`^(.*) at (-?\d+)m±(-?\d+)m$`)
var modifiers = regexp.MustCompile(`^(.*) \((.*)\)$`)

// sentence decides one line and prints what follows.
func (s *stage) sentence(text string) {
	if text == "time passes" {
		s.tickUntil(s.now + 1)
		return
	}
	c := s.command(text)
	already := s.out.Len()
	events := s.decide(c)
	s.lastProof = cmp.Or(c.Facts.Signed.ID, s.lastProof)
	for _, e := range events {
		s.print("    %s", tell(s.words(e.Body), e))
	}
	if s.out.Len() == already {
		s.print("    nothing")
	}
}

// command understands one sentence with its position and its remarks in parentheses.
func (s *stage) command(text string) site.Command {
	f := site.Facts{At: s.now}
	remarks := ""
	if m := modifiers.FindStringSubmatch(text); m != nil {
		text, remarks = m[1], m[2]
	}
	if m := position.FindStringSubmatch(text); m != nil {
		text = m[1]
		f.Place = &event.Place{Distance: number(s, m[2]), Accuracy: number(s, m[3])}
	}
	who, what := s.actor(text, &f)
	f.Ready = s.readiness()
	c := site.Command{Facts: f, Do: s.request(who, what)}
	for _, remark := range split(remarks) {
		s.remark(&c, remark)
	}
	return c
}

// actor takes the subject of a sentence: a role with a name, or a barrier.
func (s *stage) actor(text string, f *site.Facts) (who, what string) {
	role, rest, _ := strings.Cut(text, " ")
	name, verb, _ := strings.Cut(rest, " ")
	switch role {
	case "courier":
		s.proofs++
		f.Actor = event.Actor{Kind: event.ActorCourier, ID: name}
		f.Signed = event.Signed{Key: keyOf(name), ID: "proof-" + strconv.Itoa(s.proofs), IssuedAt: s.now, JWS: "jws"}
		return name, verb
	case "member":
		f.Actor = event.Actor{Kind: event.ActorMember, ID: s.known(name)}
		return name, verb
	case "merchant":
		f.Actor = event.Actor{Kind: event.ActorMerchant, ID: name}
		return name, verb
	case "staff":
		f.Actor = event.Actor{Kind: event.ActorOperator, ID: name}
		return name, verb
	case "operator", "system":
		f.Actor = event.Actor{Kind: event.ActorKind(role)}
		return role, rest
	}
	f.Actor = event.Actor{Kind: s.thing(role, rest)}
	return role, rest
}

// thing tells the actors that are no persons: another site, a device that speaks, a connector that answers.
func (s *stage) thing(name, verb string) event.ActorKind {
	switch {
	case s.sites[event.SiteID(name)] != nil:
		return event.ActorSite
	case strings.HasPrefix(verb, "says "):
		return event.ActorDevice
	default:
		return event.ActorSystem
	}
}

// request finds the sentence. What a device says of itself has a form of its own.
func (s *stage) request(who, what string) site.Request {
	if said, ok := strings.CutPrefix(what, "says "); ok {
		return s.observe(who, said)
	}
	for _, group := range [][]sentence{householdSentences, consentSentences, deliverySentences, visitSentences,
		systemSentences, cameraSentences, carSentences, leaseSentences} {
		for _, x := range group {
			if m := x.pattern.FindStringSubmatch(what); m != nil {
				m[0] = who
				return x.request(s, m)
			}
		}
	}
	s.fail("nobody can do this: %q", what)
	return nil
}

func (s *stage) observe(barrier, said string) site.Request {
	o := event.Observation{Device: event.DeviceID("device-of-" + barrier), ReceivedAt: s.now, Origin: event.OriginLive}
	for _, part := range split(said) {
		word, more, _ := strings.Cut(part, " ")
		switch word {
		case "locked", "unlocked", "jammed":
			o.Bolt = event.Bolt(word)
		case "bolt":
			o.Bolt = event.Bolt(more)
		case "closed", "open":
			o.Contact = event.Contact(word)
		case "contact":
			o.Contact = event.Contact(more)
		case "online", "offline":
			o.Reach = event.Reach(word)
		case "battery":
			o.Battery = number(s, strings.TrimSuffix(more, "%"))
		default:
			s.fail("no device says %q", part)
		}
	}
	return site.Observe{Barrier: id[event.BarrierID](s, barrier), Observation: o}
}

// readiness: every barrier's device can be reached, unless a remark says otherwise.
func (s *stage) readiness() []event.Readiness {
	var all []event.Readiness
	for _, is := range slices.Sorted(maps.Values(s.ids)) {
		if event.CheckID(event.BarrierID(is), 'b') == nil {
			b, _ := s.here.state.Barrier(event.BarrierID(is))
			all = append(all, event.Readiness{Barrier: event.BarrierID(is), Reach: event.ReachOnline, Reveals: b.Spec.Reveals})
		}
	}
	return all
}

// remark changes a command by one of the remarks in parentheses.
func (s *stage) remark(c *site.Command, remark string) {
	first, rest, _ := strings.Cut(remark, " ")
	last := remark[strings.LastIndex(remark, " ")+1:]
	switch {
	case remark == "from another phone":
		c.Facts.Signed.Key += "-other"
	case remark == "the same proof again":
		c.Facts.Signed.ID = s.lastProof
	case s.showing(c, first, rest):
	case s.remarkOnCar(c, first, rest):
	case strings.HasPrefix(remark, "position "):
		c.Facts.Place.Age = duration(s, strings.TrimSuffix(strings.TrimPrefix(remark, "position "), " old"))
	case rest == "unreachable":
		for i := range c.Facts.Ready {
			if c.Facts.Ready[i].Barrier == id[event.BarrierID](s, first) {
				c.Facts.Ready[i].Reach = event.ReachOffline
			}
		}
	default:
		s.remarkOnDevice(c, remark, last)
	}
}

func (s *stage) remarkOnDevice(c *site.Command, remark, last string) {
	r, ok := c.Do.(site.Observe)
	if !ok {
		s.fail("no such remark: %q", remark)
	}
	o := &r.Observation
	first, _, _ := strings.Cut(remark, " ")
	switch first {
	case "asked":
		o.Origin, o.AskedAt = event.OriginAnswer, s.clock(last)
	case "received":
		o.ReceivedAt = s.clock(last)
	case "its":
		o.DeviceAt = s.clock(last)
	case "by":
		o.Cause = last
	case "retained", "cached":
		o.Origin = event.Origin(first)
	case "unasked":
		o.Origin = event.OriginAnswer
	default:
		s.fail("no such remark: %q", remark)
	}
	c.Do = r
}

func keyOf(courier string) event.KeyID { return event.KeyID("key-of-" + courier) }

func duration(s *stage, text string) event.Millis {
	d := must(s, func() (time.Duration, error) { return time.ParseDuration(text) })
	return event.Millis(d.Milliseconds())
}

func number(s *stage, text string) int {
	return must(s, func() (int, error) { return strconv.Atoi(text) })
}

func split(list string) []string {
	if list == "" {
		return nil
	}
	return strings.Split(list, ", ")
}
