package mqtt

import (
	"encoding/json"
	"errors"
	"strconv"

	"github.com/loquet/loquet/event"
)

// plan of a lock behind Zigbee2MQTT. "lock_state" comes from the lock; "state" is the bridge's own guess, set as
// soon as it has sent a command, and isn't read at all.
func (z *Zigbee2MQTT) plan() (plan, error) {
	if z.Name == "" {
		return plan{}, errors.New("the lock's friendly name is missing")
	}
	base := or(z.Base, "zigbee2mqtt")
	topic := base + "/" + z.Name
	p := plan{
		open:    &command{topic + "/set", []byte(`{"state":"UNLOCK"}`)},
		secure:  &command{topic + "/set", []byte(`{"state":"LOCK"}`)},
		ask:     &command{topic + "/get", []byte(`{"state":""}`)},
		hasBolt: true, hasContact: z.DoorState || z.ContactName != "",
		needed: []string{topic}, availabilityMode: "all",
	}
	if z.DoorState && z.ContactName != "" {
		return plan{}, errors.New("the door's contact is either the lock's own or a sensor's, not both")
	}
	if p.hasContact {
		p.closure = event.Closure{Bolt: true, Contact: true}
	}
	p.listen(topic, z.readLock)
	if z.ContactName != "" {
		p.listen(base+"/"+z.ContactName, readZigbeeContact)
	}
	z.addAvailability(&p, base)
	err := z.addSlot(&p, topic)
	return p, err
}

func (z *Zigbee2MQTT) addAvailability(p *plan, base string) {
	p.availability = []string{base + "/bridge/state"}
	if z.Availability {
		p.availability = append(p.availability, base+"/"+z.Name+"/availability")
	}
	for _, topic := range p.availability {
		p.listen(topic, readZigbeeAvailability)
	}
}

func (z *Zigbee2MQTT) addSlot(p *plan, topic string) error {
	if z.CodeSlot == nil {
		return nil
	}
	if *z.CodeSlot < 0 || *z.CodeSlot > 999 {
		return errors.New("the slot for one-time codes is a number from 0 to 999")
	}
	p.slot = &slot{set: topic + "/set", get: topic + "/get", number: *z.CodeSlot}
	return nil
}

// zigbeeReport is what of a report is read. Pointers tell "not there" from "empty".
type zigbeeReport struct {
	LockState  json.RawMessage       `json:"lock_state"`
	DoorState  json.RawMessage       `json:"door_state"`
	Battery    json.RawMessage       `json:"battery"`
	Contact    json.RawMessage       `json:"contact"`
	Users      map[string]zigbeeUser `json:"users"`
	Action     string                `json:"action"`
	ActionFrom string                `json:"action_source_name"`
	LastSeen   json.RawMessage       `json:"last_seen"`
}

type zigbeeUser struct {
	Status string          `json:"status"`
	Code   json.RawMessage `json:"pin_code"`
}

var (
	zigbeeBolts = map[string]event.Bolt{
		"locked": event.BoltLocked, "unlocked": event.BoltUnlocked, "not_fully_locked": event.BoltUnknown,
	}
	zigbeeDoors = map[string]event.Contact{
		"open": event.ContactOpen, "closed": event.ContactClosed, "error_forced_open": event.ContactOpen,
	}
	zigbeeCauses = map[string]string{
		"keypad": "keypad", "manual": "manual", "rf": "remote", "rfid": "keypad", "fingerprint": "keypad",
		"auto": "auto", "auto_lock": "auto", "schedule": "auto",
	}
)

// readLock reads a lock's report: the bridge's whole memory of the device, so its parts are marked as such.
func (z *Zigbee2MQTT) readLock(payload []byte) (said, bool) {
	var report zigbeeReport
	if json.Unmarshal(payload, &report) != nil {
		return said{Bolt: event.BoltUnknown, memory: true}, false
	}
	s := said{memory: true, At: readTime(report.LastSeen), Battery: readBattery(report.Battery)}
	if report.LockState != nil {
		s.Bolt = or(zigbeeBolts[text(report.LockState)], event.BoltUnknown)
		s.opens, s.secures = s.Bolt == event.BoltUnlocked, s.Bolt == event.BoltLocked
	}
	if z.DoorState && report.DoorState != nil {
		s.Contact = or(zigbeeDoors[text(report.DoorState)], event.ContactUnknown)
		if text(report.DoorState) == "error_jammed" {
			s.Bolt, s.opens, s.secures = event.BoltJammed, false, false
		}
	}
	if report.Action != "" {
		s.Cause = zigbeeCauses[report.ActionFrom]
	}
	if z.CodeSlot != nil {
		if user, found := report.Users[strconv.Itoa(*z.CodeSlot)]; found {
			s.slot = &slotState{status: user.Status, code: text(user.Code)}
		}
	}
	return s, true
}

// readZigbeeContact reads a contact sensor: true is closed.
func readZigbeeContact(payload []byte) (said, bool) {
	var report zigbeeReport
	if json.Unmarshal(payload, &report) != nil {
		return said{Contact: event.ContactUnknown, memory: true}, false
	}
	s := said{memory: true, At: readTime(report.LastSeen)}
	switch text(report.Contact) {
	case "true":
		s.Contact = event.ContactClosed
	case "false":
		s.Contact = event.ContactOpen
	default:
		if report.Contact != nil {
			s.Contact = event.ContactUnknown
		}
	}
	return s, true
}

// readZigbeeAvailability reads {"state":"online"}, and the bare word of older versions.
func readZigbeeAvailability(payload []byte) (said, bool) {
	state := string(payload)
	var object struct {
		State string `json:"state"`
	}
	if json.Unmarshal(payload, &object) == nil {
		state = object.State
	}
	switch state {
	case "online":
		return said{Reach: event.ReachOnline}, true
	case "offline":
		return said{Reach: event.ReachOffline}, true
	}
	return said{}, false
}
