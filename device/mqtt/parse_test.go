package mqtt

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"

	"github.com/loquet/loquet/event"
)

func planOf(t testing.TB, config string) plan {
	t.Helper()
	cfg, err := ParseConfig([]byte(config))
	if err != nil {
		t.Fatalf("%s: %v", config, err)
	}
	p, err := cfg.plan()
	if err != nil {
		t.Fatal(err)
	}
	return p
}

const (
	plainLock = `{"device":"d","lock":{"commandTopic":"h/set","state":{"topic":"h/state"},
		"contact":{"topic":"h/contact"},"battery":{"topic":"h/battery"},"availability":[{"topic":"h/there"}],"answers":"h/answers"}}`
	jsonLock = `{"device":"d","lock":{"commandTopic":"h/set","state":{"topic":"h/state","key":"state"},
		"contact":{"topic":"h/state","key":"door"}}}`
	cover  = `{"device":"d","cover":{"commandTopic":"h/set","state":{"topic":"h/state"}}}`
	zigbee = `{"device":"d","zigbee2mqtt":{"name":"Front","doorState":true,"codeSlot":3,"availability":true,"base":"z"}}`
	sensor = `{"device":"d","zigbee2mqtt":{"name":"Front","contactName":"Contact"}}`
	board  = `{"device":"d","ratgdo":{"prefix":"garage/left"}}`
)

