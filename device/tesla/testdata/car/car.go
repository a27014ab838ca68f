package main

import (
	"crypto/rand"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"sync"
	"time"

	"github.com/teslamotors/vehicle-command/internal/authentication"
	"github.com/teslamotors/vehicle-command/pkg/protocol/protobuf/carserver"
	verrors "github.com/teslamotors/vehicle-command/pkg/protocol/protobuf/errors"
	"github.com/teslamotors/vehicle-command/pkg/protocol/protobuf/signatures"
	universal "github.com/teslamotors/vehicle-command/pkg/protocol/protobuf/universalmessage"
	"github.com/teslamotors/vehicle-command/pkg/protocol/protobuf/vcsec"
	"google.golang.org/protobuf/proto"
)

// body is how the car really is.
type body struct {
	Lock     int32 // vcsec.VehicleLockState_E
	Trunk    int32 // vcsec.ClosureState_E
	Frunk    int32
	Door     int32 // the driver's
	Powered  bool  // the trunk has a motor, so that the command to move it is a toggle
	NoParts  bool  // the closures are left out of what it says
	NoStatus bool  // the status is
}

// quirks are what is wrong with the car, with its cloud and with the way between them.
type quirks struct {
	Asleep, Offline bool
	Deaf            bool // commands are taken, and nothing happens
	Refuse          bool // it answers that it will not (not in park)
	RefuseUnsigned  bool // somebody on the way says so in its name, although it did
	Jam             bool // the latch fails
	MotorDelay      int  // ms
	ReportDelay     int  // ms after which it says what changed
	Mute            bool // after a command, questions are not answered any more
	Old             bool // software before 2024.38: answers are not signed
	Fault           int32
	FaultAfter      bool   // the fault is answered although the command was carried out
	Lost            string // what becomes of answers to commands: cut, silent, truncated, gateway, garbage, empty
	LostAnswers     string // and of those to questions
	Replay          bool   // each answer to a question is the last one before a command
	Strip           bool   // the cloud answers questions itself, unsigned
	NewEpoch        bool   // the car restarts before the next message
	SleepsFor       int    // ms that it takes to wake up

	Token      string // only this one is taken
	Status     int    // instead of any answer
	Error      string
	RetryAfter string
	HTML       bool
	Cut        bool
	Stall      bool
	Drive      json.RawMessage // instead of the drive state
	Config     json.RawMessage // instead of the configuration
}

// report is what a test may know.
type report struct {
	Version                                             int
	Body                                                body
	OpenCommands, SecureCommands, Openings, Signals     int
	TrunkMoves, Unlocks, Requests, Verified, Handshakes int
	Rejected                                            map[string]int // by fault
	Wakes                                               int
	Private                                             []string // requests for anything but what is needed
	Motors                                              int      // requests for the configuration
}

// car is one car.
type car struct {
	vin string
	key authentication.ECDHPrivateKey

	mu        sync.Mutex
	body      body
	quirks    quirks
	report    report
	paired    map[string]bool // public keys
	verifiers map[string]*authentication.Verifier
	counters  map[string]uint32
	last      []byte // the last answer to a question
	before    []byte // the last one before a command
	told      body   // what it says of itself

	toldVersion int
	changed     chan struct{}
}

func newCar(vin string) *car {
	key, err := authentication.NewECDHPrivateKey(rand.Reader)
	if err != nil {
		panic(err)
	}
	return &car{
		vin: vin, key: key, body: body{Lock: 1}, told: body{Lock: 1}, paired: map[string]bool{}, verifiers: map[string]*authentication.Verifier{},
		counters: map[string]uint32{}, changed: make(chan struct{}), report: report{Rejected: map[string]int{}},
	}
}

// change is called under the lock.
func (c *car) change() {
	now, version := c.body, c.report.Version
	if c.quirks.ReportDelay == 0 {
		c.told, c.toldVersion = now, version
	} else {
		time.AfterFunc(time.Duration(c.quirks.ReportDelay)*time.Millisecond, func() {
			c.mu.Lock()
			defer c.mu.Unlock()
			if version >= c.toldVersion {
				c.told, c.toldVersion = now, version
			}
		})
	}
	c.report.Version++
	close(c.changed)
	c.changed = make(chan struct{})
}

func (c *car) count(r *http.Request) quirks {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.report.Requests++
	if strings.HasSuffix(r.URL.Path, "vehicle_data") {
		switch r.URL.Query().Get("endpoints") {
		case "location_data;drive_state":
		case "vehicle_config":
			c.report.Motors++
		default:
			c.report.Private = append(c.report.Private, r.URL.String())
		}
	}
	return c.quirks
}

