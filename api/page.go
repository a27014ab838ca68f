package api

import (
	"encoding/base64"
	"unicode/utf8"
)

// Page says which part of a list is wanted.
type Page struct {
	Cursor string `query:"cursor" maxLength:"200" doc:"The next of the page before"`
	Limit  int    `query:"limit" minimum:"1" maximum:"200" default:"50" doc:"At most so many"`
}

func (p Page) size() int {
	if p.Limit <= 0 {
		return 50
	}
	return p.Limit
}

// cursor makes an opaque cursor of the key at which a page ended.
func cursor(last string) string { return base64.RawURLEncoding.EncodeToString([]byte(last)) }

func (p Page) key() (string, error) {
	decoded, err := base64.RawURLEncoding.DecodeString(p.Cursor)
	if err != nil || !utf8.Valid(decoded) {
		return "", invalid("query.cursor", "not a cursor of this list")
	}
	return string(decoded), nil
}
