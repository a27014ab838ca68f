package demo

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/url"
	"os"
	"slices"
	"sync"
	"time"

	"github.com/loquet/loquet/client"
	"github.com/loquet/loquet/event"
	"github.com/loquet/loquet/web/desk"
)

// town is the demo that stays: households on one stage, what happened there in the morning, a courier on the way to the
// first of them, and hands at its doors. It is the desk.World behind the Demo desk.
type town struct {
	*cast
	// ctx ends with the town, by end.
	ctx   context.Context
	end   context.CancelFunc
	front *front
	links *links
	walk  *walk
	// phone is the courier's page in a browser, once there is one.
	phone desk.Phone
	// plays are the morning's, the first at Camille's.
	plays []*play
	under sync.WaitGroup
	// sending is held by a press that has another parcel sent: a second one is refused, not answered with a second parcel.
	sending sync.Mutex
	// pace is how long each step of a story is looked at, and come how long the courier takes when told to.
	pace, come time.Duration

	mu      sync.Mutex
	changed chan struct{}
	hands   map[string]*hand
	camera  desk.Camera
	cut     bool
	dead    bool
	// stops are what the visitor's courier has to bring, and now the one that is under way; over says that it ended.
	stops []stop
	now   *stop
	over  bool
	page  bool
	story *telling
	// promised is when the courier was said to arrive, in a visit.
	promised time.Time
	visit    event.VisitID
}

// stop is a delivery to a household of the town.
type stop struct {
	*delivery
	play *play
}

