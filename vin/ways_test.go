package vin_test

import (
	"slices"
	"testing"

	"github.com/loquet/loquet/event"
	"github.com/loquet/loquet/vin"
)

// told is a way in short.
func told(ways []vin.Way) (all []string) {
	for _, w := range ways {
		all = append(all, string(w.Connector)+" "+string(w.Opens)+" "+string(w.Reveals))
	}
	return all
}

var (
	teslas    = []string{"tesla trunk trunk", "tesla cabin whole-car"}
	smartcars = []string{"smartcar trunk whole-car", "smartcar cabin whole-car"}
	volvos    = append([]string{"volvo trunk trunk-handle"}, smartcars...)
)

func TestWaysByNumber(t *testing.T) {
	for name, c := range map[string]struct {
		number string
		want   []string
		why    vin.Why
	}{
		"a Tesla Model S of 2015, which knows no signed commands": {tesla, nil, vin.TooOld},
		"a Tesla Model S of 2023":                                 {"5YJSA1E50PF000000", teslas, ""},
		"a Tesla Model 3 of 2018":                                 {"5YJ3E1EA0JF000000", teslas, ""},
		"a Tesla Model Y from Grünheide":                          {"XP7YGCEK0PB000000", teslas, ""},
		"a Tesla of another model":                                {"7G2CEHED0RA000000", nil, vin.NotThisModel},
		"a Volvo of 2015":                                         {"YV1CZ91H6F1000000", volvos, ""},
		"a Volvo of 2014":                                         {"YV1CZ91H6E1000000", nil, vin.TooOld},
		"a Volvo from Charleston":                                 {"7JRH60FL0PG000000", volvos, ""},
		"a Chevrolet of 2026":                                     {chevrolet, smartcars, ""},
		"an Audi of 2016":                                         {"WAUZZZ8V0GA000000", smartcars, ""},
		"a European Ford, whose year nobody can read":             {"WF0FXXGCDFFA00000", smartcars, ""},
		"a bus":                    {anyone, nil, vin.UnknownMake},
		"a lorry of the same name": {"YV2RT40A0FB000000", nil, vin.UnknownMake},
	} {
		number := c.number
		if number[0] >= '1' && number[0] <= '5' {
			number = withCheck(t, number)
		}
		v, err := vin.Parse(number)
		if err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		if ways, why := vin.Ways(v.Car(2026)); !slices.Equal(told(ways), c.want) || why != c.why {
			t.Errorf("%s: %v, %q", name, told(ways), why)
		}
	}
}

func TestWaysByWhatTheOwnerSays(t *testing.T) {
	for _, c := range []struct {
		car   vin.Car
		want  []string
		why   vin.Why
		since int
	}{
		{vin.Car{Make: vin.Volvo, Year: 2020}, volvos, "", 2015},
		{vin.Car{Make: vin.Volvo}, volvos, "", 2015},
		{vin.Car{Make: vin.GMC, Year: 2014}, nil, vin.TooOld, 2015},
		{vin.Car{Make: vin.Ford, Year: 2016}, nil, vin.TooOld, 2017},
		{vin.Car{Make: vin.Tesla, Year: 2018}, teslas, "", 2017}, // it may be a Model 3
		{vin.Car{Make: vin.Tesla, Year: 2018, Model: 'X'}, nil, vin.TooOld, 2021},
		{vin.Car{Make: vin.Tesla, Year: 2024, Model: 'C'}, nil, vin.NotThisModel, 0},
		{vin.Car{Make: "Trabant", Year: 2020}, nil, vin.UnknownMake, 0},
		{vin.Car{}, nil, vin.UnknownMake, 0},
	} {
		ways, why := vin.Ways(c.car)
		if !slices.Equal(told(ways), c.want) || why != c.why || vin.Since(c.car) != c.since {
			t.Errorf("%+v: %v, %q, since %d", c.car, told(ways), why, vin.Since(c.car))
		}
	}
}

// TestEveryMakeHasAWay, and each way lays open what its opening can reach, and names what the owner must have.
func TestEveryMakeHasAWay(t *testing.T) {
	if !slices.IsSorted(vin.Makes) {
		t.Error("the makes are in no order")
	}
	for _, m := range vin.Makes {
		ways, why := vin.Ways(vin.Car{Make: m, Year: 2026})
		if why != "" || vin.Since(vin.Car{Make: m}) < 2015 {
			t.Errorf("%s: %q, since %d", m, why, vin.Since(vin.Car{Make: m}))
		}
		for i, w := range ways {
			if w.Service == "" || w.Connector == "" || w.Opens == event.Cabin && w.Reveals != event.RevealsCar || slices.Index(ways, w) != i {
				t.Errorf("%s: %+v", m, w)
			}
		}
		least := map[event.BarrierKind]event.Reveals{}
		for _, w := range ways {
			if least[w.Opens] == event.RevealsCar && w.Reveals != event.RevealsCar {
				t.Errorf("%s: what lays open less stands behind what lays open more", m)
			}
			least[w.Opens] = w.Reveals
		}
	}
}
