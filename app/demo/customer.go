package demo

import (
	"fmt"
	"os/exec"
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
	site     event.SiteID
	member   event.MemberID
	barriers map[string]event.BarrierID
	places   map[string]event.AccessPointID
}

// atMachine runs a local command of the server's operator.
func (p *play) atMachine(args ...string) (string, error) {
	cmd := exec.CommandContext(p.ctx, p.stage.program, append(args, "--data", p.stage.data())...)
	out, err := cmd.CombinedOutput()
	if err != nil {
		return "", fmt.Errorf("loquet %s: %w: %s", strings.Join(args, " "), err, out)
	}
	return strings.TrimSpace(string(out)), nil
}

func (p *play) key(role, identity string) string {
	key, err := p.atMachine("key", "create", "--role", role, "--identity", identity)
	p.must(err)
	return key
}

func (p *play) shop(name string) *client.Caller {
	if p.shops[name] == nil {
		p.shops[name] = &client.Caller{URL: p.stage.url, Authorize: client.WithSecret("Bearer", p.key("merchant", name))}
	}
	return p.shops[name]
}

// set sets the stage: an operator, a household with its devices enrolled by hand, and its consent.
func (p *play) set() {
	p.operatorKey = p.key("operator", "swift")
	p.operator = &client.Caller{URL: p.stage.url, Authorize: client.WithSecret("Bearer", p.operatorKey)}
	p.shop("grocer")
	p.home = p.household()
	way := make([]string, 0, len(p.scenario.devices))
	for _, d := range p.scenario.devices {
		owner := p.home
		if d.Name == "lobby" {
			p.building = p.household()
			owner = p.building
		}
		owner.enrol(d)
		way = append(way, d.Name)
	}
	if p.building != nil {
		p.building.lend("lobby", p.home)
	}
	p.home.addPlace(way)
	p.home.consent(way[len(way)-1])
	if p.scenario.camera != noCamera {
		p.home.addCamera(way[len(way)-1], p.scenario.camera == cameraRequired)
	}
	p.read()
	p.say("customer", "has enrolled %s by hand, and consents to deliveries", strings.Join(way, " and "))
}

// household opens a site with one member, who signs in.
func (p *play) household() *customer {
	c := &customer{play: p, barriers: make(map[string]event.BarrierID), places: make(map[string]event.AccessPointID)}
	var site struct {
		Site event.SiteID `json:"site"`
	}
	p.must(p.shop("grocer").Call(p.ctx, "POST", "/v1/sites", map[string]any{"zone": "Europe/Paris", "address": "12 rue des Lilas"}, &site))
	c.site = site.Site
	var member struct {
		Member event.MemberID `json:"member"`
	}
	p.must(p.operator.Call(p.ctx, "POST", "/v1/sites/"+string(c.site)+"/members", map[string]any{"name": "Camille Martin"}, &member))
	c.member = member.Member
	c.signIn()
	return c
}

func (c *customer) signIn() {
	token, err := c.play.atMachine("member", "link", string(c.member))
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

// enrol reserves the device, makes it a barrier, and works it by hand, which the device reports.
func (c *customer) enrol(d virtual.Device) {
	id := event.DeviceID(string(c.site) + "." + d.Name)
	config, err := c.play.stage.config.Register(d.Name, id)
	c.play.must(err)
	c.play.must(c.play.operator.Call(c.play.ctx, "POST", "/v1/devices",
		map[string]any{"id": id, "site": c.site, "connector": "mqtt", "config": config}, nil))
	var reserved struct {
		Barrier event.BarrierID `json:"barrier"`
	}
	c.post("/v1/home/barriers", map[string]any{"device": id, "is": kindOf(d), "acceptUnprovable": d.Kind == virtual.LobbyDoor}, &reserved)
	c.barriers[d.Name] = reserved.Barrier
	if c != c.play.home {
		c.play.home.barriers[d.Name] = reserved.Barrier
	}
	c.workByHand(d, reserved.Barrier)
}

func kindOf(d virtual.Device) event.BarrierKind {
	switch {
	case d.Kind == virtual.Garage:
		return event.Garage
	case d.Name == "lobby":
		return event.Lobby
	default:
		return event.FrontDoor
	}
}

// workByHand unlocks, opens, shuts and locks the barrier, until its device has reported it.
func (c *customer) workByHand(d virtual.Device, id event.BarrierID) {
	thing := c.play.stage.home.Thing(d.Name)
	limit := time.Now().Add(patience)
	for !c.enrolled(id) {
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
		c.play.pause(2 * look)
	}
}

// standsAs waits, for a moment, until a door that takes its time really stands so.
func (p *play) standsAs(thing *virtual.Thing, want event.Contact) {
	for limit := time.Now().Add(2 * time.Second); thing.Contact() != want && time.Now().Before(limit); {
		p.pause(look)
	}
}

func (c *customer) enrolled(id event.BarrierID) bool {
	var page struct {
		Events []event.Event `json:"events"`
	}
	c.play.must(c.play.operator.Call(c.play.ctx, "GET", "/v1/sites/"+string(c.site)+"/journal?limit=200", nil, &page))
	for _, e := range page.Events {
		if b, ok := e.Body.(event.BarrierEnrolled); ok && b.Barrier == id {
			return true
		}
	}
	return false
}

func (c *customer) addPlace(way []string) {
	var steps []map[string]any
	for i, name := range way {
		by := event.PermitRemote
		if c.play.scenario.devices[i].Kind == virtual.ZigbeeLock {
			by = event.PermitCode
		}
		steps = append(steps, map[string]any{"barrier": c.barriers[name], "by": by})
	}
	var added struct {
		AccessPoint event.AccessPointID `json:"accessPoint"`
	}
	c.post("/v1/home/access-points", map[string]any{"wayIn": steps, "radius": 60, "name": way[len(way)-1],
		"position": map[string]any{"latitude": latitude, "longitude": longitude}, "note": "On the bench, to the left."}, &added)
	c.places[way[len(way)-1]] = added.AccessPoint
}

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

// rules sends the household's rules, which replace those before.
func (c *customer) rules(change map[string]any) {
	rules := map[string]any{"dwellSeconds": 300, "climbSeconds": 60, "watch": true}
	for k, v := range change {
		rules[k] = v
	}
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
