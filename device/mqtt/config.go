package mqtt

import (
	"bytes"
	"errors"
	"fmt"
	"strings"

	"github.com/loquet/loquet/event"
)

// Config describes one device in the register of devices. Exactly one family is set.
type Config struct {
	Device      event.DeviceID `json:"device"`
	Lock        *Lock          `json:"lock,omitempty"`
	Cover       *Cover         `json:"cover,omitempty"`
	Zigbee2MQTT *Zigbee2MQTT   `json:"zigbee2mqtt,omitempty"`
	Ratgdo      *Ratgdo        `json:"ratgdo,omitempty"`
	// Closure says what proves the barrier shut, where it isn't what the family implies: bolt and contact for a
	// lock with a contact, contact for a garage door, nothing for a lock without a contact, because a bolt can
	// also be out while the door stands open.
	Closure *event.Closure `json:"closure,omitempty"`
	// Horizon is how long an observation stays fresh, in milliseconds (default 60,000). What waited at the broker
	// while nobody listened counts as fresh only with 60,000 and more (see the package's description).
	Horizon event.Millis `json:"horizon,omitempty"`
	// Lateness is how long after its deadline a command may still act, in milliseconds (default 5,000: what a
	// socket may hold, see patience.Limit, and the rounding of the message expiry; -1: nobody knows).
	Lateness event.Millis `json:"lateness,omitempty"`
}

// Lock is a lock as Home Assistant's MQTT lock describes it.
type Lock struct {
	CommandTopic string `json:"commandTopic"`
	// Open is the payload that opens (default "UNLOCK"; "OPEN" for a lock that pulls a latch).
	Open string `json:"open,omitempty"`
	// Secure is the payload that locks (default "LOCK").
	Secure string `json:"secure,omitempty"`
	// LocksItself says that the lock takes no command to lock: it falls shut.
	LocksItself bool       `json:"locksItself,omitempty"`
	State       Source     `json:"state"`
	States      LockStates `json:"states,omitzero"`
	Extras
}

// LockStates are the words for the states; "" is Home Assistant's default, in capitals.
type LockStates struct {
	Locked    string `json:"locked,omitempty"`
	Locking   string `json:"locking,omitempty"`
	Unlocked  string `json:"unlocked,omitempty"`
	Unlocking string `json:"unlocking,omitempty"`
	Jammed    string `json:"jammed,omitempty"`
	Open      string `json:"open,omitempty"`
	Opening   string `json:"opening,omitempty"`
}

// Cover is a garage door or another closing as Home Assistant's MQTT cover describes it.
type Cover struct {
	CommandTopic string      `json:"commandTopic"`
	Open         string      `json:"open,omitempty"`
	Close        string      `json:"close,omitempty"`
	State        Source      `json:"state"`
	States       CoverStates `json:"states,omitzero"`
	Extras
}

// CoverStates are the words for the states; "" is Home Assistant's default, in small letters.
type CoverStates struct {
	Open    string `json:"open,omitempty"`
	Opening string `json:"opening,omitempty"`
	Closed  string `json:"closed,omitempty"`
	Closing string `json:"closing,omitempty"`
	Stopped string `json:"stopped,omitempty"`
}

// Extras are what a Home Assistant device may have beside its own state.
type Extras struct {
	Contact      *Contact       `json:"contact,omitempty"`
	Battery      *Source        `json:"battery,omitempty"`
	Availability []Availability `json:"availability,omitempty"`
	// AvailabilityMode is "all", "any" or "latest" (default).
	AvailabilityMode string `json:"availabilityMode,omitempty"`
	// Answers is a topic on which the device may answer a command that it refused: the MQTT 5 correlation data of
	// the command, and {"result":"refused"}. Every other result is ignored, because accepted is not done.
	Answers string `json:"answers,omitempty"`
}

// Source is where a value is reported: a topic, and the key in its JSON object, "" for the whole payload.
type Source struct {
	Topic string `json:"topic"`
	Key   string `json:"key,omitempty"`
}

// Contact is a door's contact as Home Assistant's MQTT binary sensor describes it: on is open.
type Contact struct {
	Source
	// Open and Closed are the words (default "ON" and "OFF").
	Open   string `json:"open,omitempty"`
	Closed string `json:"closed,omitempty"`
}

// Availability is where a device, or its last will, says whether it is there.
type Availability struct {
	Source
	// Online and Offline are the words (default "online" and "offline").
	Online  string `json:"online,omitempty"`
	Offline string `json:"offline,omitempty"`
}

// Zigbee2MQTT is a lock behind Zigbee2MQTT.
type Zigbee2MQTT struct {
	// Base is the bridge's base topic (default "zigbee2mqtt").
	Base string `json:"base,omitempty"`
	// Name is the lock's friendly name.
	Name string `json:"name"`
	// DoorState says that the lock itself reports door_state.
	DoorState bool `json:"doorState,omitempty"`
	// ContactName is the friendly name of a contact sensor on the same door.
	ContactName string `json:"contactName,omitempty"`
	// CodeSlot is the keypad's user slot reserved for one-time codes; nil when it takes none. What somebody else
	// keeps in that slot is overwritten.
	CodeSlot *int `json:"codeSlot,omitempty"`
	// Availability says that the bridge's availability feature is on for this device.
	Availability bool `json:"availability,omitempty"`
}

