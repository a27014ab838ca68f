package courier

import (
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/loquet/loquet/dispatch"
	"github.com/loquet/loquet/event"
	"github.com/loquet/loquet/phrase"
	"github.com/loquet/loquet/web/ui"
	"github.com/loquet/loquet/web/ui/uitest"
)

// keyLike is a key of the catalogue that stands where its text should.
var keyLike = regexp.MustCompile(`\b(stops|go|arrive|scan|opening|inside|secured|refusal|planb|plan-b|code|done|fled|pair|unbound|offline|size|question)\.[a-z]+\b`)

func TestWords(t *testing.T) { uitest.CheckWords(t, ".", words) }

// Keys that are put together of what the server may say are all there.
func TestWordsForWhatTheServerSays(t *testing.T) {
	var keys []string
	for _, s := range []event.Size{event.SizeSmall, event.SizeMedium, event.SizeLarge} {
		keys = append(keys, "size."+string(s))
	}
	for _, s := range []dispatch.Status{dispatch.StatusDelivered, dispatch.StatusDiverted, dispatch.StatusReturned, dispatch.StatusCancelled, dispatch.StatusExpired} {
		keys = append(keys, "stops.ended."+string(s), "done."+string(s)+".title")
		if s != dispatch.StatusDelivered {
			keys = append(keys, "done."+string(s)+".text")
		}
	}
	for _, h := range []event.VisitEnd{event.EndSecured, event.EndUnproven, event.EndTakenOver} {
		keys = append(keys, "done.delivered."+string(h))
	}
	for _, k := range []event.FallbackKind{event.FallbackAccessPoint, event.FallbackNeighbour, event.FallbackReference, event.FallbackOutside, event.FallbackDepot} {
		keys = append(keys, "planb.do."+string(k))
	}
	for _, q := range []event.Question{event.QuestionPets, event.QuestionAlarm} {
		keys = append(keys, "question."+string(q))
	}
	for _, s := range []ui.State{ui.Secured, ui.Open, ui.Alarming, ui.Underway, ui.Refused, ui.Unknown, ui.Neutral} {
		keys = append(keys, "inside.state."+string(s))
	}
	for _, key := range keys {
		if !words.Has(key) {
			t.Errorf("no words for %s", key)
		}
	}
}

var said = regexp.MustCompile("say\\([`']([^`'$]+)")

// The scripts ask for texts that are there, and every text for them is asked for.
func TestWordsOfScripts(t *testing.T) {
	var asked []string
	names, _ := filepath.Glob("js/*.mjs")
	for _, name := range names {
		script, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		for _, m := range said.FindAllStringSubmatch(string(script), -1) {
			asked = append(asked, m[1])
		}
		for _, m := range regexp.MustCompile(`\? '(js\.[a-z.-]+)' : '(js\.[a-z.-]+)'`).FindAllStringSubmatch(string(script), -1) {
			asked = append(asked, m[1:]...)
		}
	}
	for _, key := range asked {
		if strings.HasPrefix(key, "js.") && !strings.HasSuffix(key, ".") && !words.Has(key) {
			t.Errorf("a script says %q, for which there are no words", key)
		}
	}
	for _, key := range words.Keys(phrase.English) {
		base, _, _ := strings.Cut(key, "#")
		if strings.HasPrefix(key, "js.") && !slices.ContainsFunc(asked, func(a string) bool {
			return a == base || strings.HasSuffix(a, ".") && strings.HasPrefix(base, a)
		}) {
			t.Errorf("no script says %q", key)
		}
	}
}

func TestEveryRefusalHasItsNextStep(t *testing.T) {
	for _, code := range event.Codes() {
		if _, known := afterwards[code]; !known {
			t.Errorf("nothing is said to do after %s", code)
		}
	}
	if got := nextAfter("made-up"); got != nextCall {
		t.Errorf("after what nobody knows: %s", got)
	}
	var listed []string
	for _, n := range nexts {
		listed = append(listed, strings.Fields(codesOf(n))...)
	}
	slices.Sort(listed)
	if n := len(slices.Compact(listed)); n != len(afterwards) {
		t.Errorf("%d codes in the pieces of the shell, %d in the table", n, len(afterwards))
	}
}