// config has what a car's configuration says of its trunk.
func (c *car) config() any {
	c.mu.Lock()
	defer c.mu.Unlock()
	if said := c.quirks.Config; len(said) > 0 && string(said) != "null" {
		return said
	}
	return map[string]any{"can_actuate_trunks": true, "plg": c.body.Powered, "car_type": "modely"}
}

func (c *car) quirksNow() quirks {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.quirks
}

func (c *car) isPaired() bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	return len(c.paired) > 0
}

// seen waits for a change after a version.
func (c *car) seen(done <-chan struct{}, since int) report {
	for {
		c.mu.Lock()
		r, changed := c.report, c.changed
		r.Body = c.body
		r.Rejected = map[string]int{}
		for k, v := range c.report.Rejected {
			r.Rejected[k] = v
		}
		c.mu.Unlock()
		if since == 0 || r.Version >= since {
			return r
		}
		select {
		case <-changed:
		case <-done:
			return r
		}
	}
}

func (c *car) set(what string, value []byte) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	defer c.change()
	switch what {
	case "body":
		return json.Unmarshal(value, &c.body)
	case "quirks":
		c.quirks = quirks{}
		return json.Unmarshal(value, &c.quirks)
	case "pair", "unpair":
		public, err := readPublic(value)
		if err == nil {
			c.paired[string(public)] = what == "pair"
		}
		return err
	}
	return errors.New("nothing is called " + what)
}

func (c *car) online() string {
	c.mu.Lock()
	defer c.mu.Unlock()
	switch {
	case c.quirks.Asleep:
		return "asleep"
	case c.quirks.Offline:
		return "offline"
	}
	return "online"
}

func (c *car) wake() string {
	c.mu.Lock()
	c.report.Wakes++
	if c.quirks.Asleep && !c.quirks.Offline {
		time.AfterFunc(time.Duration(c.quirks.SleepsFor)*time.Millisecond, func() {
			c.mu.Lock()
			defer c.mu.Unlock()
			c.quirks.Asleep = false
			c.change()
		})
	}
	c.mu.Unlock()
	return c.online()
}

// hear is one message to the car. Lost says what becomes of the answer on its way.
func (c *car) hear(raw []byte) (said []byte, lost string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	var m universal.RoutableMessage
	if err := proto.Unmarshal(raw, &m); err != nil {
		return nil, "empty"
	}
	if c.quirks.NewEpoch {
		c.quirks.NewEpoch = false
		c.verifiers, c.counters = map[string]*authentication.Verifier{}, map[string]uint32{}
	}
	reply := &universal.RoutableMessage{
		ToDestination: m.GetFromDestination(), FromDestination: m.GetToDestination(), RequestUuid: m.GetUuid(),
	}
	act := false
	switch {
	case m.GetSessionInfoRequest() != nil:
		c.greet(&m, reply)
	case m.GetSignatureData() != nil:
		act = c.obey(&m, reply)
	default:
		c.tellAnybody(&m, reply)
	}
	encoded, err := proto.Marshal(reply)
	if err != nil {
		return nil, "empty"
	}
	if act {
		c.before = c.last
		c.change()
		if c.quirks.Mute {
			c.quirks.LostAnswers = "silent"
		}
		return encoded, c.quirks.Lost
	}
	if m.GetSessionInfoRequest() == nil {
		if c.last = encoded; c.quirks.Replay && c.before != nil {
			encoded = c.redirected(c.before, reply)
		}
	}
	return encoded, c.quirks.LostAnswers
}

// redirected is an old answer, addressed like the new one.
func (c *car) redirected(old []byte, to *universal.RoutableMessage) []byte {
	var m universal.RoutableMessage
	_ = proto.Unmarshal(old, &m)
	m.ToDestination, m.RequestUuid = to.ToDestination, to.RequestUuid
	encoded, _ := proto.Marshal(&m)
	return encoded
}

// verifier is Tesla's own, one for each domain and key.
func (c *car) verifier(domain universal.Domain, public []byte) (*authentication.Verifier, error) {
	name := fmt.Sprint(domain) + string(public)
	if v := c.verifiers[name]; v != nil {
		return v, nil
	}
	v, err := authentication.NewVerifier(c.key, []byte(c.vin), domain, public)
	if err == nil {
		c.verifiers[name] = v
	}
	return v, err
}

