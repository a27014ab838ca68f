package parcel

import (
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
)

var update = flag.Bool("update", false, "write the golden files")

// golden compares with testdata/name, or writes it with -update.
func golden(t *testing.T, name string, got []byte) {
	t.Helper()
	path := filepath.Join("testdata", name)
	if *update {
		if err := os.WriteFile(path, got, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if string(got) != string(want) {
		t.Errorf("%s differs; got:\n%s", path, got)
	}
}

func mustParse(t testing.TB, text, symbology string) Code {
	t.Helper()
	c, err := Parse(text, symbology)
	if err != nil {
		t.Fatalf("Parse(%q, %q): %v", text, symbology, err)
	}
	return c
}

func TestOneParcelOneCode(t *testing.T) {
	spellings := map[string][][2]string{ // canonical → text and symbology
		"sscc:340123450000000017": {
			{"00340123450000000017", "]C1"},
			{"]C100340123450000000017", ""},
			{"]C100340123450000000017", "]C1"},
			{"00340123450000000017\r\n", "]d2"},
			{"\x1d00340123450000000017", ""},
			{"\x1d00340123450000000017\x1d", "]Q3"},
			{"003401234500000000174201014", "]e0"},
			{"42075011\x1d00340123450000000017", "]C1"},
			{"02095201230000043712\x1d00340123450000000017", "]C1"},
			{"400D-1042\x1d403FR75+1\x1d0034012345000000001741095201230000043712", "]J1"},
			{"00340123450000000017\x1d4308+33 1 23 45 67 89", "]d2"}, // an identifier outside the table
			{"003401234500000000173300001250", "]C1"},                // gross weight: skipped by length
			{"(00)340123450000000017", ""},
			{"(00) 3 4012345 000000001 7", ""},
			{"(00)340123450000000017(400)D-1042", "]C1"},
			{"  (400) D-1042 (00) 3401-2345-0000-0000-17", ""},
			{"00340123450000000017", ""},
			{"00340123450000000017", "]C0"},
			{"340123450000000017", ""},
			{"3 4012345 000000001 7", ""},
			{"https://id.gs1.org/00/340123450000000017", "]Q1"},
			{"HTTPS://PARCELS.EXAMPLE:8443/FR/TRACK/00/340123450000000017/?400=D-1042&linkType=gs1:pip#x", ""},
			{"http://example.org/01/x/00/340123450000000017?420=75011", ""},
			{"sscc:340123450000000017", ""},
		},
		"sgtin:09520123000004.aB/7": {
			{"010952012300000421aB/7", "]d2"},
			{"010952012300000421aB/7\x1d17301231", "]d2"},
			{"21aB/7\x1d10L1\x1d0109520123000004", "]C1"},
			{"(01)09520123000004(21)aB/7", ""},
			{"(01) 09520123000004 (21) aB/7", ""},
			{"https://example.com/01/09520123000004/21/aB%2F7", ""},
			{"https://example.com/01/09520123000004/10/L1/21/aB%2F7?17=301231", ""},
			{"sgtin:09520123000004.aB/7", ""},
		},
		"gsin:95201230000000004": {
			{"40295201230000000004", "]C1"},
			{"40295201230000000004\x1d401ABC", "]C1"},
			{"(402)95201230000000004", ""},
			{"https://example.com/402/95201230000000004", ""},
			{"https://example.com/402/95201230000000004?00=340123450000000017", ""}, // a key counts in the path only
		},
		"ginc:9520123-a(1)": {
			{"4019520123-a(1)", "]C1"},
			{"(401)9520123-a(1)", ""},
			{"https://example.com/401/9520123-a%281%29", ""},
		},
		"s10:RR473124829FR": {
			{"RR473124829FR", "]C0"},
			{"RR473124829FR", "]d1"},
			{"rr 473 124 829 fr", ""},
			{"RR 4731-2482-9\u00a0FR\u200b", ""},
			{"s10:RR473124829FR", ""},
		},
		"carrier:1Z999AA10123456784": {
			{"1Z999AA10123456784", "]C0"},
			{"1z 999 aa1 01 2345 6784\n", ""},
			{"1Z–999‑AA1—0123456784", ""},
		},
		"carrier:9205590164917312751089": { // USPS: identifier 92 is part of the number
			{"42020260\x1d9205590164917312751089", "]C1"},
			{"9205 5901 6491 7312 7510 89", ""},
			{"(420)20260(92)05590164917312751089", ""},
		},
		"carrier:%000750112345678901234250": {{"%000750112345678901234250", "]C0"}},
		"carrier:340123450000000018":        {{"340123450000000018", ""}}, // 18 digits, but no SSCC
	}
	for want, readings := range spellings {
		for _, r := range readings {
			c, err := Parse(r[0], r[1])
			if err != nil || c.String() != want {
				t.Errorf("Parse(%q, %q) = %q, %v; want %q", r[0], r[1], c, err, want)
			}
		}
	}
}

// The golden file is read by people who translate or review these words.
func TestProblems(t *testing.T) {
	inputs := [][2]string{
		{"", ""}, {" \r\n", "]C1"}, {"\x1d\x1d", ""}, {"]C1", ""}, {"- -", ""},
		{strings.Repeat("1", MaxInput+1), ""},
		{"00340123450000000017", "C1"}, {"00340123450000000017", "]\x00\x01\x02\x03"}, {"]é1234", ""}, {"]", ""},
		{"0034012345\x070000000017", "]C1"}, {"[)>\x1e01\x1d0275011", ""}, {"ABC\u0085DEF", ""},
		{"ABC\xffDEF", ""},
		{"00340123450000000018", "]C1"}, {"00340123450000000018", ""}, {"(00)340123450000000010", ""},
		{"https://id.gs1.org/00/340123450000000018", ""}, {"0109520123000007" + "21A", "]d2"},
		{"40295201230000000008", "]C1"}, {"0034012345000000001741095201230000", "]C1"},
		{"0034012345", "]C1"}, {"0034012345\x1d400D-1042", "]C1"}, {"(00)34012345", ""},
		{"0034012345000000001712345", "]C1"}, {"003401234500000000171", "]C1"}, {"0034012345000000001740", "]C1"},
		{"00340123450000000017400", "]C1"}, {"4029520123", "]C1"},
		{"(00)3401234500000000170", ""}, {"40295201230000000004400D-1042", "]C1"},
		{"010952012300000421123456789012345678901", "]d2"}, {"003401234500000000173712A", "]C1"},
		{"00340I23450000000017", "]C1"}, {"010952012300000421A B", "]d2"}, {"010952012300000421é", "]d2"},
		{"RR473124829FR", "]C1"}, {"(0O)340123450000000017", ""}, {"(12345)1", ""}, {"(", ""},
		{"0034012345000000001700340123460000000016", "]C1"}, {"(400)A(400)B(00)340123450000000017", ""},
		{"0109520123000004", "]e0"}, {"010952012300000410L1", "]d2"}, {"9520123000004", "]E0"}, {"02095201230000043712", "]C1"},
		{"400D-1042", "]C1"}, {"91ABC\x1d92DEF", "]C1"}, {"4308123", "]C1"},
		{"https://example.com/", ""}, {"https://example.com/track/1Z999AA10123456784", ""}, {"https:///00/340123450000000017", ""},
		{"https://example.com/00/340123450000000017/extra", ""}, {"https://example.com/00/%zz", ""},
		{"RR473124820FR", ""},
		{"ABC", ""}, {strings.Repeat("7", 41), ""}, {"1Z999*AA1", ""}, {"1Z999éAA1", ""}, {"٣٤٠١٢٣٤٥", ""},
		{"sscc:340123450000000018", ""}, {"carrier:1z999", ""}, {"carrier:RR473124829FR", ""}, {"sgtin:09520123000004", ""},
	}
	var out strings.Builder
	for _, in := range inputs {
		c, err := Parse(in[0], in[1])
		var problem *Error
		if !errors.As(err, &problem) || !c.IsZero() {
			t.Errorf("Parse(%.60q, %q) = %q, %v; want an *Error and nothing else", in[0], in[1], c, err)
			continue
		}
		fmt.Fprintf(&out, "%-12s %s %s\n             %s\n", problem.Problem, strconv.QuoteToASCII(in[0][:min(64, len(in[0]))]), strconv.QuoteToASCII(in[1]), problem)
	}
	golden(t, "problems.golden", []byte(out.String()))
}

func TestEveryProblemHasASentence(t *testing.T) {
	all := []Problem{
		ProblemEmpty, ProblemInput, ProblemSymbology, ProblemControl, ProblemCharacter, ProblemIdentifier, ProblemTruncated,
		ProblemTooLong, ProblemCheckDigit, ProblemConflict, ProblemProduct, ProblemNoParcel, ProblemLink, ProblemCanonical,
	}
	if len(all) != len(sentences) {
		t.Errorf("%d problems, %d sentences", len(all), len(sentences))
	}
	for _, p := range all {
		if sentences[p] == "" {
			t.Errorf("%s has no sentence", p)
		}
	}
}

// Check digits published by others: UPU S10's own example and GS1's.
func TestPublishedCheckDigits(t *testing.T) {
	for digits, want := range map[string]byte{"47312482": '9', "00000000": '5', "00000005": '9', "00000001": '4'} {
		if got := s10Check(digits); got != want {
			t.Errorf("s10Check(%s) = %c, want %c", digits, got, want)
		}
	}
	for digits, want := range map[string]byte{"629104150021": '3', "37610425002123456": '9', "0952123454321": '3', "00000000000000000": '0'} {
		if got := mod10(digits); got != want {
			t.Errorf("mod10(%s) = %c, want %c", digits, got, want)
		}
	}
}

// No identifier may begin another, and the two tables must agree on lengths,
// or splitting would be ambiguous.
func TestIdentifierTableIsConsistent(t *testing.T) {
	for ai, id := range identifiers {
		for other := range identifiers {
			if ai != other && strings.HasPrefix(other, ai) {
				t.Errorf("%s begins %s", ai, other)
			}
		}
		if total, fixed := predefined[ai[:2]]; fixed && (id.min != id.max || len(ai)+id.max != total) {
			t.Errorf("(%s) is %d long, its predefined length is %d", ai, len(ai)+id.max, total)
		}
		if id.checked && !id.numeric {
			t.Errorf("(%s) has a check digit but isn't numeric", ai)
		}
	}
}

func TestNewSSCC(t *testing.T) {
	c, err := NewSSCC("34012345000000001")
	if err != nil || c != mustParse(t, "(00)340123450000000017", "") {
		t.Errorf("NewSSCC = %v, %v", c, err)
	}
	for digits, want := range map[string]Problem{"": ProblemTruncated, "340123450000000017": ProblemTooLong, "3401234500000000A": ProblemCharacter} {
		var problem *Error
		if _, err := NewSSCC(digits); !errors.As(err, &problem) || problem.Problem != want {
			t.Errorf("NewSSCC(%q): %v, want %s", digits, err, want)
		}
	}
}

func TestForPeople(t *testing.T) {
	for canonical, want := range map[string][2]string{ // last four, below the bars
		"sscc:340123450000000017":    {"0017", "(00)340123450000000017"},
		"sgtin:09520123000004.aB/7":  {"4aB7", "(01)09520123000004(21)aB/7"},
		"gsin:95201230000000004":     {"0004", "(402)95201230000000004"},
		"ginc:9520123-a":             {"123a", "(401)9520123-a"},
		"s10:RR473124829FR":          {"29FR", "RR 473 124 829 FR"},
		"carrier:1Z999AA10123456784": {"6784", "1Z999AA10123456784"},
		"":                           {"", ""},
	} {
		var c Code
		if err := c.UnmarshalText([]byte(canonical)); err != nil {
			t.Fatal(err)
		}
		if c.LastFour() != want[0] || c.Human() != want[1] {
			t.Errorf("%s: %q, %q; want %q", canonical, c.LastFour(), c.Human(), want)
		}
	}
}

func TestJSON(t *testing.T) {
	type booking struct{ Parcels map[Code]Code }
	c := mustParse(t, "RR473124829FR", "")
	text, err := json.Marshal(booking{map[Code]Code{c: c}})
	if err != nil || string(text) != `{"Parcels":{"s10:RR473124829FR":"s10:RR473124829FR"}}` {
		t.Fatalf("%s, %v", text, err)
	}
	var back booking
	if err := json.Unmarshal(text, &back); err != nil || back.Parcels[c] != c {
		t.Errorf("%v, %v", back, err)
	}
}

func TestStoredCodeMustBeCanonical(t *testing.T) {
	kept := mustParse(t, "RR473124829FR", "")
	for _, text := range []string{
		"sscc", "sscc:", "sscc:00340123450000000017", "sscc:340123450000000018", "SSCC:340123450000000017", "sscc: 340123450000000017",
		"sgtin:09520123000004", "sgtin:09520123000004.", "gsin:1", "ginc:", "ginc:a b", "s10:rr473124829fr", "s10:RR473124820FR",
		"s10:1Z999AA1", "carrier:RR473124829FR", "carrier:340123450000000017", "carrier:1z999", "carrier:1 Z999", "other:1Z999",
		"carrier:" + strings.Repeat("A", MaxInput),
	} {
		c := kept
		if err := c.UnmarshalText([]byte(text)); err == nil || c != kept {
			t.Errorf("UnmarshalText(%.40q) = %v, %v; want an error that changes nothing", text, c, err)
		}
	}
}
