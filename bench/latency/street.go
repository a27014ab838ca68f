package main

import (
	"context"
	"encoding/json"
	"fmt"
	"net/url"
	"strings"
	"sync"
	"time"

	"github.com/eclipse/paho.golang/autopaho"
	"github.com/eclipse/paho.golang/paho"

	"github.com/loquet/loquet/device"
	"github.com/loquet/loquet/device/broker"
	"github.com/loquet/loquet/device/mqtt"
	"github.com/loquet/loquet/device/sendlog"
	"github.com/loquet/loquet/event"
)

// street is a broker with many doors, all behind one connection of their own that notes when orders arrive.
type street struct {
	broker *broker.Broker
	sent   *sendlog.Log
	server *mqtt.Client
	doors  *autopaho.ConnectionManager

	mu      sync.Mutex
	devices map[event.DeviceID]device.Device
	waiting map[string]chan time.Time
}

func openStreet(ctx context.Context, dir string) (*street, error) {
	s := &street{devices: make(map[event.DeviceID]device.Device), waiting: make(map[string]chan time.Time)}
	serverPassword, doorsPassword := broker.NewPassword(), broker.NewPassword()
	var err error
	if s.broker, err = broker.Start(broker.Config{Server: broker.Credentials{Username: "loquet", PasswordHash: broker.HashPassword(serverPassword)},
		Limits: broker.Limits{RetainedPerAccount: 1 << 20}}); err != nil {
		return nil, err
	}
	if err := s.broker.Allow(broker.Account{Credentials: broker.Credentials{Username: "doors", PasswordHash: broker.HashPassword(doorsPassword)},
		Reports: []string{"street/+/state", "street/+/there"}, Commands: []string{"street/+/set"}}); err != nil {
		return nil, err
	}
	if s.sent, err = sendlog.Open(dir + "/sent.jsonl"); err != nil {
		return nil, err
	}
	if s.server, err = mqtt.Dial(ctx, mqtt.ClientConfig{URL: s.broker.URL(), Username: "loquet", Password: serverPassword, Log: s.sent}); err != nil {
		return nil, err
	}
	if err := s.server.Await(ctx); err != nil {
		return nil, err
	}
	return s, s.connectDoors(ctx, doorsPassword)
}

func (s *street) connectDoors(ctx context.Context, password string) error {
	address, err := url.Parse(s.broker.URL())
	if err != nil {
		return err
	}
	s.doors, err = autopaho.NewConnection(ctx, autopaho.ClientConfig{ServerUrls: []*url.URL{address}, KeepAlive: 30,
		ConnectUsername: "doors", ConnectPassword: []byte(password),
		ClientConfig: paho.ClientConfig{ClientID: "doors", OnPublishReceived: []func(paho.PublishReceived) (bool, error){s.ordered}}})
	if err != nil {
		return err
	}
	if err := s.doors.AwaitConnection(ctx); err != nil {
		return err
	}
	_, err = s.doors.Subscribe(ctx, &paho.Subscribe{Subscriptions: []paho.SubscribeOptions{{Topic: "street/+/set"}}})
	return err
}

// ordered notes when an order arrived, and answers it as a quick lock does.
func (s *street) ordered(m paho.PublishReceived) (bool, error) {
	now := time.Now()
	name := strings.Split(m.Packet.Topic, "/")[1]
	s.mu.Lock()
	c := s.waiting[name]
	delete(s.waiting, name)
	s.mu.Unlock()
	if c != nil {
		c <- now
		go s.say(name, "state", "UNLOCKED")
	}
	return true, nil
}

func (s *street) say(name, what, payload string) {
	_, _ = s.doors.Publish(context.Background(), &paho.Publish{Topic: "street/" + name + "/" + what, Payload: []byte(payload), QoS: 0})
}

// expect returns where the arrival of the site's next order is told.
func (s *street) expect(id event.SiteID) <-chan time.Time {
	c := make(chan time.Time, 1)
	s.mu.Lock()
	defer s.mu.Unlock()
	s.waiting[string(id)] = c
	return c
}

// door adds a lock, and waits until it is known to be there.
func (s *street) door(id event.SiteID) (device.Device, error) {
	topic := "street/" + string(id) + "/"
	config, err := json.Marshal(mqtt.Config{Device: event.DeviceID(id), Lock: &mqtt.Lock{CommandTopic: topic + "set",
		State:  mqtt.Source{Topic: topic + "state"},
		Extras: mqtt.Extras{Availability: []mqtt.Availability{{Source: mqtt.Source{Topic: topic + "there"}}}}},
		Closure: &event.Closure{Bolt: true}})
	if err != nil {
		return nil, err
	}
	parsed, err := mqtt.ParseConfig(config)
	if err != nil {
		return nil, err
	}
	dev, err := s.server.Device(parsed)
	if err != nil {
		return nil, err
	}
	s.mu.Lock()
	s.devices[event.DeviceID(id)] = dev
	s.mu.Unlock()
	again := time.NewTicker(time.Millisecond)
	defer again.Stop()
	for limit := time.Now().Add(10 * time.Second); dev.Reach() != event.ReachOnline; <-again.C {
		if time.Now().After(limit) {
			return nil, fmt.Errorf("%s does not come online", id)
		}
		s.say(string(id), "there", "online")
	}
	return dev, nil
}

// Device finds a door.
func (s *street) Device(id event.DeviceID) (device.Device, bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	d, ok := s.devices[id]
	return d, ok
}

func (s *street) close() {
	ctx, cancel := context.WithTimeout(context.Background(), 5*time.Second)
	defer cancel()
	_ = s.doors.Disconnect(ctx)
	_ = s.server.Close(ctx)
	_ = s.broker.Close()
	_ = s.sent.Close()
}
