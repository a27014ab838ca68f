package audit

import (
	"github.com/loquet/loquet/auth/proof"
	"github.com/loquet/loquet/event"
)

// signedBy is one question about a proof: one request often leaves several events.
type signedBy struct {
	publicKey string
	signed    event.Signed
}

// proofName is what makes a proof the same again. A device that gives a later request the identifier of an old one
// only harms itself.
type proofName struct {
	key    event.KeyID
	id     string
	issued event.Instant
}

func nameOf(s event.Signed) proofName { return proofName{s.Key, s.ID, s.IssuedAt} }

// signature returns nil if the proof is by that key and says what was kept with it.
func (h *history) signature(publicKey string, s event.Signed) error {
	question := signedBy{publicKey, s}
	answer, known := h.answers[question]
	if !known {
		_, answer = proof.VerifySigned(publicKey, s)
		h.answers[question] = answer
	}
	return answer
}

// inTime: the phone's clock was near ours when the request came. A request that had to wait for another site's
// barrier came when that was asked for.
func (x *exam) inTime(f *faults, o intent) {
	x.onTime(f, o.body.Signed, x.events[x.requested(o.pos)].At)
}

func (x *exam) onTime(f *faults, s event.Signed, at event.Instant) {
	apart := at.Since(s.IssuedAt)
	most := clockWindow + x.options.Skew
	f.need(apart <= most && apart >= -most, "the request was made at %s and came at %s", s.IssuedAt, at)
}

// requested is the position at which the request of an event came: its own, or, for an opening that had to wait
// for a lease, that of the asking.
func (h *history) requested(pos int) int {
	o, opens := h.events[pos].Body.(event.OpeningIntended)
	if !opens || o.Permit.Lease == "" {
		return pos
	}
	asked, ok := last[event.LeaseAsked](h, o.Permit.Lease, pos)
	if !ok || asked.body.Signed != o.Signed {
		return pos
	}
	return asked.pos
}

// used says whether a proof had counted before the request of the event at a position. A proof counts in the go in
// which it first appears, which may leave several events, each of another kind.
func (h *history) used(s event.Signed, pos int) bool {
	appears := h.proofs[nameOf(s)]
	if len(appears) == 0 || appears[0] == pos {
		return false
	}
	if !h.oneGo(appears[0], h.requested(pos), s) {
		return true
	}
	for _, earlier := range appears {
		if earlier < pos && h.events[earlier].Body.Kind() == h.events[pos].Body.Kind() {
			return true
		}
	}
	return false
}

// oneGo says whether two events were written together, as far as a journal shows it: at the same time, with no
// other request between them.
func (h *history) oneGo(from, to int, request event.Signed) bool {
	for pos := from; pos <= to; pos++ {
		if h.events[pos].At != h.events[from].At {
			return false
		}
		if s, signed := h.events[pos].Body.(event.Signer); signed && s.Proof().ID != "" && nameOf(s.Proof()) != nameOf(request) {
			return false
		}
	}
	return true
}
