package courier

import (
	"testing"

	"github.com/loquet/loquet/phrase"
	"github.com/loquet/loquet/web/ui/uitest"
)

// An update matches elements by identifier: two forms that do different things never have the same, on any screen, so that
// no tap on the one can become the other.
func TestFormsAreTheirOwn(t *testing.T) {
	does := map[string]string{}
	for name, v := range pages(phrase.English) {
		doc := uitest.Parse(t, whole(t, phrase.English, v))
		for _, form := range uitest.With(doc, "data-act", "") {
			id, _ := uitest.Attr(form, "id")
			action, _ := uitest.Attr(form, "action")
			asked := action
			for _, field := range uitest.Tags(form, "input") {
				n, _ := uitest.Attr(field, "name")
				value, _ := uitest.Attr(field, "value")
				asked += " " + n + "=" + value
			}
			if before, known := does[id]; id == "" || known && before != asked {
				t.Errorf("%s: the form %q does %q, elsewhere %q", name, id, asked, before)
			}
			does[id] = asked
		}
	}
}
