package mqtt

import (
	"encoding/json"
	"reflect"
	"strings"
	"testing"

	"github.com/loquet/loquet/event"
)

func TestClosures(t *testing.T) {
	lock := func(more string) string {
		return `{"device":"d","lock":{"commandTopic":"h/set","state":{"topic":"h/state"}` + more
	}
	for config, want := range map[string]event.Closure{
		lock(`}}`):                           {}, // a bolt alone proves nothing: the door may stand open
		lock(`,"contact":{"topic":"h/c"}}}`): {Bolt: true, Contact: true},
		lock(`},"closure":{"bolt":true}}`):   {Bolt: true},
		lock(`,"contact":{"topic":"h/c"}},"closure":{"contact":true}}`):     {Contact: true},
		lock(`,"contact":{"topic":"h/c"}},"closure":{}}`):                   {},
		`{"device":"d","cover":{"commandTopic":"a","state":{"topic":"b"}}}`: {Contact: true},
		`{"device":"d","zigbee2mqtt":{"name":"x"}}`:                         {},
		`{"device":"d","zigbee2mqtt":{"name":"x","doorState":true}}`:        {Bolt: true, Contact: true},
		`{"device":"d","zigbee2mqtt":{"name":"x","contactName":"y"}}`:       {Bolt: true, Contact: true},
		`{"device":"d","ratgdo":{"prefix":"x"}}`:                            {Contact: true},
	} {
		if got := planOf(t, config).closure; got != want {
			t.Errorf("%s: %+v; want %+v", config, got, want)
		}
	}
}

func TestBadConfigurationsSayWhatIsWrong(t *testing.T) {
	for config, reason := range map[string]string{
		``:               "can't be read",
		`[]`:             "can't be read",
		`{}`:             "no identifier",
		`{"device":"d"}`: "exactly one",
		`{"device":"d","ratgdo":{"prefix":"x"},"zigbee2mqtt":{"name":"y"}}`:                                                         "exactly one",
		`{"device":"d","ratgdo":{"prefix":"x"},"colour":"red"}`:                                                                     "unknown field",
		`{"device":"d","ratgdo":{"prefix":"x"}} {}`:                                                                                 "after its end",
		`{"device":"d","ratgdo":{"prefix":""}}`:                                                                                     "prefix",
		`{"device":"d","ratgdo":{"prefix":"x/#"}}`:                                                                                  "not the topic of one device",
		`{"device":"d","ratgdo":{"prefix":"$SYS"}}`:                                                                                 "not the topic of one device",
		`{"device":"d","zigbee2mqtt":{"name":""}}`:                                                                                  "friendly name",
		`{"device":"d","zigbee2mqtt":{"name":"x","codeSlot":-1}}`:                                                                   "slot",
		`{"device":"d","zigbee2mqtt":{"name":"x","doorState":true,"contactName":"y"}}`:                                              "not both",
		`{"device":"d","lock":{"commandTopic":"","state":{"topic":"b"}}}`:                                                           "not the topic",
		`{"device":"d","lock":{"commandTopic":"a","state":{"topic":"+"}}}`:                                                          "not the topic",
		`{"device":"d","lock":{"commandTopic":"a","state":{"topic":"a"}}}`:                                                          "our own command",
		`{"device":"d","lock":{"commandTopic":"a","open":"TOGGLE","secure":"TOGGLE","state":{"topic":"b"}}}`:                        "toggles",
		`{"device":"d","lock":{"commandTopic":"a","state":{"topic":"b"},"states":{"locked":"UNLOCKED"}}}`:                           "two meanings",
		`{"device":"d","lock":{"commandTopic":"a","state":{"topic":"b"},"contact":{"topic":"c","open":"x","closed":"x"}}}`:          "two meanings",
		`{"device":"d","lock":{"commandTopic":"a","state":{"topic":"b"},"availability":[{"topic":"c"}],"availabilityMode":"most"}}`: "mode",
		`{"device":"d","lock":{"commandTopic":"a","state":{"topic":"b"}},"closure":{"contact":true}}`:                               "does not report",
		`{"device":"d","ratgdo":{"prefix":"x"},"closure":{"bolt":true}}`:                                                            "does not report",
		`{"device":"d","cover":{"commandTopic":"a","state":{"topic":"b"},"contact":{"topic":"c"}}}`:                                 "contradict",
		`{"device":"d","ratgdo":{"prefix":"x"},"horizon":-1}`:                                                                       "horizon",
		`{"device":"d","ratgdo":{"prefix":"x"},"lateness":-2}`:                                                                      "lateness",
		`{"device":"d","ratgdo":{"prefix":"x"},"lateness":"5s"}`:                                                                    "can't be read",
	} {
		if _, err := ParseConfig([]byte(config)); err == nil || !strings.Contains(err.Error(), reason) {
			t.Errorf("%s: %v; want something with %q", config, err, reason)
		}
	}
}

