package ui_test

import (
	"testing"
	"time"

	"github.com/loquet/loquet/phrase"
	"github.com/loquet/loquet/web/ui"
	"github.com/loquet/loquet/web/ui/uitest"
)

var few = ui.MustWords(
	[]byte(`{"a": "Blocked at {time}.", "parcels#one": "{n} parcel", "parcels#other": "{n} parcels"}`),
	[]byte(`{"a": "Bloqué à {time}.", "parcels#one": "{n} colis", "parcels#other": "{n} colis en tout"}`))

func TestWords(t *testing.T) {
	french := uitest.Context(t, phrase.French)
	for _, c := range []struct{ got, want string }{
		{few.T(french, "a", "time", "14:02"), "Bloqué à 14:02."},
		{few.In(phrase.English, "a", "time", "14:02"), "Blocked at 14:02."},
		{few.In("de", "a", "time", "14:02"), "Blocked at 14:02."},
		{few.In(phrase.English, "a", "time", "{time} <b>"), "Blocked at {time} <b>."},
		{few.In(phrase.English, "a"), "Blocked at {time}."},
		{few.In(phrase.English, "missing"), "missing"},
		{few.In(phrase.English, "parcels", "n", "0"), "0 parcels"},
		{few.In(phrase.English, "parcels", "n", "1"), "1 parcel"},
		{few.In(phrase.English, "parcels", "n", "2"), "2 parcels"},
		{few.In(phrase.French, "parcels", "n", "0"), "0 colis"},
		{few.In(phrase.French, "parcels", "n", "1,5"), "1,5 colis"},
		{few.In(phrase.French, "parcels", "n", "2"), "2 colis en tout"},
		{few.In(phrase.French, "parcels", "n", "many"), "many colis en tout"},
	} {
		if c.got != c.want {
			t.Errorf("%q, want %q", c.got, c.want)
		}
	}
	if !few.Has("a") || !few.Has("parcels") || few.Has("b") {
		t.Error("what the catalogue has")
	}
}

func TestBrokenCatalogueIsFoundAtOnce(t *testing.T) {
	defer func() {
		if recover() == nil {
			t.Error("a catalogue that is no flat object was taken")
		}
	}()
	ui.MustWords([]byte(`{"a": {"b": "c"}}`), []byte(`{}`))
}

func TestOwnWords(t *testing.T) { uitest.CheckWords(t, ".", ui.Own) }

func TestAgo(t *testing.T) {
	const nb = "\u00a0"
	for _, c := range []struct {
		age    time.Duration
		en, fr string
	}{
		{-time.Second, "0 s ago", "il y a 0" + nb + "s"},
		{1999 * time.Millisecond, "1 s ago", "il y a 1" + nb + "s"},
		{59 * time.Second, "59 s ago", "il y a 59" + nb + "s"},
		{time.Minute, "1 min ago", "il y a 1" + nb + "min"},
		{time.Hour - 1, "59 min ago", "il y a 59" + nb + "min"},
		{time.Hour, "1 h ago", "il y a 1" + nb + "h"},
		{24 * time.Hour, "1 day ago", "il y a 1" + nb + "jour"},
		{71 * time.Hour, "2 days ago", "il y a 2" + nb + "jours"},
	} {
		if en, fr := ui.Ago(phrase.English, c.age), ui.Ago(phrase.French, c.age); en != c.en || fr != c.fr {
			t.Errorf("%v: %q, %q", c.age, en, fr)
		}
	}
}

func TestSpan(t *testing.T) {
	for d, want := range map[time.Duration]string{
		-time.Second: "00:00", 42 * time.Second: "00:42", 42*time.Minute + 999*time.Millisecond: "42:00", time.Hour + 2*time.Minute + 3*time.Second: "1:02:03",
	} {
		if got := ui.Span(d); got != want {
			t.Errorf("%v: %q, want %q", d, got, want)
		}
	}
}

func TestTimesOfThePlace(t *testing.T) {
	const nb = "\u00a0"
	paris, err := time.LoadLocation("Europe/Paris")
	if err != nil {
		t.Fatal(err)
	}
	en, fr := uitest.Context(t, phrase.English), uitest.Context(t, phrase.French)
	now := uitest.Now // 2026-06-02 14:02:48 UTC, 16:02:48 in Paris
	for _, c := range []struct{ got, want string }{
		{ui.Clock(en, now, paris), "16:02"},
		{ui.ClockSeconds(fr, now, nil), "14:02:48"},
		{ui.Clock(en, time.Time{}, paris), ""},
		{ui.Clock(en, now.Add(8*time.Hour), paris), "Wed" + nb + "3" + nb + "Jun 00:02"},
		{ui.Clock(fr, now.Add(8*time.Hour), nil), "22:02"},
		{ui.Clock(fr, now.AddDate(0, 0, 1), paris), "mer." + nb + "3" + nb + "juin 16:02"},
		{ui.Day(fr, now.AddDate(1, 0, 0), paris), "mer." + nb + "2" + nb + "juin" + nb + "2027"},
		{ui.Window(en, now, now.Add(4*time.Hour), paris), "16:02–20:02"},
		{ui.Window(en, now, now.Add(9*time.Hour), paris), "16:02 – Wed" + nb + "3" + nb + "Jun 01:02"},
		{ui.Metres(phrase.French, 1234), "1,2" + nb + "km"},
		{ui.Metres(phrase.English, 1234), "1.2" + nb + "km"},
		{ui.Metres(phrase.English, 179.6), "180" + nb + "m"},
	} {
		if c.got != c.want {
			t.Errorf("%q, want %q", c.got, c.want)
		}
	}
}
