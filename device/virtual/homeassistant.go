package virtual

import (
	"strconv"

	"github.com/eclipse/paho.golang/paho"
	"github.com/loquet/loquet/event"
)

// haLock speaks as Home Assistant's MQTT lock (home-assistant.io, "MQTT Lock"), with a binary sensor for the
// contact and a sensor for the battery.
type haLock struct {
	id, base string
	device   Device
}

func (h *haLock) commands() []string { return []string{h.base + "/set"} }

func (h *haLock) reports() []string {
	all := []string{h.base + "/state", h.base + "/availability", h.base + "/battery", h.base + "/answers"}
	if h.device.Kind != LobbyDoor {
		all = append(all, h.base+"/contact")
	}
	for _, a := range h.announcements() {
		all = append(all, a.topic)
	}
	return all
}

func (h *haLock) announcements() []publication {
	lock := h.entity("lock")
	lock["command_topic"], lock["state_topic"] = h.base+"/set", h.base+"/state"
	if h.device.Timestamps {
		lock["value_template"] = "{{ value_json.state }}"
	}
	if h.device.Kind == Box {
		lock["payload_open"] = "OPEN"
	}
	battery := h.entity("battery")
	battery["state_topic"], battery["device_class"] = h.base+"/battery", "battery"
	all := []publication{h.announce("lock", "lock", lock), h.announce("sensor", "battery", battery)}
	if h.device.Kind != LobbyDoor {
		contact := h.entity("contact")
		contact["state_topic"], contact["device_class"] = h.base+"/contact", "door"
		all = append(all, h.announce("binary_sensor", "contact", contact))
	}
	return all
}

func (h *haLock) entity(part string) map[string]any {
	return map[string]any{
		"name": h.device.Name, "unique_id": h.id + "-" + part, "availability_topic": h.base + "/availability",
		"device": map[string]any{"identifiers": []string{h.id}, "name": h.device.Name},
	}
}

func (h *haLock) announce(component, part string, config map[string]any) publication {
	return publication{
		topic: "homeassistant/" + component + "/" + h.id + "-" + part + "/config", payload: encode(config), retain: true,
	}
}

func (h *haLock) present() []publication {
	return []publication{{topic: h.base + "/availability", payload: "online", retain: true}}
}

func (h *haLock) will() publication {
	return publication{topic: h.base + "/availability", payload: "offline", retain: true}
}

var haBolts = map[event.Bolt]string{
	event.BoltLocked: "LOCKED", event.BoltUnlocked: "UNLOCKED", event.BoltJammed: "JAMMED",
}

func (h *haLock) report(s state, changed part) []publication {
	var all []publication
	if changed&partBolt != 0 {
		all = append(all, publication{topic: h.base + "/state", payload: stamped(h.device, haBolts[s.bolt], s), retain: true, report: true})
	}
	if changed&partContact != 0 && h.device.Kind != LobbyDoor {
		contact := map[event.Contact]string{event.ContactOpen: "ON", event.ContactClosed: "OFF"}[s.contact]
		all = append(all, publication{topic: h.base + "/contact", payload: contact, retain: true, report: true})
	}
	if changed&partBattery != 0 {
		all = append(all, publication{topic: h.base + "/battery", payload: strconv.Itoa(s.battery), retain: true})
	}
	return all
}

// stamped is the bare word, or an object with the device's time and the mover.
func stamped(d Device, word string, s state) string {
	if !d.Timestamps {
		return word
	}
	object := map[string]any{"state": word, "ts": s.at.UnixMilli()}
	if s.cause != "" {
		object["changed_by"] = s.cause
	}
	return encode(object)
}

func (h *haLock) accepted(a act) []publication {
	word := map[act]string{actOpen: "UNLOCKING", actSecure: "LOCKING"}[a]
	if h.device.Timestamps {
		return nil // a firmware that reports only where the bolt has come to rest
	}
	return []publication{{topic: h.base + "/state", payload: word, retain: true}}
}

