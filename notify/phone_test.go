package notify

import (
	"errors"
	"strings"
	"testing"
)

func TestNumbersAsPeopleWriteThem(t *testing.T) {
	for _, c := range []struct{ text, country, want string }{
		{"06 12 34 56 78", "FR", "+33612345678"},
		{"06.12.34.56.78", "FR", "+33612345678"},
		{"+33 6 12 34 56 78", "", "+33612345678"},
		{"0033 6 12 34 56 78", "FR", "+33612345678"},
		{" +44 7400 123456 ", "FR", "+447400123456"},
		{"(415) 555-2671", "US", "+14155552671"}, // in North America the number does not tell what it is
	} {
		if got, err := parseNumber(c.text, c.country); err != nil || got != c.want {
			t.Errorf("%q in %q: %q, %v", c.text, c.country, got, err)
		}
	}
	for _, c := range []struct{ text, country string }{
		{"", "FR"}, {"06 12 34 56 78", ""}, {"06 12 34", "FR"}, {"01 42 68 53 00", "FR"}, {"08 99 70 00 00", "FR"}, {"3617", "FR"},
		{"Anna", "FR"}, {"+33612345678<script>", "FR"}, {strings.Repeat("0", 1000), "FR"}, {"+999 123456789", "FR"},
	} {
		if got, err := parseNumber(c.text, c.country); !errors.Is(err, ErrNumber) {
			t.Errorf("%q in %q: %q, %v", c.text, c.country, got, err)
		}
	}
}

func FuzzNumber(f *testing.F) {
	for _, text := range []string{"06 12 34 56 78", "+33612345678", "tel:+33612345678;ext=5", "+٣٣٦١٢٣٤٥٦٧٨", "+33 6 12 34 56 78 x9", "\x00"} {
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text string) {
		number, err := parseNumber(text, "FR")
		if err != nil {
			return
		}
		if len(number) < 8 || len(number) > 16 || number[0] != '+' || strings.Trim(number[1:], "0123456789") != "" {
			t.Fatalf("%q becomes %q", text, number)
		}
		if again, err := parseNumber(number, ""); err != nil || again != number {
			t.Fatalf("%q becomes %q, then %q, %v", text, number, again, err)
		}
	})
}