func (c *car) greet(m, reply *universal.RoutableMessage) {
	c.report.Handshakes++
	public := m.GetSessionInfoRequest().GetPublicKey()
	if !c.paired[string(public)] {
		info, _ := proto.Marshal(&signatures.SessionInfo{Status: signatures.Session_Info_Status_SESSION_INFO_STATUS_KEY_NOT_ON_WHITELIST})
		reply.Payload = &universal.RoutableMessage_SessionInfo{SessionInfo: info}
		return
	}
	v, err := c.verifier(m.GetToDestination().GetDomain(), public)
	if err == nil {
		err = v.SetSessionInfo(m.GetUuid(), reply)
	}
	if err != nil {
		c.refuse(reply, universal.MessageFault_E_MESSAGEFAULT_ERROR_INTERNAL)
	}
}

func (c *car) refuse(reply *universal.RoutableMessage, fault universal.MessageFault_E) {
	c.report.Rejected[fault.String()]++
	reply.SignedMessageStatus = &universal.MessageStatus{
		OperationStatus: universal.OperationStatus_E_OPERATIONSTATUS_ERROR, SignedMessageFault: fault,
	}
}

// obey verifies a signed message, and does what it says. Act says that it was a command and not a question.
func (c *car) obey(m, reply *universal.RoutableMessage) (act bool) {
	public := m.GetSignatureData().GetSignerIdentity().GetPublicKey()
	if !c.paired[string(public)] {
		c.refuse(reply, universal.MessageFault_E_MESSAGEFAULT_ERROR_UNKNOWN_KEY_ID)
		return false
	}
	v, err := c.verifier(m.GetToDestination().GetDomain(), public)
	if err != nil {
		c.refuse(reply, universal.MessageFault_E_MESSAGEFAULT_ERROR_INTERNAL)
		return false
	}
	plain, err := v.Verify(m)
	if err != nil {
		c.unverified(err, reply)
		return false
	}
	c.report.Verified++
	act = true
	if m.GetToDestination().GetDomain() == universal.Domain_DOMAIN_INFOTAINMENT {
		c.infotainment(plain, reply)
	} else {
		act = c.security(plain, reply)
	}
	if act && c.quirks.Fault != 0 {
		c.refuse(reply, universal.MessageFault_E(c.quirks.Fault))
		return act
	}
	unsigned := c.quirks.Old || !act && c.quirks.Strip || act && c.quirks.RefuseUnsigned
	if m.GetFlags()&(1<<universal.Flags_FLAG_ENCRYPT_RESPONSE) != 0 && !unsigned {
		reply.Flags = m.GetFlags()
		id := string(authentication.RequestID(m))
		c.counters[id]++
		if err := v.Encrypt(reply, []byte(id), c.counters[id]); err != nil {
			c.refuse(reply, universal.MessageFault_E_MESSAGEFAULT_ERROR_INTERNAL)
		}
	}
	return act
}

// unverified answers as a car does: with the fault, and with what the client needs to mend it.
func (c *car) unverified(err error, reply *universal.RoutableMessage) {
	var bad *authentication.InvalidSignatureError
	var other *authentication.Error
	switch {
	case errors.As(err, &bad):
		c.refuse(reply, bad.Code)
		reply.Payload = &universal.RoutableMessage_SessionInfo{SessionInfo: bad.EncodedInfo}
		reply.SubSigData = &universal.RoutableMessage_SignatureData{SignatureData: &signatures.SignatureData{
			SigType: &signatures.SignatureData_SessionInfoTag{SessionInfoTag: &signatures.HMAC_Signature_Data{Tag: bad.Tag}},
		}}
	case errors.As(err, &other):
		c.refuse(reply, other.Code)
	default:
		c.refuse(reply, universal.MessageFault_E_MESSAGEFAULT_ERROR_INTERNAL)
	}
}

func (c *car) say(reply *universal.RoutableMessage, m proto.Message) {
	encoded, _ := proto.Marshal(m)
	reply.Payload = &universal.RoutableMessage_ProtobufMessageAsBytes{ProtobufMessageAsBytes: encoded}
}

// tellAnybody answers what needs no key.
func (c *car) tellAnybody(m, reply *universal.RoutableMessage) {
	var u vcsec.UnsignedMessage
	if proto.Unmarshal(m.GetProtobufMessageAsBytes(), &u) != nil || u.GetInformationRequest() == nil {
		c.refuse(reply, universal.MessageFault_E_MESSAGEFAULT_ERROR_INSUFFICIENT_PRIVILEGES)
		return
	}
	c.say(reply, c.status())
}

