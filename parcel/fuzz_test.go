package parcel

import (
	"errors"
	"regexp"
	"strings"
	"testing"
	"unicode/utf8"
)

var seeds = []string{
	"", "00340123450000000017", "\x1d00340123450000000017\x1d", "(00)340123450000000017", "(00) 3 4012345 000000001 7",
	"010952012300000421aB/7\x1d17301231", "(01)09520123000004(21)A(B)", "400D-1042\x1d00340123450000000017", "40", "4", "(", "()", "(00)(01)",
	"https://id.gs1.org/00/340123450000000017?400=D-1042", "https://x/01/09520123000004/21/%41%2f", "https://x/00/%zz", "http://[::1", "https://",
	"RR473124829FR", "rr 473 124 829 fr", "1Z 999-AA1 01 2345 6784", "42020260\x1d9205590164917312751089", "91A\x1d92B",
	"sscc:340123450000000017", "sgtin:09520123000004.x", "gsin:95201230000000004", "ginc:A", "carrier:1Z999", "s10:RR473124829FR", ":", "carrier:",
	"]C1", "]d2\x1d", "]", "\u00ad\u200b", "ſſſſ", "\xff\xfe", "[)>\x1e06\x1d",
}

// mustHold is what is true of every reading, good or bad.
func mustHold(t *testing.T, c Code, err error) {
	t.Helper()
	if err != nil {
		mustExplain(t, err)
		if !c.IsZero() {
			t.Fatalf("a failure also gave %v", c)
		}
		return
	}
	again, err := Parse(c.String(), "")
	if err != nil || again != c {
		t.Fatalf("canonical %q reads as %v, %v", c, again, err)
	}
	if last := c.LastFour(); len(last) > 4 || !strings.HasSuffix(strings.Map(alphanumeric, c.Value), last) {
		t.Fatalf("last four of %v: %q", c, last)
	}
	if read, err := Parse(c.link(), ""); c.link() != "" && (err != nil || read != c) {
		t.Fatalf("link %q reads as %v, %v", c.link(), read, err)
	}
}

// mustExplain holds every failure to be one typed, short and complete sentence for people.
func mustExplain(t *testing.T, err error) {
	t.Helper()
	var problem *Error
	if !errors.As(err, &problem) {
		t.Fatalf("untyped: %v", err)
	}
	words := err.Error()
	if !utf8.ValidString(words) || len(words) < 20 || len(words) > 250 || placeholder.MatchString(words) {
		t.Fatalf("unfit for people: %q", words)
	}
}

var placeholder = regexp.MustCompile(`\{(field|want|got)\}|[[:cntrl:]]`)

func alphanumeric(r rune) rune {
	if isDigit(r) || isLetter(r) {
		return r
	}
	return -1
}

func FuzzParse(f *testing.F) {
	for _, s := range seeds {
		f.Add(s, "")
		f.Add(s, "]C1")
	}
	f.Add("9520123000004", "]E0")
	f.Add("1", "]\xff1")
	f.Add("0", "{")
	f.Fuzz(func(t *testing.T, text, symbology string) {
		c, err := Parse(text, symbology)
		mustHold(t, c, err)
	})
}

// fuzzOne fuzzes a parser behind Parse, which then also meets what Parse would
// never hand to it.
func fuzzOne(f *testing.F, parse func(string) (Code, error)) {
	for _, s := range seeds {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, text string) {
		if len(text) <= MaxInput && utf8.ValidString(text) {
			c, err := parse(text)
			mustHold(t, c, err)
		}
	})
}

func FuzzElementString(f *testing.F) { fuzzOne(f, parseElementString) }
func FuzzBracketed(f *testing.F)     { fuzzOne(f, parseBracketed) }
func FuzzLink(f *testing.F)          { fuzzOne(f, parseLink) }
func FuzzPlain(f *testing.F)         { fuzzOne(f, parsePlain) }
func FuzzCanonical(f *testing.F)     { fuzzOne(f, parseCanonical) }

// FuzzLabel gives hostile text to a label: it stays on its line and within the paper.
func FuzzLabel(f *testing.F) {
	for _, s := range append(seeds, "Café", "Cafe\u0301", "\u202egnihtyna", strings.Repeat("W", 600), "中文", "a\tb\nc\u2028d", strings.Repeat("\u0301", 300)) {
		f.Add(s, s)
	}
	code := Code{SSCC, "340123450000000017"}
	f.Fuzz(func(t *testing.T, title, value string) {
		d, err := Label{Code: code, Title: title, Rows: []Row{{title, value}}}.draw()
		if err != nil {
			t.Fatal(err)
		}
		for _, l := range d.texts {
			if strings.ContainsAny(l.Text, "\n\r\t\u202e\u2028") || !utf8.ValidString(l.Text) || l.X+textWidth(l.Text, l.Size, l.Bold) > labelWidth-margin {
				t.Fatalf("unfit line: %+v", l)
			}
		}
	})
}

func BenchmarkParse(b *testing.B) {
	for name, text := range map[string]string{
		"sscc": "]C100340123450000000017", "link": "https://id.gs1.org/00/340123450000000017?400=D-1042",
		"worst": strings.Repeat("(", MaxInput-1) + ")", "brackets": strings.Repeat("(00)", MaxInput/4), "separators": "\x1d" + strings.Repeat("99A\x1d", MaxInput/4-1),
	} {
		b.Run(name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				_, _ = Parse(text, "")
			}
		})
	}
}
