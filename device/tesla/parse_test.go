package tesla

import (
	"errors"
	"testing"
	"time"

	"github.com/loquet/loquet/device"
	"github.com/loquet/loquet/event"
	"github.com/loquet/loquet/vin"
	universal "github.com/teslamotors/vehicle-command/pkg/protocol/protobuf/universalmessage"
	"github.com/teslamotors/vehicle-command/pkg/protocol/protobuf/vcsec"
	"google.golang.org/protobuf/proto"
)

func TestStatus(t *testing.T) {
	all := func(change func(*vcsec.ClosureStatuses)) *vcsec.VehicleStatus {
		c := &vcsec.ClosureStatuses{}
		change(c)
		return &vcsec.VehicleStatus{ClosureStatuses: c, VehicleLockState: vcsec.VehicleLockState_E_VEHICLELOCKSTATE_LOCKED}
	}
	for name, test := range map[string]struct {
		status  *vcsec.VehicleStatus
		contact event.Contact
		trunk   event.Contact
	}{
		"nothing was said": {&vcsec.VehicleStatus{}, event.ContactUnknown, event.ContactUnknown},
		"all shut":         {all(func(*vcsec.ClosureStatuses) {}), event.ContactClosed, event.ContactClosed},
		"trunk":            {all(func(c *vcsec.ClosureStatuses) { c.RearTrunk = 1 }), event.ContactOpen, event.ContactOpen},
		"trunk ajar":       {all(func(c *vcsec.ClosureStatuses) { c.RearTrunk = 2 }), event.ContactOpen, event.ContactOpen},
		"trunk unknown":    {all(func(c *vcsec.ClosureStatuses) { c.RearTrunk = 3 }), event.ContactUnknown, event.ContactUnknown},
		"latch failed":     {all(func(c *vcsec.ClosureStatuses) { c.RearTrunk = 4 }), event.ContactUnknown, event.ContactUnknown},
		"trunk closing":    {all(func(c *vcsec.ClosureStatuses) { c.RearTrunk = 6 }), event.ContactOpen, event.ContactOpen},
		"a new word":       {all(func(c *vcsec.ClosureStatuses) { c.RearTrunk = 7 }), event.ContactUnknown, event.ContactUnknown},
		"driver's door":    {all(func(c *vcsec.ClosureStatuses) { c.FrontDriverDoor = 1 }), event.ContactOpen, event.ContactClosed},
		"passenger's door": {all(func(c *vcsec.ClosureStatuses) { c.FrontPassengerDoor = 1 }), event.ContactOpen, event.ContactClosed},
		"rear left":        {all(func(c *vcsec.ClosureStatuses) { c.RearDriverDoor = 1 }), event.ContactOpen, event.ContactClosed},
		"rear right":       {all(func(c *vcsec.ClosureStatuses) { c.RearPassengerDoor = 1 }), event.ContactOpen, event.ContactClosed},
		"bonnet":           {all(func(c *vcsec.ClosureStatuses) { c.FrontTrunk = 1 }), event.ContactOpen, event.ContactClosed},
		"tonneau":          {all(func(c *vcsec.ClosureStatuses) { c.Tonneau = 1 }), event.ContactOpen, event.ContactClosed},
		"charge port":      {all(func(c *vcsec.ClosureStatuses) { c.ChargePort = 1 }), event.ContactClosed, event.ContactClosed},
		"open beats unknown": {all(func(c *vcsec.ClosureStatuses) {
			c.FrontDriverDoor, c.RearPassengerDoor = 3, 1
		}), event.ContactOpen, event.ContactClosed},
	} {
		if got := contact(test.status); got != test.contact {
			t.Errorf("%s: all are %q; want %q", name, got, test.contact)
		}
		if got := trunk(test.status); got != test.trunk {
			t.Errorf("%s: the trunk is %q; want %q", name, got, test.trunk)
		}
	}
	for state, want := range map[vcsec.VehicleLockState_E]event.Bolt{
		0: event.BoltUnlocked, 1: event.BoltLocked, 2: event.BoltUnknown, 3: event.BoltUnlocked, 4: event.BoltUnknown, -1: event.BoltUnknown,
	} {
		if got := bolt(&vcsec.VehicleStatus{VehicleLockState: state}); got != want {
			t.Errorf("state %d is %q; want %q", state, got, want)
		}
	}
}

func TestMotion(t *testing.T) {
	word := func(s string) *string { return &s }
	speed := func(v float64) *float64 { return &v }
	for _, test := range []struct {
		shift *string
		speed *float64
		want  event.Motion
	}{
		{nil, nil, event.MotionParked}, {word("P"), speed(0), event.MotionParked}, {word("D"), speed(0), event.MotionMoving},
		{word("R"), nil, event.MotionMoving}, {word("N"), nil, event.MotionMoving}, {word("P"), speed(3), event.MotionMoving},
		{word("SNA"), nil, ""}, {word(""), nil, event.MotionParked},
	} {
		if got := motion(test.shift, test.speed); got != test.want {
			t.Errorf("%v, %v: %q; want %q", test.shift, test.speed, got, test.want)
		}
	}
}

