package vin_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/loquet/loquet/vin"
)

// Numbers with a correct check digit: the example of 49 CFR 565, and of cars that were once for sale.
const (
	anyone    = "1M8GDM9AXKP042788"
	tesla     = "5YJSA1H12FFP71790" // Model S, 2015
	chevrolet = "3GNAXLEG5TL174166" // Equinox, 2026
)

func TestWellFormed(t *testing.T) {
	for number, want := range map[string]bool{
		anyone: true, tesla: true, "1M8GDM9A0KP042788": true, // with a wrong check digit
		"": false, anyone[1:]: false, anyone + "1": false, strings.ToLower(anyone): false, "1M8GDM9AXKP04278 ": false,
		"1M8GDM9AXKP04278O": false, "IM8GDM9AXKP042788": false, "1M8GDM9AXKPQ42788": false, "1M8GDM9AXKP04278\xff": false,
		"1M8GDM9AXKP0427é": false,
	} {
		if got := vin.WellFormed(number); got != want {
			t.Errorf("%q: %v", number, got)
		}
	}
}

// withCheck puts the right check digit into its place.
func withCheck(t *testing.T, number string) string {
	t.Helper()
	v, err := vin.Parse("Y" + number[1:]) // where nothing is asked of it
	if err != nil {
		t.Fatal(err)
	}
	for _, digit := range "0123456789X" {
		tried := number[:8] + string(digit) + number[9:]
		if _, err := vin.Parse(tried); err == nil {
			return tried
		}
	}
	t.Fatalf("%s has no check digit", v.Number())
	return ""
}

func TestNumbersAsPeopleWriteThem(t *testing.T) {
	for _, written := range []string{tesla, strings.ToLower(tesla), "5YJ SA1H12F FP71790", " 5YJ-SA1H1-2FFP71790\n", "5YJ\u00a0SA1H12FFP71790"} {
		v, err := vin.Parse(written)
		if err != nil || v.Number() != tesla {
			t.Errorf("%q is %q, %v", written, v.Number(), err)
		}
	}
}

func TestWhatIsNoNumber(t *testing.T) {
	for written, want := range map[string]vin.Error{
		"":                     {Problem: vin.WrongLength},
		tesla[:16]:             {Problem: vin.WrongLength},
		tesla + "0":            {Problem: vin.WrongLength},
		"5YJSA1H12FFP7179O":    {Problem: vin.WrongCharacter, At: 17},
		"IYJSA1H12FFP71790":    {Problem: vin.WrongCharacter, At: 1},
		"5YJSA1H12FFP7179Q":    {Problem: vin.WrongCharacter, At: 17},
		"5YJSA1H12FFÄ71790":    {Problem: vin.WrongCharacter, At: 12},
		"5YJSA1H12<FP71790":    {Problem: vin.WrongCharacter, At: 10},
		"5YJSA1H12FFP71709":    {Problem: vin.WrongCheckDigit}, // two characters the other way round
		"5YJSA1H1XFFP71790":    {Problem: vin.WrongCheckDigit},
		"1M8GDM9A_KP042788":    {Problem: vin.WrongCharacter, At: 9},
		"\x00\x00":             {Problem: vin.WrongLength},
		strings.Repeat("0", 9): {Problem: vin.WrongLength},
	} {
		v, err := vin.Parse(written)
		var said *vin.Error
		if !errors.As(err, &said) || *said != want || v != (vin.VIN{}) {
			t.Errorf("%q is %v, %v", written, v.Number(), err)
		}
		if err != nil && written != "" && strings.Contains(err.Error(), written) {
			t.Errorf("%q tells the number", err)
		}
	}
}

func TestCheckDigits(t *testing.T) {
	for _, number := range []string{anyone, tesla, chevrolet, "11111111111111111"} {
		v, err := vin.Parse(number)
		if err != nil || v.CheckDigit() != number[8] {
			t.Errorf("%s: %c, %v", number, v.CheckDigit(), err)
		}
		for at := range number {
			for _, other := range "0123456789ABCDEFGHJKLMNPRSTUVWXYZ" {
				changed := number[:at] + string(other) + number[at+1:]
				// Letters share values with digits: no check digit tells these apart. The first place may leave North America.
				if at > 0 && mistaken(other, rune(number[at])) && isNumber(changed) {
					t.Errorf("%s is taken for %s", changed, number)
				}
			}
		}
	}
	for _, elsewhere := range []string{"YV1CZ91H641000000", "WAUZZZ8V9FA000000", "XP7YGCEK0PB000000", "LRW3E7FA0MC000000"} {
		if !isNumber(elsewhere) {
			t.Errorf("%s needs no check digit", elsewhere)
		}
	}
}

