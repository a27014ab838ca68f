package mqtt

import (
	"reflect"
	"strings"
	"testing"

	"github.com/loquet/loquet/event"
)

func find(t *testing.T, found []Found, topic string) Found {
	t.Helper()
	for _, f := range found {
		if f.Topic == topic {
			return f
		}
	}
	t.Fatalf("%s was not found in %+v", topic, found)
	return Found{}
}

func TestALockIsFoundWithItsSensors(t *testing.T) {
	hardware := `"device":{"identifiers":["abc"],"name":"Front door"}`
	found := sortOut(map[string][]byte{
		"homeassistant/lock/abc/config": []byte(`{"name":null,"command_topic":"~/set","~":"esp/abc","state_topic":"~/state",
			"payload_open":"OPEN","state_jammed":"STUCK","availability_topic":"~/there",` + hardware + `}`),
		"homeassistant/binary_sensor/abc/door/config":    []byte(`{"state_topic":"esp/abc/door","device_class":"door",` + hardware + `}`),
		"homeassistant/binary_sensor/abc/battery/config": []byte(`{"state_topic":"esp/abc/low","device_class":"battery",` + hardware + `}`),
		"homeassistant/sensor/abc/battery/config":        []byte(`{"stat_t":"esp/abc/bat","dev_cla":"battery","val_tpl":"{{ value_json.b }}","dev":{"ids":"abc"}}`),
		"homeassistant/sensor/other/battery/config":      []byte(`{"state_topic":"x","device_class":"battery","device":{"identifiers":["other"]}}`),
		"homeassistant/light/abc/config":                 []byte(`{"command_topic":"x"}`),
	})
	if len(found) != 1 {
		t.Fatalf("found %+v", found)
	}
	f := find(t, found, "homeassistant/lock/abc/config")
	want := &Lock{
		CommandTopic: "esp/abc/set", Open: "OPEN", State: Source{Topic: "esp/abc/state"}, States: LockStates{Jammed: "STUCK"},
		Extras: Extras{
			Contact: &Contact{Source: Source{Topic: "esp/abc/door"}}, Battery: &Source{Topic: "esp/abc/bat", Key: "b"},
			Availability: []Availability{{Source: Source{Topic: "esp/abc/there"}}},
		},
	}
	if f.Refused != "" || f.Name != "Front door" || !reflect.DeepEqual(f.Config.Lock, want) {
		t.Fatalf("found %+v with %+v", f, f.Config.Lock)
	}
	f.Config.Device = "d"
	p, err := f.Config.plan()
	if err != nil || p.closure != (event.Closure{Bolt: true, Contact: true}) {
		t.Fatalf("%+v, %v", p.closure, err)
	}
}

func TestWithTwoContactsAPersonMustChoose(t *testing.T) {
	hardware := `"device":{"identifiers":["abc"]}`
	found := sortOut(map[string][]byte{
		"homeassistant/lock/abc/config":          []byte(`{"command_topic":"a","state_topic":"b",` + hardware + `}`),
		"homeassistant/binary_sensor/one/config": []byte(`{"state_topic":"c","device_class":"door",` + hardware + `}`),
		"homeassistant/binary_sensor/two/config": []byte(`{"state_topic":"d","device_class":"opening",` + hardware + `}`),
	})
	if lock := found[0].Config.Lock; lock == nil || lock.Contact != nil {
		t.Fatalf("it chose %+v", found[0])
	}
}

