package parcel

import (
	"fmt"
	"strconv"
	"strings"
	"unicode"
)

// element is one GS1 element string: application identifier and value.
type element struct{ ai, value string }

// identifier describes the value that follows an application identifier.
type identifier struct {
	name     string
	numeric  bool
	min, max int
	checked  bool // ends in a mod-10 check digit
}

// identifiers are those of logistics whose values are checked. Others are
// skipped by the predefined-length rule: a label printed after this table was
// written still delivers its SSCC.
var identifiers = map[string]identifier{
	"00":   {"SSCC", true, 18, 18, true},
	"01":   {"GTIN", true, 14, 14, true},
	"02":   {"(02) content GTIN", true, 14, 14, true},
	"10":   {"(10) batch number", false, 1, 20, false},
	"11":   {"(11) production date", true, 6, 6, false},
	"13":   {"(13) packaging date", true, 6, 6, false},
	"15":   {"(15) best-before date", true, 6, 6, false},
	"17":   {"(17) expiry date", true, 6, 6, false},
	"20":   {"(20) variant", true, 2, 2, false},
	"21":   {"(21) serial number", false, 1, 20, false},
	"37":   {"(37) count", true, 1, 8, false},
	"400":  {"(400) order number", false, 1, 30, false},
	"401":  {"GINC", false, 1, 30, false},
	"402":  {"GSIN", true, 17, 17, true},
	"403":  {"(403) routing code", false, 1, 30, false},
	"410":  {"(410) ship-to GLN", true, 13, 13, true},
	"411":  {"(411) bill-to GLN", true, 13, 13, true},
	"412":  {"(412) purchased-from GLN", true, 13, 13, true},
	"413":  {"(413) ship-for GLN", true, 13, 13, true},
	"414":  {"(414) location GLN", true, 13, 13, true},
	"415":  {"(415) invoicing GLN", true, 13, 13, true},
	"416":  {"(416) production GLN", true, 13, 13, true},
	"417":  {"(417) party GLN", true, 13, 13, true},
	"420":  {"(420) ship-to postal code", false, 1, 20, false},
	"421":  {"(421) ship-to country and postal code", false, 4, 12, false},
	"4307": {"(4307) ship-to country", false, 2, 2, false},
	"90":   {"(90) agreed number", false, 1, 30, false},
	"91":   {"(91) internal number", false, 1, 90, false},
	"92":   {"(92) internal number", false, 1, 90, false},
	"93":   {"(93) internal number", false, 1, 90, false},
	"94":   {"(94) internal number", false, 1, 90, false},
	"95":   {"(95) internal number", false, 1, 90, false},
	"96":   {"(96) internal number", false, 1, 90, false},
	"97":   {"(97) internal number", false, 1, 90, false},
	"98":   {"(98) internal number", false, 1, 90, false},
	"99":   {"(99) internal number", false, 1, 90, false},
}

// predefined is the total length, identifier included, of element strings that
// need no FNC1 after them, by the identifier's first two digits
// (GS1 General Specifications, figure "element strings with predefined length").
var predefined = map[string]int{
	"00": 20, "01": 16, "02": 16, "03": 16, "04": 18,
	"11": 8, "12": 8, "13": 8, "14": 8, "15": 8, "16": 8, "17": 8, "18": 8, "19": 8, "20": 4,
	"31": 10, "32": 10, "33": 10, "34": 10, "35": 10, "36": 10, "41": 16,
}

func parseElementString(text string) (Code, error) {
	found, err := splitElements(text)
	if err != nil {
		return Code{}, err
	}
	return identify(found)
}

// splitElements parts concatenated element strings, where FNC1 ends those of
// variable length and may begin the whole. Values are not checked yet.
func splitElements(text string) ([]element, error) {
	var found []element
	for text = strings.TrimLeft(text, separator); text != ""; text = strings.TrimLeft(text, separator) {
		chunk, err := nextChunk(text)
		if err != nil {
			return nil, err
		}
		e, err := splitChunk(chunk)
		if err != nil {
			return nil, err
		}
		found = append(found, e)
		text = text[len(chunk):]
	}
	return found, nil
}

// nextChunk cuts the first element string off.
func nextChunk(text string) (string, error) {
	chunk, _, _ := strings.Cut(text, separator)
	if len(chunk) < 2 {
		return "", &Error{Problem: ProblemIdentifier, Got: "cut off"}
	}
	if !isDigits(chunk[:2]) {
		return "", &Error{Problem: ProblemIdentifier, Got: "not a number"}
	}
	total, fixed := predefined[chunk[:2]]
	if !fixed {
		return chunk, nil
	}
	if len(chunk) < total {
		return "", truncated(chunk, total)
	}
	return chunk[:total], nil
}

func truncated(chunk string, total int) error {
	e, err := splitChunk(chunk)
	if err != nil {
		return err
	}
	if field, known := identifiers[e.ai]; known {
		return field.length(len(e.value))
	}
	return &Error{ProblemTruncated, "(" + chunk[:2] + "…)", strconv.Itoa(total - 2), strconv.Itoa(len(chunk) - 2)}
}