func isNumber(s string) bool {
	_, err := vin.Parse(s)
	return err == nil
}

// mistaken says whether two characters count differently.
func mistaken(a, b rune) bool {
	values := map[rune]int{}
	for i, group := range []string{"0", "1AJ", "2BKS", "3CLT", "4DMU", "5ENV", "6FW", "7GPX", "8HY", "9RZ"} {
		for _, r := range group {
			values[r] = i
		}
	}
	return values[a] != values[b]
}

func TestModelYears(t *testing.T) {
	for _, c := range []struct {
		number string
		now    int
		want   int
	}{
		{anyone, 2026, 1989},    // a digit in the seventh place: before 2010
		{tesla, 2026, 2015},     // a letter
		{chevrolet, 2026, 2026}, //
		{chevrolet, 2025, 2026}, // next year's is sold already
		{chevrolet, 2024, 0},    // the year after that is not
		{"YV1CZ91H6F1000000", 2026, 2015},
		{"YV1CZ91H6F1000000", 2013, 1985},
		{"YV1CZ91H6V1000000", 2026, 2027},
		{"YV1CZ91H6W1000000", 2026, 1998},
		{"YV1CZ91H6F1000000", 2050, 2045}, // nobody knows better
		{"WAUZZZ8V0Z1000000", 2026, 0},    // no code of a year
		{"WAUZZZ8V001000000", 2026, 0},
		{"WAUZZZ8V0U1000000", 2026, 0},
		{"WF0FXXGCDFFA00000", 2026, 0}, // Ford in Europe has something else there
		{"YV1CZ91H611000000", 1970, 0},
	} {
		v, err := vin.Parse(c.number)
		if err != nil {
			t.Fatalf("%s: %v", c.number, err)
		}
		if year, known := v.ModelYear(c.now); known != (c.want != 0) || known && year != c.want {
			t.Errorf("%s in %d: %d, %v", c.number, c.now, year, known)
		}
	}
	if year, known := (vin.VIN{}).ModelYear(2026); known {
		t.Errorf("no car is of %d", year)
	}
}

// TestItKeepsToItself: a number is personal, and gets into no log by accident.
func TestItKeepsToItself(t *testing.T) {
	v, err := vin.Parse(tesla)
	if err != nil {
		t.Fatal(err)
	}
	data, err := json.Marshal(map[string]any{"car": v, "at": &v})
	if err != nil {
		t.Fatal(err)
	}
	for _, text := range []string{
		string(data), v.String(), fmt.Sprint(v), fmt.Sprintf("%+v %#v %s %q %v", v, v, v, v, &v), fmt.Sprint([]vin.VIN{v}),
		fmt.Sprintf("%+v", struct{ Car vin.VIN }{v}),
	} {
		if strings.Contains(text, "FFP71790") {
			t.Errorf("it tells itself: %s", text)
		}
	}
	if (vin.VIN{}).String() == v.String() {
		t.Error("none can't be told from one")
	}
}

func FuzzParse(f *testing.F) {
	for _, s := range []string{tesla, chevrolet, anyone, "YV1CZ91H6F1000000", "ſſſſſſſſſſſſſſſſſ", "", "\xff", "5yj-sa1h1 2ffp71790"} {
		f.Add(s, 2026)
	}
	f.Fuzz(func(t *testing.T, s string, now int) {
		v, err := vin.Parse(s)
		if err != nil {
			if v != (vin.VIN{}) {
				t.Fatalf("%q is wrong, and a number", s)
			}
			return
		}
		again, err := vin.Parse(strings.ToLower(v.Number()))
		if err != nil || again != v || len(v.Number()) != vin.Length {
			t.Fatalf("%q is %q, and then %q, %v", s, v.Number(), again.Number(), err)
		}
		now = 1980 + (now%200+200)%200
		if year, known := v.ModelYear(now); known && (year < 1980 || year > now+1) {
			t.Fatalf("%q is of %d in %d", s, year, now)
		}
		ways, why := vin.Ways(v.Car(now))
		if (len(ways) == 0) != (why != "") {
			t.Fatalf("%q: %v, %q", s, ways, why)
		}
	})
}
