package parcel

import (
	"maps"
	"net/url"
	"slices"
	"strings"
)

// linkKeys are the primary keys of a GS1 Digital Link that this package knows.
var linkKeys = map[string]bool{"00": true, "01": true, "401": true, "402": true}

func isWebAddress(text string) bool {
	scheme, _, found := strings.Cut(text, "://")
	return found && (strings.EqualFold(scheme, "https") || strings.EqualFold(scheme, "http"))
}

// parseLink reads an uncompressed GS1 Digital Link of any domain, with any path
// before the key: …/00/{SSCC}, …/01/{GTIN}/21/{serial}?37=2. Query parameters
// that aren't application identifiers belong to others, and are ignored.
func parseLink(text string) (Code, error) {
	address, err := url.Parse(text)
	if err != nil || address.Host == "" {
		return Code{}, &Error{Problem: ProblemLink}
	}
	found, err := pathElements(address.EscapedPath())
	if err != nil {
		return Code{}, err
	}
	return identify(append(found, queryElements(address.Query())...))
}

// queryElements are the attributes, in a stable order so that the same address
// always gives the same error. A key doesn't belong here.
func queryElements(query url.Values) []element {
	var found []element
	for _, ai := range slices.Sorted(maps.Keys(query)) {
		for _, value := range query[ai] {
			if !linkKeys[ai] {
				found = append(found, element{ai, value})
			}
		}
	}
	return found
}

// pathElements reads pairs of identifier and value from the end of the path.
// Values stand at odd places from the end, so none is taken for a key.
func pathElements(path string) ([]element, error) {
	segments := strings.Split(strings.Trim(path, "/"), "/")
	var found []element
	for i := len(segments) - 2; i >= 0; i -= 2 {
		value, err := url.PathUnescape(segments[i+1])
		if err != nil {
			return nil, &Error{Problem: ProblemLink}
		}
		found = append(found, element{segments[i], value})
		if linkKeys[segments[i]] {
			return found, nil
		}
	}
	return nil, &Error{Problem: ProblemLink}
}

// link is the address of c at GS1's own resolver, or "" for what isn't a GS1 key.
func (c Code) link() string {
	var path strings.Builder
	for _, e := range c.elements() {
		path.WriteString("/" + e.ai + "/" + url.PathEscape(e.value))
	}
	if path.Len() == 0 {
		return ""
	}
	return "https://id.gs1.org" + path.String()
}
