package parcel

import "strings"

// Problem says what is wrong with a code, as a stable word for catalogues and counters.
type Problem string

// The problems that reading a code can end in.
const (
	ProblemEmpty      Problem = "empty"       // nothing was read
	ProblemInput      Problem = "input"       // more than MaxInput bytes
	ProblemSymbology  Problem = "symbology"   // not a symbology identifier
	ProblemControl    Problem = "control"     // a control character
	ProblemCharacter  Problem = "character"   // a character that this field can't hold
	ProblemIdentifier Problem = "identifier"  // not an application identifier, or half of one
	ProblemTruncated  Problem = "truncated"   // a field is too short
	ProblemTooLong    Problem = "too-long"    // a field is too long
	ProblemCheckDigit Problem = "check-digit" // a check digit doesn't fit
	ProblemConflict   Problem = "conflict"    // one field twice, with two values
	ProblemProduct    Problem = "product"     // names a product, not a parcel
	ProblemNoParcel   Problem = "no-parcel"   // well formed, but names no parcel
	ProblemLink       Problem = "link"        // a web address that names no parcel
	ProblemCanonical  Problem = "canonical"   // not the canonical form of a code
)

// Error is why a text isn't a parcel's code. Its message is fit for people.
type Error struct {
	Problem Problem
	Field   string // which part: "SSCC", "(400) order number"; empty for the whole
	Want    string // what was expected, such as a check digit or a length
	Got     string // what was found; never more than one character or a length
}

var sentences = map[Problem]string{
	ProblemEmpty:      "Nothing was read. Scan again, or type the number below the bars.",
	ProblemInput:      "This is too long for a parcel's code: {got} bytes, at most {want}. Scan another code on the label.",
	ProblemSymbology:  "The scanner's symbology identifier {got} is malformed. Check the scanner's settings.",
	ProblemControl:    "The code contains the control character {got}. Scan again; if it stays, check the scanner's settings.",
	ProblemCharacter:  "{field} can't contain {got}, only {want}. Scan again, or compare with the label.",
	ProblemIdentifier: "An application identifier (the number before each field) is {got}. Scan again, or scan another code on the label.",
	ProblemTruncated:  "{field} is too short: {got} characters instead of {want}. Scan again, or type the rest.",
	ProblemTooLong:    "{field} is too long: {got} characters instead of {want}. Scan again, or compare with the label.",
	ProblemCheckDigit: "The check digit of the {field} doesn't fit: it is {got} and should be {want}. A digit was misread or mistyped: compare with the label.",
	ProblemConflict:   "{field} occurs twice with different values. Scan another code on the label.",
	ProblemProduct:    "This code names a product, not this parcel. Scan the other code on the label.",
	ProblemNoParcel:   "This code is readable, but names no parcel. Scan the other code on the label.",
	ProblemLink:       "This web address names no parcel. Scan the other code on the label.",
	ProblemCanonical:  "This isn't a stored parcel code.",
}

// Error says in English what is wrong and what to do now.
func (e *Error) Error() string {
	filled := strings.NewReplacer("{field}", e.Field, "{want}", e.Want, "{got}", e.Got)
	return filled.Replace(sentences[e.Problem])
}
