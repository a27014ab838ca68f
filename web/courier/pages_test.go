package courier

import (
	"math"
	"net/http"
	"net/http/httptest"
	"os"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/loquet/loquet/api"
	"github.com/loquet/loquet/dispatch"
	"github.com/loquet/loquet/event"
	"github.com/loquet/loquet/phrase"
	"github.com/loquet/loquet/web/ui"
	"github.com/loquet/loquet/web/ui/uitest"
)

var noon = event.InstantOf(uitest.Now)

// seenAs is what a door's device said two seconds ago.
func seenAs(bolt event.Bolt, contact event.Contact) api.Seen {
	at := noon.Add(-2 * event.Second)
	return api.Seen{Bolt: bolt, BoltAt: at, Contact: contact, ContactAt: at, Reach: event.ReachOnline, ReachedAt: at,
		Closure: event.Closure{Bolt: true, Contact: true}, FreshFor: 15 * event.Second}
}

// stopOf is a stop with its visit, as the API would tell of them.
func stopOf(v *api.Visit) *api.Stop {
	s := &api.Stop{Site: "home", AccessPoint: "home-a4", Near: true, Address: "12 rue Verte, 75011 Paris", Name: "Porte bleue, fond de la cour", Zone: "Europe/Paris",
		Note: "<b>On the bench</b>, left", Position: &api.Centre{Latitude: 48.85, Longitude: 2.29}, Radius: 50, Number: 3, Of: 9, Filmed: true,
		WayIn: []event.BarrierKind{event.Lobby, event.Flat}}
	list := visitOf().Deliveries
	if v != nil {
		s.Visit, list = v.ID, v.Deliveries
	}
	for _, d := range list {
		s.Deliveries = append(s.Deliveries, api.StopDelivery{VisitDelivery: d, Window: api.Span{From: noon.Add(-event.Hour), To: noon.Add(20 * event.Minute)}})
	}
	return s
}

// dressed fills a visit with everything that a page may show.
func dressed(change ...func(*api.Visit)) *api.Visit {
	v := visitOf(change...)
	v.Zone, v.Now, v.Filmed = "Europe/Paris", noon, true
	v.Place = &api.VisitPlace{Address: "12 rue Verte, 75011 Paris", Name: "Porte bleue, fond de la cour", Note: "<b>On the bench</b>, left",
		Position: &api.Centre{Latitude: 48.85, Longitude: 2.29}, Radius: 50}
	planB := api.PlanB{Delivery: "home-d1", Kind: event.FallbackNeighbour, Who: "Mr Petit, door 3", Text: "Mr Petit, door 3"}
	for i := range v.Deliveries {
		d := &v.Deliveries[i]
		d.PlanB, d.KeepCold = &planB, true
		d.Fallbacks = []api.PlanBStep{{PlanB: planB, Next: true}, {PlanB: api.PlanB{Kind: event.FallbackDepot, Text: "Back to the depot"}}}
		d.Questions = []api.Question{{Question: event.QuestionPets, Answered: true, Yes: true, At: noon.Add(-event.Hour)}, {Question: event.QuestionAlarm}}
		for j := range d.Parcels {
			d.Parcels[j].LastFour, d.Parcels[j].Size = []string{"4471", "9020"}[j], event.SizeSmall
		}
	}
	kinds := []event.BarrierKind{event.Lobby, event.Flat}
	for i := range v.Steps {
		p := &v.Steps[i]
		p.Is, p.Name = kinds[i], phrase.English.Barrier(kinds[i])
		dressStep(p)
	}
	return v
}

func dressStep(p *api.Step) {
	if p.Seen = seenAs(event.BoltLocked, event.ContactClosed); p.Asked == nil {
		return
	}
	p.Asked.At, p.Asked.Deadline = noon.Add(-7*event.Second), noon.Add(10*event.Minute)
	if opened(*p) != 0 {
		p.Recorded.Opened = noon.Add(-5 * event.Second)
		p.Seen, p.ShutBy, p.Secures = seenAs(event.BoltUnlocked, event.ContactOpen), noon.Add(4*event.Minute), true
	}
}

