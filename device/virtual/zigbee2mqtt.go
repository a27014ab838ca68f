package virtual

import (
	"encoding/json"
	"maps"
	"strconv"
	"time"

	"github.com/eclipse/paho.golang/paho"
	"github.com/loquet/loquet/event"
)

// codeSlot is the keypad's slot that the register reserves for one-time codes.
const codeSlot = 3

// zigbee speaks as Zigbee2MQTT does for a lock (zigbee2mqtt.io, "MQTT topics and messages"; the converters
// lock, lock_operation_event and pincode_lock). Like the bridge it repeats its whole memory of the device in
// each message, and claims "state" as soon as a command is sent.
type zigbee struct {
	base   string
	device Device
	memory map[string]any // guarded by the thing's lock
}

func (z *zigbee) topic() string { return z.base + "/" + z.device.Name }

func (z *zigbee) commands() []string { return []string{z.topic() + "/set", z.topic() + "/get"} }

func (z *zigbee) reports() []string {
	return []string{z.topic(), z.topic() + "/availability", z.base + "/bridge/state", z.announcements()[0].topic}
}

func (z *zigbee) announcements() []publication {
	config := map[string]any{
		"name": nil, "unique_id": z.device.Name + "_lock", "origin": map[string]any{"name": "Zigbee2MQTT"},
		"command_topic": z.topic() + "/set", "state_topic": z.topic(), "value_template": "{{ value_json.lock_state }}",
		"state_locked": "locked", "state_unlocked": "unlocked", "availability_mode": "all",
		"availability": []any{
			map[string]any{"topic": z.base + "/bridge/state", "value_template": "{{ value_json.state }}"},
			map[string]any{"topic": z.topic() + "/availability", "value_template": "{{ value_json.state }}"},
		},
		"device": map[string]any{"identifiers": []string{z.device.Name}, "name": z.device.Name},
	}
	return []publication{{topic: "homeassistant/lock/" + z.device.Name + "/lock/config", payload: encode(config), retain: true}}
}

func (z *zigbee) present() []publication {
	return []publication{
		{topic: z.base + "/bridge/state", payload: `{"state":"online"}`, retain: true},
		{topic: z.topic() + "/availability", payload: `{"state":"online"}`, retain: true},
	}
}

func (z *zigbee) will() publication {
	return publication{topic: z.topic() + "/availability", payload: `{"state":"offline"}`, retain: true}
}

func (z *zigbee) report(s state, _ part) []publication {
	z.memory["lock_state"] = map[event.Bolt]string{
		event.BoltLocked: "locked", event.BoltUnlocked: "unlocked", event.BoltJammed: "not_fully_locked",
	}[s.bolt]
	z.memory["door_state"] = string(s.contact)
	z.memory["battery"], z.memory["linkquality"] = s.battery, 120
	z.seen(s)
	message := maps.Clone(z.memory)
	if source := map[string]string{"manual": "manual", "key": "manual", "keypad": "keypad", "remote": "rf"}[s.cause]; source != "" {
		message["action"] = map[bool]string{true: "unlock", false: "lock"}[s.bolt == event.BoltUnlocked]
		message["action_source_name"] = source
	}
	return z.publish(message, true)
}

// seen notes when the bridge heard of the device.
func (z *zigbee) seen(s state) {
	if z.device.Timestamps {
		z.memory["last_seen"] = s.at.UTC().Format(time.RFC3339Nano)
	}
}

func (z *zigbee) publish(message map[string]any, report bool) []publication {
	return []publication{{topic: z.topic(), payload: encode(message), report: report}}
}

// accepted claims the state that was ordered, as the bridge does, beside the old "lock_state".
func (z *zigbee) accepted(a act) []publication {
	z.memory["state"] = map[act]string{actOpen: "UNLOCK", actSecure: "LOCK"}[a]
	return z.publish(z.memory, false)
}

func (z *zigbee) refusal(*paho.Publish) []publication { return nil }

func (z *zigbee) codeReport(s state, slot int, code string) []publication {
	z.seen(s)
	users, _ := z.memory["users"].(map[string]any)
	users = maps.Clone(users)
	if users == nil {
		users = map[string]any{}
	}
	users[strconv.Itoa(slot)] = map[string]any{"status": map[bool]string{true: "enabled", false: "available"}[code != ""]}
	z.memory["users"] = users
	return z.publish(z.memory, true)
}

func (z *zigbee) understand(topic string, payload []byte) order {
	var message struct {
		State *string `json:"state"`
		Pin   *struct {
			User int             `json:"user"`
			Code json.RawMessage `json:"pin_code"`
		} `json:"pin_code"`
	}
	if json.Unmarshal(payload, &message) != nil {
		return order{}
	}
	get := topic == z.topic()+"/get"
	switch {
	case message.Pin != nil && get:
		return order{act: actGetCode, slot: message.Pin.User}
	case message.Pin != nil && (message.Pin.Code == nil || string(message.Pin.Code) == "null"):
		return order{act: actClearCode, slot: message.Pin.User}
	case message.Pin != nil:
		return order{act: actSetCode, slot: message.Pin.User, code: digits(message.Pin.Code)}
	case message.State != nil && get:
		return order{act: actGet}
	case message.State != nil && *message.State == "UNLOCK":
		return order{act: actOpen}
	case message.State != nil && *message.State == "LOCK":
		return order{act: actSecure}
	}
	return order{}
}

// digits reads a code as a string, or as a number (which loses leading zeros, as with the real bridge).
func digits(raw json.RawMessage) string {
	var s string
	if json.Unmarshal(raw, &s) == nil {
		return s
	}
	return string(raw)
}

func (z *zigbee) register(id event.DeviceID) map[string]any {
	return map[string]any{"device": id, "zigbee2mqtt": map[string]any{
		"base": z.base, "name": z.device.Name, "doorState": true, "codeSlot": codeSlot, "availability": true,
	}}
}