// FuzzPlace: whatever Tesla says, a place is on the globe and not from the future, or an error.
func FuzzPlace(f *testing.F) {
	for _, seed := range []string{
		`{"response":{"drive_state":{"latitude":45.7578,"longitude":4.832,"gps_as_of":1795348000,"shift_state":null,"speed":null}}}`,
		`{"response":{"drive_state":{"latitude":1e309,"longitude":4}}}`, `{"response":{"drive_state":{"latitude":0,"longitude":0}}}`,
		`{"response":{"drive_state":{"latitude":45,"longitude":4,"gps_as_of":9223372036854775807}}}`,
		`{"response":null}`, `[]`, `{"response":{"drive_state":{"latitude":"45"}}}`, `{"response":{"drive_state":{"latitude":-90.0001,"longitude":180}}}`,
	} {
		f.Add([]byte(seed))
	}
	now := time.Unix(1_795_348_000, 0)
	f.Fuzz(func(t *testing.T, body []byte) {
		at, err := parsePlace(body, now)
		if err != nil {
			if !errors.Is(err, device.ErrNonsense) {
				t.Fatalf("%v is no nonsense", err)
			}
			return
		}
		if at.Latitude < -90 || at.Latitude > 90 || at.Longitude < -180 || at.Longitude > 180 || at.At.After(now.Add(device.PlaceAhead)) {
			t.Fatalf("%+v", at)
		}
	})
}

// FuzzAnswers: the other JSON of Tesla's cloud.
func FuzzAnswers(f *testing.F) {
	for _, seed := range []string{
		`{"response":"AAECAw=="}`, `{"response":null}`, `{"response":"?"}`, `{"response":{"state":"online"}}`,
		`{"response":[{"vin":"5YJ3E1EA7HF000337","display_name":"x"},{"energy_site_id":1}]}`, `{"response":[null]}`,
		`{"response":{"key_paired_vins":["5YJ3E1EA7HF000337"],"unpaired_vins":[],"vehicle_info":{"5YJ3E1EA7HF000337":{}}}}`,
		`{"response":{"vehicle_config":{"plg":true}}}`, `{"response":null,"error":"vehicle unavailable: vehicle is offline or asleep"}`, ``, `{"device":"car-1","vin":"5YJ3E1EA7HF000337","opens":"trunk"}`,
	} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, body []byte) {
		if message, err := parseAnswer(body); err == nil && len(message) == 0 {
			t.Fatal("no message, and no error")
		}
		if cars, err := parseCars(body); err == nil {
			for _, c := range cars {
				if !vin.WellFormed(c.VIN) {
					t.Fatalf("%q is no VIN", c.VIN)
				}
			}
		}
		_, _ = parseState(body, nil)
		_ = parseMotor(body)
		_, _ = parseReady(body, "5YJ3E1EA7HF000337")
		_ = saysAsleep(body)
		if cfg, err := ParseConfig(body); err == nil && cfg.check() != nil {
			t.Fatalf("%+v was accepted", cfg)
		}
	})
}

// FuzzStatus: whatever a car says, "closed" and "locked" are only what it said in these words.
func FuzzStatus(f *testing.F) {
	for _, m := range []*vcsec.FromVCSECMessage{
		{}, {SubMessage: &vcsec.FromVCSECMessage_VehicleStatus{VehicleStatus: &vcsec.VehicleStatus{}}},
		{SubMessage: &vcsec.FromVCSECMessage_VehicleStatus{VehicleStatus: &vcsec.VehicleStatus{
			VehicleLockState: 1, ClosureStatuses: &vcsec.ClosureStatuses{RearTrunk: 99},
		}}},
		{SubMessage: &vcsec.FromVCSECMessage_CommandStatus{CommandStatus: &vcsec.CommandStatus{OperationStatus: 1}}},
	} {
		raw, err := proto.Marshal(m)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(raw)
	}
	f.Fuzz(func(t *testing.T, raw []byte) {
		s, err := parseStatus(raw)
		if err != nil {
			return
		}
		if contact(s) == event.ContactClosed && (s.ClosureStatuses == nil || trunk(s) != event.ContactClosed) {
			t.Fatalf("closed: %v", s)
		}
		if bolt(s) == event.BoltLocked && s.VehicleLockState != vcsec.VehicleLockState_E_VEHICLELOCKSTATE_LOCKED {
			t.Fatalf("locked: %v", s)
		}
	})
}

// FuzzMessages: whatever a cloud sends back for a signed question, only what a car signed, or a fault, gets through.
func FuzzMessages(f *testing.F) {
	address := []byte("0123456789abcdef")
	asked := &universal.RoutableMessage{
		ToDestination:   &universal.Destination{SubDestination: &universal.Destination_Domain{Domain: universal.Domain_DOMAIN_VEHICLE_SECURITY}},
		FromDestination: &universal.Destination{SubDestination: &universal.Destination_RoutingAddress{RoutingAddress: address}},
		SubSigData:      &universal.RoutableMessage_SignatureData{},
	}
	request, err := proto.Marshal(asked)
	if err != nil {
		f.Fatal(err)
	}
	said := &universal.RoutableMessage{
		ToDestination: asked.FromDestination, FromDestination: asked.ToDestination,
		Payload: &universal.RoutableMessage_ProtobufMessageAsBytes{ProtobufMessageAsBytes: []byte{1}},
	}
	raw, err := proto.Marshal(said)
	if err != nil {
		f.Fatal(err)
	}
	f.Add(raw)
	f.Add([]byte("\xff\xff"))
	f.Fuzz(func(t *testing.T, response []byte) {
		s := &step{}
		if err := s.check(request, response); err != nil {
			if !errors.Is(err, device.ErrNonsense) {
				t.Fatalf("%v is no nonsense", err)
			}
			return
		}
		var m universal.RoutableMessage
		if err := proto.Unmarshal(response, &m); err != nil || string(m.GetToDestination().GetRoutingAddress()) != string(address) {
			t.Fatalf("a message for somebody else got through: %v", err)
		}
	})
}