func TestWhatPayloadsSay(t *testing.T) {
	for _, c := range []struct {
		config, topic, payload string
		bolt                   event.Bolt
		contact                event.Contact
		understood             bool
	}{
		{plainLock, "h/state", "LOCKED", event.BoltLocked, "", true},
		{plainLock, "h/state", " UNLOCKED\n", event.BoltUnlocked, "", true},
		{plainLock, "h/state", "OPEN", event.BoltUnlocked, "", true},
		{plainLock, "h/state", "JAMMED", event.BoltJammed, "", true},
		{plainLock, "h/state", "LOCKING", event.BoltUnknown, "", true},
		{plainLock, "h/state", "UNLOCKING", event.BoltUnknown, "", true},
		{plainLock, "h/state", "OPENING", event.BoltUnknown, "", true},
		{plainLock, "h/state", "locked", event.BoltUnknown, "", false}, // words are exact
		{plainLock, "h/state", "", event.BoltUnknown, "", false},
		{plainLock, "h/state", "None", event.BoltUnknown, "", false},
		{plainLock, "h/state", `{"state":"LOCKED"}`, event.BoltUnknown, "", false},
		{plainLock, "h/contact", "ON", "", event.ContactOpen, true},
		{plainLock, "h/contact", "OFF", "", event.ContactClosed, true},
		{plainLock, "h/contact", "unavailable", "", event.ContactUnknown, false},
		{jsonLock, "h/state", `{"state":"LOCKED"}`, event.BoltLocked, "", true},
		{jsonLock, "h/state", `{"state":"LOCKED","door":"ON"}`, event.BoltLocked, event.ContactOpen, true},
		{jsonLock, "h/state", `{"state":null}`, event.BoltUnknown, "", false},
		{jsonLock, "h/state", `{"state":{"a":1}}`, event.BoltUnknown, "", false},
		{jsonLock, "h/state", `{"wifi":-60}`, "", "", true}, // it speaks of something else
		{jsonLock, "h/state", `LOCKED`, event.BoltUnknown, event.ContactUnknown, false},
		{jsonLock, "h/state", `[1]`, event.BoltUnknown, event.ContactUnknown, false},
		{cover, "h/state", "closed", "", event.ContactClosed, true},
		{cover, "h/state", "open", "", event.ContactOpen, true},
		{cover, "h/state", "opening", "", event.ContactOpen, true},
		{cover, "h/state", "closing", "", event.ContactOpen, true},
		{cover, "h/state", "stopped", "", event.ContactUnknown, true},
		{cover, "h/state", "CLOSED", "", event.ContactUnknown, false},
		{zigbee, "z/Front", `{"lock_state":"locked","door_state":"closed"}`, event.BoltLocked, event.ContactClosed, true},
		{zigbee, "z/Front", `{"lock_state":"not_fully_locked"}`, event.BoltUnknown, "", true},
		{zigbee, "z/Front", `{"lock_state":"unlocked","door_state":"error_forced_open"}`, event.BoltUnlocked, event.ContactOpen, true},
		{zigbee, "z/Front", `{"lock_state":"locked","door_state":"error_jammed"}`, event.BoltJammed, event.ContactUnknown, true},
		{zigbee, "z/Front", `{"lock_state":"locked","door_state":"undefined"}`, event.BoltLocked, event.ContactUnknown, true},
		{zigbee, "z/Front", `{"state":"LOCK"}`, "", "", true}, // the bridge's own guess
		{zigbee, "z/Front", `{"lock_state":null}`, event.BoltUnknown, "", true},
		{zigbee, "z/Front", `{"lock_state":1}`, event.BoltUnknown, "", true},
		{zigbee, "z/Front", `{"users":7}`, event.BoltUnknown, "", false},
		{zigbee, "z/Front", `rubbish`, event.BoltUnknown, "", false},
		{sensor, "zigbee2mqtt/Contact", `{"contact":true}`, "", event.ContactClosed, true},
		{sensor, "zigbee2mqtt/Contact", `{"contact":false}`, "", event.ContactOpen, true},
		{sensor, "zigbee2mqtt/Contact", `{"contact":"closed"}`, "", event.ContactUnknown, true},
		{sensor, "zigbee2mqtt/Contact", `{"battery":3}`, "", "", true},
		{sensor, "zigbee2mqtt/Contact", `x`, "", event.ContactUnknown, false},
		{board, "garage/left/status/door", "closing", "", event.ContactOpen, true},
		{board, "garage/left/status/door", "closed", "", event.ContactClosed, true},
		{board, "garage/left/status/door", "syncing", "", event.ContactUnknown, false},
	} {
		t.Run(c.topic+" "+c.payload, func(t *testing.T) {
			var all said
			understood := true
			for _, read := range planOf(t, c.config).topics[c.topic] {
				s, ok := read([]byte(c.payload))
				understood = understood && ok
				all.Bolt, all.Contact = or(s.Bolt, all.Bolt), or(s.Contact, all.Contact)
			}
			if all.Bolt != c.bolt || all.Contact != c.contact || understood != c.understood {
				t.Errorf("said %q %q, understood %v; want %q %q, %v", all.Bolt, all.Contact, understood, c.bolt, c.contact, c.understood)
			}
		})
	}
}

// TestWhatConfirms: only a bolt that is back, or a garage door that moves up, confirms an opening.
func TestWhatConfirms(t *testing.T) {
	for _, c := range []struct {
		config, topic, payload string
		opens, secures         bool
	}{
		{plainLock, "h/state", "UNLOCKED", true, false}, {plainLock, "h/state", "OPEN", true, false},
		{plainLock, "h/state", "UNLOCKING", false, false}, {plainLock, "h/state", "OPENING", false, false},
		{plainLock, "h/state", "JAMMED", false, false}, {plainLock, "h/state", "LOCKED", false, true},
		{plainLock, "h/contact", "ON", false, false}, {plainLock, "h/answers", `{"result":"accepted"}`, false, false},
		{cover, "h/state", "opening", true, false}, {cover, "h/state", "open", true, false},
		{cover, "h/state", "stopped", false, false}, {cover, "h/state", "closing", false, true},
		{zigbee, "z/Front", `{"state":"UNLOCK","lock_state":"locked"}`, false, true},
		{zigbee, "z/Front", `{"state":"UNLOCK"}`, false, false},
		{zigbee, "z/Front", `{"lock_state":"unlocked","door_state":"error_jammed"}`, false, false},
		{board, "garage/left/status/door", "opening", true, false},
	} {
		s, _ := planOf(t, c.config).topics[c.topic][0]([]byte(c.payload))
		if s.opens != c.opens || s.secures != c.secures {
			t.Errorf("%s: opens %v, secures %v", c.payload, s.opens, s.secures)
		}
	}
}

