package notify

import (
	"slices"

	"github.com/loquet/loquet/event"
)

// Topic is a kind of news that people choose how to hear.
type Topic string

// Topics.
const (
	// Near: a courier is near, or at the door.
	Near Topic = "near"
	// Opened: a barrier was opened in a delivery's visit.
	Opened Topic = "opened"
	// Delivered: with when, on which evidence, and where the film is.
	Delivered Topic = "delivered"
	// Refused: a courier was refused at the door for what the household can do something about; plan B; parcels that
	// go back.
	Refused Topic = "refused"
	// Blocked: how a block ended.
	Blocked Topic = "blocked"
	// Question: something is asked without whose answer nothing opens.
	Question Topic = "question"
	// Alarm: one that has climbed to the household, and its end. Quiet hours don't hold it, and where nothing chosen
	// can reach the person, it goes by e-mail.
	Alarm Topic = "alarm"
	// Foreign: an opening that Loquet did not ask for.
	Foreign Topic = "foreign"
	// Battery: one that runs low.
	Battery Topic = "battery"
	// Changed: somebody else changed who comes, or with which phone.
	Changed Topic = "changed"
	// Planned: booked, assigned, withdrawn.
	Planned Topic = "planned"
)

// Channel is a way to reach somebody.
type Channel string

// Channels.
const (
	Push  Channel = "push"
	Email Channel = "email"
	SMS   Channel = "sms"
)

// Channels lists them, in the order of a table's columns.
func Channels() []Channel { return []Channel{Push, Email, SMS} }

// custom is how a topic is treated.
type custom struct {
	topic Topic
	// by is how it is heard by whoever has not chosen.
	by []Channel
	// keep is how long it is worth telling.
	keep event.Millis
}

// customs are in the order of a table's rows.
var customs = []custom{
	{Near, []Channel{Push}, 10 * event.Minute},
	{Question, []Channel{Push, Email}, event.Day},
	{Opened, []Channel{Push}, event.Hour},
	{Delivered, []Channel{Push, Email}, event.Day},
	{Refused, []Channel{Push, Email}, 12 * event.Hour},
	{Blocked, []Channel{Push, Email}, 12 * event.Hour},
	{Alarm, []Channel{Push, Email}, 3 * event.Day},
	{Foreign, []Channel{Push, Email}, 3 * event.Day},
	{Battery, []Channel{Email}, 3 * event.Day},
	{Changed, []Channel{Push, Email}, event.Day},
	{Planned, nil, event.Day},
}

// Topics lists them, in the order of a table's rows.
func Topics() []Topic {
	all := make([]Topic, len(customs))
	for i, c := range customs {
		all[i] = c.topic
	}
	return all
}

func (t Topic) custom() custom {
	i := slices.IndexFunc(customs, func(c custom) bool { return c.topic == t })
	if i < 0 {
		return custom{}
	}
	return customs[i]
}
