package api_test

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"slices"
	"strings"
	"testing"

	"github.com/loquet/loquet/api"
	"github.com/loquet/loquet/event"
)

// A receipt tells what, who, when and on which evidence, and is checked against the journal: what was changed in it
// shows, also if whoever changed it made all digests anew.
func TestReceipt(t *testing.T) {
	s := newFilmed(t)
	path := "/v1/home/visits/" + string(s.visit) + "/receipt"
	s.home.send("GET", path, nil).problem(409, "conflict")
	s.clip()
	var r api.Receipt
	raw := s.home.get(path, &r)
	sum := r.Summary
	if r.Evidence != "server" || sum.Visit != s.visit || sum.How != event.EndSecured || sum.Courier != "anna" || len(sum.Openings) != 1 || len(sum.Secured) != 1 ||
		len(sum.Deliveries) != 1 || sum.Begun == 0 || sum.Arrived == 0 || sum.Ended < sum.Secured[0].At || !r.Whole() {
		t.Errorf("the receipt: %+v", r)
	}
	if strings.Contains(string(raw.body), "Anna Sommer") || strings.Contains(string(raw.body), "rue des Lilas") {
		t.Errorf("a receipt with names: %s", raw.body)
	}
	check := func(what, want string, change func(*api.Receipt)) {
		t.Helper()
		var altered api.Receipt
		must(t, json.Unmarshal(raw.body, &altered))
		change(&altered)
		var found api.ReceiptCheck
		s.home.post("/v1/home/receipts/verify", altered, &found)
		if found.Result != want || found.Evidence != "server" || found.At == 0 {
			t.Errorf("%s: %+v", what, found)
		}
	}
	check("as it is", "matches", func(*api.Receipt) {})
	check("issued later", "matches", func(r *api.Receipt) { r.Issued++ })
	check("without what was kept of its pictures", "matches", func(r *api.Receipt) {
		r.Events = slices.DeleteFunc(r.Events, func(e api.ReceiptEvent) bool { return strings.Contains(string(e.Event), "clip.finished") })
		rechained(t, r)
	})
	check("events written otherwise", "matches", func(r *api.Receipt) {
		for i := range r.Events {
			var b bytes.Buffer
			must(t, json.Indent(&b, r.Events[i].Event, "", "\t"))
			r.Events[i].Event = b.Bytes()
		}
	})
	check("another end", "altered", func(r *api.Receipt) { r.Summary.How = event.EndTakenOver })
	check("another time", "altered", func(r *api.Receipt) { r.Summary.Ended++ })
	check("another courier", "altered", func(r *api.Receipt) { r.Summary.Courier = "ben" })
	check("no opening", "altered", func(r *api.Receipt) { r.Summary.Openings = []api.ReceiptOpening{} })
	check("another chain", "altered", func(r *api.Receipt) { r.Chain = strings.Repeat("0", 64) })
	check("an event left out", "altered", func(r *api.Receipt) {
		r.Events = slices.Delete(r.Events, 3, 4)
		rechained(t, r)
	})
	check("an event changed", "altered", func(r *api.Receipt) {
		for i, e := range r.Events {
			r.Events[i].Event = bytes.ReplaceAll(e.Event, []byte(`"outcome":"done"`), []byte(`"outcome":"unknown"`))
		}
		rechained(t, r)
	})
	check("an event doubled", "altered", func(r *api.Receipt) {
		r.Events = append(r.Events, r.Events[0])
		rechained(t, r)
	})
	check("no event at all", "altered", func(r *api.Receipt) { r.Events[0].Event = []byte(`{"kind":"nothing"}`) })
	check("of no visit", "other", func(r *api.Receipt) { r.Summary.Visit = s.home.visitNever() })
	check("of nothing", "other", func(r *api.Receipt) { r.Summary.Visit = "nonsense" })

	var clips struct{ Clips []api.Clip }
	s.home.get("/v1/home/clips", &clips)
	s.home.send("DELETE", "/v1/home/clips/"+string(clips.Clips[0].ID), nil).want(202, nil)
	await[event.ClipErased](s.w, s.home.site)
	check("after the pictures were erased", "matches", func(*api.Receipt) {})

	stranger := s.w.homeOf(s.w.merchant("butcher"), event.PermitRemote)
	stranger.send("GET", path, nil).problem(404, "not-found")
	var found api.ReceiptCheck
	stranger.post("/v1/home/receipts/verify", r, &found)
	if found.Result != "other" || found.Visit != "" {
		t.Errorf("a stranger is told %+v", found)
	}
}

func (h *home) visitNever() event.VisitID { return event.VisitID(h.site) + "-v9999" }

// rechained makes all digests of a receipt anew, as a forger would.
func rechained(t testing.TB, r *api.Receipt) {
	t.Helper()
	link := sha256.Sum256([]byte(r.Format))
	for i := range r.Events {
		var e event.Event
		must(t, json.Unmarshal(r.Events[i].Event, &e))
		sum := sha256.Sum256(get(json.Marshal(e))(t))
		r.Events[i].SHA256 = hex.EncodeToString(sum[:])
		link = sha256.Sum256(append(link[:], sum[:]...))
	}
	if r.Chain = hex.EncodeToString(link[:]); !r.Whole() {
		t.Error("a forger's receipt does not hold together")
	}
}
