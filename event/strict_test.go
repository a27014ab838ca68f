package event_test

import (
	"testing"

	"github.com/loquet/loquet/event"
)

func TestStrict(t *testing.T) {
	type value struct{ A int }
	for text, good := range map[string]bool{
		`{"A":1}`: true, " {}\n": true,
		"": false, `{"A":1`: false, `{"B":1}`: false, `{"A":"1"}`: false, `{"A":1}{}`: false, `{"A":1} x`: false, `{"A":1}}`: false, `{"A":1}]`: false,
	} {
		var v value
		if err := event.Strict([]byte(text), &v); (err == nil) != good {
			t.Errorf("%q: %v", text, err)
		}
	}
}
