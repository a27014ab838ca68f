package customer_test

import (
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"

	"github.com/loquet/loquet/api"
	"github.com/loquet/loquet/e2e/indoors"
	"github.com/loquet/loquet/event"
	"github.com/loquet/loquet/phrase"
	"github.com/loquet/loquet/web/customer"
	"github.com/loquet/loquet/web/ui/uitest"
)

func TestRulesAreReadBack(t *testing.T) {
	t.Parallel()
	b := build(t)
	h := b.Household("Camille")
	me := b.visitor(t, h)
	both(t, me, "/home/rules", "Every day at any hour, any carrier, parcels of any size, the courier may come in.",
		"Tous les jours à toute heure, tout transporteur, colis de toute taille, le livreur peut entrer.") //nolint:misspell // French
	fields := form(t, me.page("/home/rules"), "/home/rules")
	fields["on"] = []string{"pets", "camera"}
	fields.Set("dwell", "2,5")
	fields.Set("keep", "3")
	a := me.send("POST", "/home/rules", fields)
	if to := a.header.Get("Location"); a.status != http.StatusSeeOther || to != "/home/rules?done=rules" {
		t.Fatalf("saved: %d %s %s", a.status, to, plain(t, a.body))
	}
	both(t, me, "/home/rules?done=rules", "This is what holds now.", "Voici ce qui vaut maintenant.")
	me.shows("/home/rules", "No picture, no opening.", "Before each visit you are asked about the pets.", "stands open for 2.5 min")
	// What contradicts itself is named.
	both(t, me, "/home/rules", "no checked camera sees this place", "aucune caméra vérifiée ne voit ce lieu")
	if r := look(t, h).Rules; !r.AskPets || r.AskAlarm || r.Watch || !r.Camera || r.DwellSeconds != 150 || r.KeepClips != 3 {
		t.Errorf("the rules: %+v", r)
	}
	for field, value := range map[string]string{"dwell": "0", "keep": "31"} {
		fields = form(t, me.page("/home/rules"), "/home/rules")
		fields.Set(field, value)
		a := me.send("POST", "/home/rules", fields)
		if a.status != http.StatusUnprocessableEntity || !strings.Contains(a.body, `value="`+value+`"`) {
			t.Errorf("%s %s: %d", field, value, a.status)
		}
		uitest.Lint(t, a.body)
		wrong(t, a.body)
	}
}

func TestPlanB(t *testing.T) {
	t.Parallel()
	b := build(t)
	h := b.Household("Camille")
	me := b.visitor(t, h)
	do := func(change ...string) string {
		t.Helper()
		fields := url.Values{"tag": {look(t, h).Rules.Tag}, "key": {strings.Join(change, "/")}}
		for i := 0; i+1 < len(change); i += 2 {
			fields.Set(change[i], change[i+1])
		}
		a := me.send("POST", "/home/rules/plan-b", fields)
		if a.status != http.StatusSeeOther {
			uitest.Lint(t, a.body)
		}
		return plain(t, a.body)
	}
	order := func() []string {
		var who []string
		for _, f := range look(t, h).Rules.PlanB {
			who = append(who, f.Who+string(f.AccessPoint)+map[bool]string{true: "outside"}[f.Kind == event.FallbackOutside])
		}
		return who
	}
	do("do", "add", "kind", "neighbour", "who", "Mr Petit, door 3")
	do("do", "add", "kind", "neighbour", "who", "Ms Grand, door 5")
	do("do", "add", "kind", "outside", "who", "ignored")
	if got := order(); !slices.Equal(got, []string{"Mr Petit, door 3", "Ms Grand, door 5", "outside"}) {
		t.Fatalf("plan B: %q", got)
	}
	do("do", "up", "step", "1")
	do("do", "down", "step", "1")
	if got := order(); !slices.Equal(got, []string{"Ms Grand, door 5", "outside", "Mr Petit, door 3"}) {
		t.Fatalf("moved: %q", got)
	}
	both(t, me, "/home/rules", "Otherwise: Ms Grand, door 5, then Outside, as the customer chose, then Mr Petit, door 3, then Back to the depot.", "Sinon : Ms Grand, door 5, puis")
	do("do", "remove", "step", "1")
	for _, nonsense := range [][]string{{"do", "up", "step", "0"}, {"do", "down", "step", "9"}, {"do", "remove", "step", "-1"}, {"do", "remove", "step", "x"}, {"do", "dance"}} {
		do(nonsense...)
	}
	if got := order(); !slices.Equal(got, []string{"Ms Grand, door 5", "Mr Petit, door 3"}) {
		t.Errorf("in the end: %q", got)
	}
	for _, x := range [][2]string{{"neighbour", "Say which neighbour."}, {"access-point/xyz", "Choose one of these."}, {"moon", "Choose one of these."}} {
		if said := do("do", "add", "kind", x[0]); !strings.Contains(said, x[1]) {
			t.Errorf("%s: %s", x[0], said)
		}
	}
}

