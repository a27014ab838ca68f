package smartcar_test

import (
	"strings"
	"testing"
	"time"

	"github.com/loquet/loquet/device"
	"github.com/loquet/loquet/device/devicetest"
	"github.com/loquet/loquet/device/devicetest/cloud"
	"github.com/loquet/loquet/device/remotecar"
	"github.com/loquet/loquet/device/smartcar"
)

// conform makes a rig whose line to the cloud can be cut.
func conform(t *testing.T, log device.Log, o options) devicetest.Rig {
	var proxy *devicetest.Proxy
	o.log = log
	o.vehicle = remotecar.Config{
		Soon: 10 * time.Millisecond, Seldom: 30 * time.Millisecond, Idle: 20 * time.Millisecond, Settled: time.Nanosecond,
	}
	o.through = func(t *testing.T, url string) string {
		proxy = devicetest.NewProxy(t, strings.TrimPrefix(url, "http://"))
		return "http://" + proxy.Address()
	}
	r := build(t, o)
	if _, err := r.read(); err != nil {
		t.Fatal(err)
	}
	cloud.Pause()
	world := &cloud.World{
		Proxy: proxy, Car: r.car, Wire: &r.fake.Wire, OAuth: r.fake.OAuth, Owner: "ana", OneTime: o.version != smartcar.V3, Disconnect: func() { r.fake.Disconnect(r.id) },
	}
	return devicetest.Rig{Device: r.device, World: world, Bolted: true}
}

func TestConformance(t *testing.T) {
	versions(t, func(t *testing.T, version smartcar.Version) {
		t.Parallel()
		devicetest.RunVehicle(t, func(t *testing.T, log device.Log) devicetest.Rig {
			return conform(t, log, options{version: version})
		})
	})
}
