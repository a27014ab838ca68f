package tesla

import (
	"fmt"

	"github.com/loquet/loquet/device"
	"github.com/loquet/loquet/event"
	"github.com/teslamotors/vehicle-command/pkg/protocol/protobuf/vcsec"
	"google.golang.org/protobuf/proto"
)

// parseStatus reads what the car's security controller says of itself.
func parseStatus(answer []byte) (*vcsec.VehicleStatus, error) {
	var said vcsec.FromVCSECMessage
	if err := proto.Unmarshal(answer, &said); err != nil {
		return nil, fmt.Errorf("%w: the car's status can't be read", device.ErrNonsense)
	}
	switch {
	case said.GetVehicleStatus() != nil:
		return said.GetVehicleStatus(), nil
	case said.GetNominalError() != nil:
		return nil, fmt.Errorf("%w to say how it is (%d)", device.ErrRefused, said.GetNominalError().GetGenericError())
	case said.GetCommandStatus().GetOperationStatus() == vcsec.OperationStatus_E_OPERATIONSTATUS_WAIT:
		return nil, fmt.Errorf("%w: the car is busy", device.ErrNoAnswer)
	}
	return nil, fmt.Errorf("%w: the car's status is missing", device.ErrNonsense)
}

// bolt is locked only if every door is, against those outside too. A word that is new to us is unknown.
func bolt(s *vcsec.VehicleStatus) event.Bolt {
	switch s.GetVehicleLockState() {
	case vcsec.VehicleLockState_E_VEHICLELOCKSTATE_LOCKED:
		return event.BoltLocked
	case vcsec.VehicleLockState_E_VEHICLELOCKSTATE_UNLOCKED, vcsec.VehicleLockState_E_VEHICLELOCKSTATE_SELECTIVE_UNLOCKED:
		return event.BoltUnlocked
	case vcsec.VehicleLockState_E_VEHICLELOCKSTATE_INTERNAL_LOCKED: // from inside: nobody says for whom
	}
	return event.BoltUnknown
}

// contact is closed only if every door, both trunks and a pickup's cover are. The charge port doesn't count.
func contact(s *vcsec.VehicleStatus) event.Contact {
	c := s.GetClosureStatuses()
	if c == nil { // on the wire, "nothing was said" looks like "all closed"
		return event.ContactUnknown
	}
	all := event.ContactClosed
	for _, part := range []vcsec.ClosureState_E{
		c.GetFrontDriverDoor(), c.GetFrontPassengerDoor(), c.GetRearDriverDoor(), c.GetRearPassengerDoor(),
		c.GetRearTrunk(), c.GetFrontTrunk(), c.GetTonneau(),
	} {
		switch closure(part) {
		case event.ContactOpen:
			return event.ContactOpen
		case event.ContactUnknown:
			all = event.ContactUnknown
		case event.ContactClosed:
		}
	}
	return all
}

// trunk is the rear trunk alone.
func trunk(s *vcsec.VehicleStatus) event.Contact {
	if s.GetClosureStatuses() == nil {
		return event.ContactUnknown
	}
	return closure(s.GetClosureStatuses().GetRearTrunk())
}

func closure(c vcsec.ClosureState_E) event.Contact {
	switch c {
	case vcsec.ClosureState_E_CLOSURESTATE_CLOSED:
		return event.ContactClosed
	case vcsec.ClosureState_E_CLOSURESTATE_OPEN, vcsec.ClosureState_E_CLOSURESTATE_AJAR,
		vcsec.ClosureState_E_CLOSURESTATE_OPENING, vcsec.ClosureState_E_CLOSURESTATE_CLOSING:
		return event.ContactOpen
	case vcsec.ClosureState_E_CLOSURESTATE_UNKNOWN, vcsec.ClosureState_E_CLOSURESTATE_FAILED_UNLATCH: // open, or not
	}
	return event.ContactUnknown
}
