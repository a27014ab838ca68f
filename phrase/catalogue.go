package phrase

import (
	_ "embed"
	"encoding/json"
	"errors"
	"fmt"
	"regexp"

	"github.com/loquet/loquet/event"
)

//go:embed en.json
var english []byte

//go:embed fr.json
var french []byte

var catalogues = map[Lang]*catalogue{English: mustLoad(english), French: mustLoad(french)}

// catalogue is one language's file.
type catalogue struct {
	Unknown entry `json:"unknown"`
	sayings
	// Car is what is said otherwise where it is about a car, and not about a door.
	Car sayings `json:"car"`
	// PlanB is why a step of plan B was refused, where that is said otherwise: it is at an address, and before no door.
	PlanB     map[event.Code]entry         `json:"planB"`
	Pictures  map[event.PictureFault]entry `json:"pictures"`
	Ends      map[event.VisitEnd]entry     `json:"ends"`
	Questions map[event.Question]entry     `json:"questions"`
	// Lines are keyed by kind, or by kind and variant ("opening.resolved/done").
	Lines     map[string]text             `json:"lines"`
	Barriers  map[event.BarrierKind]text  `json:"barriers"`
	Fallbacks map[event.FallbackKind]text `json:"fallbacks"`
	Actors    map[event.ActorKind]text    `json:"actors"`
}

// sayings are what is said of whatever opens.
type sayings struct {
	Refusals map[event.Code]entry         `json:"refusals"`
	Blocks   map[event.BlockVerdict]entry `json:"blocks"`
	Alarms   map[event.AlarmReason]entry  `json:"alarms"`
	Bolts    map[event.Bolt]text          `json:"bolts"`
	Contacts map[event.Contact]text       `json:"contacts"`
	Reaches  map[event.Reach]text         `json:"reaches"`
}

// entry is Words before they are filled in.
type entry struct {
	Title text `json:"title"`
	What  text `json:"what"`
	Safe  text `json:"safe"`
	Now   text `json:"now"`
}

func (e entry) words(v Values) Words {
	return Words{e.Title.fill(v), e.What.fill(v), e.Safe.fill(v), e.Now.fill(v)}
}

// text is one thing said in several ways, the most exact first. Of each but the last, placeholders may lack a
// value; the last has none.
type text []string

var placeholder = regexp.MustCompile(`\{([^{}]*)\}`)

// fill returns the first way of saying it for which every value is known; "" when there is none.
func (t text) fill(v Values) string {
	for _, s := range t {
		if filled, ok := fill(s, v); ok {
			return filled
		}
	}
	return ""
}

func fill(s string, v Values) (string, bool) {
	known := true
	filled := placeholder.ReplaceAllStringFunc(s, func(name string) string {
		value := v[Name(name[1:len(name)-1])]
		known = known && value != ""
		return value
	})
	return filled, known
}

// UnmarshalJSON reads one string, or several as a list.
func (t *text) UnmarshalJSON(data []byte) error {
	if len(data) > 0 && data[0] == '"' {
		*t = make(text, 1)
		return json.Unmarshal(data, &(*t)[0])
	}
	var several []string
	if err := json.Unmarshal(data, &several); err != nil {
		return err
	}
	*t = several
	return t.check()
}

func (t text) check() error {
	if len(t) < 2 {
		return errors.New("phrase: a list has at least two ways of saying it")
	}
	return nil
}

// mustLoad panics on a file that is broken: it is part of the program.
func mustLoad(data []byte) *catalogue {
	c, err := load(data)
	if err != nil {
		panic(err)
	}
	return c
}

func load(data []byte) (*catalogue, error) {
	var c catalogue
	if err := event.Strict(data, &c); err != nil {
		return nil, fmt.Errorf("phrase: %w", err)
	}
	return &c, c.check()
}

// check refuses texts that could reach a person unfilled.
func (c *catalogue) check() error {
	var errs []error
	c.each(func(where string, t text) {
		if err := t.checkPlaceholders(); err != nil {
			errs = append(errs, fmt.Errorf("phrase: %s: %w", where, err))
		}
	})
	return errors.Join(errs...)
}

func (t text) checkPlaceholders() error {
	if len(t) == 0 {
		return errors.New("it says nothing")
	}
	for i, s := range t {
		if s == "" {
			return errors.New("it says nothing")
		}
		for _, name := range names(s) {
			if !knownName(name) {
				return fmt.Errorf("there is no placeholder {%s}", name)
			}
			if i == len(t)-1 {
				return fmt.Errorf("its plainest form needs {%s}", name)
			}
		}
	}
	return nil
}

func names(s string) []Name {
	var found []Name
	for _, m := range placeholder.FindAllStringSubmatch(s, -1) {
		found = append(found, Name(m[1]))
	}
	return found
}

func knownName(n Name) bool {
	switch n {
	case From, Until, Time, Minutes, Distance, Accuracy, Last4, Count, PlanB, By, title, barrier:
		return true
	}
	return false
}

// each visits every text of the catalogue, with the place where it stands.
func (c *catalogue) each(visit func(where string, t text)) {
	c.Unknown.each("unknown", visit)
	c.sayings.each("", visit)
	c.Car.each("car.", visit)
	eachEntry("planB", c.PlanB, visit)
	eachEntry("pictures", c.Pictures, visit)
	eachEntry("ends", c.Ends, visit)
	eachEntry("questions", c.Questions, visit)
	eachText("lines", c.Lines, visit)
	eachText("barriers", c.Barriers, visit)
	eachText("fallbacks", c.Fallbacks, visit)
	eachText("actors", c.Actors, visit)
}

func (s sayings) each(of string, visit func(where string, t text)) {
	eachEntry(of+"refusals", s.Refusals, visit)
	eachEntry(of+"blocks", s.Blocks, visit)
	eachEntry(of+"alarms", s.Alarms, visit)
	eachText(of+"bolts", s.Bolts, visit)
	eachText(of+"contacts", s.Contacts, visit)
	eachText(of+"reaches", s.Reaches, visit)
}

func eachEntry[K ~string](section string, entries map[K]entry, visit func(string, text)) {
	for key, e := range entries {
		e.each(section+"."+string(key), visit)
	}
}

func eachText[K ~string](section string, texts map[K]text, visit func(string, text)) {
	for key, t := range texts {
		visit(section+"."+string(key), t)
	}
}

// each visits title and what, which every entry has, and safe and now where they are said.
func (e entry) each(where string, visit func(string, text)) {
	visit(where+".title", e.Title)
	visit(where+".what", e.What)
	if e.Safe != nil {
		visit(where+".safe", e.Safe)
	}
	if e.Now != nil {
		visit(where+".now", e.Now)
	}
}
