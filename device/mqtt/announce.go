package mqtt

import (
	"encoding/json"
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strings"
)

// component returns which component announces itself on a topic of the form
// homeassistant/<component>/[<node>/]<object>/config.
func component(topic string) (string, bool) {
	parts := strings.Split(topic, "/")
	n := len(parts)
	if (n != 4 && n != 5) || parts[0] != "homeassistant" || parts[n-1] != "config" {
		return "", false
	}
	return parts[1], true
}

// announcement is a discovery message with its short keys written out and "~" replaced.
type announcement struct {
	component string
	keys      map[string]json.RawMessage
	name      string
	device    string // the first identifier of the hardware that it belongs to
	origin    string
}

// longKeys are Home Assistant's short keys, as far as they are read here ("MQTT Discovery", abbreviations).
var longKeys = map[string]string{
	"avty": "availability", "avty_mode": "availability_mode", "avty_t": "availability_topic",
	"avty_tpl": "availability_template", "cmd_t": "command_topic", "cmd_tpl": "command_template", "cod_form": "code_format",
	"dev": "device", "dev_cla": "device_class", "ids": "identifiers", "o": "origin", "opt": "optimistic",
	"pl_avail": "payload_available", "pl_cls": "payload_close", "pl_lock": "payload_lock",
	"pl_not_avail": "payload_not_available", "pl_off": "payload_off", "pl_on": "payload_on", "pl_open": "payload_open",
	"pl_unlk": "payload_unlock", "ret": "retain", "stat_clsd": "state_closed", "stat_closing": "state_closing",
	"stat_jam": "state_jammed", "stat_locked": "state_locked", "stat_locking": "state_locking", "stat_open": "state_open",
	"stat_opening": "state_opening", "stat_stopped": "state_stopped", "stat_t": "state_topic",
	"stat_unlocked": "state_unlocked", "stat_unlocking": "state_unlocking", "t": "topic", "val_tpl": "value_template",
}

func parseAnnouncement(component string, payload []byte) (announcement, error) {
	a := announcement{component: component}
	if json.Unmarshal(payload, &a.keys) != nil || a.keys == nil {
		return announcement{}, errors.New("its announcement is not a JSON object")
	}
	a.keys = written(a.keys)
	base := a.text("~")
	for key, value := range a.keys {
		if strings.HasSuffix(key, "topic") {
			a.keys[key] = quote(replaceBase(text(value), base))
		}
	}
	hardware := a.object("device")
	a.device, a.origin = firstIdentifier(hardware["identifiers"]), text(a.object("origin")["name"])
	a.name = a.text("name")
	if model := text(hardware["name"]); a.name == "" || a.name == "null" {
		a.name = model
	}
	return a, nil
}

// written writes short keys out. Where both are given, the long one counts.
func written(short map[string]json.RawMessage) map[string]json.RawMessage {
	long := make(map[string]json.RawMessage, len(short))
	for key, value := range short {
		if name, known := longKeys[key]; known {
			if _, both := short[name]; both {
				continue
			}
			key = name
		}
		long[key] = value
	}
	return long
}

func replaceBase(topic, base string) string {
	if rest, found := strings.CutPrefix(topic, "~"); found {
		return base + rest
	}
	if rest, found := strings.CutSuffix(topic, "~"); found {
		return rest + base
	}
	return topic
}

func quote(s string) json.RawMessage {
	quoted, err := json.Marshal(s)
	if err != nil {
		panic("a string always encodes: " + err.Error())
	}
	return quoted
}

func (a announcement) text(key string) string {
	if raw, found := a.keys[key]; found && string(raw) != "null" {
		return text(raw)
	}
	return ""
}

func (a announcement) object(key string) map[string]json.RawMessage {
	var object map[string]json.RawMessage
	if json.Unmarshal(a.keys[key], &object) != nil {
		return nil
	}
	return written(object)
}

func firstIdentifier(raw json.RawMessage) string {
	var several []string
	if json.Unmarshal(raw, &several) == nil && len(several) > 0 {
		return several[0]
	}
	var one string
	if json.Unmarshal(raw, &one) != nil {
		return ""
	}
	return one
}

// config makes a configuration, or says why the device can't be an access point.
func (a announcement) config(sensors []announcement) (Config, error) {
	if err := a.usable(); err != nil {
		return Config{}, err
	}
	cfg := Config{Device: "unnamed"}
	var err error
	switch {
	case a.component == "cover":
		cfg.Cover, err = a.cover(sensors)
	case a.isZigbee():
		cfg.Zigbee2MQTT = a.zigbee()
	default:
		cfg.Lock, err = a.lock(sensors)
	}
	if err != nil {
		return Config{}, err
	}
	if _, err := cfg.plan(); err != nil {
		return Config{}, err
	}
	cfg.Device = ""
	return cfg, nil
}

// usable says what rules a device out, in words for whoever wants to enrol it.
func (a announcement) usable() error {
	switch {
	case a.text("command_topic") == "":
		return errors.New("it takes no commands")
	case a.text("state_topic") == "":
		return errors.New("it reports no state (it is optimistic), so that nothing could ever be proven")
	case a.text("optimistic") == "true":
		return errors.New("it is set to optimistic: it would claim a state that nobody has seen")
	case a.text("retain") == "true":
		return errors.New("its commands are retained by the broker, and would be carried out again at each reconnection: set retain to false")
	case a.text("command_template") != "":
		return errors.New("its commands are made by a template, which is not supported")
	case a.text("code_format") != "":
		return errors.New("it asks for a code with each command, which is not supported")
	}
	return nil
}

