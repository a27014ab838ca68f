package remotecar_test

import (
	"testing"
	"time"

	"github.com/loquet/loquet/device/remotecar"
	"github.com/loquet/loquet/event"
)

func TestPartsTogether(t *testing.T) {
	old, mid, young := time.Unix(100, 0), time.Unix(200, 0), time.Unix(300, 0)
	closed := func(at time.Time) remotecar.Part { return remotecar.Part{Closed: true, At: at} }
	open := func(at time.Time) remotecar.Part { return remotecar.Part{Open: true, At: at} }
	for name, test := range map[string]struct {
		parts []remotecar.Part
		want  event.Contact
		at    time.Time
	}{
		"none":            {nil, "", time.Time{}},
		"all closed":      {[]remotecar.Part{closed(young), closed(old), closed(mid)}, event.ContactClosed, old},
		"one open":        {[]remotecar.Part{closed(old), open(mid), closed(young)}, event.ContactOpen, mid},
		"two open":        {[]remotecar.Part{open(old), open(young), closed(mid)}, event.ContactOpen, young},
		"one unknown":     {[]remotecar.Part{closed(young), {At: old}}, event.ContactUnknown, old},
		"unknown, open":   {[]remotecar.Part{{At: young}, open(old)}, event.ContactOpen, old},
		"one has no time": {[]remotecar.Part{closed(young), closed(time.Time{})}, event.ContactClosed, time.Time{}},
	} {
		got, at := remotecar.Contact(test.parts...)
		if got != test.want || !at.Equal(test.at) {
			t.Errorf("%s: %q of %v", name, got, at)
		}
		bolt, at := remotecar.Bolt(test.parts...)
		words := map[event.Contact]event.Bolt{"": "", event.ContactClosed: event.BoltLocked, event.ContactOpen: event.BoltUnlocked, event.ContactUnknown: event.BoltUnknown}
		if bolt != words[test.want] || !at.Equal(test.at) {
			t.Errorf("%s: %q of %v", name, bolt, at)
		}
	}
}
