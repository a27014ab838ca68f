package api

import (
	"context"
	"errors"
	"net/http"

	"github.com/loquet/loquet/auth"
	"github.com/loquet/loquet/event"
	"github.com/loquet/loquet/vin"
)

// CarCheckRequest says which car it is: its number, or its make and model year.
type CarCheckRequest struct {
	VIN     string   `json:"vin,omitempty" maxLength:"40" doc:"The vehicle identification number; it is kept nowhere, and proves nothing"`
	Make    vin.Make `json:"make,omitempty" enum:"Audi,Buick,Cadillac,Chevrolet,Ford,GMC,Tesla,Volvo,"`
	Year    int      `json:"year,omitempty" minimum:"0" maximum:"2100" doc:"Model year; 0 if it is not known"`
	Country string   `json:"country,omitempty" pattern:"^([A-Z]{2})?$" patternDescription:"two capitals" doc:"Where the car is registered (ISO 3166-1 alpha-2): with it and the number, the maker is asked, where it can be"`
}

// CarCheck is whether a car can be connected, as far as that is known before its owner consents.
type CarCheck struct {
	Make vin.Make `json:"make,omitempty" doc:"Absent if it is none that can be connected"`
	Year int      `json:"year,omitempty" doc:"Model year; absent if it is not known"`
	// Ways are those that lay open the least first.
	Ways  []CarWay `json:"ways" doc:"How it can be connected, what lays open the least first; none if it can't"`
	Why   vin.Why  `json:"why,omitempty" enum:"unknown-make,too-old,not-this-model" doc:"Why it can't"`
	Since int      `json:"since,omitempty" doc:"From which model year on such cars can be"`
}

// CarWay is one way to connect a car.
type CarWay struct {
	Maker   string            `json:"maker"`
	Is      event.BarrierKind `json:"is" enum:"trunk,cabin"`
	Reveals event.Reveals     `json:"reveals" enum:"trunk,trunk-handle,whole-car"`
	Service string            `json:"service" doc:"What must be subscribed to at the maker's"`
	Here    bool              `json:"here" doc:"This installation is registered at that maker"`
	// Refused says that the maker, asked about this very car, said no.
	Refused bool `json:"refused,omitempty" doc:"The maker was asked about this very car, and said that it can't"`
}

func (a *API) registerCarCheck() {
	forMember(a, route{method: http.MethodPost, path: "/v1/home/cars/check", id: "checkCar", summary: "Can this car be connected?",
		about: "By its number, or by make and model year. Nothing is kept of it; only the maker's consent proves whose car it is. A household that asks often has the maker asked no more for a while.", tag: "Cars"}, a.CheckCar)
}

// CheckCarInput is what CheckCar takes.
type CheckCarInput struct {
	Body CarCheckRequest
}

// CheckCar is the operation checkCar: can this car be connected?
func (a *API) CheckCar(ctx context.Context, m auth.Member, in *CheckCarInput) (*struct{ Body CarCheck }, error) {
	if _, err := a.household(ctx, m); err != nil {
		return nil, err
	}
	number, car, err := a.carAsked(in.Body)
	if err != nil {
		return nil, err
	}
	shown := CarCheck{Make: car.Make, Year: car.Year, Ways: []CarWay{}, Since: vin.Since(car)}
	ways, why := vin.Ways(car)
	shown.Why = why
	refused := map[string]bool{}
	for _, w := range ways {
		one := CarWay{Maker: string(w.Connector), Is: w.Opens, Reveals: w.Reveals, Service: w.Service}
		if a.CarLinks != nil {
			one.Here = a.CarLinks.Makers[one.Maker] != nil
		}
		if _, asked := refused[one.Maker]; !asked && one.Here && number != "" && in.Body.Country != "" && a.limits.makers.Allow(string(m.Site())) == nil {
			refused[one.Maker] = !a.CarLinks.Compatible(ctx, one.Maker, number, in.Body.Country)
		}
		one.Refused = refused[one.Maker]
		shown.Ways = append(shown.Ways, one)
	}
	return &struct{ Body CarCheck }{shown}, nil
}

// carAsked reads what a car is: by its number, "" without one.
func (a *API) carAsked(r CarCheckRequest) (number string, c vin.Car, err error) {
	if r.VIN == "" {
		return "", vin.Car{Make: r.Make, Year: r.Year}, nil
	}
	v, err := vin.Parse(r.VIN)
	var bad *vin.Error
	if errors.As(err, &bad) {
		return "", c, invalid("body.vin", bad.Error())
	}
	return v.Number(), v.Car(a.Now().Year()), err
}
