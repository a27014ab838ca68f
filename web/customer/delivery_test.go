package customer_test

import (
	"bufio"
	"context"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/loquet/loquet/e2e/indoors"
	"github.com/loquet/loquet/event"
	"github.com/loquet/loquet/phrase"
	"github.com/loquet/loquet/web/ui/uitest"
)

func pathOf(d indoors.Booked) string { return "/home/deliveries/" + string(d.ID) }

// A delivery is followed from its booking to its receipt; each step says itself, in both languages.
func TestADeliveryIsFollowed(t *testing.T) {
	t.Parallel()
	b := build(t)
	h, anna := b.Household("Camille"), b.Courier("swift-anna")
	me, d := b.visitor(t, h), b.Assigned(h, anna)
	path := pathOf(d)
	both(t, me, path, "A courier of swift", "Un livreur de swift")
	v := anna.Approach(d)
	both(t, me, path, "Expected between", "Attendu entre")
	anna.Act(v, "position", indoors.At(350))
	me.in(phrase.French).shows(path, "350 m", "Anna, swift, apporte 1 colis.", "Cette visite n'est pas filmée.")
	if page := me.page(path); !strings.Contains(page, `class="sketch"`) {
		t.Error("there is no sketch of where the courier is")
	} else if way := uitest.Tags(uitest.Parse(t, page), "loquet-way"); len(way) != 1 {
		t.Error("there is no map of where the courier is")
	} else if away, _ := uitest.Attr(way[0], "data-away"); away != "350" {
		t.Errorf("the map says %s m", away)
	}
	anna.Scan(v, d)
	indoors.AwaitWhere(b.Installation, h.Site, func(r event.OpeningResolved) bool { return r.Outcome == event.Done })
	must(t, h.Door.Push())
	seen := func(o event.BarrierObserved) bool { return o.Observation.Contact == event.ContactOpen && o.Visit == v }
	indoors.AwaitWhere(b.Installation, h.Site, seen)
	both(t, me, path, "Anna, swift, is dropping 1 parcel.", "Anna, swift, dépose 1 colis.")
	me.shows(path, "Open", "Opening sent", "once", "Parcel scanned", "the last order to open went at", phoneNumber, "none films this visit")
	if page := me.page(path); strings.Contains(page, `class="chip" data-state="secured"`) || strings.Contains(page, `350 m`) {
		t.Errorf("an open door, and it says:\n%s", plain(t, page))
	}
	anna.Finish(d, v)
	both(t, me, path, "The door was seen shut and locked: sensor and lock,", "La porte a été vue fermée et verrouillée : capteur et serrure,")
	page := me.shows(path, "Delivered", "Receipt", "Visit ended: seen secured")
	if strings.Contains(page, "Block this delivery") {
		t.Error("a delivery that ended can be blocked")
	}
	me.shows("/home/visits/"+string(v), "Receipt of a visit", "What was opened", "no tamper-evident ledger")
}

// ajar: the bolt is out and the door is not shut. Nothing is green then.
func TestAjar(t *testing.T) {
	t.Parallel()
	b := build(t)
	h, anna := b.Household("Camille"), b.Courier("swift-anna")
	me, d := b.visitor(t, h), b.Assigned(h, anna)
	v := anna.Enter(d)
	h.Door.HandLock()
	ajar := func(o event.BarrierObserved) bool { return o.Observation.Bolt == event.BoltLocked && o.Visit == v }
	indoors.AwaitWhere(b.Installation, h.Site, ajar)
	both(t, me, pathOf(d), "The bolt is out, but the sensor does not see the door shut.", "Le verrou est sorti, mais le capteur ne voit pas la porte fermée.")
	for _, path := range []string{"/home/", pathOf(d)} {
		if page := me.page(path); strings.Contains(page, `class="chip" data-state="secured"`) || strings.Contains(plain(t, page), "Shut and locked") {
			t.Errorf("%s: %s", path, plain(t, page))
		}
	}
}

// block presses the second button of the question.
func block(t *testing.T, me *visitor, d indoors.Booked) {
	t.Helper()
	if to := me.post(pathOf(d), pathOf(d)+"/block"); to != pathOf(d) {
		t.Fatalf("blocked, and led to %s", to)
	}
}

