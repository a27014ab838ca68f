package audit_test

import (
	"strings"
	"testing"

	"github.com/loquet/loquet/audit"
	"github.com/loquet/loquet/event"
)

func TestLaw7NeedToKnow(t *testing.T) {
	t.Parallel()
	find(t, 7, []plant{
		{"an address of e-mail as a name", home, edit("move in", func(m *event.MemberJoined) { m.By.ID = "anna@example.org" }), "address of e-mail"},
		{"a telephone number", home, edit("book", func(d *event.DeliveryBooked) { d.Carrier = "+33 6 12 34 56 78" }), "telephone number"},
		{"a position", home, edit("enrol", func(b *event.BarrierReserved) { b.By.ID = "48.85661,2.35222" }), "a position"},
		{"a number plate", home, edit("enrol", func(b *event.BarrierReserved) { b.By.ID = "AB-123-CD" }), "number plate"},
		{"a name in place of a commitment", home, edit("deposit", func(d *event.DepositRecorded) { d.Photo = "anna" }), "not a commitment"},
		{"who it was, as a cause", home, edit("unlocked", func(o *event.BarrierObserved) { o.Observation.Cause = "Anna's key" }), "a word for a cause"},
		{"a name in place of an identifier", home, edit("deposit", func(d *event.DepositRecorded) { d.Visit = "anna" }), "not an identifier"},
		{"something in place of a proof", home, edit("deposit", func(d *event.DepositRecorded) { d.Signed.JWS = "signed: Anna" }), "not a compact proof"},
		{"something in place of a key", home, edit("deposit", func(d *event.DepositRecorded) { d.Signed.Key = "Anna" }), "thumbprint"},
		{"several lines", home, edit("enrol", func(b *event.BarrierReserved) { b.By.ID = "a\nb" }), "one line"},
	})
}

// TestLaw7DoesNotRepeatIt: a report must not spread what it found.
func TestLaw7DoesNotRepeatIt(t *testing.T) {
	t.Parallel()
	spread := edit("move in", func(m *event.MemberJoined) { m.By.ID = "anna@example.org" })(home)
	if report := text(tell(spread).check(t, audit.Options{})); strings.Contains(report, "anna") {
		t.Errorf("the report says it again:\n%s", report)
	}
}

// TestLaw7Patterns: what is found, and the identifiers of real devices and services that must not be.
func TestLaw7Patterns(t *testing.T) {
	t.Parallel()
	found := func(actor string) bool {
		p := edit("enrol", func(b *event.BarrierReserved) { b.By = event.Actor{Kind: event.ActorOperator, ID: actor} })(upTo("enrol")(home))
		return !tell(p).check(t, audit.Options{}).OK()
	}
	for _, personal := range []string{
		"anna@example.org", "Anna <a.b+c@mail.example.co.uk>", "+33612345678", "+33 6 12 34 56 78", "0033612345678", "+49-151-23456789",
		"+4479111234567", "0612345678", "06 12 34 56 78", "06.12.34.56.78", "48.8566", "-2.35222", "48.85661, 2.35222", "AB-123-CD",
		"AB123CD", "AB 123 CD", "1234 BCD", "1234BCD",
	} {
		if !found(personal) {
			t.Errorf("%q is not found", personal)
		}
	}
	for _, plain := range []string{
		"", "op-1", "shop", "épicerie-dupont", "0x00158d0001a2b3c4", "f47ac10b-58cc-4372-a567-0e02b2c3d479",
		"01234567-8901-2345-6789-012345678901", "192.168.1.100", "1.2.3", "00:11:22:33:44:55", "2026-03-02T10:40:00.000Z", "zigbee2mqtt/door",
		"courier-7", "340123450000000017", "Etc/GMT+1", "lock@home", "4242",
	} {
		if found(plain) {
			t.Errorf("%q is found", plain)
		}
	}
}
