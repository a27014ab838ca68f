package parcel

import (
	"errors"
	"fmt"
	"net/url"
	"strings"
	"testing"

	"pgregory.net/rapid"
)

const (
	set82NoBrackets = `[!"%&'*+,\-./0-9:;<=>?A-Z_a-z]`
	set82           = `[!"%&'()*+,\-./0-9:;<=>?A-Z_a-z]`
)

func digits(n int) *rapid.Generator[string] {
	return rapid.StringMatching(fmt.Sprintf("[0-9]{%d}", n))
}

func checked(n int) *rapid.Generator[string] {
	return rapid.Map(digits(n-1), func(s string) string { return s + string(naiveMod10(s)) })
}

// naiveMod10 follows GS1's wording: sum, then subtract from the next multiple of ten.
func naiveMod10(s string) byte {
	sum, triple := 0, true
	for i := len(s) - 1; i >= 0; i-- {
		d := int(s[i] - '0')
		if triple {
			d *= 3
		}
		sum, triple = sum+d, !triple
	}
	check := byte('0')
	for (sum+int(check-'0'))%10 != 0 {
		check++
	}
	return check
}

// codes draws any code, made without this package's parsers.
func codes(alphabet string) *rapid.Generator[Code] {
	return rapid.Custom(func(t *rapid.T) Code {
		switch kind := rapid.SampledFrom([]Kind{SSCC, SGTIN, GSIN, GINC, S10, Carrier}).Draw(t, "kind"); kind {
		case SSCC:
			return Code{kind, checked(18).Draw(t, "sscc")}
		case SGTIN:
			return Code{kind, checked(14).Draw(t, "gtin") + "." + rapid.StringMatching(alphabet+"{1,20}").Draw(t, "serial")}
		case GSIN:
			return Code{kind, checked(17).Draw(t, "gsin")}
		case GINC:
			return Code{kind, rapid.StringMatching(alphabet+"{1,30}").Draw(t, "ginc")}
		case S10:
			number := digits(8).Draw(t, "number")
			ends := rapid.StringMatching("[A-Z]{4}").Draw(t, "service and country")
			return Code{kind, ends[:2] + number + string(s10Check(number)) + ends[2:]}
		default:
			return Code{Carrier, "X" + rapid.StringMatching(`[A-Z.$/+%]{3}[0-9A-Z.$/+%]{0,36}`).Draw(t, "number")}
		}
	})
}

// attributes are element strings that don't name a parcel.
func attributes(t *rapid.T) []element {
	all := []element{
		{"400", rapid.StringMatching(set82+"{1,30}").Draw(t, "order")},
		{"403", rapid.StringMatching(set82+"{1,30}").Draw(t, "route")},
		{"410", checked(13).Draw(t, "ship to")},
		{"420", rapid.StringMatching("[0-9A-Z]{1,20}").Draw(t, "postal code")},
		{"10", rapid.StringMatching(set82+"{1,20}").Draw(t, "batch")},
		{"37", rapid.StringMatching("[0-9]{1,8}").Draw(t, "count")},
		{"15", digits(6).Draw(t, "date")},
	}
	return rapid.Permutation(all).Draw(t, "order of attributes")[:rapid.IntRange(0, len(all)).Draw(t, "how many")]
}

// encode writes element strings as a GS1 symbol carries them.
func encode(elements []element) string {
	var text strings.Builder
	for i, e := range elements {
		text.WriteString(e.ai + e.value)
		if _, fixed := predefined[e.ai[:2]]; !fixed && i < len(elements)-1 {
			text.WriteString(separator)
		}
	}
	return text.String()
}

func TestSplitElementsIsTheInverseOfEncode(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		want := append(attributes(t), codes(set82).Filter(func(c Code) bool { return len(c.elements()) > 0 }).Draw(t, "code").elements()...)
		got, err := splitElements(encode(want))
		if err != nil || fmt.Sprint(got) != fmt.Sprint(want) {
			t.Fatalf("%v, %v; want %v", got, err, want)
		}
	})
}

