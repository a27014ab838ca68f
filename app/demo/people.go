package demo

import (
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/loquet/loquet/client"
	"github.com/loquet/loquet/device/virtual"
	"github.com/loquet/loquet/event"
)

// strangeParcel is for another address.
var strangeParcel = sscc(999)

// delivery is a booked delivery as the shop knows it.
type delivery struct {
	id      event.DeliveryID
	site    event.SiteID
	place   event.AccessPointID
	parcels []string
	until   time.Time
}

// booked has the shop book one parcel for now.
func (p *play) booked(place string) *delivery { return p.bookedBy(p.lot.shop, place) }

func (p *play) bookedBy(shop, place string) *delivery {
	return p.book(shop, place, -time.Minute, 2*time.Hour)
}

func (p *play) bookedFor(place string, from, to time.Duration) *delivery {
	return p.book(p.lot.shop, place, from, to)
}

func (p *play) book(shop, place string, from, to time.Duration) *delivery {
	now := time.Now()
	d := &delivery{site: p.home.site, place: p.home.places[place], until: now.Add(to)}
	d.parcels = []string{sscc(int(p.cast.parcels.Add(1)))}
	p.say(shop, "books parcel …%s, %s to %s, %s", d.parcels[0][len(d.parcels[0])-4:], now.Add(from).Format("15:04"), d.until.Format("15:04"), place)
	var booked struct {
		Delivery event.DeliveryID `json:"delivery"`
	}
	p.must(p.shop(shop).Call(p.ctx, "POST", "/v1/deliveries", map[string]any{
		"site": d.site, "accessPoint": d.place, "carrier": p.carrier,
		"window":  map[string]any{"from": now.Add(from).Format(time.RFC3339Nano), "to": d.until.Format(time.RFC3339Nano)},
		"parcels": []map[string]any{{"code": d.parcels[0], "size": "small"}},
	}, &booked))
	d.id = booked.Delivery
	if p.first == nil {
		p.first = d
	}
	p.read()
	return d
}

// sscc makes a serial shipping container code with its check digit, as typed by hand.
func sscc(n int) string {
	digits := fmt.Sprintf("34012345%09d", n)
	sum := 0
	for i, r := range digits {
		weight := 3 - 2*(i%2)
		sum += int(r-'0') * weight
	}
	return fmt.Sprintf("(00)%s%d", digits, (10-sum%10)%10)
}

// assign names the courier who brings it.
func (p *play) assign(d *delivery, c *courier) {
	p.say("operator", "gives it to %s", c.name)
	p.must(p.operator.Call(p.ctx, "POST", "/v1/deliveries/"+string(d.id)+"/assign", map[string]any{"courier": c.id}, nil))
	p.read()
}

// promised begins most stories: a parcel is booked, and Anna is to bring it.
func (p *play) promised(place string) (*delivery, *courier) {
	d, anna := p.booked(place), p.bringer()
	p.assign(d, anna)
	return d, anna
}

// onTheWay goes on with that: she approaches.
func (p *play) onTheWay(place string) (*delivery, *courier, event.VisitID) {
	d, anna := p.promised(place)
	return d, anna, anna.approach(d)
}

// admitted is that story up to the free door.
func (p *play) admitted(place string) (*courier, event.VisitID) {
	d, anna, v := p.onTheWay(place)
	anna.scan(v, d.parcels[0]).granted()
	p.awaitOpened(place)
	return anna, v
}

// courier is a person with a phone.
type courier struct {
	phone
	play *play
	id   string
	name string
	// away is how many metres from the door, or from the car, the courier stands.
	away float64
	// to is the car that the courier goes to; nil for a door.
	to *car
}

// phone signs and sends a courier's requests: a client.Caller, or a page in a browser.
type phone interface {
	Call(ctx context.Context, method, path string, body, answer any) error
}

// answer is what the server says to a courier's request.
type answer struct {
	play    *play
	who     string
	Refused *struct {
		Code    event.Code    `json:"code"`
		Title   string        `json:"title"`
		Text    string        `json:"text"`
		RetryAt event.Instant `json:"retryAt"`
	} `json:"refused"`
	Visit struct {
		ID event.VisitID `json:"id"`
	} `json:"visit"`
	Code string `json:"code"`
}

func (a answer) granted() {
	if a.Refused != nil {
		a.play.fail("%s was refused: %s", a.who, a.Refused.Code)
	}
}

func (a answer) refused(code event.Code) { a.refusedAny(code) }

