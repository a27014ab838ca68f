package demo

import (
	"cmp"
	"context"
	"fmt"
	"maps"
	"os/exec"
	"slices"
	"strings"
	"time"

	"github.com/loquet/loquet/client"
	"github.com/loquet/loquet/device/virtual"
	"github.com/loquet/loquet/event"
)

// customer is a household: who decides there, and what it owns.
type customer struct {
	*client.Caller
	play     *play
	house    house
	site     event.SiteID
	member   event.MemberID
	barriers map[string]event.BarrierID
	places   map[string]event.AccessPointID
	// chosen are the rules as they were set last.
	chosen map[string]any
}

// atMachine runs a local command of the server's operator.
func (s *stage) atMachine(ctx context.Context, args ...string) (string, error) {
	cmd := exec.CommandContext(ctx, s.program, append(args, "--data", s.data())...) // #nosec G204 -- this very program
	out, err := cmd.CombinedOutput()
	if err != nil {
		return "", fmt.Errorf("loquet %s: %w: %s", strings.Join(args, " "), err, out)
	}
	return strings.TrimSpace(string(out)), nil
}

// set sets the stage: an operator, a household with its devices enrolled by hand, and its consent.
func (p *play) set() {
	p.openOffice()
	p.home = p.household(p.lot.house)
	var names []string
	for _, d := range p.scenario.devices {
		owner := p.home
		if d.Name == "lobby" {
			p.building = p.household(p.lot.building)
			owner = p.building
		}
		owner.enrol(d)
		names = append(names, d.Name)
	}
	if p.building != nil {
		p.building.lend("lobby", p.home)
	}
	ways := p.lot.ways
	if ways == nil && names != nil {
		ways = [][]string{names}
	}
	for _, way := range ways {
		p.home.addPlace(way)
		p.home.consent(way[len(way)-1])
	}
	if p.scenario.car != nil && !p.scenario.car.spare {
		names = append(names, p.setCar().looks())
	}
	if p.scenario.camera != noCamera {
		p.home.addCamera(p.scenario.camera == cameraRequired)
	}
	p.read()
	p.say("customer", "has enrolled %s by hand, and consents to deliveries", strings.Join(names, " and "))
}

// household opens a site with one member, who signs in.
func (p *play) household(h house) *customer {
	c := &customer{play: p, house: h, barriers: make(map[string]event.BarrierID), places: make(map[string]event.AccessPointID), chosen: map[string]any{}}
	var site struct {
		Site event.SiteID `json:"site"`
	}
	p.must(p.shop(p.lot.shop).Call(p.ctx, "POST", "/v1/sites", map[string]any{"zone": zone, "address": h.address}, &site))
	c.site = site.Site
	var member struct {
		Member event.MemberID `json:"member"`
	}
	p.must(p.operator.Call(p.ctx, "POST", "/v1/sites/"+string(c.site)+"/members", map[string]any{"name": h.member}, &member))
	c.member = member.Member
	c.signIn()
	return c
}

func (c *customer) signIn() {
	token, err := c.play.stage.atMachine(c.play.ctx, "member", "link", string(c.member))
	c.play.must(err)
	var session struct {
		Token string `json:"token"`
	}
	c.Caller = &client.Caller{URL: c.play.stage.url, Authorize: client.WithSecret("Session", "")}
	c.play.must(c.Call(c.play.ctx, "POST", "/v1/sessions", map[string]any{"token": token}, &session))
	c.Authorize = client.WithSecret("Session", session.Token)
}

func (c *customer) post(path string, body, answer any) {
	c.play.must(c.Call(c.play.ctx, "POST", path, body, answer))
}

// setCar has the household's car enrolled, one place for each of its openings that take parcels.
func (p *play) setCar() *car {
	v := p.car()
	p.home.enrolCar(v)
	for _, place := range v.places {
		p.home.consent(place)
	}
	return v
}

// enrol reserves the device, makes it a barrier, and works it by hand, which the device reports.
func (c *customer) enrol(d virtual.Device) {
	id := event.DeviceID(string(c.site) + "." + d.Name)
	config, err := c.play.stage.config.Register(c.play.lot.prefix+d.Name, id)
	c.play.must(err)
	c.play.must(c.play.operator.Call(c.play.ctx, "POST", "/v1/devices",
		map[string]any{"id": id, "site": c.site, "connector": "mqtt", "config": config}, nil))
	var reserved struct {
		Barrier event.BarrierID `json:"barrier"`
	}
	c.post("/v1/home/barriers", map[string]any{"device": id, "is": c.kindOf(d), "acceptUnprovable": d.Kind == virtual.LobbyDoor}, &reserved)
	c.barriers[d.Name] = reserved.Barrier
	if c != c.play.home {
		c.play.home.barriers[d.Name] = reserved.Barrier
	}
	c.workByHand(d, reserved.Barrier)
}

func (c *customer) kindOf(d virtual.Device) event.BarrierKind {
	switch {
	case d.Kind == virtual.Garage || d.Kind == virtual.RatgdoGarage:
		return event.Garage
	case d.Kind == virtual.Box:
		return event.ParcelBox
	case c.play.building != nil && c == c.play.home:
		return event.Flat
	case d.Name == "lobby":
		return event.Lobby
	default:
		return event.FrontDoor
	}
}