func TestZigbee2MQTTIsKnownForWhatItIs(t *testing.T) {
	found := sortOut(map[string][]byte{
		"homeassistant/lock/0x1/lock/config": []byte(`{"command_topic":"my/z2m/Front/set","state_topic":"my/z2m/Front",
			"value_template":"{{ value_json.lock_state }}","origin":{"name":"Zigbee2MQTT"},
			"availability":[{"topic":"my/z2m/bridge/state"},{"topic":"my/z2m/Front/availability"}]}`),
		"homeassistant/lock/0x2/lock/config": []byte(`{"command_topic":"zigbee2mqtt/Back/set","state_topic":"zigbee2mqtt/Back",
			"value_template":"{{ value_json.state }}"}`),
	})
	if got := found[0].Config.Zigbee2MQTT; got == nil || *got != (Zigbee2MQTT{Base: "my/z2m", Name: "Front", Availability: true}) {
		t.Errorf("found %+v", found[0])
	}
	if got := found[1].Config.Zigbee2MQTT; got == nil || *got != (Zigbee2MQTT{Base: "zigbee2mqtt", Name: "Back"}) {
		t.Errorf("found %+v", found[1])
	}
}

func TestWhatCantBeAnAccessPointIsRefusedWithTheReason(t *testing.T) {
	for announcement, reason := range map[string]string{
		`{"state_topic":"b"}`:   "no commands",
		`{"command_topic":"a"}`: "optimistic",
		`{"command_topic":"a","state_topic":"b","optimistic":true}`:                                          "optimistic",
		`{"cmd_t":"a","stat_t":"b","opt":true}`:                                                              "optimistic",
		`{"command_topic":"a","state_topic":"b","retain":true}`:                                              "retained",
		`{"command_topic":"a","state_topic":"b","code_format":"\\d+"}`:                                       "code with each command",
		`{"command_topic":"a","state_topic":"b","command_template":"x"}`:                                     "template",
		`{"command_topic":"a","state_topic":"b","value_template":"{{ value_json.a.b }}"}`:                    "value_template",
		`{"command_topic":"a","state_topic":"b","value_template":"{% if x %}LOCKED{% endif %}"}`:             "value_template",
		`{"command_topic":"a","state_topic":"b","availability_topic":"c","availability_template":"{{ x }}"}`: "availability",
		`{"command_topic":"a","state_topic":"a"}`:                                                            "our own command",
		`{"command_topic":"a/#","state_topic":"b"}`:                                                          "not the topic",
		`{"command_topic":"a","state_topic":"b","payload_lock":"X","payload_unlock":"X"}`:                    "toggles",
		`[]`:   "not a JSON object",
		`null`: "not a JSON object",
	} {
		f := sortOut(map[string][]byte{"homeassistant/lock/x/config": []byte(announcement)})[0]
		if !strings.Contains(f.Refused, reason) || !reflect.DeepEqual(f.Config, Config{}) {
			t.Errorf("%s: refused because %q; want something with %q", announcement, f.Refused, reason)
		}
	}
}

func TestOnlyAnnouncementsAreCollected(t *testing.T) {
	f := &finder{all: map[string][]byte{}}
	for _, topic := range []string{"homeassistant/status", "homeassistant/lock/config", "x/lock/a/config", "homeassistant/lock/a/b/c/config"} {
		f.hear(topic, []byte("{}"))
	}
	f.hear("homeassistant/lock/a/config", make([]byte, maxPayload+1))
	if len(f.all) != 0 {
		t.Fatalf("collected %v", f.all)
	}
	f.hear("homeassistant/lock/a/config", []byte("{}"))
	f.hear("homeassistant/cover/n/a/config", []byte("{}"))
	f.hear("homeassistant/lock/a/config", nil) // withdrawn
	if len(f.all) != 1 {
		t.Fatalf("collected %v", f.all)
	}
}

func FuzzAnnouncement(f *testing.F) {
	f.Add("homeassistant/lock/a/config", []byte(`{"~":"x","cmd_t":"~/set","stat_t":"~","dev":{"ids":["a"]},"avty":[{"t":"~/a"}]}`))
	f.Add("homeassistant/cover/a/config", []byte(`{"command_topic":"a","state_topic":"b"}`))
	f.Fuzz(func(t *testing.T, topic string, payload []byte) {
		for _, found := range sortOut(map[string][]byte{topic: payload}) {
			if found.Refused != "" {
				continue
			}
			found.Config.Device = "d"
			if _, err := found.Config.plan(); err != nil {
				t.Fatalf("what was found makes no device: %v", err)
			}
		}
	})
}