// isZigbee says whether Zigbee2MQTT announced it, whose reports are its own memory (see readLock).
func (a announcement) isZigbee() bool {
	return strings.EqualFold(a.origin, "Zigbee2MQTT") || a.text("command_topic") == a.text("state_topic")+"/set"
}

func (a announcement) zigbee() *Zigbee2MQTT {
	base, name, _ := strings.Cut(a.text("state_topic"), "/")
	z := &Zigbee2MQTT{Base: base, Name: name}
	for _, one := range a.availability() {
		if rest, found := strings.CutSuffix(one.Topic, "/bridge/state"); found {
			z.Base, z.Name = rest, strings.TrimPrefix(a.text("state_topic"), rest+"/")
		}
		z.Availability = z.Availability || one.Topic == a.text("state_topic")+"/availability"
	}
	return z
}

func (a announcement) lock(sensors []announcement) (*Lock, error) {
	state, err := a.source("state_topic")
	if err != nil {
		return nil, err
	}
	extras, err := a.extras(sensors, true)
	return &Lock{
		CommandTopic: a.text("command_topic"), State: state, Extras: extras,
		Open: or(a.text("payload_open"), a.text("payload_unlock")), Secure: a.text("payload_lock"),
		States: LockStates{
			Locked: a.text("state_locked"), Locking: a.text("state_locking"), Unlocked: a.text("state_unlocked"),
			Unlocking: a.text("state_unlocking"), Jammed: a.text("state_jammed"), Open: a.text("state_open"),
			Opening: a.text("state_opening"),
		},
	}, err
}

func (a announcement) cover(sensors []announcement) (*Cover, error) {
	state, err := a.source("state_topic")
	if err != nil {
		return nil, err
	}
	extras, err := a.extras(sensors, false)
	return &Cover{
		CommandTopic: a.text("command_topic"), State: state, Extras: extras,
		Open: a.text("payload_open"), Close: a.text("payload_close"),
		States: CoverStates{
			Open: a.text("state_open"), Opening: a.text("state_opening"), Closed: a.text("state_closed"),
			Closing: a.text("state_closing"), Stopped: a.text("state_stopped"),
		},
	}, err
}

// simpleTemplate matches the templates that are understood: the whole value, or one key of its object.
var simpleTemplate = regexp.MustCompile(`^\{\{\s*(?:value|value_json\.(\w+)|value_json\[['"](\w+)['"]\])\s*\}\}$`)

func (a announcement) source(topicKey string) (Source, error) {
	const templateKey = "value_template"
	source := Source{Topic: a.text(topicKey)}
	template := strings.TrimSpace(a.text(templateKey))
	if template == "" {
		return source, nil
	}
	match := simpleTemplate.FindStringSubmatch(template)
	if match == nil {
		return Source{}, fmt.Errorf("its %s is more than a key of a JSON object, which is not supported", templateKey)
	}
	source.Key = match[1] + match[2]
	return source, nil
}

// extras finds the contact and the battery that belong to the same hardware; where several could be meant, a
// person has to say which.
func (a announcement) extras(sensors []announcement, wantsContact bool) (Extras, error) {
	var extras Extras
	var contacts []Contact
	for _, s := range sensors {
		source, err := s.source("state_topic")
		if err != nil || source.Topic == "" {
			continue
		}
		switch class := s.text("device_class"); {
		case s.component == "sensor" && class == "battery":
			extras.Battery = &source
		case s.component == "binary_sensor" && wantsContact && slices.Contains([]string{"door", "opening", "garage_door"}, class):
			contacts = append(contacts, Contact{Source: source, Open: s.text("payload_on"), Closed: s.text("payload_off")})
		}
	}
	if len(contacts) == 1 {
		extras.Contact = &contacts[0]
	}
	extras.Availability, extras.AvailabilityMode = a.availability(), a.text("availability_mode")
	if a.text("availability_template") != "" {
		return Extras{}, errors.New("its availability is made by a template, which is not supported")
	}
	return extras, nil
}

// availability reads both forms: a topic, or a list of them.
func (a announcement) availability() []Availability {
	if topic := a.text("availability_topic"); topic != "" {
		return []Availability{{
			Source: Source{Topic: topic}, Online: a.text("payload_available"), Offline: a.text("payload_not_available"),
		}}
	}
	var items []map[string]json.RawMessage
	if json.Unmarshal(a.keys["availability"], &items) != nil {
		return nil
	}
	var all []Availability
	for _, item := range items {
		one := announcement{keys: written(item)}
		source, err := one.source("topic")
		if err != nil {
			continue // a topic that is not understood can't make the device look reachable
		}
		source.Topic = replaceBase(source.Topic, a.text("~"))
		all = append(all, Availability{Source: source, Online: one.text("payload_available"), Offline: one.text("payload_not_available")})
	}
	return all
}