// Ratgdo is a garage door behind a ratgdo board.
type Ratgdo struct {
	// Prefix is "<prefix>/<name>" of the board.
	Prefix string `json:"prefix"`
}

// Defaults of what a device declares.
const (
	defaultHorizon  = 60 * event.Second
	defaultLateness = 5 * event.Second
)

// ParseConfig decodes a configuration strictly, and checks it.
func ParseConfig(data []byte) (Config, error) {
	cfg, err := decodeConfig(data)
	if err != nil {
		return Config{}, err
	}
	return cfg.checked()
}

// ParseConfigFor is ParseConfig for a device that is named elsewhere: the configuration, as that of a device that was
// discovered, may leave its name out.
func ParseConfigFor(id event.DeviceID, data []byte) (Config, error) {
	cfg, err := decodeConfig(data)
	if err != nil {
		return Config{}, err
	}
	cfg.Device = id
	return cfg.checked()
}

func (cfg Config) checked() (Config, error) {
	if _, err := cfg.plan(); err != nil {
		return Config{}, err
	}
	return cfg, nil
}

func decodeConfig(data []byte) (Config, error) {
	var cfg Config
	if err := event.Strict(data, &cfg); err != nil {
		return Config{}, fmt.Errorf("the device's configuration can't be read: %w", err)
	}
	return cfg, nil
}

// plan says everything that the connector needs to know, or what is wrong.
func (cfg Config) plan() (plan, error) {
	if cfg.Device == "" {
		return plan{}, errors.New("the device has no identifier")
	}
	if cfg.Horizon < 0 || cfg.Lateness < event.UnboundedLateness {
		return plan{}, errors.New("the horizon and the lateness are milliseconds, not negative (a lateness of -1 is unbounded)")
	}
	p, err := cfg.family()
	if err != nil {
		return plan{}, err
	}
	if err := p.check(); err != nil {
		return plan{}, err
	}
	if cfg.Closure != nil {
		if (cfg.Closure.Bolt && !p.hasBolt) || (cfg.Closure.Contact && !p.hasContact) {
			return plan{}, errors.New("the closure asks for a part that the device does not report")
		}
		p.closure = *cfg.Closure
	}
	return p, nil
}

func (cfg Config) family() (plan, error) {
	var plans []func() (plan, error)
	if cfg.Lock != nil {
		plans = append(plans, cfg.Lock.plan)
	}
	if cfg.Cover != nil {
		plans = append(plans, cfg.Cover.plan)
	}
	if cfg.Zigbee2MQTT != nil {
		plans = append(plans, cfg.Zigbee2MQTT.plan)
	}
	if cfg.Ratgdo != nil {
		plans = append(plans, cfg.Ratgdo.plan)
	}
	if len(plans) != 1 {
		return plan{}, errors.New("exactly one of lock, cover, zigbee2mqtt and ratgdo must be given")
	}
	return plans[0]()
}

func (cfg Config) spec(p plan) event.Spec {
	return event.Spec{
		Device: cfg.Device, Closure: p.closure, Grade: event.GradeReported,
		Horizon: or(cfg.Horizon, defaultHorizon), Lateness: or(cfg.Lateness, defaultLateness),
		Opens: true, Secures: p.secure != nil, Reads: p.ask != nil, Codes: p.slot != nil,
	}
}

// plan is what the families are reduced to.
type plan struct {
	open, secure, ask *command
	topics            map[string][]reader
	// needed are the topics without which no answer would be heard.
	needed              []string
	closure             event.Closure
	hasBolt, hasContact bool
	availability        []string
	availabilityMode    string
	answers             string
	slot                *slot
}

// command is one thing to publish.
type command struct {
	topic   string
	payload []byte
}

func (p *plan) listen(topic string, read reader) {
	if p.topics == nil {
		p.topics = map[string][]reader{}
	}
	p.topics[topic] = append(p.topics[topic], read)
}

// check refuses topics that a device can't be heard or told on.
func (p *plan) check() error {
	for topic := range p.topics {
		if err := checkTopic(topic); err != nil {
			return err
		}
	}
	for _, c := range []*command{p.open, p.secure, p.ask} {
		if c == nil {
			continue
		}
		if err := checkTopic(c.topic); err != nil {
			return err
		}
		if len(c.payload) == 0 {
			return errors.New("a command is empty")
		}
		if p.topics[c.topic] != nil {
			return fmt.Errorf("%q is both a command's topic and a report's: the device would be confirmed by our own command", c.topic)
		}
	}
	if p.secure != nil && p.open.topic == p.secure.topic && bytes.Equal(p.open.payload, p.secure.payload) {
		return errors.New("opening and securing are the same command: a device that only toggles can't be used")
	}
	return nil
}

func checkTopic(topic string) error {
	if topic == "" || len(topic) > 512 || topic[0] == '$' || strings.ContainsAny(topic, "+#\x00") {
		return fmt.Errorf("%q is not the topic of one device", topic)
	}
	return nil
}

func or[T comparable](value, otherwise T) T {
	var zero T
	if value == zero {
		return otherwise
	}
	return value
}
