package indoors

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"fmt"
	"net/http"
	"slices"
	"time"

	"github.com/loquet/loquet/api"
	"github.com/loquet/loquet/auth"
	"github.com/loquet/loquet/auth/proof"
	"github.com/loquet/loquet/client"
	"github.com/loquet/loquet/device/broker"
	"github.com/loquet/loquet/device/fakecloud"
	"github.com/loquet/loquet/device/virtual"
	"github.com/loquet/loquet/event"
)

// Where the houses stand; nobody lives there. WGS 84 degrees.
const (
	Latitude  = 48.8584
	Longitude = 2.2945
)

// Household is a site with one member who has a session, and a front door that was enrolled by hand.
type Household struct {
	*client.Caller
	in          *Installation
	Site        event.SiteID
	Member      event.MemberID
	Barrier     event.BarrierID
	AccessPoint event.AccessPointID
	// Door is the virtual front door, and Home all of its devices.
	Door *virtual.Thing
	Home *virtual.Home
	// Car is that of a Driveway.
	Car *fakecloud.Car
	// Cookie is the member's session in a browser.
	Cookie *http.Cookie
}

// Household opens a site with one member of that name, a front door, and a standing consent for every hour.
func (in *Installation) Household(name string) *Household {
	in.T.Helper()
	return in.household(name, virtual.Lock, event.PermitRemote)
}

// Keypad opens a site as Household does, whose door takes one-time codes.
func (in *Installation) Keypad(name string) *Household {
	in.T.Helper()
	return in.household(name, virtual.ZigbeeLock, event.PermitCode)
}

func (in *Installation) household(name string, kind virtual.Kind, by event.PermitType) *Household {
	in.T.Helper()
	h := in.Empty(name)
	h.addDoor(kind)
	var ap api.AccessPoint
	h.post("/v1/home/access-points", api.AccessPointRequest{WayIn: []event.BarrierRef{{Barrier: h.Barrier, By: by}}, Radius: 50,
		Position: api.Centre{Latitude: Latitude, Longitude: Longitude}, Name: "Front door", Note: "On the bench"}, &ap)
	h.AccessPoint = ap.ID
	h.post("/v1/home/consents", api.ConsentRequest{AccessPoint: h.AccessPoint, Largest: event.SizeLarge, Inside: true,
		Hours: []event.Hours{{Days: []int{1, 2, 3, 4, 5, 6, 7}, From: 0, To: 1440}}}, nil)
	return h
}

// Empty opens a site with one member of that name, who has a session, and nothing else. The shop is "grocer".
func (in *Installation) Empty(name string) *Household {
	in.T.Helper()
	h := &Household{in: in}
	shop := in.Key(auth.Merchant, "grocer")
	var s api.Site
	in.post(shop, "/v1/sites", api.SiteRequest{Zone: "Europe/Paris", Address: "12 rue des Lilas, Paris"}, &s)
	var m api.Member
	in.post(shop, "/v1/sites/"+string(s.ID)+"/members", api.MemberRequest{Name: name}, &m)
	h.Site, h.Member = s.ID, m.ID
	session := in.SignIn(m.ID)
	h.Caller = in.as("Session", session.Value)
	h.Cookie = session
	return h
}

// SignIn begins a session for a member, as a cookie.
func (in *Installation) SignIn(m event.MemberID) *http.Cookie {
	in.T.Helper()
	link := must(in.Sessions.Invite(in.T.Context(), m))(in.T)
	begun := must(in.Sessions.Redeem(in.T.Context(), link.Token, auth.Arrival{}))(in.T)
	cookie := begun.Cookie()
	return &cookie
}

func (in *Installation) post(c *client.Caller, path string, body, answer any) {
	in.T.Helper()
	if err := c.Call(in.T.Context(), http.MethodPost, path, body, answer); err != nil {
		in.T.Fatal(err)
	}
}

func (h *Household) post(path string, body, answer any) {
	h.in.T.Helper()
	h.in.post(h.Caller, path, body, answer)
}

// addDoor puts up a virtual front door, reserves it, makes it a barrier and works it by hand.
func (h *Household) addDoor(kind virtual.Kind) {
	in := h.in
	in.T.Helper()
	config := h.putUp(kind)
	id := event.DeviceID(string(h.Site) + ".front")
	register := must(config.Register("front", id))(in.T)
	in.post(in.Key(auth.Operator, "swift"), "/v1/devices",
		api.DeviceRequest{ID: id, Site: h.Site, Connector: "mqtt", Config: register}, nil)
	var b api.Barrier
	h.post("/v1/home/barriers", api.BarrierRequest{Device: id, Is: event.FrontDoor}, &b)
	h.Barrier = b.ID
	h.Enrol()
}