// paul is another member of a household.
func paul(t *testing.T, b *building, h *indoors.Household) *visitor {
	t.Helper()
	var member api.Member
	must(t, h.Call(t.Context(), "POST", "/v1/home/members", api.MemberRequest{Name: "Paul"}, &member))
	return &visitor{t: t, at: b.URL, cookie: b.SignIn(member.ID), lang: phrase.English}
}

// Another member's change is not overwritten, and is said with name and time.
func TestAnotherMembersChange(t *testing.T) {
	t.Parallel()
	b := build(t)
	h := b.Household("Camille")
	me := b.visitor(t, h)
	his := paul(t, b, h)
	mine := form(t, me.page("/home/rules"), "/home/rules")
	mine.Set("keep", "9")
	fields := form(t, his.page("/home/rules"), "/home/rules")
	fields["on"] = []string{"alarm"}
	his.send("POST", "/home/rules", fields)
	a := me.send("POST", "/home/rules", mine)
	if said := plain(t, a.body); a.status != http.StatusConflict || !strings.Contains(said, "Paul changed this at") || !strings.Contains(said, "Yours are not saved yet") {
		t.Fatalf("%d: %s", a.status, said)
	}
	uitest.Lint(t, a.body)
	if r := look(t, h).Rules; !r.AskAlarm || r.KeepClips == 9 {
		t.Errorf("the rules: %+v", r)
	}
	if !strings.Contains(a.body, `value="9"`) {
		t.Error("what was entered is lost")
	}
	again := form(t, a.body, "/home/rules")
	again.Set("keep", "9")
	if a = me.send("POST", "/home/rules", again); a.status != http.StatusSeeOther {
		t.Errorf("saved again: %d", a.status)
	}
}

// Whoever is typing while another member saves is told, and keeps the page: nothing has it loaded as a whole.
func TestAnotherMemberSavesMeanwhile(t *testing.T) {
	t.Parallel()
	b := build(t)
	h := b.Household("Camille")
	me := b.visitor(t, h)
	frame := func(page string) string {
		name, _ := uitest.Attr(uitest.Tags(uitest.Parse(t, page), "html")[0], "data-frame")
		return name
	}
	page := me.page("/home/rules")
	live, _ := uitest.Attr(uitest.ID(uitest.Parse(t, page), "main"), "sse-connect")
	lines := me.live(t.Context(), live)
	await(t, lines, "event: view")
	me.post("/home/rules", "/home/rules", "keep", "9")
	await(t, lines, `value="9"`)
	paul(t, b, h).post("/home/rules", "/home/rules", "keep", "8")
	if line := lineWith(t, lines, "changed this at"); !strings.Contains(line, "Paul changed this at") {
		t.Errorf("what somebody saved is told to them as another's: %s", line)
	}
	if after := me.page("/home/rules"); frame(after) != frame(page) {
		t.Error("the page has another frame since the rules changed")
	}
}

