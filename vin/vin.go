// Package vin reads vehicle identification numbers, and says which cars can be connected, how, and what opening them
// lays open.
//
// A number says of what make and model year a car is. It proves nothing: whoever walks past a windscreen can read it.
// Whose car it is, the owner's consent at the maker shows, and whether it can be connected the maker itself has to say;
// what stands here only spares an owner the way there in vain, and tells beforehand what will be asked.
//
// # Sources
//
//   - Form: ISO 3779 and ISO 3780 (17 characters, without I, O and Q; the first three are the manufacturer's).
//   - Check digit in the ninth place: 49 CFR 565.15(c), compulsory in North America and nowhere else for all makers.
//   - Model year in the tenth place: 49 CFR 565.15(d), a code that comes again after 30 years. Which of them it is, the
//     seventh place says (565.15(b): a letter from 2010 on); it says so only in North America, and only for vehicles
//     up to 4536 kg, which all of those here are.
//   - Manufacturers' codes: the NHTSA's register (vpic.nhtsa.dot.gov) for what is sold in the United States, and the
//     makers' plants elsewhere.
//   - Which cars can be connected: see the table in ways.go, where each line names its source.
package vin

import (
	"fmt"
	"strings"
)

// Length of a number, in characters.
const Length = 17

// VIN is a number that can be one. It identifies a car and so its owner: it shows itself only by Number, and prints,
// logs and encodes as nothing. The zero value is none.
type VIN struct{ number string }

// Problem is what is wrong with a number.
type Problem string

// Problems.
const (
	// WrongLength: it has not 17 characters, spaces and hyphens apart.
	WrongLength Problem = "length"
	// WrongCharacter: one is neither a digit nor a letter that is used; I, O and Q are not.
	WrongCharacter Problem = "character"
	// WrongCheckDigit: one or more characters are not what stands on the car.
	WrongCheckDigit Problem = "check-digit"
)

// Error says what is wrong with a number, without the number.
type Error struct {
	Problem Problem
	// At is the place of the first wrong character, from 1; 0 if the problem has none.
	At int
}

// Error says it in English.
func (e *Error) Error() string {
	switch e.Problem {
	case WrongLength:
		return "a vehicle identification number has 17 characters"
	case WrongCharacter:
		return fmt.Sprintf("character %d can't stand in a vehicle identification number: these are digits and capitals without I, O and Q", e.At)
	default:
		return "the vehicle identification number has a wrong character somewhere: its check digit does not fit"
	}
}

// Parse reads a number as people write it: in capitals or not, with spaces or hyphens or without. The error is an *Error.
func Parse(text string) (VIN, error) {
	s := strings.ToUpper(strings.NewReplacer(" ", "", "\u00a0", "", "-", "", "\t", "", "\r", "", "\n", "").Replace(text))
	if len([]rune(s)) != Length {
		return VIN{}, &Error{Problem: WrongLength}
	}
	for i, r := range []rune(s) {
		if _, ok := value(r); !ok {
			return VIN{}, &Error{WrongCharacter, i + 1}
		}
	}
	v := VIN{s}
	if v.northAmerican() && s[checkAt] != v.CheckDigit() {
		return VIN{}, &Error{Problem: WrongCheckDigit}
	}
	return v, nil
}

// WellFormed says whether a number is written as makers write it: 17 capitals and digits, without I, O and Q (ISO 3779).
// Its check digit may be wrong, which only some makers have.
func WellFormed(number string) bool {
	wrong := func(r rune) bool {
		_, ok := value(r)
		return !ok
	}
	return len(number) == Length && !strings.ContainsFunc(number, wrong)
}

// Number is the number itself, in capitals.
func (v VIN) Number() string { return v.number }

// String hides the number.
func (v VIN) String() string {
	if v.number == "" {
		return "no VIN"
	}
	return "a VIN"
}

// GoString hides it too.
func (v VIN) GoString() string { return v.String() }

// Places in a number, from 0.
const (
	modelAt = 3
	eraAt   = 6
	checkAt = 8
	yearAt  = 9
)

// weights of the places, and the values of letters from A on (0: not used), for the check digit.
var (
	weights = [Length]int{8, 7, 6, 5, 4, 3, 2, 10, 0, 9, 8, 7, 6, 5, 4, 3, 2}
	letters = [26]int{1, 2, 3, 4, 5, 6, 7, 8, 0, 1, 2, 3, 4, 5, 0, 7, 0, 9, 2, 3, 4, 5, 6, 7, 8, 9}
)

// value of a character; false if it can't stand in a number.
func value(r rune) (int, bool) {
	switch {
	case r >= '0' && r <= '9':
		return int(r - '0'), true
	case r >= 'A' && r <= 'Z' && letters[r-'A'] != 0:
		return letters[r-'A'], true
	}
	return 0, false
}

// CheckDigit is what stands in the ninth place of a number that has a check digit: '0' to '9', or 'X'. Outside of North
// America many have none, and something else stands there.
func (v VIN) CheckDigit() byte {
	sum := 0
	for i, r := range v.number {
		n, _ := value(r)
		sum += n * weights[i]
	}
	return "0123456789X"[sum%11]
}

// northAmerican says whether the United States, Canada or Mexico assigned it. Some of what is made there since 2017
// begins with a 7, but so does what is made for other countries, so that nothing is asked of those.
func (v VIN) northAmerican() bool {
	return v.number != "" && v.number[0] >= '1' && v.number[0] <= '5'
}

// years are the codes of model years from 1980 on, and again from 2010 on.
const years = "ABCDEFGHJKLMNPRSTVWXY123456789"

const (
	firstYear = 1980
	again     = 30
)

// ModelYear is the model year, as seen in a calendar year: the latest that its code can mean, which is next year's at
// most. False if nothing is known of it.
func (v VIN) ModelYear(now int) (int, bool) {
	if len(v.number) != Length || yearless[v.number[:3]] {
		return 0, false
	}
	code := strings.IndexByte(years, v.number[yearAt])
	if code < 0 {
		return 0, false
	}
	year := firstYear + code
	old := v.northAmerican() && v.number[eraAt] <= '9'
	for !old && year+again <= now+1 {
		year += again
	}
	young := v.northAmerican() && v.number[eraAt] > '9'
	return year, year <= now+1 && (!young || year >= firstYear+again)
}
