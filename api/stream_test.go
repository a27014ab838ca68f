package api_test

import (
	"bufio"
	"context"
	"encoding/json"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/loquet/loquet/api"
	"github.com/loquet/loquet/event"
)

// sse is one server-sent event.
type sse struct {
	id, kind string
	data     []byte
}

// stream reads server-sent events until it ends.
type stream struct {
	t      *testing.T
	ctx    context.Context
	res    *http.Response
	lines  *bufio.Scanner
	cancel context.CancelFunc
	beats  int
}

func (c caller) stream(t *testing.T, path string, header ...string) *stream {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	t.Cleanup(cancel)
	req := get(http.NewRequestWithContext(ctx, "GET", c.w.url+path, nil))(t)
	for i := 0; i+1 < len(header); i += 2 {
		req.Header.Set(header[i], header[i+1])
	}
	c.sign(req, nil)
	res := get(c.w.transport.RoundTrip(req))(t)
	t.Cleanup(func() { _ = res.Body.Close() })
	return &stream{t: t, ctx: ctx, res: res, lines: bufio.NewScanner(res.Body), cancel: cancel}
}

// next returns the next event; ok is false when the stream has ended.
func (s *stream) next() (e sse, ok bool) {
	for s.lines.Scan() {
		line := s.lines.Text()
		name, value, _ := strings.Cut(line, ": ")
		switch {
		case line == "" && e.id != "":
			return e, true
		case line == "":
		case name == "":
			s.beats++
		case name == "id":
			e.id = value
		case name == "event":
			e.kind = value
		case name == "data":
			e.data = []byte(value)
		default:
			s.t.Fatalf("a line of another kind: %q", line)
		}
	}
	return e, false
}

// until reads up to and with an event of a kind.
func (s *stream) until(kind string) []sse {
	s.t.Helper()
	var all []sse
	for {
		e, ok := s.next()
		if !ok {
			s.t.Fatalf("the stream ended before %s: %v", kind, kinds(all))
		}
		all = append(all, e)
		if e.kind == kind {
			return all
		}
	}
}

// rest reads until the server ends the stream.
func (s *stream) rest() []sse {
	s.t.Helper()
	var all []sse
	for {
		e, ok := s.next()
		if s.ctx.Err() != nil {
			s.t.Fatalf("the stream goes on after %s", kinds(all))
		}
		if !ok {
			return all
		}
		all = append(all, e)
	}
}

func kinds(all []sse) string {
	var said []string
	for _, e := range all {
		said = append(said, e.kind)
	}
	return strings.Join(said, " ")
}

// A merchant learns that the courier was refused; the operator, who has to help the courier, also why.
func TestMerchantsFollowWithoutWhatAHomeSays(t *testing.T) {
	w := newWorld(t)
	h := w.home()
	h.send("PUT", "/v1/home/rules", api.Rules{DwellSeconds: 300, ClimbSeconds: 60, AskPets: true}).want(200, nil)
	shop, anna := w.merchant("grocer"), w.courier("anna")
	d := w.book(shop, h, 1)
	w.assign(d.ID, anna.courier)
	visit := granted(t, anna.approach(h)).Visit.ID
	refused(t, anna.scan(visit, 1), event.QuestionOpen)
	h.post("/v1/home/deliveries/"+string(d.ID)+"/answers", api.AnswersRequest{Question: event.QuestionPets, Yes: false}, nil)
	refused(t, anna.act(visit, "open", api.OpenRequest{Barrier: h.barrier, Position: w.at(5)}), event.PetsLoose)
	for code, c := range map[event.Code]caller{event.PlaceNotReady: shop, event.PetsLoose: w.operator()} {
		var last api.Happening
		s := c.stream(t, "/v1/deliveries/"+string(d.ID)+"/events")
		for range 2 {
			all := s.until("request.refused")
			if err := json.Unmarshal(all[len(all)-1].data, &last); err != nil {
				t.Fatal(err)
			}
		}
		if last.Code != code {
			t.Errorf("told as %q, and not %q: %+v", last.Code, code, last)
		}
	}
}

func TestStreamOfADelivery(t *testing.T) {
	w := newWorld(t)
	h := w.home()
	shop, anna := w.merchant("grocer"), w.courier("anna")
	d := w.book(shop, h, 1)
	path := "/v1/deliveries/" + string(d.ID) + "/events"
	live := shop.stream(t, path)
	if ct := live.res.Header.Get("Content-Type"); ct != "text/event-stream" {
		t.Fatalf("streamed as %q", ct)
	}
	first := live.until("delivery.consented")
	w.assign(d.ID, anna.courier)
	visit := granted(t, anna.approach(h)).Visit.ID
	refused(t, anna.scan(visit, 99), event.WrongParcel)
	granted(t, anna.scan(visit, 1))
	anna.finish(h, visit)
	all := append(first, live.rest()...)
	want := "delivery.booked delivery.consented courier.assigned visit.begun request.refused parcel.scanned visit.arrived opening.intended " +
		"opening.resolved deposit.recorded closing.asked barrier.secured courier.released delivery.delivered visit.ended"
	if got := kinds(all); got != want {
		t.Errorf("the stream says\n%s, not\n%s", got, want)
	}
	for _, e := range all {
		var said api.Happening
		must(t, json.Unmarshal(e.data, &said))
		if said.ID != e.id || said.Text == "" || len(said.Deliveries) != 1 || said.Deliveries[0] != d.ID || said.At == 0 {
			t.Errorf("an event says %s", e.data)
		}
	}

	// It goes on where it broke off, and says nothing twice.
	for i := range all {
		again := shop.stream(t, path, "Last-Event-ID", all[i].id)
		if i == len(all)-1 {
			if again.res.StatusCode != http.StatusNoContent {
				t.Errorf("nothing is left, and the answer is %d", again.res.StatusCode)
			}
			continue
		}
		if got := kinds(again.rest()); got != kinds(all[i+1:]) {
			t.Errorf("after %s: %s", all[i].kind, got)
		}
	}
}