func TestAConsentIsReadBackBeforeItIsGiven(t *testing.T) {
	t.Parallel()
	b := build(t)
	h := b.Household("Camille")
	me := b.visitor(t, h)
	typed := form(t, me.page("/home/consents/new"), "/home/consents")
	typed["days"] = []string{"5", "1", "2", "3", "4"}
	typed["days2"] = []string{"6"}
	typed.Set("from2", "10:00")
	typed.Set("to2", "00:00")
	typed.Set("carriers", " swift , rapido,")
	typed.Set("until", "2099-06-03")
	before := len(look(t, h).Consents)
	a := me.send("POST", "/home/consents", typed)
	const sentence = "Monday to Friday 9:00–18:00 and Saturday 10:00–24:00, couriers of swift and rapido, parcels up to medium size, just inside the door, until"
	if said := plain(t, a.body); a.status != http.StatusOK || !strings.Contains(said, "Is this what you mean?") || !strings.Contains(said, sentence) {
		t.Fatalf("%d: %s", a.status, said)
	}
	uitest.Lint(t, a.body)
	if n := len(look(t, h).Consents); n != before {
		t.Fatalf("%d consents before it was read", n)
	}
	doc := uitest.Parse(t, a.body)
	save := url.Values{"do": {"save"}}
	for _, in := range uitest.With(doc, "type", "hidden") {
		name, _ := uitest.Attr(in, "name")
		value, _ := uitest.Attr(in, "value")
		save.Add(name, value)
	}
	for range 2 { // a double tap gives it once
		if a = me.send("POST", "/home/consents", save); a.status != http.StatusSeeOther || a.header.Get("Location") != "/home/rules?done=consent" {
			t.Fatalf("saved: %d %s", a.status, a.header.Get("Location"))
		}
	}
	given := look(t, h).Consents
	if len(given) != before+1 {
		t.Fatalf("%d consents", len(given))
	}
	me.shows("/home/rules", sentence, "Given by Camille,")

	// It is changed by one that takes its place.
	last := given[len(given)-1]
	change := form(t, me.page("/home/consents/new?from="+string(last.ID)), "/home/consents")
	if !slices.Equal(change["days2"], []string{"6"}) || change.Get("to2") != "00:00" || change.Get("until") != "2099-06-03" || change.Get("carriers") != "swift, rapido" {
		t.Errorf("typed again: %v", change)
	}
	change.Set("do", "save")
	change.Set("largest", "small")
	me.send("POST", "/home/consents", change)
	given = look(t, h).Consents
	if len(given) != before+1 || given[len(given)-1].Largest != event.SizeSmall || given[len(given)-1].ID == last.ID {
		t.Errorf("changed: %+v", given)
	}
}

// What replaces a consent is for the shops that it was for, and replaces it once.
func TestAChangedConsentKeepsItsShops(t *testing.T) {
	t.Parallel()
	b := build(t)
	h := b.Household("Camille")
	me := b.visitor(t, h)
	week := []event.Hours{{Days: []int{1, 2, 3, 4, 5, 6, 7}, From: 0, To: 1440}}
	give := func(hours []event.Hours) api.Consent {
		t.Helper()
		var given api.Consent
		req := api.ConsentRequest{AccessPoint: h.AccessPoint, Merchants: []event.MerchantID{"florist"}, Largest: event.SizeLarge, Hours: hours}
		must(t, h.Call(t.Context(), "POST", "/v1/home/consents", req, &given))
		return given
	}
	old := give(week)
	page := "/home/consents/new?from=" + string(old.ID)
	change := form(t, me.page(page), "/home/consents")
	change.Set("largest", "small")
	change.Set("do", "check")
	if said := plain(t, me.send("POST", "/home/consents", change).body); !strings.Contains(said, "florist") {
		t.Errorf("read back without its shop: %s", said)
	}
	change.Set("do", "save")
	if a := me.send("POST", "/home/consents", change); a.header.Get("Location") != "/home/rules?done=consent" {
		t.Fatalf("changed: %d %s", a.status, a.header.Get("Location"))
	}
	all := look(t, h).Consents
	if last := all[len(all)-1]; !slices.Equal(last.Merchants, []event.MerchantID{"florist"}) || last.Largest != event.SizeSmall {
		t.Errorf("changed: %+v", last)
	}
	change.Set("key", "again") // from a page that is still open somewhere
	if a := me.send("POST", "/home/consents", change); a.header.Get("Location") != "/home/rules?not=conflict" {
		t.Errorf("changed again: %d %s", a.status, a.header.Get("Location"))
	}
	if n := len(look(t, h).Consents); n != len(all) {
		t.Errorf("%d consents, and %d before", n, len(all))
	}
	many := give([]event.Hours{{Days: []int{1}, To: 60}, {Days: []int{2}, To: 60}, {Days: []int{3}, To: 60}})
	if strings.Contains(me.page("/home/rules"), "from="+string(many.ID)) {
		t.Error("a form that holds two lines of hours is offered for three")
	}
	if a := me.send("GET", "/home/consents/new?from="+string(many.ID), nil); a.status != http.StatusNotFound {
		t.Errorf("such a form: %d", a.status)
	}
}

