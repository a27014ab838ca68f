package remotecar_test

import (
	"context"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/loquet/loquet/device/remotecar"
	"github.com/loquet/loquet/event"
)

// TestAWatchedVehicleIsAskedSeldom: what somebody did by hand is told once the vehicle is asked again, and makes nobody ask
// more often; without a watcher nobody asks.
func TestAWatchedVehicleIsAskedSeldom(t *testing.T) {
	inBubble(t, remotecar.Config{Idle: 15 * time.Minute, Quota: remotecar.QuotaOf(10_000, 24*time.Hour, 2)}, func(b *bench) {
		pass(24 * time.Hour)
		if asked := b.cloud.count(); asked != 0 {
			b.Errorf("asked %d times, and nobody watches", asked)
		}
		told := b.watch()
		pass(time.Hour + time.Minute)
		by := time.Now()
		b.cloud.say(event.BoltUnlocked, event.ContactOpen, by)
		pass(15 * time.Minute)
		all := told()
		if last := all[len(all)-1]; last.Bolt != event.BoltUnlocked || last.Origin != event.OriginLive || last.DeviceAt != event.InstantOf(by) {
			b.Errorf("told last: %+v", last)
		}
		pass(23 * time.Hour)
		if asked := b.cloud.count(); asked < 90 || asked > 97 {
			b.Errorf("asked %d times in a day and a quarter of an hour", asked)
		}
	})
}

// TestManyVehiclesShareAQuota whatever their number, and each has its turn.
func TestManyVehiclesShareAQuota(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		const many = 300
		quota := remotecar.QuotaOf(10_000, 24*time.Hour, 2)
		cfg := remotecar.Config{Idle: 15 * time.Minute, Quota: quota}
		var clouds []*cloud
		var watching sync.WaitGroup
		ctx, cancel := context.WithCancel(t.Context())
		defer func() { cancel(); watching.Wait() }()
		for range many {
			c := &cloud{}
			c.say(event.BoltLocked, event.ContactClosed, time.Now())
			clouds = append(clouds, c)
			car := remotecar.NewVehicle(c, cfg).Device(event.Spec{Device: "car"}, nil)
			watching.Go(func() { _ = car.Watch(ctx, func(event.Observation) {}) })
		}
		for day := range 4 {
			before := 0
			for _, c := range clouds {
				before += c.count()
			}
			pass(24 * time.Hour)
			asked := -before
			for i, c := range clouds {
				asked += c.count()
				if c.count() < day+1 {
					t.Fatalf("after %d days, car %d was asked %d times", day+1, i, c.count())
				}
			}
			// The first turns are those of fewer vehicles. What can wait has 4,000.
			if calls := 2 * asked; calls > 3_300 || calls < 2_700 {
				t.Errorf("on day %d: %d calls of 3,000", day+1, calls)
			}
		}
	})
}