func TestABlockThatWins(t *testing.T) {
	t.Parallel()
	b := build(t)
	h, anna := b.Household("Camille"), b.Courier("swift-anna")
	me, d := b.visitor(t, h), b.Assigned(h, anna)
	both(t, me, pathOf(d)+"/block", "Nothing opens for this delivery. Next: Back to the depot.", "Rien ne s'ouvre pour cette livraison.")
	v := anna.Approach(d)
	block(t, me, d)
	both(t, me, pathOf(d), "The door will not open for this delivery.", "La porte ne s'ouvrira pas pour cette livraison.")
	page := me.shows(pathOf(d), "Blocked at", "You pressed at", "Visit ended")
	if strings.Contains(page, "data-block") {
		t.Error("what is blocked can be blocked again")
	}
	if a := anna.Scan(v, d); a.Refused == nil {
		t.Error("the courier's scan is taken")
	}
	if n := h.Door.Openings(); n != 0 {
		t.Errorf("%d openings", n)
	}
}

// One visit brings two deliveries, and one of them is blocked: the door opens for the other, and the page of the blocked
// one says so and leads there, so that nobody sees a door open beside "Blocked" and does not know why.
func TestABlockStopsOneOfTwo(t *testing.T) {
	t.Parallel()
	b := build(t)
	h, anna := b.Household("Camille"), b.Courier("swift-anna")
	me, d, other := b.visitor(t, h), b.Assigned(h, anna), b.Assigned(h, anna)
	leads := func() bool { return strings.Contains(me.page(pathOf(d)), `<a href="`+pathOf(other)+`">`) }
	if leads() {
		t.Error("nobody is on the way, and the page tells of a visit")
	}
	v := anna.Approach(d)
	both(t, me, pathOf(d), "The other delivery by the same way in goes on.", "L'autre livraison par le même chemin continue.")
	block(t, me, d)
	if a := anna.Scan(v, d); a.Refused == nil || a.Refused.Code != event.Blocked {
		t.Errorf("the blocked parcel: %+v", a)
	}
	me.shows(pathOf(d), "Refused: delivery blocked")
	if a := anna.Scan(v, other); a.Refused != nil {
		t.Fatalf("the other parcel: %+v", a.Refused)
	}
	indoors.AwaitWhere(b.Installation, h.Site, func(r event.OpeningResolved) bool { return r.Outcome == event.Done })
	must(t, h.Door.Push())
	indoors.AwaitWhere(b.Installation, h.Site, func(o event.BarrierObserved) bool { return o.Observation.Contact == event.ContactOpen })
	both(t, me, pathOf(d), "Another delivery is being brought by the same way in, and what opens may be for that one.",
		"Une autre livraison arrive par le même chemin, et ce qui s'ouvre l'est peut-être pour elle.")
	if me.shows(pathOf(d), "Blocked at"); !leads() {
		t.Error("the page of the blocked delivery does not lead to what opens the door")
	}
	if page := me.shows(pathOf(other), "is dropping 1 parcel"); strings.Contains(page, `<a href="`+pathOf(d)+`">`) {
		t.Error("what is blocked counts as brought")
	}
	anna.Finish(other, v)
	if leads() {
		t.Error("the visit is over, and the page still tells of it")
	}
	me.shows(pathOf(other), "Order to open sent")
	if said := plain(t, me.page(pathOf(d))); strings.Contains(said, "Order to open sent") || strings.Contains(said, "sensor says") {
		t.Errorf("what was opened for another is told as the blocked one's: %s", said)
	}
}

func TestABlockThatComesTooLate(t *testing.T) {
	t.Parallel()
	b := build(t)
	h, anna := b.Household("Camille"), b.Courier("swift-anna")
	me, d := b.visitor(t, h), b.Assigned(h, anna)
	fields := form(t, me.page(pathOf(d)), pathOf(d)+"/block")
	v := anna.Enter(d)
	if a := me.send("POST", pathOf(d)+"/block", fields); a.status != http.StatusSeeOther {
		t.Fatalf("the block: %d", a.status)
	}
	if told := uitest.With(uitest.Parse(t, me.page(pathOf(d))), "data-answered", ""); len(told) != 1 {
		t.Error("the page does not say which answer it is")
	}
	answer := indoors.Await[event.BlockAnswered](b.Installation, h.Site)
	if answer.Verdict != event.BlockTooLate {
		t.Fatalf("the block: %+v", answer)
	}
	both(t, me, pathOf(d), "Too late", "Trop tard")
	me.shows(pathOf(d), "You pressed at", "the last order to open went at", "Front door – Open")
	anna.Finish(d, v)
	if page := me.page(pathOf(d)); strings.Contains(page, "data-answer") {
		t.Errorf("it still says that the visit cannot end: %s", plain(t, page))
	}
}

