package parcel

import (
	"fmt"
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"
)

// MaxInput is the longest text that is looked at, in bytes. The longest GS1 symbol holds far less.
const MaxInput = 512

// A carrier's number has 4 to 40 characters, and those that Code 39 can print.
const (
	minCarrier         = 4
	maxCarrier         = 40
	carrierPunctuation = ".$/+%"
)

// separator is how scanners transmit FNC1 between element strings (ASCII GS).
const separator = "\x1d"

// gs1Symbologies announce element strings: GS1-128, GS1 DataBar and composites,
// GS1 DataMatrix, GS1 QR Code, GS1 DotCode.
var gs1Symbologies = map[string]bool{
	"]C1": true, "]e0": true, "]e1": true, "]e2": true, "]d2": true, "]Q3": true, "]J1": true,
}

// Parse reads what a scanner or a person gave: an element string, its bracketed
// form, a GS1 Digital Link, an S10 identifier, a carrier's number, or a
// canonical code. The symbology identifier (such as "]C1") may be passed apart,
// or stand before the text, or be unknown (""). A failure is always an *Error.
func Parse(text, symbology string) (Code, error) {
	text, symbology, err := admit(text, symbology)
	if err != nil {
		return Code{}, err
	}
	switch {
	case isCanonical(text):
		return parseCanonical(text)
	case isWebAddress(text):
		return parseLink(text)
	case text[0] == '(':
		return parseBracketed(text)
	case gs1Symbologies[symbology], strings.Contains(text, separator):
		return parseElementString(text)
	case strings.HasPrefix(symbology, "]E"):
		return Code{}, &Error{Problem: ProblemProduct}
	}
	return parsePlain(text)
}

// admit bounds the input, splits off the symbology identifier, and trims what
// keyboard wedges add.
func admit(text, symbology string) (string, string, error) {
	if n := len(text) + len(symbology); n > MaxInput {
		return "", "", &Error{Problem: ProblemInput, Want: strconv.Itoa(MaxInput), Got: strconv.Itoa(n)}
	}
	text = strings.Trim(text, " \t\r\n")
	if strings.HasPrefix(text, "]") {
		inline := text[:min(3, len(text))]
		text = strings.Trim(text[len(inline):], " ")
		if symbology == "" {
			symbology = inline
		}
	}
	if symbology != "" && !isSymbology(symbology) {
		return "", "", &Error{Problem: ProblemSymbology, Got: strconv.Quote(symbology[:min(len(symbology), 3)])}
	}
	if strings.Trim(text, separator) == "" {
		return "", "", &Error{Problem: ProblemEmpty}
	}
	return text, symbology, checkControls(text)
}

func isSymbology(s string) bool {
	return len(s) == 3 && s[0] == ']' && isLetter(rune(s[1])) && (isLetter(rune(s[2])) || isDigit(rune(s[2])))
}

func checkControls(text string) error {
	if !utf8.ValidString(text) {
		return &Error{ProblemCharacter, "A code", "text in UTF-8", "broken text"}
	}
	for _, r := range text {
		if unicode.IsControl(r) && string(r) != separator {
			return &Error{Problem: ProblemControl, Got: fmt.Sprintf("U+%04X", r)}
		}
	}
	return nil
}

// parsePlain reads text without application identifiers.
func parsePlain(text string) (Code, error) {
	text = upper(compact(text))
	switch {
	case looksLikeS10(text):
		return parseS10(text)
	case len(text) == 20 && text[:2] == "00" && isDigits(text):
		return identify([]element{{"00", text[2:]}})
	case len(text) == 18 && isDigits(text) && mod10(text[:17]) == text[17]:
		return Code{SSCC, text}, nil
	}
	return parseCarrier(text)
}

func looksLikeS10(s string) bool {
	return len(s) == 13 && isLetters(s[:2]) && isDigits(s[2:11]) && isLetters(s[11:])
}

func parseS10(text string) (Code, error) {
	if want := s10Check(text[2:10]); text[10] != want {
		return Code{}, &Error{ProblemCheckDigit, "postal number (S10)", string(want), text[10:11]}
	}
	return Code{S10, text}, nil
}

// s10Check is the check digit of eight digits after UPU S10: weighted sum modulo 11.
func s10Check(digits string) byte {
	sum := 0
	for i, weight := range [8]int{8, 6, 4, 2, 3, 5, 9, 7} {
		sum += weight * int(digits[i]-'0')
	}
	switch check := 11 - sum%11; check {
	case 10:
		return '0'
	case 11:
		return '5'
	default:
		return '0' + byte(check)
	}
}

func parseCarrier(text string) (Code, error) {
	const field = "The carrier's number"
	for _, r := range text {
		if !isDigit(r) && !isLetter(r) && !strings.ContainsRune(carrierPunctuation, r) {
			return Code{}, &Error{ProblemCharacter, field, "letters without accents, digits and " + carrierPunctuation, quote(r)}
		}
	}
	switch n := len(text); {
	case n == 0:
		return Code{}, &Error{Problem: ProblemEmpty}
	case n < minCarrier:
		return Code{}, &Error{ProblemTruncated, field, "at least " + strconv.Itoa(minCarrier), strconv.Itoa(n)}
	case n > maxCarrier:
		return Code{}, &Error{ProblemTooLong, field, "at most " + strconv.Itoa(maxCarrier), strconv.Itoa(n)}
	}
	return Code{Carrier, text}, nil
}

// compact removes what people and web pages put between groups: spaces, dashes
// of every length, and invisible marks.
func compact(text string) string { return remove(text, unicode.Zs, unicode.Pd, unicode.Cf) }

func remove(text string, classes ...*unicode.RangeTable) string {
	return strings.Map(func(r rune) rune {
		if unicode.In(r, classes...) {
			return -1
		}
		return r
	}, text)
}

// upper leaves everything but a-z alone: some foreign letters would become ASCII ones.
func upper(text string) string {
	return strings.Map(func(r rune) rune {
		if r >= 'a' && r <= 'z' {
			return r - 'a' + 'A'
		}
		return r
	}, text)
}

// quote shows one character so that a space or a foreign letter can be told.
func quote(r rune) string {
	if r == ' ' {
		return "a space"
	}
	return strconv.QuoteRune(r)
}

func isDigit(r rune) bool  { return r >= '0' && r <= '9' }
func isLetter(r rune) bool { return r >= 'A' && r <= 'Z' || r >= 'a' && r <= 'z' }

func isDigits(s string) bool  { return all(s, isDigit) }
func isLetters(s string) bool { return all(s, isLetter) }

func all(s string, is func(rune) bool) bool {
	return strings.IndexFunc(s, func(r rune) bool { return !is(r) }) < 0
}
