package fakecloud_test

import (
	"errors"
	"testing"
	"testing/synctest"
	"time"

	"github.com/loquet/loquet/device/fakecloud"
)

// pass lets virtual time pass.
func pass(length time.Duration) { <-time.After(length) }

func newCar(t *testing.T) *fakecloud.Car {
	c := fakecloud.NewCar("1G1ZD5ST0LF000001", "CHEVROLET", "Malibu", 2020, 45.5, -73.6)
	t.Cleanup(c.Close)
	return c
}

func TestACarUnlocksAndLocks(t *testing.T) {
	c := newCar(t)
	before := c.Told()
	if err := c.Unlock(); err != nil || c.State().Locked || c.Told().Locked || c.Told().LockAt.Before(before.LockAt) {
		t.Fatalf("unlocked: %v, %+v", err, c.Told())
	}
	c.ByHand(func(s *fakecloud.State) { s.Open[fakecloud.RearLeft] = true })
	if err := c.Lock(); !errors.Is(err, fakecloud.ErrOpen) {
		t.Fatalf("it locks with an open door: %v", err)
	}
	c.ByHand(func(s *fakecloud.State) { s.Open[fakecloud.RearLeft] = false })
	if err := c.Lock(); err != nil || !c.Told().Locked {
		t.Fatalf("locked: %v", err)
	}
	if d := c.Done(); d.UnlockCommands != 1 || d.LockCommands != 2 || d.Openings != 1 {
		t.Fatalf("counted %+v", d)
	}
}

func TestAHandleIsFreeForAWhile(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := newCar(t)
		if err := c.FreeHandle(2 * time.Minute); err != nil || !c.HandleFree() || !c.State().Locked {
			t.Fatalf("%v, %+v", err, c.State())
		}
		pass(2*time.Minute + time.Second)
		if c.HandleFree() || c.PullHandle() == nil || c.Done().Openings != 0 {
			t.Fatal("the handle is free for ever")
		}
		if said := c.Told(); !said.Locked || time.Since(said.LockAt) > 2*time.Second {
			t.Fatalf("when nobody opened it, it says nothing: %+v", said)
		}
		if err := c.FreeHandle(2 * time.Minute); err != nil {
			t.Fatal(err)
		}
		if err := c.PullHandle(); err != nil || c.State().Locked || !c.Told().Open[fakecloud.Trunk] || c.Done().Openings != 1 {
			t.Fatalf("pulled: %v, %+v", err, c.State())
		}
	})
}

func TestQuirks(t *testing.T) {
	for name, test := range map[string]struct {
		quirks fakecloud.Quirks
		err    error
		opened bool // really
		told   bool // by the cloud at once
	}{
		"asleep": {fakecloud.Quirks{Asleep: true}, fakecloud.ErrAsleep, false, false},
		"away":   {fakecloud.Quirks{Offline: true}, fakecloud.ErrUnreachable, false, false},
		"refuse": {fakecloud.Quirks{Refuse: true}, fakecloud.ErrRefused, false, false},
		"deaf":   {fakecloud.Quirks{Deaf: true}, nil, false, false},
		"mute":   {fakecloud.Quirks{Mute: true}, nil, true, false},
		"stale":  {fakecloud.Quirks{Stale: true}, nil, true, false},
		"late":   {fakecloud.Quirks{ReportDelay: time.Minute}, nil, true, false},
		"slow":   {fakecloud.Quirks{MotorDelay: time.Minute}, nil, false, false},
	} {
		synctest.Test(t, func(t *testing.T) {
			c := newCar(t)
			pass(time.Second)
			c.Behave(test.quirks)
			if err := c.Unlock(); !errors.Is(err, test.err) {
				t.Errorf("%s: %v", name, err)
			}
			if opened, told := !c.State().Locked, !c.Told().Locked; opened != test.opened || told != test.told {
				t.Errorf("%s: opened %v, told %v", name, opened, told)
			}
			fresh := c.Told().LockAt.Equal(time.Now())
			if fresh != (name == "stale") {
				t.Errorf("%s: the cloud's knowledge is of %v", name, c.Told().LockAt)
			}
			pass(time.Minute + time.Second)
			if late := name == "late" || name == "slow"; late && c.Told().Locked {
				t.Errorf("%s: never told", name)
			}
			if c.Behave(fakecloud.Quirks{}); c.Told().Locked != c.State().Locked {
				t.Errorf("%s: still wrong after it behaves", name)
			}
		})
	}
}

func TestAJamIsTold(t *testing.T) {
	c := newCar(t)
	c.Behave(fakecloud.Quirks{Jam: true})
	if err := c.Unlock(); err != nil || !c.Told().Jammed || c.Done().Openings != 0 {
		t.Fatalf("%v, %+v", err, c.Told())
	}
}

func TestParking(t *testing.T) {
	c := newCar(t)
	at := time.Now().Add(-time.Hour)
	c.Park(1, 2, at, true)
	if told, err := c.Ask(); err != nil || told.Latitude != 1 || told.Longitude != 2 || !told.PlaceAt.Equal(at) || !told.Moving || !told.LockAt.After(at) {
		t.Fatalf("%+v, %v", told, err)
	}
	c.ByHand(func(s *fakecloud.State) { s.Latitude = 3 })
	if told := c.Told(); told.Latitude != 3 || !told.PlaceAt.After(at) {
		t.Fatalf("%+v", told)
	}
}

func TestReplay(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := newCar(t)
		if c.Replay(func(told fakecloud.Told) bool { return !told.Locked }) {
			t.Fatal("it replays what never was")
		}
		pass(time.Second)
		_ = c.Unlock()
		at := c.Told().LockAt
		pass(time.Second)
		_ = c.Lock()
		if !c.Replay(func(told fakecloud.Told) bool { return !told.Locked }) || c.Told().Locked || !c.Told().LockAt.Equal(at) {
			t.Fatalf("replayed: %+v", c.Told())
		}
		if told, err := c.Ask(); err != nil || !told.Locked {
			t.Fatalf("asked: %+v, %v", told, err)
		}
	})
}
