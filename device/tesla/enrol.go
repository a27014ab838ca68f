package tesla

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"slices"

	"github.com/loquet/loquet/device"
	"github.com/loquet/loquet/device/maker"
	"github.com/loquet/loquet/vin"
)

// Owned is a car of the customer who consented.
type Owned struct {
	VIN string
	// Name is what the customer calls it.
	Name string
}

// Cars asks Tesla which cars the consent covers. A car that is not among them is not the customer's.
func (a *Account) Cars(ctx context.Context, by *maker.Consent) ([]Owned, error) {
	answer, err := a.caller.Do(ctx, maker.Call{
		Ask: maker.Ask{Kind: kindData}, By: by, Method: http.MethodGet, Path: []string{"api", "1", "vehicles"},
	})
	if err != nil {
		return nil, err
	}
	return parseCars(answer.Body)
}

func parseCars(body []byte) ([]Owned, error) {
	var said struct {
		Response []struct {
			VIN  string `json:"vin"`
			Name string `json:"display_name"`
		} `json:"response"`
	}
	if err := maker.Decode(body, &said); err != nil {
		return nil, err
	}
	var all []Owned
	for _, c := range said.Response {
		if vin.WellFormed(c.VIN) { // batteries of houses have none
			all = append(all, Owned{c.VIN, c.Name})
		}
	}
	return all, nil
}

// Readiness is whether a car takes our commands.
type Readiness struct {
	// Paired says that the customer added our key to the car.
	Paired bool
	// Signed says that the car takes signed commands at all: Model S and X from before 2021 don't.
	Signed bool
	// Firmware is the version of the car's software; "" if Tesla doesn't say.
	Firmware string
}

// PairingURL is where the customer's phone adds our key to the car, for the site whose PublicPath has it.
func PairingURL(domain string) string { return "https://tesla.com/_ak/" + domain }

// Ready asks Tesla whether a car takes our commands ("fleet_status").
func (a *Account) Ready(ctx context.Context, by *maker.Consent, vin string) (Readiness, error) {
	body, err := json.Marshal(map[string][]string{"vins": {vin}})
	if err != nil {
		return Readiness{}, err
	}
	answer, err := a.caller.Do(ctx, maker.Call{
		Ask: maker.Ask{Vehicle: vin, Kind: kindData}, By: by, Method: http.MethodPost,
		Path: []string{"api", "1", "vehicles", "fleet_status"}, JSON: body,
	})
	if err != nil {
		return Readiness{}, err
	}
	return parseReady(answer.Body, vin)
}

func parseReady(body []byte, vin string) (Readiness, error) {
	var said struct {
		Response struct {
			Paired   []string `json:"key_paired_vins"`
			Unpaired []string `json:"unpaired_vins"`
			Info     map[string]struct {
				Firmware string `json:"firmware_version"`
				Signed   bool   `json:"vehicle_command_protocol_required"`
			} `json:"vehicle_info"`
		} `json:"response"`
	}
	if err := maker.Decode(body, &said); err != nil {
		return Readiness{}, err
	}
	r := said.Response
	paired := slices.Contains(r.Paired, vin)
	if !paired && !slices.Contains(r.Unpaired, vin) {
		return Readiness{}, fmt.Errorf("%w: the answer is not about this car", device.ErrNonsense)
	}
	return Readiness{Paired: paired, Signed: r.Info[vin].Signed, Firmware: r.Info[vin].Firmware}, nil
}
