package desk

import (
	"context"
	"strings"
	"time"

	"github.com/loquet/loquet/event"
	"github.com/loquet/loquet/parcel"
)

// World is the demo behind the desk. Safe for concurrent use.
type World interface {
	// Changed is closed at the next change. Take it before State.
	Changed() <-chan struct{}
	State() State
	// Do has hands do something. Errors: *Refusal for what the world does not let happen; any other is a failure of
	// the demo itself.
	Do(ctx context.Context, a Act) error
	// Offer makes a way into an app that can be used once, and returns its path. The customer's leads to the household of
	// the door, or of the delivery that is on its way when door is "".
	Offer(a App, door string) string
	// Enter uses such a way up, and returns the address that signs in. Errors: *Spent, and failures of the demo.
	Enter(ctx context.Context, a App, token string) (to string, err error)
	// Audit checks the ten laws over everything that was recorded so far.
	Audit(ctx context.Context) (Audit, error)
}

// App is one of the three apps, as its ways in are named.
type App string

// Apps.
const (
	Operator App = "operator"
	Customer App = "customer"
	Courier  App = "courier"
)

// Title is the app's name in a sentence's place: "Customer".
func (a App) Title() string { return strings.ToUpper(string(a[:1])) + string(a[1:]) }

// Apps lists them in the order in which they are best opened.
func Apps() []App { return []App{Operator, Customer, Courier} }

// State is how everything stands.
type State struct {
	Doors []Door
	// Here is the door that the courier's way leads to.
	Here   string
	Camera Camera
	// Wire says whether the wire between the server and the doors is whole, and Server whether the server runs.
	Wire, Server bool
	// Cut are the apps whose pages have no link, and for how long.
	Cut     map[App]time.Duration
	Courier Walk
	// Parcel is what the courier brings now; nil when there is none.
	Parcel *Parcel
	// Story is the one that plays, or played last; nil before the first.
	Story  *Story
	Behind Behind
}

// Door is a barrier of the virtual home, as it really stands.
type Door struct {
	// ID is its name on the stage, Name what its household calls it, Address where it is.
	ID, Name, Address string
	Is                event.BarrierKind
	// Bolt is "" where there is none.
	Bolt    event.Bolt
	Contact event.Contact
	// Ajar: it stands open by a finger's breadth, and looks shut.
	Ajar bool
	// Jam, Deaf, Slow and Dead are faults: the bolt sticks, it takes orders and does nothing, its motor is slow, its
	// battery is empty.
	Jam, Deaf, Slow, Dead bool
	// Filmed by the camera; Keypad takes codes.
	Filmed, Keypad bool
	// Car is what else there is to say of a car; nil for a door.
	Car *Car
}

// Car is a car, as it really is. Its door is the trunk; Dead says that it sleeps.
type Car struct {
	// VIN is its number, and Account its owner's at the maker: what is typed where a car is shared.
	VIN, Account string
	// Away is how far it stands from the address of its household, in metres, and Within how far it may.
	Away, Within int
	// Handle: that of the trunk is free, for a while.
	Handle bool
	// Cloudless: its maker's cloud is down.
	Cloudless bool
}

// Door returns a door by its name, or the one that the courier's way leads to, or the first.
func (s State) Door(id string) Door {
	found := s.Doors[0]
	for _, d := range s.Doors {
		if d.ID == id {
			return d
		}
		if d.ID == s.Here {
			found = d
		}
	}
	return found
}

// Camera is what the camera does.
type Camera string

// What a camera can do.
const (
	CameraLive      Camera = "live"
	CameraFrozen    Camera = "frozen"
	CameraLoop      Camera = "loop"
	CameraUnplugged Camera = "unplugged"
	CameraJammed    Camera = "jammed"
)

// Walk is where the courier is whom the visitor plays.
type Walk struct {
	Name string
	// Metres of way to the door.
	Metres int
	// Walking, or standing; Vague: the phone's position is good to 180 m only.
	Walking, Vague bool
	// Latitude and Longitude in degrees (WGS 84), good to Accuracy metres.
	Latitude, Longitude, Accuracy float64
	// Page: a page in a browser is the courier's phone now.
	Page bool
}

