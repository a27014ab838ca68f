package demo

import (
	"cmp"
	"context"
	"fmt"
	"io"
	"os"
	"strings"
	"sync"
	"time"

	"github.com/loquet/loquet/device/virtual"
	"github.com/loquet/loquet/dispatch"
	"github.com/loquet/loquet/event"
)

// The houses of the town lie around the first.
func aside(address, member string, east, north float64) house {
	return house{address: address, member: member, at: lilas.at.off(east, north)}
}

// tongue is what households of the town say: they speak as the terminal does.
func tongue(english, french string) string {
	if strings.HasPrefix(cmp.Or(os.Getenv("LC_ALL"), os.Getenv("LC_MESSAGES"), os.Getenv("LANG")), "fr") {
		return french
	}
	return english
}

// Shops and couriers of the town.
const (
	grocer = "Maison Verdier"
	books  = "Librairie du Quai"
	rapido = "Rapido"

	karim = "Karim"
	nour  = "Nour"
	tom   = "Tom"

	// ana works in the operator's office.
	ana     = "Ana"
	anaMail = "ana@rapido.example"
	// fiction is among the numbers that France keeps for stories: nobody answers.
	fiction = "+33199001234"
)

// row is one household of the town, and what happens there in the morning: a scene that ends with its first delivery
// in a state.
type row struct {
	Scenario
	lot lot
}

// morning is what was played before anybody looks. Every row is a household of its own, so that all are played at once.
func morning() []row {
	entrance := tongue("Front door", "Porte d'entrée")
	north := house{address: "1 place du Nord", member: "Syndic du Nord", at: lilas.at.off(-180, 420)}
	return []row{
		{Scenario{Name: "camille", props: props{devices: []virtual.Device{lock("front-door"), {Name: "side-door", Kind: virtual.ZigbeeLock, Timestamps: true}}},
			camera: cameraRequired, scene: morningCamille, state: "delivered"},
			lot{house: lilas, prefix: "lilas-", shop: books, bringer: nour, ways: [][]string{{"front-door"}, {"side-door"}},
				called: map[string]string{"front-door": entrance, "side-door": tongue("Side door, keypad", "Porte latérale, clavier")}}},
		{Scenario{Name: "garage", props: props{devices: one(virtual.RatgdoGarage, "garage").devices, car: new(aSpareVolvo())}, scene: sceneGarage, state: "delivered"},
			lot{house: aside("4 rue du Lys", "Nadia Benali", 310, 120), prefix: "lys-", shop: grocer, bringer: karim,
				called: map[string]string{"garage": "Garage"}}},
		{Scenario{Name: "flat", props: doors(lock("lobby"), lock("front-door")), scene: sceneTwoBarriers, state: "delivered"},
			lot{house: house{address: north.address + tongue(", flat 12", ", appartement 12"), member: "Hugo Lambert", at: north.at}, building: north, prefix: "nord-",
				shop: grocer, bringer: tom, called: map[string]string{"front-door": tongue("Flat 12", "Appartement 12"), "lobby": tongue("Lobby", "Hall")}}},
		{Scenario{Name: "keypad", props: one(virtual.ZigbeeLock, "front-door"), scene: sceneCode, state: "delivered"},
			lot{house: aside("9 rue des Tilleuls", "Jeanne Caron", 240, -350), prefix: "tilleuls-", shop: books, bringer: nour,
				called: map[string]string{"front-door": tongue("Front door, keypad", "Porte d'entrée, clavier")}}},
		{Scenario{Name: "box", props: one(virtual.Box, "front-door"), scene: sceneLockOffline, state: "returned"},
			lot{house: aside("7 quai des Brumes", "Marc Weber", -520, -90), prefix: "brumes-", shop: grocer, bringer: tom,
				called: map[string]string{"front-door": tongue("Parcel box", "Boîte à colis")}}},
		{Scenario{Name: "neighbour", props: door(), scene: scenePlanB, state: "diverted"},
			lot{house: aside("23 avenue Foch", "Paul Roux", 90, 560), prefix: "foch-", shop: books, bringer: karim,
				called: map[string]string{"front-door": entrance}}},
		{Scenario{Name: "blocked", props: door(), scene: morningBlocked, state: "blocked"},
			lot{house: aside("5 rue Verte", "Claire Dubois", 400, -160), prefix: "verte-", shop: grocer, bringer: tom,
				called: map[string]string{"front-door": entrance}}},
		{Scenario{Name: "volvo", props: parked(aVolvo()), scene: sceneTrunk, state: "delivered"},
			lot{house: aside("2 cours des Lices", "Inès Moreau", 520, 240), prefix: "lices-", shop: books, bringer: nour,
				called: map[string]string{trunk: tongue("Trunk of the Volvo", "Coffre de la Volvo")}}},
		{Scenario{Name: "ajar", props: door(), scene: morningAjar, state: "visiting"},
			lot{house: aside("31 rue du Port", "Lucie Martel", -300, -260), prefix: "port-", shop: grocer, bringer: tom,
				called: map[string]string{"front-door": entrance}}},
	}
}

