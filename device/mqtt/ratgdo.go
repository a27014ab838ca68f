package mqtt

import (
	"errors"

	"github.com/loquet/loquet/event"
)

// plan of a garage door behind a ratgdo board: "open" and "close", never its "toggle".
func (r *Ratgdo) plan() (plan, error) {
	if r.Prefix == "" {
		return plan{}, errors.New("the board's prefix is missing")
	}
	words, err := CoverStates{}.words()
	if err != nil {
		return plan{}, err
	}
	door := Source{Topic: r.Prefix + "/status/door"}
	p := plan{
		open:       &command{r.Prefix + "/command/door", []byte("open")},
		secure:     &command{r.Prefix + "/command/door", []byte("close")},
		closure:    event.Closure{Contact: true},
		hasContact: true,
		needed:     []string{door.Topic},
	}
	p.listen(door.Topic, door.words(words, said{Contact: event.ContactUnknown}))
	err = Extras{Availability: []Availability{{Source: Source{Topic: r.Prefix + "/status/availability"}}}}.extend(&p)
	return p, err
}