func (a answer) refusedAny(codes ...event.Code) {
	if a.Refused == nil || !slices.Contains(codes, a.Refused.Code) {
		got := "granted"
		if a.Refused != nil {
			got = string(a.Refused.Code)
		}
		a.play.fail("%s should be refused for %v, and was: %s", a.who, codes, got)
	}
	a.play.say(a.who, "reads: “%s. %s”", a.Refused.Title, a.Refused.Text)
}

func (c *courier) position() map[string]any {
	at := c.play.lot.house.at
	if c.to != nil {
		at = c.to.at()
	}
	at = at.off(0, c.away)
	return map[string]any{"latitude": at.latitude, "longitude": at.longitude, "accuracy": 6, "at": now()}
}

// ask makes a signed request about a visit.
func (c *courier) ask(v event.VisitID, what string, body map[string]any) answer {
	a, err := c.try(v, what, body)
	c.play.must(err)
	return a
}

func (c *courier) try(v event.VisitID, what string, body map[string]any) (answer, error) {
	if body == nil {
		body = map[string]any{}
	}
	a := answer{play: c.play, who: c.name}
	err := c.Call(c.play.ctx, "POST", "/v1/courier/visits/"+string(v)+"/"+what, body, &a)
	c.play.read()
	return a, err
}

// persist asks again and again while what stands against it passes by itself: no sooner than the answers say.
func (c *courier) persist(ask func() answer, passing ...event.Code) {
	for limit := time.Now().Add(patience); ; {
		a := ask()
		if a.Refused == nil {
			return
		}
		a.refusedAny(passing...)
		if time.Now().After(limit) {
			c.play.fail("%s asks in vain", c.name)
		}
		c.play.pause(max(againAfter, time.Until(a.Refused.RetryAt.Time())))
	}
}

// filmed asks until the camera counts: one that just did may fall behind for a moment on a busy machine.
func (c *courier) filmed(ask func() answer) { c.persist(ask, event.CameraProving, event.CameraNotLive) }

// againAfter is how long people wait who are not told how long to.
const againAfter = 5 * time.Second

// stand moves the courier to this many metres from the door.
func (c *courier) stand(metres float64) { c.away = metres }

func (c *courier) tryApproach(d *delivery) answer {
	c.play.at = len(c.play.events)
	a := answer{play: c.play, who: c.name}
	c.play.must(c.Call(c.play.ctx, "POST", "/v1/courier/approach", map[string]any{"site": d.site, "accessPoint": d.place,
		"eta": time.Now().Add(3 * time.Minute).Format(time.RFC3339)}, &a))
	c.play.read()
	return a
}

// approach begins the visit and walks to the door.
func (c *courier) approach(d *delivery) event.VisitID {
	c.play.say(c.name, "approaches")
	a := c.tryApproach(d)
	a.granted()
	c.stand(8)
	c.to = c.play.carOf(d)
	return a.Visit.ID
}

func (c *courier) scanBody(parcel string) map[string]any {
	return map[string]any{"text": parcel, "position": c.position()}
}

func (c *courier) scan(v event.VisitID, parcel string) answer {
	c.play.say(c.name, "scans parcel …%s", parcel[len(parcel)-4:])
	return c.ask(v, "scan", c.scanBody(parcel))
}

// scanTwice sends the same scan twice at the same instant, signed twice.
func (c *courier) scanTwice(v event.VisitID, parcel string) {
	c.play.say(c.name, "scans parcel …%s, and the phone sends it twice at once", parcel[len(parcel)-4:])
	errs := make(chan error, 2)
	for range 2 {
		go func() {
			errs <- c.play.caller(c.name).Call(c.play.ctx, "POST", "/v1/courier/visits/"+string(v)+"/scan", c.scanBody(parcel), nil)
		}()
	}
	c.play.must(<-errs)
	c.play.must(<-errs)
	c.play.read()
}

// scanIntoTheVoid scans while the server dies: no answer comes.
func (c *courier) scanIntoTheVoid(v event.VisitID, parcel string) {
	c.play.say(c.name, "scans parcel …%s", parcel[len(parcel)-4:])
	_ = c.Call(c.play.ctx, "POST", "/v1/courier/visits/"+string(v)+"/scan", c.scanBody(parcel), nil)
}

func (c *courier) open(v event.VisitID) answer {
	const name = "front-door"
	c.play.say(c.name, "taps: open %s", name)
	return c.ask(v, "open", map[string]any{"barrier": c.play.home.barriers[name], "position": c.position()})
}

func (c *courier) reopen(v event.VisitID, name string) answer {
	c.play.say(c.name, "taps: open %s again, it stands ajar", name)
	return c.ask(v, "reopen", map[string]any{"barrier": c.play.home.barriers[name], "position": c.position()})
}

