package app

import (
	"context"

	"github.com/loquet/loquet/auth"
	"github.com/loquet/loquet/carlink"
	"github.com/loquet/loquet/event"
	"github.com/loquet/loquet/notify"
	"github.com/loquet/loquet/phrase"
)

// What sign-in and notifications keep of a member, for the export of everything.
type (
	keptMailbox struct {
		Address   string        `json:"address,omitempty"`
		Confirmed event.Instant `json:"confirmed,omitempty"`
		// Pending is an address that was named and not confirmed.
		Pending string `json:"pending,omitempty"`
	}
	keptPasskey struct {
		Name   string        `json:"name"`
		Added  event.Instant `json:"added"`
		Used   event.Instant `json:"used,omitempty"`
		Synced bool          `json:"synced"`
	}
	keptNews struct {
		Language phrase.Lang                       `json:"language,omitempty"`
		Phone    string                            `json:"phone,omitempty"`
		Quiet    notify.Quiet                      `json:"quietHours"`
		Channels map[notify.Topic][]notify.Channel `json:"channels"`
		Browsers []keptBrowser                     `json:"browsers"`
		Failures []notify.Failure                  `json:"failures"`
	}
	// keptConnection is what a maker of cars was allowed to tell.
	keptConnection struct {
		Maker string         `json:"maker"`
		By    event.MemberID `json:"by"`
		At    event.Instant  `json:"at"`
		Cars  []keptCar      `json:"cars"`
	}
	keptCar struct {
		VIN   string `json:"vin"`
		Model string `json:"model,omitempty"`
		Year  int    `json:"year,omitempty"`
	}
	// keptBrowser receives push messages.
	keptBrowser struct {
		Name  string        `json:"name,omitempty"`
		Since event.Instant `json:"since"`
	}
)

// kept is how the API asks for it.
func kept(who *people, told *notify.Notifier, cars *carlink.Links) func(context.Context, auth.Member) (map[string]any, error) {
	return func(ctx context.Context, m auth.Member) (map[string]any, error) {
		box, err := who.mailboxes.Of(ctx, m.ID())
		if err != nil {
			return nil, err
		}
		passkeys, err := who.passkeys.List(ctx, m)
		if err != nil {
			return nil, err
		}
		settings, err := told.Settings(ctx, m)
		if err != nil {
			return nil, err
		}
		connected, err := cars.Connections(ctx, m.Site())
		if err != nil {
			return nil, err
		}
		return map[string]any{"cars": carsKept(connected), "mailbox": keptMailbox{box.Address, box.At, box.Pending}, "passkeys": passkeysKept(passkeys),
			"notifications": newsKept(settings)}, nil
	}
}

func carsKept(all []carlink.Connection) []keptConnection {
	kept := []keptConnection{}
	for _, c := range all {
		one := keptConnection{c.Maker, c.By, c.At, []keptCar{}}
		for _, x := range c.Cars {
			one.Cars = append(one.Cars, keptCar{x.VIN, x.Model, x.Year})
		}
		kept = append(kept, one)
	}
	return kept
}

func passkeysKept(all []auth.Passkey) []keptPasskey {
	kept := []keptPasskey{}
	for _, p := range all {
		kept = append(kept, keptPasskey{p.Name, p.AddedAt, p.UsedAt, p.Synced})
	}
	return kept
}

func newsKept(s notify.Settings) keptNews {
	kept := keptNews{Language: s.Lang, Phone: s.Phone, Quiet: s.Quiet, Channels: map[notify.Topic][]notify.Channel{},
		Browsers: []keptBrowser{}, Failures: append([]notify.Failure{}, s.Failures...)}
	for _, c := range s.Choices {
		kept.Channels[c.Topic] = append([]notify.Channel{}, c.Channels...)
	}
	for _, d := range s.Devices {
		kept.Browsers = append(kept.Browsers, keptBrowser{d.Name, d.Since})
	}
	return kept
}
