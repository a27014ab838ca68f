package makers

import (
	"context"
	"encoding/json"
	"errors"
	"strconv"
	"strings"

	"github.com/loquet/loquet/carlink"
	"github.com/loquet/loquet/device"
	"github.com/loquet/loquet/device/maker"
	"github.com/loquet/loquet/device/tesla"
	"github.com/loquet/loquet/event"
)

// Tesla is a carlink.Maker.
type Tesla struct {
	account *tesla.Account
	office  *maker.Office
	domain  string
}

// NewTesla is our account at Tesla, and its office. Domain is under which this server is reached, and its key found.
func NewTesla(account *tesla.Account, office *maker.Office, domain string) *Tesla {
	return &Tesla{account, office, domain}
}

var teslaOpens = []carlink.Opening{{Is: event.Trunk, Reveals: event.RevealsTrunk}, {Is: event.Cabin, Reveals: event.RevealsCar}}

// About says what a Tesla can do: the trunk alone.
func (t *Tesla) About() carlink.About {
	return carlink.About{Title: "Tesla", Opens: teslaOpens, Elsewhere: true, Pairing: tesla.PairingURL(t.domain)}
}

// Office is where customers consent.
func (t *Tesla) Office() *maker.Office { return t.office }

// teslaExtra is what the connector needs beside the VIN.
type teslaExtra struct {
	Unproven bool `json:"unproven,omitempty"`
}

// Vehicles asks for the account's cars, and whether each takes our commands.
func (t *Tesla) Vehicles(ctx context.Context, by carlink.Consented) ([]carlink.Vehicle, error) {
	cars, err := t.account.Cars(ctx, by.Consent)
	if err != nil {
		return nil, err
	}
	all := make([]carlink.Vehicle, len(cars))
	for i, c := range cars {
		ready, err := t.account.Ready(ctx, by.Consent, c.VIN)
		if err != nil {
			return nil, err
		}
		one := carlink.Vehicle{Ref: c.VIN, VIN: c.VIN, Model: c.Name, Opens: teslaOpens}
		if one.Extra, err = json.Marshal(teslaExtra{!signsAnswers(ready.Firmware)}); err != nil {
			return nil, err
		}
		switch {
		case !ready.Signed:
			one.Lacks = carlink.LacksCommands
		case !ready.Paired:
			one.Lacks = carlink.LacksKey
		}
		all[i] = one
	}
	return all, nil
}

// signsAnswers says whether a car's software signs what it answers: from 2024.38 on.
func signsAnswers(firmware string) bool {
	year, rest, _ := strings.Cut(firmware, ".")
	week, _, _ := strings.Cut(rest, ".")
	y, err1 := strconv.Atoi(year)
	w, err2 := strconv.Atoi(week)
	return err1 == nil && err2 == nil && (y > 2024 || y == 2024 && w >= 38)
}

// Device makes the device of a trunk or of a cabin.
func (t *Tesla) Device(by carlink.Consented, c carlink.Chosen) (device.Device, error) {
	var extra teslaExtra
	if err := json.Unmarshal(c.Extra, &extra); err != nil {
		return nil, errors.New("what the car can do was not kept")
	}
	opens := map[event.BarrierKind]tesla.Opens{event.Trunk: tesla.Trunk, event.Cabin: tesla.Cabin}[c.Is]
	return t.account.Device(tesla.Config{Device: c.Device, VIN: c.Ref, Opens: opens, Unproven: extra.Unproven}, by.Consent)
}

// Leave does nothing: Tesla has no way for us to end it.
func (*Tesla) Leave(context.Context, carlink.Consented, string) error { return nil }