func (c *car) status() *vcsec.FromVCSECMessage {
	if c.told.NoStatus {
		return &vcsec.FromVCSECMessage{}
	}
	s := &vcsec.VehicleStatus{
		VehicleLockState: vcsec.VehicleLockState_E(c.told.Lock), VehicleSleepStatus: vcsec.VehicleSleepStatus_E_VEHICLE_SLEEP_STATUS_AWAKE,
	}
	if !c.told.NoParts {
		s.ClosureStatuses = &vcsec.ClosureStatuses{
			RearTrunk: vcsec.ClosureState_E(c.told.Trunk), FrontTrunk: vcsec.ClosureState_E(c.told.Frunk),
			FrontDriverDoor: vcsec.ClosureState_E(c.told.Door),
		}
	}
	return &vcsec.FromVCSECMessage{SubMessage: &vcsec.FromVCSECMessage_VehicleStatus{VehicleStatus: s}}
}

// security is the body's controller.
func (c *car) security(plain []byte, reply *universal.RoutableMessage) (act bool) {
	var u vcsec.UnsignedMessage
	if proto.Unmarshal(plain, &u) != nil {
		c.refuse(reply, universal.MessageFault_E_MESSAGEFAULT_ERROR_DECODING)
		return false
	}
	if u.GetInformationRequest() != nil {
		c.say(reply, c.status())
		return false
	}
	opens, do := c.command(&u)
	if opens {
		c.report.OpenCommands++
	} else {
		c.report.SecureCommands++
	}
	if c.quirks.Refuse || c.quirks.RefuseUnsigned {
		c.say(reply, &vcsec.FromVCSECMessage{SubMessage: &vcsec.FromVCSECMessage_NominalError{
			NominalError: &verrors.NominalError{GenericError: verrors.GenericError_E_GENERICERROR_VEHICLE_NOT_IN_PARK},
		}})
	} else {
		c.say(reply, &vcsec.FromVCSECMessage{})
	}
	if c.quirks.Refuse || c.quirks.Deaf || c.quirks.Fault != 0 && !c.quirks.FaultAfter {
		return true
	}
	c.later(do)
	return true
}

func (c *car) later(do func()) {
	if c.quirks.MotorDelay == 0 {
		do()
		return
	}
	time.AfterFunc(time.Duration(c.quirks.MotorDelay)*time.Millisecond, func() {
		c.mu.Lock()
		defer c.mu.Unlock()
		if c.quirks.MotorDelay != 0 { // or it has forgotten
			do()
			c.change()
		}
	})
}

// command says what a message does, and whether it opens.
func (c *car) command(u *vcsec.UnsignedMessage) (opens bool, do func()) {
	if m := u.GetClosureMoveRequest(); m != nil {
		switch m.GetRearTrunk() {
		case vcsec.ClosureMoveType_E_CLOSURE_MOVE_TYPE_CLOSE:
			return false, func() {
				if c.body.Powered {
					c.body.Trunk = 0
				}
			}
		case vcsec.ClosureMoveType_E_CLOSURE_MOVE_TYPE_MOVE, vcsec.ClosureMoveType_E_CLOSURE_MOVE_TYPE_OPEN:
			return true, c.moveTrunk
		}
	}
	if u.GetRKEAction() == vcsec.RKEAction_E_RKE_ACTION_LOCK {
		return false, func() {
			if !c.quirks.Jam {
				c.body.Lock = 1
			}
		}
	}
	return true, func() {
		c.report.Unlocks++
		c.opened(c.body.Lock == 1 && !c.quirks.Jam)
		if !c.quirks.Jam {
			c.body.Lock = 0
		}
	}
}

// moveTrunk toggles where there is a motor.
func (c *car) moveTrunk() {
	c.report.TrunkMoves++
	switch {
	case c.quirks.Jam:
		c.body.Trunk = int32(vcsec.ClosureState_E_CLOSURESTATE_FAILED_UNLATCH)
	case c.body.Trunk == 0:
		c.opened(true)
		c.body.Trunk = 1
	case c.body.Powered:
		c.body.Trunk = 0
	}
}

func (c *car) opened(really bool) {
	if really {
		c.report.Openings++
	}
}

func (c *car) infotainment(plain []byte, reply *universal.RoutableMessage) {
	var a carserver.Action
	result := carserver.OperationStatus_E_OPERATIONSTATUS_OK
	if proto.Unmarshal(plain, &a) != nil || c.quirks.Refuse {
		result = carserver.OperationStatus_E_OPERATIONSTATUS_ERROR
	} else if v := a.GetVehicleAction(); v.GetVehicleControlFlashLightsAction() != nil || v.GetVehicleControlHonkHornAction() != nil {
		c.report.Signals++
	}
	c.say(reply, &carserver.Response{ActionStatus: &carserver.ActionStatus{Result: result}})
}
