package mqtt

import (
	"bytes"
	"encoding/json"
	"math"
	"strconv"
	"strings"
	"time"

	"github.com/loquet/loquet/event"
)

// maxPayload is the size of the largest payload that is looked at. Zigbee2MQTT's are a few kilobytes.
const maxPayload = 64 << 10

// said is what one message says of a device. A part that it does not speak of is zero.
type said struct {
	Bolt    event.Bolt
	Contact event.Contact
	Reach   event.Reach
	Battery int
	At      event.Instant
	Cause   string

	opens   bool       // it confirms an opening
	secures bool       // it shows that a command to lock or close was taken up
	refused bool       // it refuses the command that it answers
	memory  bool       // it repeats what a gateway remembers: only what changed is live
	slot    *slotState // what is in the slot for one-time codes
}

// empty says whether there is nothing for a watcher in it.
func (s said) empty() bool {
	return s.Bolt == "" && s.Contact == "" && s.Reach == "" && s.Battery == 0
}

// reader understands one topic's payload, or says that it made no sense. What it then says is "unknown".
type reader func(payload []byte) (said, bool)

// words reads a source whose value is one of some words; any other value is said as otherwise.
func (s Source) words(words map[string]said, otherwise said) reader {
	return func(payload []byte) (said, bool) {
		value, object, there := s.value(payload)
		if !there {
			return said{}, true
		}
		meaning, known := words[value]
		if !known {
			return otherwise, false
		}
		meaning.At = firstTime(object["ts"], object["last_seen"])
		meaning.Cause = cause(object)
		return meaning, true
	}
}

// battery reads a source whose value is a percentage.
func (s Source) battery(payload []byte) (said, bool) {
	value, object, there := s.value(payload)
	if !there {
		return said{}, true
	}
	percent := readBattery([]byte(value))
	return said{Battery: percent, At: firstTime(object["ts"], object["last_seen"])}, percent != 0
}

// value finds the value, and the object that it stands in. An object without the key says nothing of it; what
// should be an object and is not has the value "".
func (s Source) value(payload []byte) (value string, object map[string]json.RawMessage, there bool) {
	if s.Key == "" {
		return string(bytes.TrimSpace(payload)), nil, true
	}
	if json.Unmarshal(payload, &object) != nil || object == nil {
		return "", nil, true
	}
	raw, there := object[s.Key]
	return text(raw), object, there
}

// text is a JSON string's content, or the JSON itself for anything else.
func text(raw json.RawMessage) string {
	var s string
	if json.Unmarshal(raw, &s) == nil && len(raw) > 0 && raw[0] == '"' {
		return s
	}
	return string(raw)
}

// cause is a device's own word on who moved it.
func cause(object map[string]json.RawMessage) string {
	switch word := strings.ToLower(text(object["changed_by"])); word {
	case "manual", "keypad", "remote", "auto", "key":
		return word
	}
	return ""
}

// readBattery reads a percentage: 1 to 100, or 0 when it is none. An empty battery is 1, because 0 means that
// nothing was said.
func readBattery(raw []byte) int {
	percent, err := strconv.ParseFloat(string(raw), 64)
	if err != nil || math.IsNaN(percent) || percent < 0 || percent > 100 {
		return 0
	}
	return max(1, int(percent))
}

func firstTime(values ...json.RawMessage) event.Instant {
	for _, v := range values {
		if at := readTime(v); at != 0 {
			return at
		}
	}
	return 0
}

// Bounds of a number that can be a time: in seconds and in milliseconds, from 2001 to 2286.
const (
	leastSeconds, mostSeconds = 1e9, 1e10
	leastMillis, mostMillis   = 1e12, 1e13
)

// readTime reads a device's time: RFC 3339, or seconds or milliseconds since 1970; 0 when it is none.
func readTime(raw json.RawMessage) event.Instant {
	word := text(raw)
	if at, err := time.Parse(time.RFC3339Nano, word); err == nil && at.Year() > 1970 && at.Year() < 2287 {
		return event.InstantOf(at)
	}
	number, err := strconv.ParseFloat(word, 64)
	switch {
	case err != nil:
		return 0
	case number >= leastSeconds && number < mostSeconds:
		return event.Instant(number * 1000)
	case number >= leastMillis && number < mostMillis:
		return event.Instant(number)
	}
	return 0
}

// readAnswer reads a device's answer to a command.
func readAnswer(payload []byte) (said, bool) {
	var answer struct {
		Result string `json:"result"`
	}
	if json.Unmarshal(payload, &answer) != nil {
		return said{}, false
	}
	return said{refused: answer.Result == "refused"}, true
}