func TestEverySpellingOfAKeyIsOneCode(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		c := codes(set82NoBrackets).Filter(func(c Code) bool { return len(c.elements()) > 0 }).Draw(t, "code")
		extra := attributes(t)
		cut := rapid.IntRange(0, len(extra)).Draw(t, "attributes before")
		elements := append(append(append([]element{}, extra[:cut]...), c.elements()...), extra[cut:]...)

		symbology := rapid.SampledFrom([]string{"]C1", "]d2", "]Q3", "]e0"}).Draw(t, "symbology")
		readings := [][2]string{
			{encode(elements), symbology}, {symbology + encode(elements), ""}, {separator + encode(elements), ""},
			{c.link() + query(extra), ""}, {c.Human(), ""}, {c.String(), ""},
		}
		for _, r := range readings {
			if got, err := Parse(r[0], r[1]); err != nil || got != c {
				t.Fatalf("Parse(%q, %q) = %v, %v; want %v", r[0], r[1], got, err, c)
			}
		}
	})
}

func query(attributes []element) string {
	values := url.Values{"linkType": {"gs1:pip"}}
	for _, e := range attributes {
		values.Set(e.ai, e.value)
	}
	return "?" + values.Encode()
}

func TestCanonicalAndHumanTextReadBack(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		c := codes(set82NoBrackets).Draw(t, "code")
		for _, text := range []string{c.String(), c.Human(), strings.ToLower(c.Human())} {
			got, err := Parse(text, "")
			lowered := text != c.String() && text != c.Human() && (c.Kind == SGTIN || c.Kind == GINC) // case is data there
			if !lowered && (err != nil || got != c) {
				t.Fatalf("Parse(%q) = %v, %v; want %v", text, got, err, c)
			}
		}
		var stored Code
		if err := stored.UnmarshalText([]byte(c.String())); err != nil || stored != c {
			t.Fatalf("stored %v, %v; want %v", stored, err, c)
		}
	})
}

func TestOneWrongDigitOfAnSSCCIsFound(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		right := checked(18).Draw(t, "sscc")
		at := rapid.IntRange(0, 17).Draw(t, "at")
		wrong := []byte(right)
		wrong[at] = '0' + (wrong[at]-'0'+byte(rapid.IntRange(1, 9).Draw(t, "shift")))%10
		_, err := Parse("(00)"+string(wrong), "")
		var problem *Error
		if !errors.As(err, &problem) || problem.Problem != ProblemCheckDigit {
			t.Fatalf("%s for %s: %v", wrong, right, err)
		}
		if at == 17 && problem.Want != right[17:] {
			t.Fatalf("expected digit %s, want %s", problem.Want, right[17:])
		}
	})
}

func TestWrongCheckDigitOfS10NamesTheRightOne(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		number := digits(8).Draw(t, "number")
		right := s10Check(number)
		wrong := '0' + (right-'0'+byte(rapid.IntRange(1, 9).Draw(t, "shift")))%10
		_, err := Parse("CP"+number+string(wrong)+"DE", "")
		var problem *Error
		if !errors.As(err, &problem) || problem.Problem != ProblemCheckDigit || problem.Want != string(right) || problem.Got != string(wrong) {
			t.Fatalf("%s%c: %v", number, wrong, err)
		}
	})
}

// People group numbers as they like; that never changes which parcel it is.
func TestGroupingNeverMatters(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		c := codes(set82).Filter(func(c Code) bool { return c.Kind == S10 || c.Kind == Carrier || c.Kind == SSCC }).Draw(t, "code")
		var grouped strings.Builder
		for _, r := range c.Value {
			grouped.WriteString(string(r) + rapid.SampledFrom([]string{"", "", " ", "-", "\u00a0", "–", "\u200b"}).Draw(t, "gap"))
		}
		if got, err := Parse(grouped.String(), ""); err != nil || got != c {
			t.Fatalf("%q: %v, %v; want %v", grouped.String(), got, err, c)
		}
	})
}

func TestLongInputIsRefusedUnread(t *testing.T) {
	huge := strings.Repeat("(00)", 1<<20)
	allocs := testing.AllocsPerRun(10, func() {
		var problem *Error
		if _, err := Parse(huge, ""); !errors.As(err, &problem) || problem.Problem != ProblemInput {
			t.Fatal(err)
		}
		if _, err := Parse("RR473124829FR", huge); !errors.As(err, &problem) || problem.Problem != ProblemInput {
			t.Fatal(err)
		}
	})
	if allocs > 20 {
		t.Errorf("%v allocations to refuse a long input", allocs)
	}
}
