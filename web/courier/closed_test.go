package courier

import (
	"strings"
	"testing"

	"github.com/loquet/loquet/api"
	"github.com/loquet/loquet/event"
	"github.com/loquet/loquet/phrase"
	"github.com/loquet/loquet/web/ui"
	"github.com/loquet/loquet/web/ui/uitest"
)

// What was secured is called what it is, for as long as that is known: a garage has no bolt, and an old word no colour.
func TestClosedInItsOwnWords(t *testing.T) {
	secured := func(change ...func(*api.Visit)) at {
		v := dressed(scanned(2), seen(0), seen(1), deposited, shut)
		securedSteps(v)
		for _, c := range change {
			c(v)
		}
		return showing(phrase.English, stopOf(v), v)
	}
	contact := func(i int) func(*api.Visit) {
		return func(v *api.Visit) { v.Steps[i].Seen.Closure = event.Closure{Contact: true} }
	}
	for name, c := range map[string]struct {
		at
		state ui.State
		said  string
	}{
		"doors":   {secured(), ui.Secured, "Shut and locked"},
		"garages": {secured(contact(0), contact(1)), ui.Secured, "Shut"},
		"both":    {secured(contact(0)), ui.Secured, "All secured"},
		"silent":  {secured(func(v *api.Visit) { v.Steps[1].Seen.Reach = event.ReachOffline }), ui.Unknown, "Unknown"},
		"open":    {secured(func(v *api.Visit) { v.Steps[0].Seen = seenAs(event.BoltUnlocked, event.ContactOpen) }), ui.Open, "Open"},
	} {
		if k := c.closed(); k.state != c.state || k.said != c.said || (k.state == ui.Secured) != (k.left > 0) && k.state != ui.Open {
			t.Errorf("%s: %+v", name, k)
		}
	}
}

// A heading that rests on what a device said ends with it, and with the link; so does leaving.
func TestHeadingsEnd(t *testing.T) {
	for _, name := range []string{"inside", "secured"} {
		doc := uitest.Parse(t, whole(t, phrase.English, pages(phrase.English)[name]))
		heading := uitest.Tags(doc, "h1")[0]
		ends := false
		for _, span := range uitest.Tags(heading, "span") {
			if fresh, ok := uitest.Attr(span, "data-fresh"); ok && fresh != "0" {
				ends = true
			}
		}
		if !ends {
			t.Errorf("%s: the heading holds for ever: %s", name, uitest.Text(heading))
		}
	}
	doc := uitest.Parse(t, whole(t, phrase.English, pages(phrase.English)["secured"]))
	linked := uitest.With(doc, "class", "while-linked")
	if len(linked) != 1 || len(uitest.With(linked[0], "data-act", "leave")) != 1 {
		t.Error("leaving is offered without a link")
	}
}

// Each delivery needs its answers: a yes for one is none for the other.
func TestQuestionsOfSeveralDeliveries(t *testing.T) {
	v := dressed(arrived)
	no := v.Deliveries[0]
	no.Delivery = "home-d2"
	no.Questions = []api.Question{
		{Question: event.QuestionPets, Answered: true, Yes: true, At: noon.Add(-2 * event.Hour)},
		{Question: event.QuestionPets, Answered: true, At: noon.Add(-30 * event.Hour)},
	}
	for _, order := range [][]api.VisitDelivery{{v.Deliveries[0], no}, {no, v.Deliveries[0]}} {
		v.Deliveries = order
		lines := showing(phrase.English, stopOf(v), v).questionReadiness()
		if lines[0].state != ui.Refused || !strings.Contains(lines[0].word, "Mon") && !strings.Contains(lines[0].word, "Tue") {
			t.Errorf("%+v", lines)
		}
	}
}