func alarmed(v *api.Visit) {
	v.Alarm = &api.Alarm{Reason: event.AlarmAjar, Barrier: "home-b2", Level: event.AlarmCustomer, Since: noon.Add(-event.Minute), Title: "Door ajar", Text: "The bolt is out."}
}

func securedSteps(v *api.Visit) {
	for i := range v.Steps {
		v.Steps[i].Secured, v.Steps[i].ShutBy = noon.Add(-event.Second), 0
		v.Steps[i].Seen = seenAs(event.BoltLocked, event.ContactClosed)
	}
}

// showing is a stop as a page shows it.
func showing(lang phrase.Lang, stop *api.Stop, v *api.Visit) at {
	s := at{stop: stop, visit: v, place: "stop/home-a4", lang: lang, now: uitest.Now, zone: zoneOf("Europe/Paris"), phone: "+33123456789",
		scanner: "/assets/x/courier/vendored/reader.js"}
	s.screen = ScreenOf(stop, v)
	return s
}

// pages are every screen that there is, by name.
func pages(lang phrase.Lang) map[string]view {
	all := scanned(2)
	visit := func(change ...func(*api.Visit)) at {
		v := dressed(change...)
		return showing(lang, stopOf(v), v)
	}
	later := func(s at, change func(*api.Visit)) at {
		change(s.visit)
		s.screen = ScreenOf(s.stop, s.visit)
		return s
	}
	ready := visit(arrived)
	ready.visit.Ready = &api.Ready{Barriers: []api.BarrierReady{{Ready: true}, {Reach: event.ReachOffline}}, Camera: &api.CameraReady{}}
	ready.visit.Picture = &api.Picture{Fault: event.PictureProving}
	way := visit()
	way.visit.Where = &api.Where{Distance: 420, Accuracy: 20, Direction: "NE"}
	planB := visit(all, blocked)
	planB.screen = PlanB
	list := map[string]at{
		"go": way, "go-no-visit": showing(lang, stopOf(dressed()), nil), "arrive": ready, "scan": visit(scanned(1)),
		"opening": visit(all, asked(0)), "opening-unknown": visit(all, recorded(0, event.Unknown)), "opening-tap": visit(all),
		"opening-next": visit(all, seen(0)), "opening-next-failed": visit(all, seen(0), recorded(1, event.NotDone)),
		"inside": visit(all, seen(0), seen(1)), "inside-put-down": visit(all, seen(0), seen(1), deposited),
		"inside-waiting": visit(all, seen(0), seen(1), deposited, closes), "inside-blocked": visit(all, seen(0), blocked),
		"inside-ajar": later(visit(all, seen(0), seen(1), deposited, alarmed), func(v *api.Visit) {
			v.Steps[1].Ajar, v.Steps[1].Seen = true, seenAs(event.BoltLocked, event.ContactOpen)
			v.Picture = &api.Picture{Live: true, At: noon, FreshFor: event.Second}
		}),
		"secured":          later(visit(all, seen(0), seen(1), deposited, shut), securedSteps),
		"secured-unproven": visit(one, all, unprovable(0), seen(0), deposited, closes, shut),
		"refusal-blocked":  visit(all, blocked), "refusal-failed": visit(all, recorded(0, event.NotDone)), "refusal-suspended": visit(suspended),
		"plan-b": planB, "code-wait": visit(one, all, byCode(0), asked(0)), "code": visit(one, all, byCode(0), recorded(0, event.Done)),
		"code-unknown": visit(one, all, byCode(0), recorded(0, event.Unknown)),
		"fled":         visit(all, seen(0), flees, alarmed), "taken-over": visit(all, seen(0), taken),
		"ended": later(visit(ended), func(v *api.Visit) { v.Ended.Title, v.Ended.Text = "Shut and locked", "Seen." }),
	}
	made := map[string]view{}
	for name, s := range list {
		made[name] = s.view()
	}
	s := visit(scanned(1))
	s.screen = Scan
	made["scanner"] = view{screen: Scan, title: s.t("scan.title"), main: scanPage(s)}
	return withRounds(lang, made)
}

