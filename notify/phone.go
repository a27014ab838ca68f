package notify

import (
	"errors"
	"strings"

	"github.com/nyaruka/phonenumbers"
)

// ErrNumber: it is no number that can receive a text message.
var ErrNumber = errors.New("notify: no number of a mobile phone, such as +33 6 12 34 56 78")

// parseNumber brings a number as a person writes it into its one form (E.164). Country is that of numbers without a
// country's code, as ISO 3166-1 alpha-2; without one they are refused.
func parseNumber(text, country string) (string, error) {
	const longest = 40
	if len(text) > longest {
		return "", ErrNumber
	}
	number, err := phonenumbers.Parse(strings.TrimSpace(text), country)
	if err != nil || !phonenumbers.IsValidNumber(number) {
		return "", ErrNumber
	}
	switch phonenumbers.GetNumberType(number) {
	case phonenumbers.MOBILE, phonenumbers.FIXED_LINE_OR_MOBILE:
		return phonenumbers.Format(number, phonenumbers.E164), nil
	default: // a landline or a paid service takes no text message
		return "", ErrNumber
	}
}