// splitChunk parts identifier and value. No identifier begins another, so the
// first match is the only one; one that isn't in the table keeps two digits.
func splitChunk(chunk string) (element, error) {
	for n := 2; n <= min(4, len(chunk)); n++ {
		if _, known := identifiers[chunk[:n]]; known {
			return element{chunk[:n], chunk[n:]}, nil
		}
	}
	if beginsIdentifier(chunk) {
		return element{}, &Error{Problem: ProblemIdentifier, Got: "cut off"}
	}
	return element{chunk[:2], chunk[2:]}, nil
}

func beginsIdentifier(chunk string) bool {
	for ai := range identifiers {
		if strings.HasPrefix(ai, chunk) {
			return true
		}
	}
	return false
}

// parseBracketed reads the human-readable form, "(00)3401…", with the spaces
// and dashes that people put between groups.
func parseBracketed(text string) (Code, error) {
	var found []element
	for text != "" {
		ai := leadingBracket(text)
		if ai == "" {
			return Code{}, &Error{Problem: ProblemIdentifier, Got: "not two to four digits in brackets"}
		}
		rest := text[len(ai)+2:]
		end := nextBracket(rest)
		found = append(found, element{ai, typed(ai, rest[:end])})
		text = rest[end:]
	}
	return identify(found)
}

// leadingBracket is the identifier that text begins with, or "".
func leadingBracket(text string) string {
	end := strings.IndexByte(text, ')')
	if end < 3 || end > 5 || text[0] != '(' || !isDigits(text[1:end]) {
		return ""
	}
	return text[1:end]
}

func nextBracket(text string) int {
	for i := range len(text) {
		if text[i] == '(' && leadingBracket(text[i:]) != "" {
			return i
		}
	}
	return len(text)
}

// typed removes grouping; dashes only where they can't be data.
func typed(ai, value string) string {
	if identifiers[ai].numeric {
		return compact(value)
	}
	return remove(value, unicode.Zs, unicode.Cf)
}

// identify checks every element and picks the one that names the parcel.
func identify(found []element) (Code, error) {
	values := map[string]string{}
	for _, e := range found {
		field, known := identifiers[e.ai]
		if !known {
			continue
		}
		if err := field.check(e.value); err != nil {
			return Code{}, err
		}
		if earlier, twice := values[e.ai]; twice && earlier != e.value {
			return Code{}, &Error{Problem: ProblemConflict, Field: field.name}
		}
		values[e.ai] = e.value
	}
	return choose(values)
}

func choose(values map[string]string) (Code, error) {
	gtin, serial := values["01"], values["21"]
	switch {
	case values["00"] != "":
		return Code{SSCC, values["00"]}, nil
	case gtin != "" && serial != "":
		return Code{SGTIN, gtin + "." + serial}, nil
	case values["402"] != "":
		return Code{GSIN, values["402"]}, nil
	case values["401"] != "":
		return Code{GINC, values["401"]}, nil
	case gtin != "" || values["02"] != "":
		return Code{}, &Error{Problem: ProblemProduct}
	}
	return internalNumber(values)
}

// internalNumber is a carrier's number printed as GS1-128: its first two digits
// are also the identifier (USPS, FedEx), so they belong to the number that
// people type. Two such numbers leave it open which one names the parcel.
func internalNumber(values map[string]string) (Code, error) {
	number := ""
	for ai := 91; ai <= 99; ai++ {
		value, present := values[strconv.Itoa(ai)]
		if present && number != "" {
			return Code{}, &Error{Problem: ProblemNoParcel}
		}
		if present {
			number = strconv.Itoa(ai) + value
		}
	}
	if number == "" {
		return Code{}, &Error{Problem: ProblemNoParcel}
	}
	return parsePlain(number)
}

func (id identifier) check(value string) error {
	if err := id.characters(value); err != nil {
		return err
	}
	if err := id.length(len(value)); err != nil {
		return err
	}
	if !id.checked {
		return nil
	}
	last := len(value) - 1
	if want := mod10(value[:last]); value[last] != want {
		return &Error{ProblemCheckDigit, id.name, string(want), value[last:]}
	}
	return nil
}

func (id identifier) length(n int) error {
	want := strconv.Itoa(id.max)
	if id.min != id.max {
		want = fmt.Sprintf("%d to %d", id.min, id.max)
	}
	switch {
	case n < id.min:
		return &Error{ProblemTruncated, id.name, want, strconv.Itoa(n)}
	case n > id.max:
		return &Error{ProblemTooLong, id.name, want, strconv.Itoa(n)}
	}
	return nil
}

func (id identifier) characters(value string) error {
	for _, r := range value {
		if id.numeric && !isDigit(r) {
			return &Error{ProblemCharacter, id.name, "digits", quote(r)}
		}
		if !isSet82(r) {
			return &Error{ProblemCharacter, id.name, "letters without accents, digits and common signs", quote(r)}
		}
	}
	return nil
}

// isSet82 is GS1's character set 82, of all alphanumeric values here.
func isSet82(r rune) bool {
	return isDigit(r) || isLetter(r) || strings.ContainsRune(`!"%&'()*+,-./:;<=>?_`, r)
}

// mod10 is GS1's check digit: weights 3 and 1 alternately, 3 at the right.
func mod10(digits string) byte {
	sum := 0
	for i := range len(digits) {
		weight := 1
		if (len(digits)-i)%2 == 1 {
			weight = 3
		}
		sum += weight * int(digits[i]-'0')
	}
	return '0' + byte((10-sum%10)%10)
}