func TestASpecDeclaresWhatTheConfigurationSays(t *testing.T) {
	cfg, err := ParseConfig([]byte(`{"device":"d","zigbee2mqtt":{"name":"x","codeSlot":2},"horizon":5000,"lateness":-1}`))
	if err != nil {
		t.Fatal(err)
	}
	p, err := cfg.plan()
	if err != nil {
		t.Fatal(err)
	}
	want := event.Spec{
		Device: "d", Grade: event.GradeReported, Horizon: 5000, Lateness: event.UnboundedLateness,
		Opens: true, Secures: true, Reads: true, Codes: true,
	}
	if got := cfg.spec(p); got != want {
		t.Errorf("%+v; want %+v", got, want)
	}
	cfg, err = ParseConfig([]byte(`{"device":"d","lock":{"commandTopic":"a","locksItself":true,"state":{"topic":"b"}}}`))
	if err != nil {
		t.Fatal(err)
	}
	if p, err = cfg.plan(); err != nil {
		t.Fatal(err)
	}
	want = event.Spec{Device: "d", Grade: event.GradeReported, Horizon: 60_000, Lateness: 5000, Opens: true}
	if got := cfg.spec(p); got != want {
		t.Errorf("%+v; want %+v", got, want)
	}
}

func TestAConfigurationSurvivesTheRegister(t *testing.T) {
	for _, config := range []string{plainLock, jsonLock, cover, zigbee, sensor, board} {
		cfg, err := ParseConfig([]byte(config))
		if err != nil {
			t.Fatal(err)
		}
		encoded, err := json.Marshal(cfg)
		if err != nil {
			t.Fatal(err)
		}
		again, err := ParseConfig(encoded)
		if err != nil || !reflect.DeepEqual(again, cfg) {
			t.Errorf("%s became %s (%v)", config, encoded, err)
		}
	}
}

// A device that was discovered is named by whoever reserves it.
func TestParseConfigFor(t *testing.T) {
	for _, config := range []string{`{"zigbee2mqtt":{"name":"x"}}`, `{"device":"","zigbee2mqtt":{"name":"x"}}`, `{"device":"other","zigbee2mqtt":{"name":"x"}}`} {
		cfg, err := ParseConfigFor("mine", []byte(config))
		if err != nil || cfg.Device != "mine" || cfg.Zigbee2MQTT.Name != "x" {
			t.Errorf("%s: %+v %v", config, cfg, err)
		}
	}
	for config, reason := range map[string]string{`{}`: "exactly one", `{"zigbee2mqtt":{"name":"x"}} {}`: "after its end", `{"x":1}`: "unknown field"} {
		if cfg, err := ParseConfigFor("mine", []byte(config)); err == nil || !strings.Contains(err.Error(), reason) || cfg.Device != "" {
			t.Errorf("%s: %+v %v", config, cfg, err)
		}
	}
	if _, err := ParseConfigFor("", []byte(`{"zigbee2mqtt":{"name":"x"}}`)); err == nil {
		t.Error("a device without a name")
	}
}

func FuzzParseConfig(f *testing.F) {
	for _, seed := range []string{plainLock, jsonLock, cover, zigbee, sensor, board, `{"device":"d","lock":{}}`} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		cfg, err := ParseConfig(data)
		if err != nil {
			return
		}
		p, err := cfg.plan()
		if err != nil || p.open == nil || len(p.needed) == 0 {
			t.Fatalf("an accepted configuration makes no device: %v", err)
		}
		if p.closure.Bolt && !p.hasBolt || p.closure.Contact && !p.hasContact {
			t.Fatalf("its closure asks for what it has not: %+v", p.closure)
		}
		encoded, err := json.Marshal(cfg)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := ParseConfig(encoded); err != nil {
			t.Fatalf("it does not survive the register: %v", err)
		}
	})
}
