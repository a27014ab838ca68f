package mqtt_test

import (
	"context"
	"path/filepath"
	"testing"
	"time"

	"github.com/loquet/loquet/device"
	"github.com/loquet/loquet/device/broker"
	"github.com/loquet/loquet/device/mqtt"
	"github.com/loquet/loquet/device/sendlog"
	"github.com/loquet/loquet/device/virtual"
	"github.com/loquet/loquet/event"
)

func TestSmoke(t *testing.T) {
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
	defer cancel()
	password := broker.NewPassword()
	b, err := broker.Start(broker.Config{Server: broker.Credentials{Username: "loquet", PasswordHash: broker.HashPassword(password)}})
	if err != nil {
		t.Fatal(err)
	}
	defer b.Close()
	cfg := virtual.Config{URL: b.URL(), Prefix: "home1"}
	for _, kind := range []virtual.Kind{virtual.Lock, virtual.LobbyDoor, virtual.Box, virtual.Garage, virtual.ZigbeeLock, virtual.RatgdoGarage} {
		cfg.Devices = append(cfg.Devices, virtual.Device{Name: string(kind), Kind: kind, Username: string(kind), Password: broker.NewPassword()})
	}
	for _, d := range cfg.Devices {
		reports, commands, err := cfg.Topics(d.Name)
		if err != nil {
			t.Fatal(err)
		}
		if err := b.Allow(broker.Account{
			Credentials: broker.Credentials{Username: d.Username, PasswordHash: broker.HashPassword(d.Password)},
			Reports:     reports, Commands: commands,
		}); err != nil {
			t.Fatal(err)
		}
	}
	home, err := virtual.Start(ctx, cfg)
	if err != nil {
		t.Fatal(err)
	}
	defer home.Close()
	log, err := sendlog.Open(filepath.Join(t.TempDir(), "sent"))
	if err != nil {
		t.Fatal(err)
	}
	defer log.Close()
	client, err := mqtt.Dial(ctx, mqtt.ClientConfig{URL: b.URL(), Username: "loquet", Password: password, Log: log})
	if err != nil {
		t.Fatal(err)
	}
	defer client.Close(ctx)
	if err := client.Await(ctx); err != nil {
		t.Fatal(err)
	}
	for _, d := range cfg.Devices {
		entry, err := cfg.Register(d.Name, event.DeviceID(d.Name))
		if err != nil {
			t.Fatal(err)
		}
		parsed, err := mqtt.ParseConfig(entry)
		if err != nil {
			t.Fatalf("%s: %v", entry, err)
		}
		dev, err := client.Device(parsed)
		if err != nil {
			t.Fatal(err)
		}
		go dev.(device.Watcher).Watch(ctx, func(o event.Observation) { t.Logf("%+v", o) })
		start := time.Now()
		outcome, err := dev.(device.Opener).Open(ctx, device.Order{Permit: "home1-p1", Deadline: time.Now().Add(3 * time.Second)})
		t.Log(d.Name, outcome, err, time.Since(start), home.Thing(d.Name).Openings())
		if s, ok := dev.(device.Securer); ok {
			start := time.Now()
			outcome, err := s.Secure(ctx)
			t.Log(d.Name, "secure", outcome, err, time.Since(start))
		}
		if c, ok := dev.(device.Coder); ok {
			t.Log(c.SetCode(ctx, device.CodeOrder{Permit: "home1-p2", Code: "0123", Deadline: time.Now().Add(3 * time.Second)}))
			t.Log(home.Thing(d.Name).TypeCode("0123"))
			t.Log(c.RemoveCode(ctx, "home1-p2"))
		}
	}
	found, err := client.Discover(ctx, 300*time.Millisecond)
	t.Log(err)
	for _, f := range found {
		t.Logf("%+v", f)
	}
}
