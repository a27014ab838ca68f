package dispatch

import (
	"errors"
	"math"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/loquet/loquet/event"
	"github.com/loquet/loquet/site"
)

var noon = time.Date(2026, 3, 2, 12, 0, 0, 0, time.UTC)

func TestDistance(t *testing.T) {
	for _, c := range []struct {
		name     string
		p, c     Position
		min, max int
	}{
		{"the same place", Position{Latitude: 48.85, Longitude: 2.35}, Position{Latitude: 48.85, Longitude: 2.35}, 0, 0},
		{"a street in Paris", Position{Latitude: 48.85, Longitude: 2.35}, Position{Latitude: 48.85, Longitude: 2.351}, 72, 75},
		{"over the antimeridian", Position{Latitude: -17, Longitude: 179.9999}, Position{Latitude: -17, Longitude: -179.9999}, 20, 23},
		{"180 degrees east is 180 degrees west", Position{Latitude: 10, Longitude: 180}, Position{Latitude: 10, Longitude: -180}, 0, 1},
		{"every longitude meets at the pole", Position{Latitude: 90, Longitude: 0}, Position{Latitude: 90, Longitude: 137}, 0, 1},
		{"across the north pole", Position{Latitude: 89.9995, Longitude: 0}, Position{Latitude: 89.9995, Longitude: 180}, 110, 113},
		{"around the south pole", Position{Latitude: -89.9995, Longitude: 10}, Position{Latitude: -89.9995, Longitude: -170}, 110, 113},
		{"pole to pole", Position{Latitude: 90}, Position{Latitude: -90}, 20_000_000, farthest},
		{"antipodes", Position{Latitude: 12.3456789, Longitude: 45.6}, Position{Latitude: -12.3456789, Longitude: -134.4}, 20_000_000, farthest},
	} {
		there, back := PlaceOf(c.p, c.c, noon).Distance, PlaceOf(c.c, c.p, noon).Distance
		if there < c.min || there > c.max || there != back {
			t.Errorf("%s: %d m there, %d m back, want %d to %d", c.name, there, back, c.min, c.max)
		}
	}
}

func TestDirectionOf(t *testing.T) {
	home := Position{Latitude: 48.85, Longitude: 2.35}
	for want, p := range map[string]Position{
		"N": {Latitude: 48.86, Longitude: 2.35}, "NE": {Latitude: 48.86, Longitude: 2.3652}, "E": {Latitude: 48.85, Longitude: 2.36},
		"SE": {Latitude: 48.84, Longitude: 2.3652}, "S": {Latitude: 48.84, Longitude: 2.35}, "SW": {Latitude: 48.84, Longitude: 2.3348},
		"W": {Latitude: 48.85, Longitude: 2.34}, "NW": {Latitude: 48.86, Longitude: 2.3348},
	} {
		if got := DirectionOf(p, home); got != want {
			t.Errorf("%+v lies %s, not %s", p, got, want)
		}
	}
	rapid.Check(t, func(t *rapid.T) {
		degree := func(most float64, what string) float64 { return rapid.Float64Range(-most, most).Draw(t, what) }
		p := Position{Latitude: degree(90, "latitude"), Longitude: degree(180, "longitude")}
		from := Position{Latitude: degree(90, "from latitude"), Longitude: degree(180, "from longitude")}
		if got := DirectionOf(p, from); len(got) == 0 || len(got) > 2 {
			t.Fatalf("%q", got)
		}
	})
}

func TestPlaceOfRoundsAgainstTheCourier(t *testing.T) {
	p := Position{Latitude: 48.85, Longitude: 2.35, Accuracy: 4.2, At: noon.Add(-1500 * time.Millisecond)}
	near := Position{Latitude: 48.850001, Longitude: 2.35}
	if got := *PlaceOf(p, near, noon); got != (event.Place{Distance: 1, Accuracy: 5, Age: 1500}) {
		t.Errorf("%+v", got)
	}
}

func TestPlaceOfAges(t *testing.T) {
	for _, c := range []struct {
		name string
		at   time.Time
		want event.Millis
	}{
		{"now", noon, 0},
		{"a minute ago", noon.Add(-time.Minute), event.Minute},
		{"from the future", noon.Add(time.Minute), event.Minute},
		{"from the far future", noon.AddDate(1000, 0, 0), 200 * 365 * event.Day},
		{"never", time.Time{}, 200 * 365 * event.Day},
	} {
		got := PlaceOf(Position{At: c.at}, Position{}, noon).Age
		if c.want < event.Day && got != c.want || got < c.want {
			t.Errorf("%s: %d ms", c.name, got)
		}
	}
}

func TestPositionsThatAreNone(t *testing.T) {
	nan, inf := math.NaN(), math.Inf(1)
	for field, all := range map[string][]Position{
		"latitude":  {{Latitude: 90.1}, {Latitude: -91}, {Latitude: nan}, {Latitude: inf}, {Latitude: -inf}},
		"longitude": {{Longitude: 180.1}, {Longitude: -181}, {Longitude: nan}, {Longitude: inf}, {Longitude: -inf}},
		"accuracy":  {{Accuracy: -1}, {Accuracy: nan}, {Accuracy: inf}, {Accuracy: 1e7}},
	} {
		for _, p := range all {
			var invalid site.Invalid
			if err := p.Check(); !errors.As(err, &invalid) || invalid.Field != field {
				t.Errorf("%s of %+v: %v", field, p, err)
			}
			if place := PlaceOf(p, Position{Latitude: 48.85, Longitude: 2.35}, noon); field != "accuracy" && place.Distance < 1000 {
				t.Errorf("%+v, unchecked, is %d m from the spot", p, place.Distance)
			}
			if place := PlaceOf(p, Position{}, noon); field == "accuracy" && place.Accuracy < 1_000_000 {
				t.Errorf("%+v, unchecked, is good to %d m", p, place.Accuracy)
			}
		}
	}
}

func TestEveryPositionHasAPlace(t *testing.T) {
	position := rapid.Custom(func(t *rapid.T) Position {
		return Position{Latitude: rapid.Float64Range(-90, 90).Draw(t, "latitude"), Longitude: rapid.Float64Range(-180, 180).Draw(t, "longitude"),
			Accuracy: rapid.Float64Range(0, 1e6).Draw(t, "accuracy")}
	})
	rapid.Check(t, func(t *rapid.T) {
		p, c := position.Draw(t, "phone"), position.Draw(t, "centre")
		if err := p.Check(); err != nil {
			t.Fatal(err)
		}
		there, back := PlaceOf(p, c, noon), PlaceOf(c, p, noon)
		if there.Distance < 0 || there.Distance > farthest || there.Distance != back.Distance || there.Accuracy < 0 {
			t.Fatalf("there %+v, back %+v", there, back)
		}
		// A degree of latitude is 111 km: whoever differs by that in latitude is at least as far.
		if apart := math.Abs(p.Latitude-c.Latitude) * 111_000; float64(there.Distance) < apart {
			t.Fatalf("%d m apart, but %f m in latitude alone", there.Distance, apart)
		}
	})
}