func TestBatteries(t *testing.T) {
	for value, want := range map[string]int{
		"90": 90, "0": 1, "100": 100, "12.7": 12, "101": 0, "-1": 0, "NaN": 0, "full": 0, "": 0, "1e300": 0, "0.2": 1,
	} {
		if got := readBattery([]byte(value)); got != want {
			t.Errorf("%q is %d; want %d", value, got, want)
		}
	}
}

func TestDevicesTimes(t *testing.T) {
	for value, want := range map[string]event.Instant{
		`"2026-11-22T03:04:05.006Z"`: 1795316645006, `"2026-11-22T04:04:05.006+01:00"`: 1795316645006,
		`1795316645006`: 1795316645006, `1795316645`: 1795316645000, `"1795316645006"`: 1795316645006,
		`0`: 0, `-5`: 0, `"yesterday"`: 0, `null`: 0, ``: 0, `1e99`: 0, `{"a":1}`: 0, `"0001-01-01T00:00:00Z"`: 0, `12345`: 0,
	} {
		if got := readTime(json.RawMessage(value)); got != want {
			t.Errorf("%s is %v; want %v", value, int64(got), int64(want))
		}
	}
}

func TestCausesAreAFixedVocabulary(t *testing.T) {
	read := planOf(t, jsonLock).topics["h/state"][0]
	for word, want := range map[string]string{"Keypad": "keypad", "manual": "manual", "Mme Durand": "", "": ""} {
		s, _ := read(fmt.Appendf(nil, `{"state":"UNLOCKED","changed_by":%q}`, word))
		if s.Cause != want {
			t.Errorf("%q is %q; a name must never pass", word, s.Cause)
		}
	}
}

// FuzzPayloads: whatever comes on whatever topic of a device, it is never taken for safe unless it says so.
func FuzzPayloads(f *testing.F) {
	for _, seed := range []string{
		"LOCKED", "OFF", `{"state":"LOCKED","ts":1}`, `{"lock_state":"locked","users":{"3":{"status":"available"}}}`, "closed",
		`{"result":"refused"}`, "online", `{"state":"online"}`, "\x00\xff", `{"state":`, strings.Repeat("[", 10_000), `{"contact":true}`,
	} {
		f.Add([]byte(seed))
	}
	var readers []reader
	for _, config := range []string{plainLock, jsonLock, cover, zigbee, sensor, board} {
		for _, some := range planOf(f, config).topics {
			readers = append(readers, some...)
		}
	}
	f.Fuzz(func(t *testing.T, payload []byte) {
		for _, read := range readers {
			s, understood := read(payload)
			lower := strings.ToLower(string(payload))
			// Escapes in JSON can spell a word in other letters.
			plainly := !strings.Contains(lower, `\u`)
			if s.Bolt == event.BoltLocked && plainly && !strings.Contains(lower, "locked") {
				t.Fatalf("%q is locked", payload)
			}
			closed := strings.Contains(lower, "closed") || strings.Contains(lower, "off") || strings.Contains(lower, "true")
			if s.Contact == event.ContactClosed && plainly && !closed {
				t.Fatalf("%q is closed", payload)
			}
			if !understood && (s.Bolt == event.BoltLocked || s.Contact == event.ContactClosed || s.opens || s.secures) {
				t.Fatalf("%q was not understood, and is safe", payload)
			}
			if s.Battery < 0 || s.Battery > 100 || s.At < 0 {
				t.Fatalf("%q says %+v", payload, s)
			}
		}
	})
}
