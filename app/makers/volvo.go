package makers

import (
	"context"
	"encoding/json"
	"errors"
	"sync"

	"github.com/loquet/loquet/carlink"
	"github.com/loquet/loquet/device"
	"github.com/loquet/loquet/device/maker"
	"github.com/loquet/loquet/device/volvo"
	"github.com/loquet/loquet/event"
)

// Volvo is a carlink.Maker.
type Volvo struct {
	app *volvo.App

	mu sync.Mutex
	// accounts count the calls of each consent.
	accounts map[*maker.Consent]*volvo.Account
}

// NewVolvo is the application at Volvo.
func NewVolvo(app *volvo.App) *Volvo {
	return &Volvo{app: app, accounts: make(map[*maker.Consent]*volvo.Account)}
}

var volvoOpens = []carlink.Opening{{Is: event.Trunk, Reveals: event.RevealsHandle, Window: volvo.Window}}

// About says what a Volvo can do: the trunk's handle.
func (*Volvo) About() carlink.About { return carlink.About{Title: "Volvo", Opens: volvoOpens} }

// Office is where customers consent.
func (v *Volvo) Office() *maker.Office { return v.app.Office() }

func (v *Volvo) account(by carlink.Consented) *volvo.Account {
	v.mu.Lock()
	defer v.mu.Unlock()
	if v.accounts[by.Consent] == nil {
		v.accounts[by.Consent] = v.app.Account(by.Consent)
	}
	return v.accounts[by.Consent]
}

// volvoExtra is what the connector needs beside the VIN.
type volvoExtra struct {
	Signals []device.Signal `json:"signals"`
}

// Vehicles asks for the account's cars, and each for its model and for what it can be told to do.
func (v *Volvo) Vehicles(ctx context.Context, by carlink.Consented) ([]carlink.Vehicle, error) {
	account := v.account(by)
	vins, err := account.Vehicles(ctx)
	if err != nil {
		return nil, err
	}
	all := make([]carlink.Vehicle, len(vins))
	for i, vin := range vins {
		details, err := account.Details(ctx, vin)
		if err != nil {
			return nil, err
		}
		able, err := account.Commands(ctx, vin)
		if err != nil {
			return nil, err
		}
		one := carlink.Vehicle{Ref: vin, VIN: vin, Model: details.Model, Year: details.Year, Opens: volvoOpens}
		if one.Extra, err = json.Marshal(volvoExtra{append([]device.Signal{}, able.Signals...)}); err != nil {
			return nil, err
		}
		if !able.Locks || !able.Unlocks {
			one.Lacks = carlink.LacksCommands
		}
		all[i] = one
	}
	return all, nil
}

// Device makes the device of a trunk.
func (v *Volvo) Device(by carlink.Consented, c carlink.Chosen) (device.Device, error) {
	var extra volvoExtra
	if err := json.Unmarshal(c.Extra, &extra); err != nil {
		return nil, errors.New("what the car can do was not kept")
	}
	return v.account(by).Device(volvo.Config{Device: c.Device, VIN: c.Ref, Signals: &extra.Signals})
}

// Leave forgets the account's calls once all of it ends.
func (v *Volvo) Leave(_ context.Context, by carlink.Consented, ref string) error {
	v.mu.Lock()
	defer v.mu.Unlock()
	if ref == "" {
		delete(v.accounts, by.Consent)
	}
	return nil
}
