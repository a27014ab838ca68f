package ui_test

import (
	"fmt"
	"maps"
	"math"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
)

// tokens are the custom properties of one block of tokens.css.
type tokens map[string]string

// blocks reads the style sheet's blocks of tokens: light, dark by the phone, dark by choice.
func blocks(t *testing.T) (light, phone, chosen tokens) {
	t.Helper()
	sheet := style(t, "css/tokens.css")
	one := func(selector string) tokens {
		_, rest, ok := strings.Cut(sheet, selector+" {")
		if !ok {
			t.Fatalf("tokens.css has no block %q", selector)
		}
		body, _, _ := strings.Cut(rest, "}")
		found := tokens{}
		for _, m := range regexp.MustCompile(`--([a-z0-9-]+):\s*([^;]+);`).FindAllStringSubmatch(body, -1) {
			found[m[1]] = m[2]
		}
		return found
	}
	return one("\n:root"), one(`:root:not([data-theme="light"])`), one(`:root[data-theme="dark"]`)
}

// drawing is the demo's picture of a house: its colours are its own, and say nothing.
const drawing = "../desk/css/desk.css"

// sheets are our style sheets of all rooms, without the tokens.
func sheets(t *testing.T) []string {
	t.Helper()
	all := []string{"css/ui.css"}
	for _, pattern := range []string{"maps/css/*.css", "../*/css/*.css"} {
		found, err := filepath.Glob(pattern)
		if err != nil || len(found) == 0 {
			t.Fatalf("%s: %v, %v", pattern, found, err)
		}
		all = append(all, found...)
	}
	return slices.DeleteFunc(all, func(name string) bool { return strings.HasPrefix(name, "../ui/") })
}

func style(t *testing.T, name string) string {
	t.Helper()
	data, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	return string(data)
}

// luminance is WCAG 2's relative luminance of #RRGGBB.
func luminance(t *testing.T, hex string) float64 {
	t.Helper()
	rgb, err := strconv.ParseUint(strings.TrimPrefix(hex, "#"), 16, 32)
	if err != nil || len(hex) != 7 {
		t.Fatalf("%q is no colour", hex)
	}
	part := func(shift uint) float64 {
		c := float64(rgb>>shift&0xff) / 255
		if c <= 0.04045 {
			return c / 12.92
		}
		return math.Pow((c+0.055)/1.055, 2.4)
	}
	return 0.2126*part(16) + 0.7152*part(8) + 0.0722*part(0)
}

func contrast(t *testing.T, a, b string) float64 {
	t.Helper()
	x, y := luminance(t, a), luminance(t, b)
	return (max(x, y) + 0.05) / (min(x, y) + 0.05)
}

// AA: text, and the edges of controls and icons.
const (
	aaText = 4.5
	aaEdge = 3.0
)

// The ratios of the design's table, which these colours were chosen by.
var designed = map[string]struct{ light, dark []float64 }{
	"text on page, surface":    {[]float64{16.49, 15.22}, []float64{16.45, 14.61}},
	"muted on page, surface":   {[]float64{7.41, 6.84}, []float64{9.99, 8.87}},
	"primary on page, surface": {[]float64{8.21, 7.58}, []float64{9.95, 8.83}},
	"on-solid on primary":      {[]float64{8.21}, []float64{9.70}},
	"field on page, surface":   {[]float64{4.52, 4.17}, []float64{6.12, 5.43}},
	"focus on page, surface":   {[]float64{8.21, 7.58}, []float64{12.85, 11.41}},
	"line on page":             {[]float64{1.40}, []float64{1.77}},
	// On page; on its own tint; on-solid on it.
	"secured":  {[]float64{6.25, 5.49, 6.25}, []float64{10.27, 8.49, 10.02}},
	"open":     {[]float64{5.78, 5.20, 5.78}, []float64{10.50, 8.66, 10.25}},
	"alarm":    {[]float64{7.78, 6.63, 7.78}, []float64{8.19, 7.23, 7.99}},
	"underway": {[]float64{8.21, 7.11, 8.21}, []float64{9.95, 8.26, 9.70}},
	"refused":  {[]float64{9.22, 7.84, 9.22}, []float64{9.74, 8.56, 9.50}},
	"unknown":  {[]float64{7.35, 6.33, 7.35}, []float64{10.14, 7.68, 9.89}},
}

var drawnStates = []string{"secured", "open", "alarm", "underway", "refused", "unknown"}

// measured computes the same from the tokens.
func measured(t *testing.T, k tokens) map[string][]float64 {
	t.Helper()
	got := map[string][]float64{
		"on-solid on primary": {contrast(t, k["on-solid"], k["primary"])},
		"line on page":        {contrast(t, k["line"], k["page"])},
	}
	for _, name := range []string{"text", "muted", "primary", "field", "focus"} {
		got[name+" on page, surface"] = []float64{contrast(t, k[name], k["page"]), contrast(t, k[name], k["surface"])}
	}
	for _, s := range drawnStates {
		got[s] = []float64{contrast(t, k[s], k["page"]), contrast(t, k[s], k[s+"-tint"]), contrast(t, k["on-solid"], k[s])}
	}
	return got
}

func TestContrastIsAsDesigned(t *testing.T) {
	light, dark, _ := blocks(t)
	for name, k := range map[string]tokens{"light": light, "dark": dark} {
		got := measured(t, k)
		for what, d := range designed {
			want := d.light
			if name == "dark" {
				want = d.dark
			}
			for i, w := range want {
				if math.Abs(got[what][i]-w) > 0.006 {
					t.Errorf("%s, %s, number %d: %.2f, designed %.2f", name, what, i+1, got[what][i], w)
				}
			}
		}
		checkBounds(t, name, k)
	}
}

