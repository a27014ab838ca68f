package tesla

import (
	"context"
	"net/http"
	"net/url"

	"github.com/loquet/loquet/device"
	"github.com/loquet/loquet/device/maker"
)

// motorized says whether the trunk has a motor that can shut it: Tesla is asked for that when a trunk first stands open
// that is to be shut, and not again once it told ("vehicle_data", and of it nothing but "vehicle_config"). A trunk of
// which it does not tell counts as one without: somebody shuts it by hand.
func (t *talk) motorized(ctx context.Context) bool {
	if t.car.motor != nil {
		return *t.car.motor
	}
	answer, err := t.car.call(ctx, t.by, maker.Call{
		Ask: maker.Ask{Purpose: device.Securing, Kind: kindData}, Method: http.MethodGet,
		Path: t.car.path("vehicle_data"), Query: url.Values{"endpoints": {"vehicle_config"}},
	})
	if err != nil {
		return false
	}
	t.car.motor = parseMotor(answer.Body)
	return t.car.motor != nil && *t.car.motor
}

// parseMotor reads "plg", which stands for power liftgate; nil if it isn't told.
func parseMotor(body []byte) *bool {
	var said struct {
		Response struct {
			Config struct {
				PowerLiftgate *bool `json:"plg"`
			} `json:"vehicle_config"`
		} `json:"response"`
	}
	if maker.Decode(body, &said) != nil {
		return nil
	}
	return said.Response.Config.PowerLiftgate
}