// morningCamille: a parcel is delivered and filmed; later Camille comes by with her own key.
func morningCamille(p *play) {
	p.home.planB("neighbour", tongue("Mr Petit, door 3", "M. Petit, porte 3"), "depot", "")
	d, nour, v := p.onTheWay("front-door")
	p.awaitPicture("")
	nour.scan(v, d.parcels[0]).granted()
	nour.finish(v, "front-door")
	p.awaitClip()
	front := p.door("front-door")
	front.foreign("key")
	p.awaitBody("the household is told", event.ForeignOpening{}.Kind())
	front.handLock("locks it again")
}

// morningBlocked: the customer blocks in time; the courier has not followed plan B yet.
func morningBlocked(p *play) {
	d, tom, v := p.onTheWay("front-door")
	p.home.block(d, event.BlockWon)
	tom.scan(v, d.parcels[0]).refusedAny(event.Blocked, event.AlreadyEnded)
}

// morningAjar: somebody turns the key in an open door, and nobody can leave. The operator's Ana has it in hand.
func morningAjar(p *play) {
	p.home.rules(map[string]any{"climbSeconds": 1})
	tom, v := p.admitted("front-door")
	front := p.door("front-door")
	front.push()
	tom.deposit(v)
	front.handLock("turns the key in the open door")
	p.awaitAlarm(event.AlarmAjar, event.AlarmOperator)
	tom.leave(v).refused(event.NotSecured)
	ana := p.withKey(p.key("operator", ana))
	p.must(ana.Call(p.ctx, "POST", "/v1/visits/"+string(v)+"/acknowledge", map[string]any{}, nil))
	p.awaitBody("the alarm has an owner", event.AlarmAcknowledged{}.Kind())
	p.held = &held{tom, v, "front-door"}
}

// release lets a courier go who waits at a door, once somebody has shut and locked it.
func (p *play) release() {
	if p.held == nil {
		return
	}
	thing := p.thing(p.held.door)
	if thing.Contact() != event.ContactClosed || thing.Bolt() != event.BoltLocked {
		return
	}
	if tom := p.held.courier; tom.mayLeave(p.held.visit) && tom.leave(p.held.visit).Refused == nil {
		p.held = nil
	}
}

// heartbeat is how often a device of the town says that nothing happened: well before what it said is too old.
const heartbeat = 20 * time.Second

// devicesOf are those of all rows, each under the prefix of its household.
func devicesOf(rows []row) []virtual.Device {
	var all []virtual.Device
	for _, r := range rows {
		for _, d := range r.devices {
			d.Name, d.Heartbeat = r.lot.prefix+d.Name, heartbeat
			all = append(all, d)
		}
	}
	return all
}

// playMorning plays all rows at once, and returns each household's scene, in order.
func (c *cast) playMorning(ctx context.Context, rows []row) ([]*play, error) {
	plays, errs := make([]*play, len(rows)), make([]error, len(rows))
	var under sync.WaitGroup
	for i, r := range rows {
		plays[i] = &play{cast: c, ctx: ctx, scenario: r.Scenario, lot: r.lot, report: silent()}
		under.Go(func() { errs[i] = plays[i].row() })
	}
	under.Wait()
	for i, err := range errs {
		if err != nil {
			return nil, fmt.Errorf("%s: %w", rows[i].lot.house.address, err)
		}
	}
	return plays, nil
}

// silent is for what is not told while it is played.
func silent() *report { return &report{out: io.Discard} }

// row plays one household's morning, with an API key of its own: looking into its journal is limited by key.
func (p *play) row() error {
	return p.perform(func() {
		p.operator = p.withKey(p.key("operator", p.carrier))
		p.set()
		p.scenario.scene(p)
		if got := p.status(p.first); string(got) != p.scenario.state {
			p.fail("the delivery should be %s, and is %s", p.scenario.state, got)
		}
	})
}

// status is how far a delivery has come.
func (p *play) status(d *delivery) dispatch.Status {
	var summary struct {
		Status dispatch.Status `json:"status"`
	}
	p.must(p.operator.Call(p.ctx, "GET", "/v1/deliveries/"+string(d.id), nil, &summary))
	return summary.Status
}
