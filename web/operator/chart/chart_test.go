package chart

import (
	"encoding/xml"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"pgregory.net/rapid"
)

var update = flag.Bool("update", false, "write the golden pictures anew")

func golden(t *testing.T, name, svg string) {
	t.Helper()
	path := filepath.Join("testdata", name+".svg")
	if *update {
		if err := os.WriteFile(path, []byte(svg+"\n"), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if string(want) != svg+"\n" {
		t.Errorf("%s is drawn otherwise; look at it, then renew it with -update", path)
	}
}

func hours() []Bar {
	var bars []Bar
	for hour, n := range []float64{0, 0, 0, 0, 0, 0, 0, 2, 5, 9, 12, 8, 3, 4, 11, 14, 9, 6, 3, 1, 0, 0, 0, 0} {
		bars = append(bars, Bar{Label: fmt.Sprintf("%02d", hour), Value: n})
	}
	return bars
}

func reasons() []Bar {
	return []Bar{{Label: "Too early", Value: 7, Looks: "refused"}, {Label: "Wrong parcel", Value: 3, Looks: "refused"},
		{Label: "Camera not live", Value: 1, Looks: "refused"}}
}

func day() ([]Tick, []Stretch) {
	ticks := []Tick{{0, "00:00"}, {0.25, "06:00"}, {0.5, "12:00"}, {0.75, "18:00"}, {1, "24:00"}}
	return ticks, []Stretch{{0.4, 0.42, "Ajar, 28:10", "alarm"}, {0.41, 0.411, "Jammed, 01:20", "alarm"}, {0.97, 1, "Left in danger, 40:00", "alarm"}}
}

func TestGoldenPictures(t *testing.T) {
	ticks, pieces := day()
	for _, width := range []int{336, 640} {
		w := strconv.Itoa(width)
		golden(t, "columns-"+w, Columns("Visits by hour", width, hours()))
		golden(t, "rows-"+w, Rows("Refusals by reason", width, reasons()))
		golden(t, "stretches-"+w, Stretches("Alarms", width, ticks, pieces))
	}
	golden(t, "columns-none", Columns("Nothing", 640, nil))
	golden(t, "rows-none", Rows("Nothing", 640, nil))
	golden(t, "stretches-none", Stretches("Nothing", 640, ticks, nil))
}

// shape is one element of a picture that was read again.
type shape struct {
	name string
	at   map[string]string
	text string
}

func shapes(t interface{ Fatalf(string, ...any) }, svg string) []shape {
	d := xml.NewDecoder(strings.NewReader(svg))
	var all []shape
	for {
		token, err := d.Token()
		if errors.Is(err, io.EOF) {
			return all
		}
		if err != nil {
			t.Fatalf("not well-formed: %v\n%s", err, svg)
		}
		switch e := token.(type) {
		case xml.StartElement:
			s := shape{name: e.Name.Local, at: map[string]string{}}
			for _, a := range e.Attr {
				s.at[a.Name.Local] = a.Value
			}
			all = append(all, s)
		case xml.CharData:
			if len(all) > 0 {
				all[len(all)-1].text += string(e)
			}
		}
	}
}

func number(t interface{ Fatalf(string, ...any) }, s shape, name string) float64 {
	f, err := strconv.ParseFloat(s.at[name], 64)
	if err != nil {
		t.Fatalf("%s of %s is %q", name, s.name, s.at[name])
	}
	return f
}

func drawBars(t *rapid.T) []Bar {
	return rapid.SliceOfN(rapid.Custom(func(t *rapid.T) Bar {
		return Bar{Label: rapid.StringN(0, 12, -1).Draw(t, "label"), Value: float64(rapid.IntRange(0, 10_000).Draw(t, "value"))}
	}), 0, 30).Draw(t, "bars")
}

// Whatever the numbers and names: the picture is well-formed, carries no style and no script, every bar lies inside of
// it, there is one for each value, and a larger value has no smaller bar.
func TestBarsStandForTheirValues(t *testing.T) {
	for name, draw := range map[string]func(string, int, []Bar) string{"columns": Columns, "rows": Rows} {
		rapid.Check(t, func(t *rapid.T) {
			bars := drawBars(t)
			width := rapid.IntRange(200, 1200).Draw(t, "width")
			svg := draw(rapid.String().Draw(t, "title"), width, bars)
			if strings.Contains(svg, "style=") || strings.Contains(svg, "<script") {
				t.Fatalf("%s", svg)
			}
			size := map[string]string{"columns": "height", "rows": "width"}[name]
			var lengths []float64
			all := shapes(t, svg)
			for _, s := range all {
				if s.name != "rect" {
					continue
				}
				x, y, w, h := number(t, s, "x"), number(t, s, "y"), number(t, s, "width"), number(t, s, "height")
				if x < 0 || y < 0 || x+w > float64(width)+0.2 || y+h > number(t, all[0], "height")+0.2 {
					t.Fatalf("a bar is outside: %v", s)
				}
				lengths = append(lengths, number(t, s, size))
			}
			i := 0
			var shown []Bar
			for _, b := range bars {
				if name == "rows" || b.Value > 0 {
					shown = append(shown, b)
				}
			}
			if len(shown) != len(lengths) {
				t.Fatalf("%d values, %d bars", len(shown), len(lengths))
			}
			for ; i < len(shown); i++ {
				for j := range i {
					if shown[i].Value > shown[j].Value && lengths[i] < lengths[j] {
						t.Fatalf("%v is drawn shorter than %v", shown[i], shown[j])
					}
				}
			}
		})
	}
}

// Pieces of a day never lie over each other, nor over each other's names.
func TestStretchesNeverMeet(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		pieces := rapid.SliceOfN(rapid.Custom(func(t *rapid.T) Stretch {
			from := rapid.Float64Range(-0.1, 1).Draw(t, "from")
			return Stretch{From: from, To: from + rapid.Float64Range(0, 0.5).Draw(t, "length"), Label: rapid.StringN(0, 10, -1).Draw(t, "label")}
		}), 0, 12).Draw(t, "pieces")
		all := shapes(t, Stretches("Alarms", 640, nil, pieces))
		type box struct{ x, y, w float64 }
		var boxes []box
		for _, s := range all {
			if s.name == "rect" {
				boxes = append(boxes, box{number(t, s, "x"), number(t, s, "y"), number(t, s, "width")})
			}
		}
		if len(boxes) != len(pieces) {
			t.Fatalf("%d pieces, %d bars", len(pieces), len(boxes))
		}
		for i, a := range boxes {
			if a.x < 0 || a.x+a.w > 640.2 {
				t.Fatalf("outside: %v", a)
			}
			for _, b := range boxes[:i] {
				if a.y == b.y && a.x < b.x+b.w && b.x < a.x+a.w {
					t.Fatalf("%v lies over %v", a, b)
				}
			}
		}
	})
}