// A message's button leads to the question: looking blocks nothing, the second tap does. What can't be blocked says why.
func TestTheBlockButtonOfAMessage(t *testing.T) {
	t.Parallel()
	b := build(t)
	h := b.Household("Camille")
	me, d := b.visitor(t, h), b.Booked(h)
	ask := pathOf(d) + "/block"
	both(t, me, ask, "Block this delivery?", "Bloquer cette livraison ?")
	if n := countOf(b, h, event.BlockAnswered{}.Kind()); n != 0 {
		t.Fatal("looking at the question blocks")
	}
	if to := me.post(ask, ask); to != pathOf(d) {
		t.Fatalf("blocked, and led to %s", to)
	}
	both(t, me, ask, "Block: this delivery is blocked already.", "Bloquer : cette livraison est déjà bloquée.")
	me.post(pathOf(d), pathOf(d)+"/cancel")
	both(t, me, ask, "nothing is left to block", "il n'y a plus rien à bloquer")
	live, _ := uitest.Attr(uitest.ID(uitest.Parse(t, me.page(ask)), "main"), "sse-connect")
	ctx, end := context.WithCancel(t.Context())
	defer end()
	await(t, me.live(ctx, live), "nothing is left to block")
	me.send("POST", ask, url.Values{"key": {"late"}})
	both(t, me, pathOf(d), "Already ended", "Déjà terminé")
}

// How many stops come before is said where the windows tell it, and nowhere else.
func TestStopsBefore(t *testing.T) {
	t.Parallel()
	b := build(t)
	early, late, anna := b.Household("Camille"), b.Household("Paul"), b.Courier("swift-anna")
	me := b.visitor(t, late)
	first := b.Assigned(early, anna)
	d := b.Assigned(late, anna)
	both(t, me, pathOf(d), "1 stop is planned before yours.", "1 arrêt est prévu avant le vôtre.")
	me.shows("/home/", "1 stop is planned before yours.")
	b.visitor(t, early).shows(pathOf(first), "No stop is planned before yours.")
	anna.Finish(first, anna.Enter(first))
	me.shows(pathOf(d), "No stop is planned before yours.")
	anna.Approach(d)
	if said := plain(t, me.page(pathOf(d))); strings.Contains(said, "planned before yours") {
		t.Errorf("the courier is on the way, and still: %s", said)
	}
}

// The same form sent again is the same block: a double tap, Back, or a retry without an answer.
func TestOneBlockPerForm(t *testing.T) {
	t.Parallel()
	b := build(t)
	h := b.Household("Camille")
	me, d := b.visitor(t, h), b.Booked(h)
	fields := form(t, me.page(pathOf(d)), pathOf(d)+"/block")
	for range 3 {
		if a := me.send("POST", pathOf(d)+"/block", fields); a.status != http.StatusSeeOther {
			t.Fatalf("the block: %d", a.status)
		}
	}
	if n := countOf(b, h, event.BlockAnswered{}.Kind()); n != 1 {
		t.Errorf("%d blocks stand in the journal", n)
	}
	me.send("POST", pathOf(d)+"/block", url.Values{"key": {"another"}})
	me.shows(pathOf(d), "Already blocked")
}

func countOf(b *building, h *indoors.Household, kind event.Kind) int {
	n := 0
	for _, e := range b.Journal(h.Site) {
		if e.Body.Kind() == kind {
			n++
		}
	}
	return n
}

// An alarm that has climbed to the household is above everything, on both pages, and a member can take over.
func TestTakeOver(t *testing.T) {
	t.Parallel()
	b := build(t)
	h, anna := b.Household("Camille"), b.Courier("swift-anna")
	rules := look(t, h).Rules
	rules.DwellSeconds, rules.ClimbSeconds = 1, 1
	must(t, h.Call(t.Context(), "PUT", "/v1/home/rules", rules, nil))
	me, d := b.visitor(t, h), b.Assigned(h, anna)
	v := anna.Enter(d)
	indoors.AwaitWhere(b.Installation, h.Site, func(a event.AlarmRaised) bool { return a.Level >= event.AlarmCustomer })
	both(t, me, "/home/", "Door not shut", "Porte pas fermée")
	both(t, me, pathOf(d), "I am there: take over", "Je suis sur place : prendre en charge")
	me.send("POST", pathOf(d)+"/block", url.Values{"key": {"late"}})
	if said := uitest.Text(uitest.ID(uitest.Parse(t, me.page(pathOf(d))), "alert")); !strings.Contains(said, "Door not shut") || !strings.Contains(said, "Too late") {
		t.Errorf("it is read out: %q", said)
	}
	if to := me.post(pathOf(d), pathOf(d)+"/take-over"); to != pathOf(d)+"?done=takeOver" {
		t.Fatalf("led to %s", to)
	}
	me.shows(pathOf(d)+"?done=takeOver", "Now open and shut it by hand within two minutes")
	must(t, h.Door.PullShut())
	if over := indoors.Await[event.VisitTakenOver](b.Installation, h.Site); over.Visit != v || over.Member != h.Member {
		t.Errorf("taken over: %+v", over)
	}
}