// Stay opens the town, plays its morning, says how to get in, and keeps it until the context ends.
func Stay(ctx context.Context, o Options) (err error) {
	if o.Program == "" {
		if o.Program, err = os.Executable(); err != nil {
			return err
		}
	}
	dir, err := os.MkdirTemp("", "loquet-demo-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(dir)
	fmt.Fprintln(o.Out, "\n  Setting up a virtual town, and playing its morning …")
	t, err := openTown(ctx, o.Program, dir)
	if err != nil && ctx.Err() != nil {
		return nil // somebody had seen enough
	}
	if err != nil {
		return fmt.Errorf("the town can't be set up: %w", err)
	}
	defer t.close()
	t.welcome(o.Out)
	<-ctx.Done()
	return nil
}

// openTown has everything running, and the morning played.
func openTown(ctx context.Context, program, dir string) (t *town, err error) {
	rows := morning()
	s, err := build(ctx, program, dir, devicesOf(rows), true)
	if err != nil {
		return nil, err
	}
	t = &town{cast: newCast(s, rapido), hands: map[string]*hand{}, pace: 1500 * time.Millisecond, come: 4 * time.Second, walk: newWalk(lilas.at), changed: make(chan struct{}), camera: desk.CameraLive}
	t.ctx, t.end = context.WithCancel(ctx)
	ctx = t.ctx
	defer func() {
		if err != nil {
			t.close()
		}
	}()
	t.links = &links{enter: map[string]func(context.Context, string) (string, error){
		string(desk.Operator): t.enterOperator, string(desk.Customer): t.enterCustomer, string(desk.Courier): t.enterCourier}}
	if t.front, err = openFront(); err != nil {
		return t, err
	}
	s.url, s.more = t.front.url(), []string{"--demo", "--phone", fiction, "--zone", zone}
	s.film("12 RUE DES LILAS", "lilas-front-door", "lilas-side-door")
	if s.listen, err = freeAddress(); err != nil {
		return t, err
	}
	if err = t.parkCars(rows); err != nil {
		return t, err
	}
	if err = t.front.seat(t, &t.phone, quietly()); err != nil {
		return t, err
	}
	t.front.serve(s.listen)
	if err = s.serve(ctx); err != nil {
		return t, err
	}
	t.front.paired, t.front.approached = t.paired, t.approached
	if err = t.openOffice(ctx); err != nil {
		return t, err
	}
	if t.plays, err = t.playMorning(ctx, rows); err != nil {
		return t, err
	}
	return t, t.afternoon()
}

// parkCars puts the cars of the town where they stand.
func (t *town) parkCars(rows []row) error {
	if err := t.stage.connectMakers(); err != nil {
		return err
	}
	for _, r := range rows {
		if r.car != nil {
			t.stage.makers.add(r.lot, *r.car)
		}
	}
	return nil
}

// quietly logs what goes wrong, for whoever looks at the terminal.
func quietly() *slog.Logger {
	return slog.New(slog.NewTextHandler(os.Stderr, &slog.HandlerOptions{Level: slog.LevelError}))
}

// openOffice gives the operator an API key, and somebody who works there.
func (t *town) openOffice(ctx context.Context) (err error) {
	if t.operatorKey, err = t.stage.atMachine(ctx, "key", "create", "--role", "operator", "--identity", rapido); err != nil {
		return err
	}
	_, err = t.stage.atMachine(ctx, "staff", "add", "--email", anaMail, "--name", ana, "--role", "admin")
	return err
}

// afternoon promises more deliveries, and sends the courier whom the visitor will play on the way to Camille.
func (t *town) afternoon() error {
	t.watchDoors()
	err := t.plays[0].perform(func() {
		for i, p := range t.plays[1:5] {
			from, who := time.Duration(20*i)*time.Minute, []string{karim, nour, karim, tom}[i]
			d := p.book(p.lot.shop, p.home.nameOf(p.first.place), from, from+2*time.Hour)
			p.assign(d, p.courier(who))
			if who == karim {
				t.set(func() { t.stops = append(t.stops, stop{d, p}) })
			}
		}
		p := t.driver(t.ctx)
		d := p.booked(trunk)
		p.assign(d, p.courier(karim))
		t.set(func() { t.stops = append(t.stops, stop{d, p}) })
	})
	if err != nil {
		return err
	}
	if err := t.another(t.ctx); err != nil {
		return err
	}
	t.under.Go(t.accompany)
	return nil
}

// camille is a scene at Camille's that begins now.
func (t *town) camille(ctx context.Context) *play { return t.at(ctx, t.plays[0]) }

// driver is a scene at the household whose car the stories are about.
func (t *town) driver(ctx context.Context) *play {
	return t.at(ctx, t.plays[slices.IndexFunc(t.plays, func(p *play) bool { return p.scenario.Name == "volvo" })])
}

// at is a scene at a household that begins now; its morning was the first.
func (t *town) at(ctx context.Context, first *play) *play {
	p := &play{cast: t.cast, ctx: ctx, scenario: first.scenario, lot: first.lot, report: silent(), operator: t.office()}
	p.lot.bringer, p.lot.shop = karim, grocer
	home := *first.home
	caller := *home.Caller
	home.Caller, home.play = &caller, p
	p.home = &home
	return p
}

// another books a parcel for Camille, and has it brought.
func (t *town) another(ctx context.Context) error {
	p := t.camille(ctx)
	return p.perform(func() { t.send(p, "front-door") })
}

// send has a parcel booked for a place, and the visitor's courier bring it.
func (t *town) send(p *play, place string) {
	d := p.booked(place)
	p.assign(d, p.courier(karim))
	t.stage.sweep()
	t.expect(p, d)
	if !t.isPage() {
		t.announce(p, d)
	}
}

// expect makes a delivery of the courier's the one that is under way.
func (t *town) expect(p *play, d *delivery) {
	s := stop{d, p}
	t.set(func() { t.stops = append(t.stops, s) })
	t.head(s)
}

// waitsAt is what the visitor's courier was given last for a place: one visit brings all of it.
func (t *town) waitsAt(place event.AccessPointID) (last stop, ok bool) {
	t.mu.Lock()
	defer t.mu.Unlock()
	for _, s := range slices.Backward(t.stops) {
		if s.place == place {
			return s, true
		}
	}
	return last, false
}

// head sends the courier to a stop, from where the way begins.
func (t *town) head(s stop) {
	t.set(func() { t.now, t.over = &s, false })
	to := s.play.lot.house.at
	if v := s.play.carOf(s.delivery); v != nil {
		to = v.at()
	}
	t.walk.head(to)
}

// approached hears from the courier's page which stop comes next: there the way leads now.
func (t *town) approached(d event.DeliveryID) {
	t.mu.Lock()
	i := slices.IndexFunc(t.stops, func(s stop) bool { return s.id == d })
	var next *stop
	if i >= 0 && (t.now == nil || t.now.id != d) {
		next = &t.stops[i]
	}
	t.mu.Unlock()
	if next != nil {
		t.head(*next)
		t.walk.begin()
	}
}

// announce begins the visit, or renews when the courier will be there.
func (t *town) announce(p *play, d *delivery) {
	var a answer
	eta := t.walk.arrives()
	p.must(p.courier(karim).Call(p.ctx, "POST", "/v1/courier/approach", map[string]any{"site": d.site, "accessPoint": d.place,
		"eta": eta.Format(time.RFC3339)}, &a))
	t.set(func() { t.promised, t.visit = eta, a.Visit.ID })
	t.locate(p)
}

// office is a new caller with the operator's key.
func (t *town) office() *client.Caller {
	return &client.Caller{URL: t.stage.url, Authorize: client.WithSecret("Bearer", t.operatorKey)}
}

// paired gives a courier's deliveries to the phone that was just bound. From then on a page in a browser is the phone.
func (t *town) paired(ctx context.Context, courier event.CourierID, stale []event.DeliveryID) {
	office := t.office()
	for _, d := range stale {
		if err := office.Call(ctx, "POST", "/v1/deliveries/"+string(d)+"/assign", map[string]any{"courier": courier}, nil); err != nil {
			return // the page says that they name another phone
		}
	}
	if string(courier) == t.courierID(karim) {
		t.set(func() { t.page = true })
	}
}

func (t *town) isPage() bool {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.page
}

// set changes something, and tells whoever looks.
func (t *town) set(change func()) {
	t.mu.Lock()
	defer t.mu.Unlock()
	change()
	close(t.changed)
	t.changed = make(chan struct{})
}

// Changed implements desk.World.
func (t *town) Changed() <-chan struct{} {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.changed
}

// welcome says what runs, where it is stored and how to stop, and how to get in.
func (t *town) welcome(out io.Writer) {
	fmt.Fprintf(out, `
  Loquet runs at %s, on virtual doors in a virtual town: nothing real opens.
  Everything is kept in %s, and erased at the end.
  Ctrl-C stops it.

`, t.front.url(), t.stage.data())
	for _, a := range desk.Apps() {
		fmt.Fprintf(out, "  %-10s%s%s\n", a.Title(), t.front.url(), t.Offer(a, ""))
	}
	fmt.Fprint(out, "\n  Open the three side by side.\n\n")
}

// Offer implements desk.World.
func (t *town) Offer(a desk.App, door string) string { return t.links.offer(string(a), door) }

// Enter implements desk.World. The courier sets out when somebody begins to look.
func (t *town) Enter(ctx context.Context, a desk.App, token string) (string, error) {
	to, err := t.links.spend(ctx, string(a), token)
	var spent spentError
	if errors.As(err, &spent) {
		return "", &desk.Spent{At: spent.at}
	}
	if err == nil {
		t.walk.begin()
	}
	return to, err
}

// enterCustomer leads to the household of a door; without one to that to which a delivery is on its way, else to Camille's.
func (t *town) enterCustomer(ctx context.Context, door string) (string, error) {
	home := t.plays[0].home
	t.mu.Lock()
	if t.now != nil && !t.over {
		home = t.now.play.home
	}
	t.mu.Unlock()
	if i := slices.IndexFunc(t.plays, func(p *play) bool { return p.owns(door) }); i >= 0 {
		home = t.plays[i].home
	}
	link, err := t.stage.atMachine(ctx, "member", "link", "--url", string(home.member))
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.now != nil && t.now.site == home.site {
		link += "?next=" + url.QueryEscape("/home/deliveries/"+string(t.now.id))
	}
	return link, err
}

func (t *town) enterCourier(ctx context.Context, _ string) (string, error) {
	code, err := t.stage.atMachine(ctx, "courier", "pair", t.courierID(karim))
	return "/courier/pair#" + code, err
}

func (t *town) enterOperator(ctx context.Context, _ string) (string, error) {
	return t.stage.atMachine(ctx, "staff", "link", anaMail)
}

// accompany goes with the courier as long as no page is the phone: says where the phone is, and renews the estimate.
func (t *town) accompany() {
	ticker := time.NewTicker(2 * time.Second)
	defer ticker.Stop()
	for {
		select {
		case <-t.ctx.Done():
			return
		case <-ticker.C:
		}
		// What can't be done now is done the next time.
		_ = t.step()
		for _, p := range t.plays {
			_ = p.perform(p.release)
		}
	}
}

func (t *town) close() {
	t.end()
	if t.front != nil {
		t.front.close()
	}
	t.under.Wait()
	t.stage.close()
}

// watchDoors tells whoever looks of each movement.
func (t *town) watchDoors() {
	for _, name := range t.stage.names() {
		t.under.Go(func() { t.watch(t.stage.body(name)) })
	}
}

func (t *town) watch(thing body) {
	for changed := thing.Changed(); ; {
		select {
		case <-changed:
		case <-t.ctx.Done():
			return
		}
		changed = thing.Changed()
		t.set(func() {})
	}
}
