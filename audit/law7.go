package audit

import (
	"reflect"
	"regexp"
	"strings"

	"github.com/loquet/loquet/event"
)

// law7 looks through every value of every event for what should never stand in a journal. Identifiers have their
// form, commitments are hexadecimal, a device's word for a cause is one word; whatever else is text must not look
// like an address of e-mail, a telephone number, a position or a number plate. Of what cameras film, it asks who saw it
// and whether it is erased in time.
func law7(x *exam) {
	x.looks()
	for pos, e := range x.events {
		if e.Body == nil {
			continue // law 10 tells
		}
		var f faults
		x.charges(&f, pos)
		leaves(reflect.ValueOf(e.Body), nil, func(path []string, v reflect.Value) {
			if what := unfit(path, v); what != "" {
				f.need(false, "%s %s", strings.Join(path, "."), what)
			}
		})
		x.judge(pos, f.about("%s", e.Body.Kind()))
	}
}

var (
	commitment = reflect.TypeFor[event.Commitment]()
	keyID      = reflect.TypeFor[event.KeyID]()

	hexadecimal = regexp.MustCompile(`^[0-9a-f]{32,128}$`)
	thumbprint  = regexp.MustCompile(`^[A-Za-z0-9_-]{43}$`)
	oneWord     = regexp.MustCompile(`^[a-z0-9_-]{1,32}$`)
	opaque      = regexp.MustCompile(`^[A-Za-z0-9._=-]+$`)
	oneLine     = regexp.MustCompile(`^\P{C}*$`)
)

// personal are patterns of personal values. They are not perfect: an identifier may look like one, and is then
// better changed.
var personal = []struct {
	what  string
	looks *regexp.Regexp
}{
	{"an address of e-mail", regexp.MustCompile(`[^\s@]+@[^\s@]+\.[A-Za-z]{2,}`)},
	// International with a plus sign, or ten digits that begin with 0 in any of the usual groupings.
	{"a telephone number", regexp.MustCompile(`(^|[^\w.:+-])(\+|00)[1-9]([ .-]?\d){7,13}($|[^\w.:-])|(^|[^\w.:+-])0[1-9]([ .-]?\d{2}){4}($|[^\w.:-])`)},
	// Degrees to four places are within eleven metres.
	{"a position", regexp.MustCompile(`(^|[^\d.])-?\d{1,3}\.\d{4,}($|[^\d.])`)},
	// As in France since 2009, in Italy and in Spain.
	{"a number plate", regexp.MustCompile(`(^|[^A-Za-z0-9_-])([A-Z]{2}[- ]?\d{3}[- ]?[A-Z]{2}|\d{4}[- ]?[BCDFGHJKLMNPRSTVWXYZ]{3})($|[^A-Za-z0-9_-])`)},
}

// unfit says what is wrong with a value; "" when nothing is. It does not repeat the value.
func unfit(path []string, v reflect.Value) string {
	if v.Kind() != reflect.String || v.Len() == 0 {
		return ""
	}
	text := v.String()
	if letter := letters[v.Type()]; letter != 0 {
		return unless(event.CheckID(text, letter) == nil, "is not an identifier")
	}
	switch v.Type() {
	case commitment:
		return unless(hexadecimal.MatchString(text), "is not a commitment")
	case keyID:
		return unless(thumbprint.MatchString(text), "is not a key's thumbprint")
	}
	switch field := path[len(path)-1]; field {
	case "JWS":
		return unless(opaque.MatchString(text), "is not a compact proof")
	case "Cause":
		return unless(oneWord.MatchString(text), "is more than a word for a cause")
	case "PublicKey":
		return looksPersonal(text)
	default:
		if !oneLine.MatchString(text) {
			return "is not one line of plain characters"
		}
		return looksPersonal(text)
	}
}

func unless(fits bool, what string) string {
	if fits {
		return ""
	}
	return what
}

func looksPersonal(text string) string {
	for _, p := range personal {
		if p.looks.MatchString(text) {
			return "looks like " + p.what
		}
	}
	return ""
}