// live follows a page's stream, and sends what comes as lines.
func (v *visitor) live(ctx context.Context, path string) <-chan string {
	v.t.Helper()
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, v.at+path, nil)
	must(v.t, err)
	req.AddCookie(v.cookie)
	res, err := http.DefaultTransport.RoundTrip(req)
	must(v.t, err)
	lines := make(chan string, 1000)
	go func() {
		defer close(lines)
		defer res.Body.Close()
		for s := bufio.NewScanner(res.Body); s.Scan(); {
			lines <- s.Text()
		}
	}()
	return lines
}

// await waits for a line that says something, and returns when it came.
func await(t *testing.T, lines <-chan string, text string) time.Time {
	t.Helper()
	lineWith(t, lines, text)
	return time.Now()
}

// lineWith waits for a line that says something.
func lineWith(t *testing.T, lines <-chan string, text string) string {
	t.Helper()
	limit := time.After(indoors.Patience)
	for {
		select {
		case line, open := <-lines:
			if strings.Contains(line, text) {
				return line
			}
			if !open {
				t.Fatalf("the stream ended before it said %q", text)
			}
		case <-limit:
			t.Fatalf("the stream did not say %q", text)
		}
	}
}

// quick is how soon a new state is on the customer's screen after its commit.
const quick = 300 * time.Millisecond

// A new state is on an open page within 300 ms of its commit.
func TestLivePagesAreQuick(t *testing.T) {
	t.Parallel()
	b := build(t)
	h, anna := b.Household("Camille"), b.Courier("swift-anna")
	me, d := b.visitor(t, h), b.Assigned(h, anna)
	ctx, end := context.WithCancel(t.Context())
	defer end()
	delivery, home := me.live(ctx, pathOf(d)+"/live"), me.live(ctx, "/home/live")
	await(t, delivery, "event: view")
	await(t, home, "event: view")
	var late []time.Duration
	step := func(act func(), onDelivery, onHome string) {
		act()
		done := time.Now()
		late = append(late, await(t, delivery, onDelivery).Sub(done), await(t, home, onHome).Sub(done))
	}
	var v event.VisitID
	step(func() { v = anna.Approach(d) }, "On the way", "Anna comes between")
	step(func() { anna.Act(v, "position", indoors.At(350)) }, "350", "comes between")
	block(t, me, d)
	committed := indoors.Await[event.BlockAnswered](b.Installation, h.Site)
	await(t, delivery, "Blocked")
	if committed.Verdict != event.BlockWon {
		t.Fatalf("the block: %+v", committed)
	}
	slices.Sort(late)
	if worst := late[len(late)-1]; worst > quick {
		t.Errorf("worst %s of %s", worst, late)
	}
}

// A stream ends with the session that it belongs to.
func TestALiveLinkEndsWithItsSession(t *testing.T) {
	t.Parallel()
	b := build(t)
	h := b.Household("Camille")
	me := b.visitor(t, h)
	ctx, end := context.WithCancel(t.Context())
	defer end()
	lines := me.live(ctx, "/home/live")
	await(t, lines, "event: beat")
	must(t, b.Sessions.EndAll(t.Context(), h.Member))
	if a := me.send("GET", "/home/live", nil); !strings.Contains(a.body, "event: gone") {
		t.Errorf("a new stream: %q", a.body)
	}
	if a := me.send("GET", "/home/", nil); a.status != http.StatusSeeOther {
		t.Errorf("the page: %d", a.status)
	}
}

// The page's forms and states are the same without scripts: nothing hidden but what only a script can show.
func TestWithoutScripts(t *testing.T) {
	t.Parallel()
	b := build(t)
	h, anna := b.Household("Camille"), b.Courier("swift-anna")
	me, d := b.visitor(t, h), b.Assigned(h, anna)
	anna.Approach(d)
	doc := uitest.Parse(t, me.page(pathOf(d)+"/block"))
	details := uitest.ID(doc, "block")
	if details == nil || details.Data != "details" {
		t.Fatal("there is no question to unfold")
	}
	if _, open := uitest.Attr(details, "open"); !open {
		t.Error("the address does not unfold it")
	}
	for _, f := range uitest.Tags(doc, "form") {
		if method, _ := uitest.Attr(f, "method"); method != "post" {
			t.Errorf("a form that does not post: %s", uitest.Text(f))
		}
	}
}