func withRounds(lang phrase.Lang, made map[string]view) map[string]view {
	underway, far, barred := *stopOf(dressed()), *stopOf(nil), *stopOf(dressed(blocked))
	barred.Visit, far.Near, far.Number, barred.Number = "", false, 5, 4
	barred.AccessPoint, far.AccessPoint, far.Position = "next-a4", "far-a4", nil
	barred.Position = &api.Centre{Latitude: 48.855, Longitude: 2.283}
	for i := range far.Deliveries {
		far.Deliveries[i].Window = api.Span{From: noon.Add(5 * event.Hour), To: noon.Add(6 * event.Hour)}
	}
	finished := []api.EndedDelivery{{AccessPoint: "x-a1", Number: 1, Status: dispatch.StatusDelivered, How: event.EndSecured, At: noon.Add(-event.Hour), Zone: "Europe/Paris"},
		{AccessPoint: "x-a2", Number: 2, Status: dispatch.StatusReturned, At: noon.Add(-event.Hour), Zone: "Europe/Paris", Parcels: []string{"1111", "2222"}}}
	days := map[string]day{"stops": {stops: []api.Stop{underway, barred, far}, ended: finished, of: 5}, "stops-early": {stops: []api.Stop{far}, of: 1}, "stops-none": {},
		"stops-finished": {ended: finished, of: 2}, "stops-barred": {stops: []api.Stop{barred}, of: 1}}
	for name, d := range days {
		d.lang, d.now, d.phone = lang, uitest.Now, "+33123456789"
		made[name] = view{screen: Stops, title: d.t("stops.title"), main: stopsPage(d)}
	}
	for i := range finished {
		made["done-"+string(finished[i].Status)] = view{screen: Done, title: "x", main: overPage(days["stops"], &finished[i], "stop/x-a1")}
	}
	made["done-gone"] = view{screen: Done, title: "x", main: overPage(day{lang: lang}, nil, "stop/x-a1")}
	return made
}

// kit is one for all tests: packing the scanner takes a while.
func kit(t *testing.T) *ui.Kit {
	t.Helper()
	packed.Do(func() {
		packedKit = uitest.Kit(t)
		if err := packedKit.Embed(assets, files); err != nil {
			t.Fatal(err)
		}
	})
	return packedKit
}

var (
	packed    sync.Once
	packedKit *ui.Kit
)

// whole is a view as the inside of a page.
func whole(t *testing.T, lang phrase.Lang, v view) string {
	t.Helper()
	k := kit(t)
	w := httptest.NewRecorder()
	r := httptest.NewRequest(http.MethodGet, "/courier/", nil)
	r.Header.Set("Accept-Language", string(lang))
	r = r.WithContext(k.With(r.Context(), lang))
	k.Render(w, r, ui.Page{App: ui.Courier, Title: v.title, Main: v.main, Styles: []string{assets + "/css/courier.css"}})
	return w.Body.String()
}

// Every screen, in both languages, has one heading, names for everything, and no key in place of a text. What people
// wrote stays text.
func TestEveryScreen(t *testing.T) {
	for _, lang := range []phrase.Lang{phrase.English, phrase.French} {
		for name, v := range pages(lang) {
			t.Run(name+"/"+string(lang), func(t *testing.T) {
				page := whole(t, lang, v)
				uitest.Lint(t, page)
				doc := uitest.Parse(t, page)
				roots := uitest.With(doc, "data-screen", "")
				if len(roots) != 1 {
					t.Fatalf("%d views", len(roots))
				}
				if got, _ := uitest.Attr(roots[0], "data-screen"); got != string(v.screen) {
					t.Errorf("the screen says %s, not %s", got, v.screen)
				}
				if text := uitest.Text(doc); strings.Contains(text, "{") || keyLike.MatchString(text) {
					t.Errorf("a text is missing: %s", text)
				}
				if strings.Contains(page, "<b>On the bench") {
					t.Error("a note is taken for HTML")
				}
				if dir := os.Getenv("LOQUET_PAGES"); dir != "" {
					if err := os.WriteFile(dir+"/"+name+"-"+string(lang)+".html", []byte(page), 0o600); err != nil {
						t.Fatal(err)
					}
				}
			})
		}
	}
}

