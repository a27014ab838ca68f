package parcel

import (
	"slices"
	"strings"
)

// Kind is who defined an identity, and therefore how it is written.
type Kind string

// The kinds of identity, as they begin a canonical code.
const (
	SSCC    Kind = "sscc"    // GS1 logistic unit: 18 digits
	SGTIN   Kind = "sgtin"   // GS1 product with serial number: 14 digits, a dot, up to 20 characters
	GSIN    Kind = "gsin"    // GS1 shipment: 17 digits
	GINC    Kind = "ginc"    // GS1 consignment: up to 30 characters
	S10     Kind = "s10"     // UPU postal item: 13 characters
	Carrier Kind = "carrier" // a carrier's own number: 4 to 40 characters
)

// Code is the identity of one parcel. Two codes are the same parcel exactly if they are equal (==).
// A non-zero Code made by this package is always valid.
type Code struct {
	Kind  Kind
	Value string // ASCII, normalised for its kind
}

// NewSSCC makes an SSCC from its 17 leading digits (extension digit, company prefix,
// serial reference) by appending the check digit.
func NewSSCC(digits string) (Code, error) {
	field := identifiers["00"]
	if err := field.length(len(digits) + 1); err != nil {
		return Code{}, err
	}
	if err := field.characters(digits); err != nil {
		return Code{}, err
	}
	return Code{SSCC, digits + string(mod10(digits))}, nil
}

// IsZero tells whether c names nothing.
func (c Code) IsZero() bool { return c == Code{} }

// String is the canonical form, kind and value joined by a colon; empty for the zero Code.
func (c Code) String() string {
	if c.IsZero() {
		return ""
	}
	return string(c.Kind) + ":" + c.Value
}

// LastFour is the end of the code as people compare it: its last four letters or digits.
func (c Code) LastFour() string {
	kept := strings.Map(func(r rune) rune {
		if isDigit(r) || isLetter(r) {
			return r
		}
		return -1
	}, c.Value)
	return kept[max(0, len(kept)-4):]
}

// Human is the text printed below the bars. Parse reads it back to c, unless a
// serial number itself contains something like "(10)".
func (c Code) Human() string {
	var text strings.Builder
	for _, e := range c.elements() {
		text.WriteString("(" + e.ai + ")" + e.value)
	}
	if text.Len() > 0 {
		return text.String()
	}
	if c.Kind == S10 && len(c.Value) == 13 {
		v := c.Value
		return strings.Join([]string{v[:2], v[2:5], v[5:8], v[8:11], v[11:]}, " ")
	}
	return c.Value
}

// MarshalText gives the canonical form.
func (c Code) MarshalText() ([]byte, error) { return []byte(c.String()), nil }

// UnmarshalText reads exactly what MarshalText wrote, and refuses any other spelling.
// The empty text is the zero Code.
func (c *Code) UnmarshalText(text []byte) error {
	if len(text) == 0 {
		*c = Code{}
		return nil
	}
	read, err := parseCanonical(string(text))
	if err == nil {
		*c = read
	}
	return err
}

func parseCanonical(text string) (Code, error) {
	kind, value, found := strings.Cut(text, ":")
	if !found || len(text) > MaxInput {
		return Code{}, &Error{Problem: ProblemCanonical}
	}
	read, err := ofKind(Kind(kind), value)
	if err != nil {
		return Code{}, err
	}
	if read.String() != text {
		return Code{}, &Error{Problem: ProblemCanonical}
	}
	return read, nil
}

func ofKind(kind Kind, value string) (Code, error) {
	switch kind {
	case SSCC:
		return identify([]element{{"00", value}})
	case SGTIN:
		gtin, serial, _ := strings.Cut(value, ".")
		return identify([]element{{"01", gtin}, {"21", serial}})
	case GSIN:
		return identify([]element{{"402", value}})
	case GINC:
		return identify([]element{{"401", value}})
	case S10, Carrier:
		return parsePlain(value)
	}
	return Code{}, &Error{Problem: ProblemCanonical}
}

// isCanonical tells a canonical code from everything a label prints: no carrier's number has a colon.
func isCanonical(text string) bool {
	kind, _, found := strings.Cut(text, ":")
	return found && slices.Contains([]Kind{SSCC, SGTIN, GSIN, GINC, S10, Carrier}, Kind(kind))
}

// elements is the GS1 way to write c; empty for what isn't a GS1 key.
func (c Code) elements() []element {
	switch c.Kind {
	case SSCC:
		return []element{{"00", c.Value}}
	case SGTIN:
		gtin, serial, _ := strings.Cut(c.Value, ".")
		return []element{{"01", gtin}, {"21", serial}}
	case GSIN:
		return []element{{"402", c.Value}}
	case GINC:
		return []element{{"401", c.Value}}
	default:
		return nil
	}
}