func (c *courier) askCode(v event.VisitID, name string) string {
	var a answer
	c.filmed(func() answer {
		a = c.ask(v, "code", map[string]any{"barrier": c.play.home.barriers[name], "position": c.position()})
		return a
	})
	c.play.say(c.name, "reads the code for one opening: %s", a.Code)
	return a.Code
}

func (c *courier) deposit(v event.VisitID) {
	c.play.say(c.name, "puts the parcels down")
	c.ask(v, "deposit", nil).granted()
}

// tellClose says that everything is to be shut.
func (c *courier) tellClose(v event.VisitID) {
	c.play.say(c.name, "is out, and taps: lock")
	c.ask(v, "close", nil).granted()
}

// mayLeave asks whether the courier would be let go now. Unlike a refusal, that is not recorded.
func (c *courier) mayLeave(v event.VisitID) bool {
	var visit struct {
		MayLeave bool `json:"mayLeave"`
	}
	c.play.must(c.Call(c.play.ctx, "GET", "/v1/courier/visits/"+string(v), nil, &visit))
	return visit.MayLeave
}

func (c *courier) leave(v event.VisitID) answer {
	a := c.ask(v, "leave", nil)
	if a.Refused == nil {
		c.play.say(c.name, "may leave")
	}
	return a
}

// finish is the rest of an ordinary visit, from the order to open on.
func (c *courier) finish(v event.VisitID, name string) {
	c.play.awaitOpened(name)
	c.play.door(name).push()
	c.deposit(v)
	c.goOut(v, name)
}

// goOut is how a visit to a door should end: shut, told to lock, proven, and let go.
func (c *courier) goOut(v event.VisitID, name string) {
	c.play.door(name).pullShut()
	c.tellClose(v)
	c.play.awaitSecured(name)
	c.leave(v).granted()
}

// deliver is an ordinary visit.
func (c *courier) deliver(d *delivery) {
	v := c.approach(d)
	c.scan(v, d.parcels[0]).granted()
	c.finish(v, c.play.home.nameOf(d.place))
}

func (c *courier) planB(d *delivery, nobody bool) {
	c.play.say(c.name, "%s", picked(nobody, "rings in vain", "follows plan B"))
	a := answer{play: c.play, who: c.name}
	c.play.must(c.Call(c.play.ctx, "POST", "/v1/courier/deliveries/"+string(d.id)+"/plan-b",
		map[string]any{"nobody": nobody, "position": c.position()}, &a))
	a.granted()
	c.play.read()
}

// eavesdropped sends the courier's last signed request again, as somebody who overheard it would.
func (c *courier) eavesdropped() {
	a := answer{play: c.play, who: "stranger"}
	err := c.phone.(*client.Caller).Again(&a)
	if err == nil && a.Refused == nil {
		c.play.fail("a request overheard and sent again was granted")
	}
	c.play.say("stranger", "sends %s's request again, byte for byte, and is refused", c.name)
	c.play.read()
}

// door is a pair of hands at a barrier of the virtual home.
type hands struct {
	play *play
	name string
}

func (p *play) door(name string) hands { return hands{p, name} }

func (h hands) push() {
	h.play.say("door", "%s is pushed open", h.name)
	h.play.must(h.play.thing(h.name).Push())
	h.play.awaitSeenOpen(h.name)
}

func (h hands) pullShut() {
	h.play.say("door", "%s falls shut", h.name)
	h.play.must(h.play.thing(h.name).PullShut())
}

func (h hands) fault(words string, f virtual.Faults) {
	h.play.thing(h.name).Faults(f)
	h.play.say("door", "%s %s", h.name, words)
}

func (h hands) handLock(words string) {
	h.play.thing(h.name).HandLock()
	h.play.say("door", "somebody %s", words)
}

func (h hands) offline() {
	h.play.thing(h.name).Offline()
	h.play.say("door", "the battery of %s is dead", h.name)
}

func (h hands) foreign(cause string) {
	h.play.thing(h.name).Foreign(cause)
	h.play.say("door", "somebody opens %s with a %s of their own", h.name, cause)
}

func (h hands) replay(text string) {
	if !h.play.thing(h.name).Replay(text) {
		h.play.fail("there is no old report to replay")
	}
	h.play.say("door", "an old report says once more: %s", text)
}

func (h hands) typeCode(code string) {
	h.play.say("door", "the code is typed on the keypad of %s", h.name)
	h.play.must(h.play.thing(h.name).TypeCode(code))
}

func (h hands) typeCodeAgain(code string) {
	if h.play.thing(h.name).TypeCode(code) == nil {
		h.play.fail("the code worked a second time")
	}
	h.play.say("door", "the code, tried again, opens nothing")
}