func TestStreamRefusesAForeignPlace(t *testing.T) {
	s := newStage(t)
	path := "/v1/deliveries/" + string(s.delivery) + "/events"
	for _, last := range []string{"elsewhere-3", "x", string(s.home.site) + "-x", string(s.home.site) + "--1"} {
		s.shop.send("GET", path, nil, "Last-Event-ID", last).problem(422, "invalid")
	}
}

// Two merchants share one visit: each follows its own parcels, and what the visit does.
func TestStreamsOfASharedVisitKeepApart(t *testing.T) {
	w := newWorld(t)
	h := w.home()
	grocer, butcher, anna := w.merchant("grocer"), w.merchant("butcher"), w.courier("anna")
	mine, theirs := w.book(grocer, h, 1), w.book(butcher, h, 2)
	w.assign(mine.ID, anna.courier)
	w.assign(theirs.ID, anna.courier)
	visit := granted(t, anna.approach(h)).Visit.ID
	anna.scan(visit, 1)
	granted(t, anna.scan(visit, 2))
	anna.finish(h, visit)
	for _, c := range []struct {
		who        caller
		own, other event.DeliveryID
	}{{grocer, mine.ID, theirs.ID}, {butcher, theirs.ID, mine.ID}} {
		all := c.who.stream(t, "/v1/deliveries/"+string(c.own)+"/events").rest()
		if n := strings.Count(kinds(all), "parcel.scanned"); n != 1 {
			t.Errorf("%d parcels in %s", n, kinds(all))
		}
		for _, e := range all {
			if strings.Contains(string(e.data), string(c.other)) {
				t.Errorf("told of another's delivery: %s", e.data)
			}
		}
	}
}

// A blocked delivery leaves the visit: what goes on there is no longer its merchant's business.
func TestStreamEndsWithTheBlock(t *testing.T) {
	s := newStage(t)
	other := s.w.book(s.w.merchant("butcher"), s.home, 3)
	live := s.shop.stream(t, "/v1/deliveries/"+string(s.delivery)+"/events")
	live.until("visit.begun")
	s.shop.post("/v1/deliveries/"+string(s.delivery)+"/block", nil, nil)
	s.w.assign(other.ID, s.phone.courier)
	visit := granted(t, s.phone.approach(s.home)).Visit
	refused(t, s.phone.scan(visit.ID, 99), event.WrongParcel)
	s.shop.send("DELETE", "/v1/deliveries/"+string(s.delivery), nil).want(200, nil)
	if got := kinds(live.rest()); got != "block.answered delivery.cancelled" {
		t.Errorf("after the block: %s", got)
	}
}

func TestStreamOfAHome(t *testing.T) {
	s := newStage(t)
	live := s.home.stream(t, "/v1/home/events")
	s.home.post("/v1/home/deliveries/"+string(s.delivery)+"/block", nil, nil)
	e, ok := live.next()
	if !ok || e.kind != "block.answered" {
		t.Fatalf("the stream says %v", e)
	}
	var said api.HomeEvent
	must(t, json.Unmarshal(e.data, &said))
	if said.Text == "" || said.Site != s.home.site {
		t.Errorf("an event says %s", e.data)
	}
	// Whoever comes back reads what was missed.
	s.home.post("/v1/home/lending", api.Lending{Barrier: s.home.barrier, Borrower: "flat3"}, nil)
	again := s.home.stream(t, "/v1/home/events", "Last-Event-ID", e.id)
	again.until("lending.allowed")
	s.home.post("/v1/home/close", nil, nil)
	if all := again.rest(); len(all) == 0 || all[len(all)-1].kind != "site.closed" {
		t.Errorf("the end: %s", kinds(all))
	}
}

// A stream says that it lives, and ends when whoever follows may not any more.
func TestStreamBeatsAndEnds(t *testing.T) {
	s := newStage(t)
	s.w.api.SetHeartbeat(5 * time.Millisecond)
	live := s.home.stream(t, "/v1/home/events")
	s.home.send("DELETE", "/v1/sessions", nil).want(204, nil)
	if all := live.rest(); len(all) != 0 {
		t.Errorf("events after signing out: %s", kinds(all))
	}
	other := s.shop.stream(t, "/v1/deliveries/"+string(s.delivery)+"/events")
	for other.until("visit.begun"); other.beats == 0; {
		if !other.lines.Scan() {
			t.Fatal("the stream ended without a beat")
		}
		if strings.HasPrefix(other.lines.Text(), ":") {
			other.beats++
		}
	}
	s.w.api.EndStreams()
	other.rest()
}

func TestTooManyStreams(t *testing.T) {
	s := newStage(t)
	for range 20 {
		s.home.stream(t, "/v1/home/events")
	}
	s.home.send("GET", "/v1/home/events", nil).problem(429, "too-many-streams")
}