// checkBounds holds every pair that a page puts together to WCAG AA.
func checkBounds(t *testing.T, name string, k tokens) {
	t.Helper()
	atLeast := func(bound float64, above, below string) {
		t.Helper()
		if got := contrast(t, k[above], k[below]); got < bound {
			t.Errorf("%s: %s on %s is %.2f, below %.1f", name, above, below, got, bound)
		}
	}
	for _, below := range []string{"page", "surface", "raised"} {
		for _, above := range append([]string{"text", "muted", "primary"}, drawnStates...) {
			atLeast(aaText, above, below)
		}
		atLeast(aaEdge, "field", below)
		atLeast(aaEdge, "focus", below)
	}
	least := map[string]map[string]float64{"light": {"text": 14.01, "muted": 6.29}, "dark": {"text": 12.45, "muted": 7.56}}[name]
	for _, s := range drawnStates {
		for above, bound := range least {
			atLeast(bound, above, s+"-tint")
		}
		atLeast(aaText, s, s+"-tint")
		atLeast(aaText, "on-solid", s)
	}
	atLeast(aaText, "page", "text") // the bar that says that there is no link
}

// TestVideoTextCanBeRead: white on black at 72 % above a white picture.
func TestVideoTextCanBeRead(t *testing.T) {
	if !strings.Contains(style(t, "css/ui.css"), "background: rgb(0 0 0 / 72%);") {
		t.Fatal("text over pictures has another ground")
	}
	grey := "#" + strings.Repeat(fmt.Sprintf("%02X", int(math.Round(255*0.28))), 3)
	if got := contrast(t, "#FFFFFF", grey); got < 9.2 {
		t.Errorf("text over a white picture is %.2f", got)
	}
}

func TestDarkIsDarkEitherWay(t *testing.T) {
	light, phone, chosen := blocks(t)
	if !maps.Equal(phone, chosen) {
		t.Error("dark by the phone's choice and by the person's differ")
	}
	for name, value := range phone {
		if _, ok := light[name]; !ok {
			t.Errorf("--%s is only dark", name)
		}
		if value == light[name] {
			t.Errorf("--%s is %s in both", name, value)
		}
	}
}

// TestSheetUsesTokens: no colour stands in the style sheet of the components but those of pictures and print, every
// token that is used exists, and every state has its two colours.
func TestSheetUsesTokens(t *testing.T) {
	light, _, _ := blocks(t)
	local := []string{"state", "tint"}
	for _, name := range append(sheets(t), "css/tokens.css") {
		sheet := style(t, name)
		for _, colour := range regexp.MustCompile(`#[0-9A-Fa-f]{3,8}\b`).FindAllString(sheet, -1) {
			if !slices.Contains([]string{"#000", "#FFF"}, colour) && name != "css/tokens.css" && name != drawing {
				t.Errorf("%s: the colour %s is no token", name, colour)
			}
		}
		for _, m := range regexp.MustCompile(`var\(--([a-z0-9-]+)`).FindAllStringSubmatch(sheet, -1) {
			if _, ok := light[m[1]]; !ok && !slices.Contains(local, m[1]) && !strings.HasPrefix(m[1], "pico-") {
				t.Errorf("%s: there is no token --%s", name, m[1])
			}
		}
	}
	for _, s := range drawnStates {
		if !strings.Contains(style(t, "css/tokens.css"), `[data-state="`+s+`"]`) {
			t.Errorf("the state %s has no colours", s)
		}
	}
}

// TestStatesDifferWithoutColour: each state's chip has an edge of its own.
func TestStatesDifferWithoutColour(t *testing.T) {
	sheet := style(t, "css/ui.css")
	edges := map[string]string{}
	if rule := regexp.MustCompile(`\n\.chip \{([^}]*)\}`).FindStringSubmatch(sheet); rule == nil || !strings.Contains(rule[1], "border: 2px solid var(--state)") {
		t.Error("the chip of secured has not its edge, that of all chips: 2 px, solid")
	}
	if strings.Contains(sheet, `.chip[data-state="secured"]`) {
		t.Error("the chip of secured has a rule of its own")
	}
	for state, edge := range map[string]string{
		"open": "border-width: 0 0 0 6px", "alarm": "background: var(--state)", "underway": "border-style: dotted",
		"refused": "border-style: double", "unknown": "border-style: dashed",
	} {
		rule := regexp.MustCompile(`\n\.chip\[data-state="` + state + `"\] \{([^}]*)\}`).FindStringSubmatch(sheet)
		if rule == nil || !strings.Contains(rule[1], edge) {
			t.Errorf("the chip of %s has not its edge (%s)", state, edge)
			continue
		}
		if other, taken := edges[strings.TrimSpace(rule[1])]; taken {
			t.Errorf("the chips of %s and %s look the same", state, other)
		}
		edges[strings.TrimSpace(rule[1])] = state
	}
}

// TestTextIsNeverTooSmall: 14 px is the least, in rem so that it grows with the person's own size.
func TestTextIsNeverTooSmall(t *testing.T) {
	for _, name := range sheets(t) {
		for _, m := range regexp.MustCompile(`font-size:\s*([0-9.]+)(rem|px|em)`).FindAllStringSubmatch(style(t, name), -1) {
			size, err := strconv.ParseFloat(m[1], 64)
			if err != nil {
				t.Fatal(err)
			}
			if m[2] == "px" && size != 12 || m[2] != "px" && size < 0.875 { // 12 units in a drawing are more than 14 px on a page
				t.Errorf("%s: font-size: %s%s", name, m[1], m[2])
			}
		}
	}
}