// workByHand unlocks, opens, shuts and locks the barrier, until its device has reported it.
func (c *customer) workByHand(d virtual.Device, id event.BarrierID) {
	thing := c.play.thing(d.Name)
	limit := time.Now().Add(patience)
	for !c.isEnrolled(id, 0) {
		if time.Now().After(limit) {
			c.play.fail("%s was worked by hand, and is not enrolled", d.Name)
		}
		thing.Hand()
		_ = thing.Push() // a garage door moves by itself
		c.play.standsAs(thing, event.ContactOpen)
		c.play.pause(2 * look)
		_ = thing.PullShut()
		thing.HandLock()
		c.play.standsAs(thing, event.ContactClosed)
		if c.isEnrolled(id, time.Second) {
			return
		}
	}
}

// isEnrolled waits for it as long as it may take to be recorded: working the door once more would be an opening that
// nobody asked for.
func (c *customer) isEnrolled(id event.BarrierID, within time.Duration) bool {
	for limit := time.Now().Add(within); ; c.play.pause(2 * look) {
		if c.enrolled(id) {
			return true
		}
		if !time.Now().Before(limit) {
			return false
		}
	}
}

// standsAs waits, for a moment, until a door that takes its time really stands so.
func (p *play) standsAs(thing *virtual.Thing, want event.Contact) {
	for limit := time.Now().Add(2 * time.Second); thing.Contact() != want && time.Now().Before(limit); {
		p.pause(look)
	}
}

func (c *customer) enrolled(id event.BarrierID) bool {
	return c.recorded(func(e event.Event) bool {
		b, ok := e.Body.(event.BarrierEnrolled)
		return ok && b.Barrier == id
	})
}

// recorded says whether the beginning of the household's journal holds such an event.
func (c *customer) recorded(match func(event.Event) bool) bool {
	var page struct {
		Events []event.Event `json:"events"`
	}
	err := c.play.operator.Call(c.play.ctx, "GET", "/v1/sites/"+string(c.site)+"/journal?limit=200", nil, &page)
	if unserved(err) {
		return false // whoever waits for it asks again
	}
	c.play.must(err)
	return slices.ContainsFunc(page.Events, match)
}

func (c *customer) addPlace(way []string) {
	var steps []map[string]any
	for _, name := range way {
		by := event.PermitRemote
		if c.play.kind(name) == virtual.ZigbeeLock {
			by = event.PermitCode
		}
		steps = append(steps, map[string]any{"barrier": c.barriers[name], "by": by})
	}
	var added struct {
		AccessPoint event.AccessPointID `json:"accessPoint"`
	}
	c.post("/v1/home/access-points", map[string]any{"wayIn": steps, "radius": 60, "name": c.calls(way[len(way)-1]),
		"position": map[string]any{"latitude": c.house.at.latitude, "longitude": c.house.at.longitude}, "note": tongue("On the bench, to the left.", "Sur le banc, à gauche.")}, &added)
	c.places[way[len(way)-1]] = added.AccessPoint
}

// calls is what the household calls a place.
func (c *customer) calls(name string) string { return cmp.Or(c.play.lot.called[name], name) }

// nameOf is the last device on the way to a place.
func (c *customer) nameOf(place event.AccessPointID) string {
	for name, id := range c.places {
		if id == place {
			return name
		}
	}
	return ""
}

func (c *customer) consent(place string) {
	c.post("/v1/home/consents", map[string]any{"accessPoint": c.places[place], "largest": "large", "inside": true,
		"hours": []map[string]any{{"days": []int{1, 2, 3, 4, 5, 6, 7}, "from": 0, "to": 1440}}}, nil)
}

func (c *customer) lend(name string, to *customer) {
	c.post("/v1/home/lending", map[string]any{"barrier": c.barriers[name], "borrower": to.site}, nil)
	c.play.say("building", "lets %s's visits through its lobby", "the household")
}

// rules changes some of the household's rules.
func (c *customer) rules(change map[string]any) {
	rules := map[string]any{"dwellSeconds": 300, "climbSeconds": 60, "watch": true}
	maps.Copy(c.chosen, change)
	maps.Copy(rules, c.chosen)
	c.play.must(c.Call(c.play.ctx, "PUT", "/v1/home/rules", rules, nil))
}

// hurry lets alarms come after so long.
func (c *customer) hurry(after time.Duration) {
	c.rules(map[string]any{"dwellSeconds": after.Seconds(), "climbSeconds": 1})
}

func (c *customer) planB(kindAndWho ...string) {
	var steps []map[string]any
	for i := 0; i+1 < len(kindAndWho); i += 2 {
		steps = append(steps, map[string]any{"kind": kindAndWho[i], "who": kindAndWho[i+1]})
	}
	c.rules(map[string]any{"planB": steps})
}

func (c *customer) withdrawConsent(d *delivery) {
	c.play.say("customer", "takes the consent to this delivery back")
	c.post("/v1/home/deliveries/"+string(d.id)+"/withdraw", map[string]any{}, nil)
	c.play.read()
}

func (c *customer) block(d *delivery, want event.BlockVerdict) {
	c.play.say("customer", "blocks")
	var answer struct {
		Verdict event.BlockVerdict `json:"verdict"`
	}
	c.post("/v1/home/deliveries/"+string(d.id)+"/block", map[string]any{}, &answer)
	if answer.Verdict != want {
		c.play.fail("the block should be answered %s, and was: %s", want, answer.Verdict)
	}
	c.play.read()
}

func (c *customer) takeOver(v event.VisitID) {
	c.play.say("customer", "comes home, and taps: I am here, I take over")
	c.post("/v1/home/visits/"+string(v)+"/take-over", map[string]any{}, nil)
	c.play.read()
}
