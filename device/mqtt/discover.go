package mqtt

import (
	"cmp"
	"context"
	"errors"
	"slices"
	"sync"
	"time"

	"github.com/eclipse/paho.golang/autopaho"
	"github.com/eclipse/paho.golang/paho"
	"github.com/loquet/loquet/device"
)

// Found is a device that announces itself as Home Assistant's MQTT discovery describes.
type Found struct {
	// Topic is where it announces itself, and names it for good.
	Topic string
	// Name is what its maker or owner calls it.
	Name string
	// Config is complete but for Device. Not valid when Refused.
	Config Config
	// Refused says why it can't be an access point; "" when it can.
	Refused string
}

// discoveryTopics are those of the components that matter, with and without a node identifier.
var discoveryTopics = []string{
	"homeassistant/lock/+/config", "homeassistant/lock/+/+/config",
	"homeassistant/cover/+/config", "homeassistant/cover/+/+/config",
	"homeassistant/binary_sensor/+/config", "homeassistant/binary_sensor/+/+/config",
	"homeassistant/sensor/+/config", "homeassistant/sensor/+/+/config",
}

// maxAnnouncements bounds what a broker full of announcements can make us keep.
const maxAnnouncements = 20_000

// finder collects announcements.
type finder struct {
	mu  sync.Mutex
	all map[string][]byte
}

func (f *finder) hear(topic string, payload []byte) {
	component, isAnnouncement := component(topic)
	if !isAnnouncement || component == "" || len(payload) > maxPayload {
		return
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	if len(payload) == 0 {
		delete(f.all, topic) // the announcement is withdrawn
	} else if len(f.all) < maxAnnouncements {
		f.all[topic] = payload
	}
}

var errDiscovering = errors.New("a search for devices is running already")

// Discover listens for announcements for a while, and returns the locks and covers among them, sorted by topic,
// those that can't be used with the reason. Only one search runs at a time, on the connection of which the broker keeps
// nothing: nobody wants to have missed an announcement.
func (c *Client) Discover(ctx context.Context, length time.Duration) ([]Found, error) {
	f := &finder{all: map[string][]byte{}}
	speaking, err := c.startFinding(f)
	if err != nil {
		return nil, err
	}
	defer c.stopFinding(speaking)
	refused, err := c.subscribe(ctx, speaking, discoveryTopics)
	if err != nil {
		return nil, err
	}
	if len(refused) == len(discoveryTopics) {
		return nil, errors.New("the broker does not let this account see announcements")
	}
	select {
	case <-time.After(length):
	case <-ctx.Done():
		return nil, ctx.Err()
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	return sortOut(f.all), nil
}

func (c *Client) startFinding(f *finder) (*autopaho.ConnectionManager, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if !c.speaks {
		return nil, device.ErrOffline
	}
	if c.found != nil {
		return nil, errDiscovering
	}
	c.found = f
	return c.speaking, nil
}

func (c *Client) stopFinding(speaking *autopaho.ConnectionManager) {
	ctx, cancel := context.WithTimeout(context.Background(), 5*time.Second)
	defer cancel()
	_, _ = speaking.Unsubscribe(ctx, &paho.Unsubscribe{Topics: discoveryTopics}) // else they are ignored
	c.mu.Lock()
	defer c.mu.Unlock()
	c.found = nil
}

// sortOut makes devices of announcements.
func sortOut(all map[string][]byte) []Found {
	var found []Found
	sensors := map[string][]announcement{} // by device
	for topic, payload := range all {
		if kind, _ := component(topic); kind == "binary_sensor" || kind == "sensor" {
			if a, err := parseAnnouncement(kind, payload); err == nil && a.device != "" {
				sensors[a.device] = append(sensors[a.device], a)
			}
		}
	}
	for topic, payload := range all {
		kind, _ := component(topic)
		if kind != "lock" && kind != "cover" {
			continue
		}
		a, err := parseAnnouncement(kind, payload)
		one := Found{Topic: topic, Name: a.name}
		if err == nil {
			one.Config, err = a.config(sensors[a.device])
		}
		if err != nil {
			one.Config, one.Refused = Config{}, err.Error()
		}
		found = append(found, one)
	}
	slices.SortFunc(found, func(a, b Found) int { return cmp.Compare(a.Topic, b.Topic) })
	return found
}