// Nothing that is not proven is green, and nobody may leave what is open.
func TestGreenOnlyWhenProven(t *testing.T) {
	for name, v := range pages(phrase.English) {
		doc := uitest.Parse(t, whole(t, phrase.English, v))
		green := len(uitest.With(doc, "class", "shield")) > 0 && len(uitest.With(doc, "data-state", "secured")) > 0
		leave := len(uitest.With(doc, "data-act", "leave")) > 0
		if proven := name == "secured"; green != proven {
			t.Errorf("%s: green is %v", name, green)
		}
		if may := strings.HasPrefix(name, "secured"); leave != may {
			t.Errorf("%s: leaving is offered: %v", name, leave)
		}
	}
}

// The code is on no page that a server makes: it comes in the answer to a signed tap alone. A view of the code has the
// place for it.
func TestCodeIsNotInTheView(t *testing.T) {
	page := whole(t, phrase.English, pages(phrase.English)["code"])
	if !strings.Contains(page, `id="code" class="code-place" data-keep></div>`) {
		t.Errorf("no empty place for the code: %s", page)
	}
}

// A photo belongs to one delivery: what the page keeps of it is not taken for the next one's.
func TestAPhotoIsKeptForItsDelivery(t *testing.T) {
	place := func(d event.DeliveryID) string {
		v := dressed(scanned(2), blocked)
		v.Deliveries[0].Delivery = d
		s := showing(phrase.English, stopOf(v), v)
		s.screen = PlanB
		kept := uitest.With(uitest.Parse(t, whole(t, phrase.English, s.view())), "data-photo-place", "/v1/courier/deliveries/"+string(d)+"/photo")
		if len(kept) != 1 {
			t.Fatalf("%s has %d places for photos", d, len(kept))
		}
		id, _ := uitest.Attr(kept[0], "id")
		return id
	}
	if one, other := place("home-d1"), place("home-d2"); one == other || one == "" {
		t.Errorf("both are kept as %q", one)
	}
}

// The sketch of a round shows only stops whose place the courier may know, in metres.
func TestSketchOfTheRound(t *testing.T) {
	far, next, first := *stopOf(nil), *stopOf(nil), *stopOf(nil)
	far.AccessPoint, far.Position, next.AccessPoint = "far-a4", nil, "next-a4"
	next.Position = &api.Centre{Latitude: 48.86, Longitude: 2.29}
	d := day{stops: []api.Stop{first, far, next}, lang: phrase.English, now: uitest.Now}
	s, ok := d.sketch()
	if !ok || s.From.North != 0 || math.Abs(s.To.North-1112) > 1 || math.Abs(s.To.East) > 0.1 || len(s.Others) != 0 {
		t.Errorf("%+v, %v", s, ok)
	}
	d.stops = d.stops[:2]
	if _, ok := d.sketch(); ok {
		t.Error("one place alone is drawn")
	}
}

func TestWindowOfSeveralDeliveries(t *testing.T) {
	s := stopOf(nil)
	s.Deliveries = append(s.Deliveries, api.StopDelivery{Window: api.Span{From: noon, To: noon.Add(event.Hour)}})
	from, to := windowOf(s)
	if !from.Equal(noon.Time()) || !to.Equal(noon.Add(20*event.Minute).Time()) {
		t.Errorf("%v to %v", from, to)
	}
	if left, soon := showing(phrase.English, s, nil).windowLeft(); !soon || left != 20*time.Minute {
		t.Errorf("%v left, %v", left, soon)
	}
}
