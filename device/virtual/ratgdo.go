package virtual

import (
	"github.com/eclipse/paho.golang/paho"
	"github.com/loquet/loquet/event"
)

// ratgdo speaks as a ratgdo board does (github.com/ratgdo/mqtt-ratgdo).
type ratgdo struct{ base string }

func (r *ratgdo) commands() []string { return []string{r.base + "/command/door"} }

func (r *ratgdo) reports() []string {
	return []string{r.base + "/status/door", r.base + "/status/obstruction", r.base + "/status/availability"}
}

func (r *ratgdo) announcements() []publication { return nil }

func (r *ratgdo) present() []publication {
	return []publication{
		{topic: r.base + "/status/availability", payload: "online", retain: true},
		{topic: r.base + "/status/obstruction", payload: "clear", retain: true},
	}
}

func (r *ratgdo) will() publication {
	return publication{topic: r.base + "/status/availability", payload: "offline", retain: true}
}

func (r *ratgdo) report(s state, _ part) []publication {
	return []publication{{topic: r.base + "/status/door", payload: coverWord(s), retain: true, report: true}}
}

func (r *ratgdo) accepted(act) []publication { return nil }

func (r *ratgdo) refusal(*paho.Publish) []publication { return nil }

func (r *ratgdo) codeReport(state, int, string) []publication { return nil }

func (r *ratgdo) understand(_ string, payload []byte) order {
	switch string(payload) {
	case "open":
		return order{act: actOpen}
	case "close":
		return order{act: actSecure}
	}
	return order{}
}

func (r *ratgdo) register(id event.DeviceID) map[string]any {
	return map[string]any{"device": id, "ratgdo": map[string]any{"prefix": r.base}}
}