// PutUpDoor has a virtual front door announce itself, which nobody has reserved yet.
func (h *Household) PutUpDoor() virtual.Config {
	h.in.T.Helper()
	return h.putUp(virtual.Lock)
}

func (h *Household) putUp(kind virtual.Kind) virtual.Config {
	in := h.in
	in.T.Helper()
	in.homes++
	prefix := fmt.Sprintf("home%d", in.homes)
	config := virtual.Config{URL: in.Broker.URL(), Prefix: prefix, Devices: []virtual.Device{
		{Name: "front", Kind: kind, Username: prefix, Password: broker.NewPassword(), Timestamps: true}}}
	reports, commands, err := config.Topics("front")
	must(0, err)(in.T)
	must(0, in.Broker.Allow(broker.Account{Credentials: broker.Credentials{Username: prefix,
		PasswordHash: broker.HashPassword(config.Devices[0].Password)}, Reports: reports, Commands: commands}))(in.T)
	h.Home = must(virtual.Start(in.T.Context(), config))(in.T)
	in.T.Cleanup(h.Home.Close)
	h.Door = h.Home.Thing("front")
	return config
}

// Enrol works the door by hand until the site has seen it: what was reported before somebody listened is not seen.
func (h *Household) Enrol() { h.enrolBy(h.WorkByHand) }

func (h *Household) enrolBy(work func()) {
	in := h.in
	in.T.Helper()
	grown, stop := in.Dispatcher.Follow(h.Site)
	defer stop()
	again := time.NewTicker(time.Second)
	defer again.Stop()
	limit := time.After(Patience)
	for work(); !in.happened(h.Site, event.BarrierEnrolled{}.Kind()); {
		select {
		case <-grown:
		case <-again.C:
			work()
		case <-limit:
			in.T.Fatal("the door was worked by hand, and is not enrolled")
		}
	}
}

func (in *Installation) happened(at event.SiteID, kind event.Kind) bool {
	return slices.ContainsFunc(in.Journal(at), func(e event.Event) bool { return e.Body.Kind() == kind })
}

// WorkByHand opens and shuts the door from inside.
func (h *Household) WorkByHand() {
	h.in.T.Helper()
	h.Door.Hand()
	must(0, h.Door.Push())(h.in.T)
	must(0, h.Door.PullShut())(h.in.T)
	h.Door.HandLock()
}

// Phone is a courier's bound device.
type Phone struct {
	*client.Caller
	in      *Installation
	Courier event.CourierID
	Key     *ecdsa.PrivateKey
}

// Courier registers a courier and binds a new phone.
func (in *Installation) Courier(id event.CourierID) *Phone {
	in.T.Helper()
	in.post(in.Key(auth.Operator, "swift"), "/v1/couriers", api.CourierRequest{ID: id, Name: "Anna Sommer"}, nil)
	key := must(ecdsa.GenerateKey(elliptic.P256(), rand.Reader))(in.T)
	p := &Phone{Caller: &client.Caller{URL: in.URL, Authorize: client.SignedBy(key)}, in: in, Courier: id, Key: key}
	jwk, _, err := proof.KeyFrom(&key.PublicKey)
	must(jwk, err)(in.T)
	code := must(in.Couriers.Invite(in.T.Context(), id))(in.T)
	in.post(p.Caller, "/v1/pair", api.PairRequest{Code: code.Code, PublicJWK: jwk}, nil)
	return p
}

// Booked is a delivery of one parcel.
type Booked struct {
	ID     event.DeliveryID
	Home   *Household
	Parcel string
}

// Booked has the shop "grocer" book one parcel for now.
func (in *Installation) Booked(h *Household) Booked {
	in.T.Helper()
	in.homes++
	b := Booked{Home: h, Parcel: sscc(in.homes)}
	now := time.Now()
	var d api.Delivery
	in.post(in.Key(auth.Merchant, "grocer"), "/v1/deliveries", api.BookRequest{Site: h.Site, AccessPoint: h.AccessPoint, Carrier: "swift",
		Window:  api.Window{From: now.Add(-time.Minute), To: now.Add(2 * time.Hour)},
		Parcels: []api.ParcelRequest{{Code: b.Parcel, Size: event.SizeSmall}}}, &d)
	b.ID = d.ID
	return b
}

// Assigned books one parcel and gives it to the courier.
func (in *Installation) Assigned(h *Household, p *Phone) Booked {
	in.T.Helper()
	b := in.Booked(h)
	in.post(in.Key(auth.Operator, "swift"), "/v1/deliveries/"+string(b.ID)+"/assign", api.AssignRequest{Courier: p.Courier}, nil)
	return b
}