// There says whether the courier is at the door.
func (w Walk) There() bool { return w.Metres <= 25 }

// Parcel is a parcel on its way.
type Parcel struct {
	// Code is what stands on the label, and Label the label itself.
	Code  string
	Label parcel.Label
	// Place where it goes.
	Place string
	// Over says that its delivery has ended.
	Over bool
}

// Story is a visit that plays by itself.
type Story struct {
	Name  StoryName
	Steps []Step
	// Stop is where it plays, if it plays with the courier's page: an access point.
	Stop event.AccessPointID
	// Playing until its end; Broken when it ended before that.
	Playing, Broken bool
}

// StoryName names a story.
type StoryName string

// Stories.
const (
	StoryHome   StoryName = "home"
	StoryBlock  StoryName = "block"
	StoryAjar   StoryName = "ajar"
	StoryCamera StoryName = "camera"
	StoryCode   StoryName = "code"
	StoryTrunk  StoryName = "trunk"
	StoryMoved  StoryName = "moved"
)

// Stories lists them in the order in which they are best seen.
func Stories() []StoryName {
	return []StoryName{StoryHome, StoryBlock, StoryAjar, StoryCamera, StoryCode, StoryTrunk, StoryMoved}
}

// Step is one step of a story. Its words are the catalogue's "step.<Key>".
type Step struct {
	Key  string
	Done bool
}

// Behind is what curious people want to look at.
type Behind struct {
	// Data is the folder with everything that is kept, Broker the home's broker, Key an operator's API key.
	Data, Broker, Key string
}

// Audit is what the audit found.
type Audit struct {
	// Cases are what was checked, Violations what broke a law.
	Cases, Violations int
	At                time.Time
}

// Act is something that hands do.
type Act struct {
	Do Deed
	// Door is the door that it is done to, where it is one.
	Door string
	// To says more: what the camera is to do, whose link, which story, the digits for a keypad, where a car is driven.
	To string
}

// Deed is what is done.
type Deed string

// Deeds.
const (
	// Push opens the door by hand, and Pull shuts it. LeaveAjar lets it fall to without shutting.
	Push      Deed = "push"
	Pull      Deed = "pull"
	LeaveAjar Deed = "ajar"
	// Turn works the lock by hand, from inside; on a garage door it is the button on the wall.
	Turn Deed = "turn"
	// Key is somebody who comes by with a key of their own.
	Key Deed = "key"
	// Digits are typed on the keypad.
	Digits Deed = "digits"
	// Jam, Deafen, Slow and Drain put a fault in, or take it away.
	Jam    Deed = "jam"
	Deafen Deed = "deafen"
	Slow   Deed = "slow"
	Drain  Deed = "drain"
	// Drive parks a car somewhere else: home, near, or far. Cloud takes the cloud of its maker down, or has it answer again.
	Drive Deed = "drive"
	Cloud Deed = "cloud"
	// Film tells the camera what to do.
	Film Deed = "film"
	// Wire cuts the wire between the server and the doors, or mends it. Kill ends the server, which starts again.
	Wire Deed = "wire"
	Kill Deed = "kill"
	// Link cuts the link of an app's pages for half a minute, or gives it back.
	Link Deed = "link"
	// Come walks the courier to the door, Back to where the way began; Blur makes the position vague, or good.
	Come Deed = "come"
	Back Deed = "back"
	Blur Deed = "blur"
	// Another parcel is booked: for Camille's door, or for the car that is named.
	Another Deed = "another"
	// Play begins a story, and Stop ends it.
	Play Deed = "play"
	Stop Deed = "stop"
)

// Refusal is what the world does not let happen. Its words are the catalogue's "no.<Code>".
type Refusal struct{ Code string }

// Error says which.
func (r *Refusal) Error() string { return "demo: refused: " + r.Code }

// Spent is a way in that leads nowhere: used at At, or zero when its hour is over.
type Spent struct{ At time.Time }

// Error says so.
func (s *Spent) Error() string { return "demo: the way in can't be used any more" }