func (h *haLock) refusal(p *paho.Publish) []publication {
	return []publication{refused(h.base+"/answers", p)}
}

// refused answers with the command's correlation data.
func refused(topic string, p *paho.Publish) publication {
	answer := publication{topic: topic, payload: `{"result":"refused"}`}
	if p.Properties != nil {
		answer.correlation = p.Properties.CorrelationData
	}
	return answer
}

func (h *haLock) codeReport(state, int, string) []publication { return nil }

func (h *haLock) understand(_ string, payload []byte) order {
	switch string(payload) {
	case "UNLOCK", "OPEN":
		return order{act: actOpen}
	case "LOCK":
		if h.device.Kind != Box {
			return order{act: actSecure}
		}
	}
	return order{}
}

func (h *haLock) register(id event.DeviceID) map[string]any {
	state := map[string]any{"topic": h.base + "/state"}
	if h.device.Timestamps {
		state["key"] = "state"
	}
	lock := map[string]any{
		"commandTopic": h.base + "/set", "state": state, "battery": map[string]any{"topic": h.base + "/battery"},
		"availability": []any{map[string]any{"topic": h.base + "/availability"}}, "answers": h.base + "/answers",
	}
	entry := map[string]any{"device": id, "lock": lock}
	if h.device.Kind != LobbyDoor {
		lock["contact"] = map[string]any{"topic": h.base + "/contact"}
	}
	if h.device.Kind == Box {
		lock["open"], lock["locksItself"] = "OPEN", true
		entry["closure"] = map[string]any{"contact": true}
	}
	return entry
}

// haCover speaks as Home Assistant's MQTT cover ("MQTT Cover", device class garage).
type haCover struct {
	id, base string
	device   Device
}

func (h *haCover) commands() []string { return []string{h.base + "/set"} }

func (h *haCover) reports() []string {
	return []string{h.base + "/state", h.base + "/availability", h.base + "/answers", h.announcements()[0].topic}
}

func (h *haCover) announcements() []publication {
	config := map[string]any{
		"name": h.device.Name, "unique_id": h.id, "device_class": "garage",
		"command_topic": h.base + "/set", "state_topic": h.base + "/state", "availability_topic": h.base + "/availability",
		"device": map[string]any{"identifiers": []string{h.id}, "name": h.device.Name},
	}
	if h.device.Timestamps {
		config["value_template"] = "{{ value_json.state }}"
	}
	return []publication{{topic: "homeassistant/cover/" + h.id + "/config", payload: encode(config), retain: true}}
}

func (h *haCover) present() []publication {
	return []publication{{topic: h.base + "/availability", payload: "online", retain: true}}
}

func (h *haCover) will() publication {
	return publication{topic: h.base + "/availability", payload: "offline", retain: true}
}

func (h *haCover) report(s state, _ part) []publication {
	return []publication{{
		topic: h.base + "/state", payload: stamped(h.device, coverWord(s), s), retain: true, report: true,
	}}
}

func coverWord(s state) string {
	switch {
	case s.moving != "":
		return s.moving
	case s.contact == event.ContactClosed:
		return "closed"
	}
	return "open"
}

func (h *haCover) accepted(act) []publication { return nil }

func (h *haCover) refusal(p *paho.Publish) []publication {
	return []publication{refused(h.base+"/answers", p)}
}

func (h *haCover) codeReport(state, int, string) []publication { return nil }

func (h *haCover) understand(_ string, payload []byte) order {
	switch string(payload) {
	case "OPEN":
		return order{act: actOpen}
	case "CLOSE":
		return order{act: actSecure}
	}
	return order{}
}

func (h *haCover) register(id event.DeviceID) map[string]any {
	state := map[string]any{"topic": h.base + "/state"}
	if h.device.Timestamps {
		state["key"] = "state"
	}
	return map[string]any{"device": id, "cover": map[string]any{
		"commandTopic": h.base + "/set", "state": state, "answers": h.base + "/answers",
		"availability": []any{map[string]any{"topic": h.base + "/availability"}},
	}}
}