func TestContradictionsAreNamed(t *testing.T) {
	t.Parallel()
	b := build(t)
	h := b.Household("Camille")
	me := b.visitor(t, h)
	good := form(t, me.page("/home/consents/new"), "/home/consents")
	for _, x := range []struct {
		change []string
		says   string
	}{
		{[]string{"days", ""}, "Choose at least one day."},
		{[]string{"from", "18:00", "to", "09:00"}, "The end comes before the beginning."},
		{[]string{"days2", "7"}, "No hours: Sunday."},
		{[]string{"from2", "10:00"}, "Choose at least one day."},
		{[]string{"place", "nowhere-a1"}, "Choose one of these."},
		{[]string{"largest", "huge"}, "Choose one of these."},
		{[]string{"until", "2001-01-01"}, "This day lies in the past."},
		{[]string{"until", "soon"}, "A day such as"},
		{[]string{"carriers", strings.Repeat("x", 101)}, "Too long"},
	} {
		sent := url.Values{}
		for k, v := range good {
			sent[k] = v
		}
		for i := 0; i+1 < len(x.change); i += 2 {
			sent.Set(x.change[i], x.change[i+1])
		}
		a := me.send("POST", "/home/consents", sent)
		if a.status != http.StatusUnprocessableEntity || !strings.Contains(plain(t, a.body), x.says) {
			t.Errorf("%v: %d %s", x.change, a.status, plain(t, a.body))
			continue
		}
		uitest.Lint(t, a.body)
		wrong(t, a.body)
	}
}

func TestHoursInWords(t *testing.T) {
	t.Parallel()
	for _, x := range []struct {
		hours  []event.Hours
		en, fr string
	}{
		{[]event.Hours{{Days: []int{1, 2, 3, 4, 5}, From: 540, To: 1080}}, "Monday to Friday 9:00–18:00", "du lundi au vendredi 9:00–18:00"},
		{[]event.Hours{{Days: []int{6, 7}, To: 1440}}, "Saturday and Sunday at any hour", "le samedi et le dimanche à toute heure"},
		{[]event.Hours{{Days: []int{1, 3, 4, 5, 7}, To: 30}}, "Monday, Wednesday to Friday and Sunday 0:00–0:30", "le lundi, du mercredi au vendredi et le dimanche 0:00–0:30"},
		{[]event.Hours{{Days: []int{1, 2, 3, 4, 5, 6, 7}, From: 60, To: 120}}, "every day 1:00–2:00", "tous les jours 1:00–2:00"},
	} {
		if en := customer.HoursSaid(uitest.Context(t, phrase.English), x.hours); en != x.en {
			t.Errorf("%q, not %q", en, x.en)
		}
		if fr := customer.HoursSaid(uitest.Context(t, phrase.French), x.hours); fr != x.fr {
			t.Errorf("%q, not %q", fr, x.fr)
		}
	}
	for typed, want := range map[string]int{"9:00": 540, "09:30": 570, "24:00": 1440, "0:00": 0, "24:01": -1, "9": -1, "": -1, "9:60": -1, "-1:00": -1, "x:y": -1} {
		if m, ok := customer.MinutesTyped(typed); ok != (want >= 0) || ok && m != want {
			t.Errorf("%q is %d %v", typed, m, ok)
		}
	}
}