// Approach begins the visit.
func (p *Phone) Approach(b Booked) event.VisitID {
	p.in.T.Helper()
	var a api.Answer
	p.in.post(p.Caller, "/v1/courier/approach",
		api.ApproachRequest{Site: b.Home.Site, AccessPoint: b.Home.AccessPoint, ETA: time.Now().Add(4 * time.Minute)}, &a)
	if a.Visit == nil {
		p.in.T.Fatalf("no visit: %+v", a.Refused)
	}
	return a.Visit.ID
}

// Act does something in a visit: "arrive", "deposit", "close", "leave"… body may be nil.
func (p *Phone) Act(v event.VisitID, what string, body any) api.Answer {
	p.in.T.Helper()
	var a api.Answer
	p.in.post(p.Caller, "/v1/courier/visits/"+string(v)+"/"+what, body, &a)
	return a
}

// Scan scans the delivery's parcel five metres from the door.
func (p *Phone) Scan(v event.VisitID, b Booked) api.Answer {
	p.in.T.Helper()
	return p.Act(v, "scan", api.ScanRequest{Text: b.Parcel, Position: At(5)})
}

// At is a position so many metres north of the houses, measured now.
func At(metres float64) *api.Position {
	return &api.Position{Latitude: Latitude + metres/111_195, Longitude: Longitude, Accuracy: 5, At: time.Now()}
}

// Enter scans the parcel, waits until the door is free, and pushes it open.
func (p *Phone) Enter(b Booked) event.VisitID {
	p.in.T.Helper()
	v := p.Approach(b)
	if a := p.Scan(v, b); a.Refused != nil {
		p.in.T.Fatalf("the scan is refused: %+v", a.Refused)
	}
	AwaitWhere(p.in, b.Home.Site, func(r event.OpeningResolved) bool { return r.Visit == v && r.Outcome == event.Done })
	must(0, b.Home.Door.Push())(p.in.T)
	return v
}

// Finish puts the parcel down, pulls the door shut, and leaves once that is proven.
func (p *Phone) Finish(b Booked, v event.VisitID) {
	p.in.T.Helper()
	p.Act(v, "deposit", nil)
	must(0, b.Home.Door.PullShut())(p.in.T)
	p.Act(v, "close", nil)
	AwaitWhere(p.in, b.Home.Site, func(s event.BarrierSecured) bool { return s.Visit == v })
	p.Leave(v)
}

// Leave leaves a visit whose barriers were seen shut. What was asked of one before may still be answered, and say that it is
// open: then nobody leaves until it was asked again.
func (p *Phone) Leave(v event.VisitID) {
	p.in.T.Helper()
	again := time.NewTicker(100 * time.Millisecond)
	defer again.Stop()
	limit := time.After(Patience)
	for a := p.Act(v, "leave", nil); a.Refused != nil; a = p.Act(v, "leave", nil) {
		if a.Refused.Code != event.NotSecured {
			p.in.T.Fatalf("leaving is refused: %+v", a.Refused)
		}
		select {
		case <-again.C:
		case <-limit:
			p.in.T.Fatal("nobody may leave")
		}
	}
}

// Await waits until an event of the type stands in the site's journal, and returns the last.
func Await[B event.Body](in *Installation, at event.SiteID) B {
	in.T.Helper()
	return AwaitWhere(in, at, func(B) bool { return true })
}

// AwaitWhere waits until such an event stands in the site's journal, and returns the last.
func AwaitWhere[B event.Body](in *Installation, at event.SiteID, holds func(B) bool) B {
	in.T.Helper()
	ctx, cancel := context.WithTimeout(in.T.Context(), Patience)
	defer cancel()
	grown, stop := in.Dispatcher.Follow(at)
	defer stop()
	for {
		for _, e := range slices.Backward(in.Journal(at)) {
			if b, ok := e.Body.(B); ok && holds(b) {
				return b
			}
		}
		select {
		case <-grown:
		case <-ctx.Done():
			var b B
			in.T.Fatalf("%s did not happen at %s", b.Kind(), at)
		}
	}
}

// Journal is everything that happened at a site.
func (in *Installation) Journal(at event.SiteID) []event.Event {
	in.T.Helper()
	return must(in.Dispatcher.Events(context.Background(), at, 0, 100_000))(in.T)
}

// sscc makes a serial shipping container code with its check digit, as typed by hand.
func sscc(n int) string {
	digits := fmt.Sprintf("34012345%09d", n)
	sum := 0
	for i, r := range digits {
		sum += int(r-'0') * (3 - 2*(i%2))
	}
	return fmt.Sprintf("(00)%s%d", digits, (10-sum%10)%10)
}
