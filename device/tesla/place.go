package tesla

import (
	"context"
	"fmt"
	"net/http"
	"net/url"
	"time"

	"github.com/loquet/loquet/device"
	"github.com/loquet/loquet/device/maker"
	"github.com/loquet/loquet/event"
)

// Locate asks Tesla where the car stands ("vehicle_data", and of it nothing but position and gear). A car that sleeps is
// not woken: the error then wraps device.ErrAsleep.
func (d *Device) Locate(ctx context.Context) (device.Located, error) {
	answer, err := d.car.call(ctx, d.by, maker.Call{
		Ask: maker.Ask{Purpose: device.PurposeOf(ctx), Kind: kindData}, Method: http.MethodGet,
		Path: d.car.path("vehicle_data"), Query: url.Values{"endpoints": {"location_data;drive_state"}},
	})
	if err != nil {
		return device.Located{}, err
	}
	return parsePlace(answer.Body, answer.At)
}

// parsePlace reads a position. gps_as_of is in seconds since 1970.
func parsePlace(body []byte, received time.Time) (device.Located, error) {
	var said struct {
		Response struct {
			Drive struct {
				Latitude  *float64 `json:"latitude"`
				Longitude *float64 `json:"longitude"`
				GPSAsOf   int64    `json:"gps_as_of"`
				Shift     *string  `json:"shift_state"`
				Speed     *float64 `json:"speed"`
			} `json:"drive_state"`
		} `json:"response"`
	}
	if err := maker.Decode(body, &said); err != nil {
		return device.Located{}, err
	}
	drive := said.Response.Drive
	if drive.Latitude == nil || drive.Longitude == nil {
		return device.Located{}, fmt.Errorf("%w: it has no position (the consent may not cover it)", device.ErrNonsense)
	}
	at := device.Located{Latitude: *drive.Latitude, Longitude: *drive.Longitude, ReceivedAt: received, Motion: motion(drive.Shift, drive.Speed)}
	if drive.GPSAsOf > 0 {
		at.At = time.Unix(drive.GPSAsOf, 0).UTC()
	}
	return at, at.Check()
}

// motion reads gear and speed. A car that stands for a while says null of both; a gear that is new to us says nothing.
func motion(shift *string, speed *float64) event.Motion {
	switch {
	case speed != nil && *speed > 0:
		return event.MotionMoving
	case shift == nil || *shift == "" || *shift == "P":
		return event.MotionParked
	case *shift == "D" || *shift == "R" || *shift == "N":
		return event.MotionMoving
	}
	return ""
}
