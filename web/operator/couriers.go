package operator

import (
	"bytes"
	"cmp"
	"context"
	"encoding/base64"
	"image/png"
	"net/http"
	"net/url"
	"strconv"
	"strings"

	"github.com/boombuler/barcode"
	"github.com/boombuler/barcode/qr"

	"github.com/loquet/loquet/api"
	"github.com/loquet/loquet/auth"
	"github.com/loquet/loquet/event"
	"github.com/loquet/loquet/web/ui"
)

// couriersView is who delivers, on which phone.
type couriersView struct {
	*person
	api.CourierStates
	flash *flash
	wrong wrongs
	// id and name of a courier who could not be registered.
	id, name string
}

// couriers is the page of O5.
func (p *person) couriers() {
	v, problem := p.couriersView()
	if problem != nil {
		p.refuse(problem)
		return
	}
	p.show(ui.Page{Title: v.title(), Step: "couriers", Live: "/operator/couriers/live", Main: couriersPage(v)})
}

func (p *person) couriersLive() {
	p.live(func(p *person) (ui.Frame, error) {
		v, problem := p.couriersView()
		if problem != nil {
			return ui.Frame{}, problemOf(problem)
		}
		return ui.Frame{Title: v.title(), Step: "couriers", Main: couriersPage(v)}, nil
	})
}

func (p *person) couriersView() (*couriersView, *api.Problem) {
	out, problem := read(p, p.API.ListCouriers, &api.ListCouriersInput{Page: api.Page{Cursor: p.r.URL.Query().Get("cursor"), Limit: 100}})
	if problem != nil {
		return nil, problem
	}
	return &couriersView{person: p, CourierStates: out.Body, flash: p.flash()}, nil
}

func (v *couriersView) title() string {
	out := 0
	for _, c := range v.Couriers {
		if len(c.Visits) > 0 {
			out++
		}
	}
	return v.say("o5.title", "n", strconv.Itoa(out))
}

// registerCourier takes a new courier in.
func (p *person) registerCourier() {
	id, name := strings.TrimSpace(p.r.PostFormValue("id")), strings.TrimSpace(p.r.PostFormValue("name"))
	_, problem := do(p, p.API.RegisterCourier, &api.RegisterCourierInput{Body: api.CourierRequest{ID: event.CourierID(id), Name: name}})
	if problem == nil {
		p.done(courierPath(event.CourierID(id)), "registered")
		return
	}
	if problem.Status != http.StatusUnprocessableEntity && problem.Code != "taken" {
		p.undone("/operator/couriers", problem)
		return
	}
	v, other := p.couriersView()
	if other != nil {
		p.refuse(other)
		return
	}
	key := "o5.new.id.wrong"
	if problem.Code == "taken" {
		key = "o5.new.id.taken"
	}
	v.id, v.name, v.wrong = id, name, []ui.Wrong{{Field: "id", Text: p.say(key)}}
	p.show(ui.Page{Title: p.say("error") + " " + v.title(), Step: "couriers-wrong", Here: "/operator/couriers", Status: http.StatusUnprocessableEntity,
		Main: couriersPage(v)})
}

// courierView is one courier.
type courierView struct {
	*person
	api.CourierState
	flash *flash
	round []api.Delivery
	// pairing is an offer that was just made, and is shown once.
	pairing *pairing
}

// pairing is a code to bind a phone with, as it is shown.
type pairing struct {
	code, address, picture string
	until                  event.Instant
}

func (p *person) courierID() event.CourierID { return event.CourierID(p.r.PathValue("courier")) }

// courier is the page of one courier.
func (p *person) courier() { p.courierWith(nil) }

func (p *person) courierWith(offer *pairing) {
	v, problem := p.courierView()
	switch {
	case problem != nil:
		p.refuse(problem)
		return
	case v == nil:
		p.Kit.NotFound(p.w, p.r)
		return
	}
	v.pairing = offer
	one := ui.Page{Title: v.title(p.ctx()), Place: v.called(), Step: "courier", Here: courierPath(v.ID), Main: courierPage(v)}
	if offer == nil { // an offer is shown this once: nothing takes it away
		one.Live = courierPath(v.ID) + "/live"
	}
	if stopped := p.r.URL.Query().Get("done"); v.flash != nil && (stopped == "suspended" || stopped == "stopped") {
		one.Alarm = v.flash.Title
	}
	p.show(one)
}

// courierLive tells whether the courier is on a visit, what is left to bring, and what was refused.
func (p *person) courierLive() {
	p.live(func(p *person) (ui.Frame, error) {
		v, problem := p.courierView()
		if v == nil {
			return ui.Frame{}, cmp.Or(problemOf(problem), ui.ErrGone)
		}
		return ui.Frame{Title: v.title(p.ctx()), Place: v.called(), Step: "courier", Main: courierPage(v)}, nil
	})
}

// courierView is nil when there is none of that name.
func (p *person) courierView() (*courierView, *api.Problem) {
	round, problem := read(p, p.API.GetRound, &api.CourierInput{Courier: p.courierID()})
	if problem != nil {
		return nil, problem
	}
	list, problem := read(p, p.API.ListCouriers, &api.ListCouriersInput{Page: api.Page{Limit: 1}, Courier: p.courierID()})
	if problem != nil || len(list.Body.Couriers) == 0 {
		return nil, problem
	}
	return &courierView{person: p, CourierState: list.Body.Couriers[0], flash: p.flash(), round: round.Body.Deliveries}, nil
}

func (v *courierView) called() string {
	if v.Name != "" {
		return v.Name
	}
	return string(v.ID)
}

func (v *courierView) title(ctx context.Context) string {
	_, key := courierLook(v.CourierState)
	return words.T(ctx, key)
}

// courierLook is how a courier stands, and the name of the word for it.
func courierLook(c api.CourierState) (ui.State, string) {
	switch {
	case c.Courier.Suspended != 0:
		return ui.Refused, "o5.suspended"
	case len(c.Visits) > 0:
		return ui.Underway, "o5.visiting"
	case !c.Bound:
		return ui.Unknown, "o5.unbound"
	case c.Ahead > 0:
		return ui.Neutral, "o5.out"
	default:
		return ui.Neutral, "o5.free"
	}
}

// suspend stops a courier at once: nothing more opens for them anywhere. What is open stays watched. That some of the
// round can't be counted keeps nobody from being stopped.
func (p *person) suspend() {
	in := &api.SuspendCourierInput{CourierInput: api.CourierInput{Courier: p.courierID()}, Body: &api.SuspendRequest{Reason: strings.TrimSpace(p.r.PostFormValue("reason"))}}
	before, uncounted := read(p, p.API.GetRound, &in.CourierInput)
	if _, problem := do(p, p.API.SuspendCourier, in); problem != nil {
		p.undone(courierPath(p.courierID()), problem)
		return
	}
	after, problem := read(p, p.API.GetRound, &in.CourierInput) // what is under way stays the courier's
	if uncounted != nil || problem != nil {
		p.done(courierPath(p.courierID()), "stopped")
		return
	}
	p.done(courierPath(p.courierID()), "suspended", "n", strconv.Itoa(max(0, len(before.Body.Deliveries)-len(after.Body.Deliveries))))
}

// reinstate ends a suspension.
func (p *person) reinstate() {
	if _, problem := do(p, p.API.ReinstateCourier, &api.CourierInput{Courier: p.courierID()}); problem != nil {
		p.undone(courierPath(p.courierID()), problem)
		return
	}
	p.done(courierPath(p.courierID()), "reinstated")
}

// pairPath is the page on which a courier's phone binds itself, in the courier's app. The code stands behind the #,
// which no browser sends anywhere.
const pairPath = "/courier/pair#"

// invite offers the courier a pairing code, shown this once to the person of the staff who asked. No API key can do
// that: it is auth's, and takes the role.
func (p *person) invite() {
	if p.staff.Require(auth.Dispatcher) != nil {
		p.fail("role", http.StatusForbidden)
		return
	}
	v, problem := p.courierView()
	if problem != nil || v == nil {
		p.Kit.NotFound(p.w, p.r)
		return
	}
	offered, err := p.Couriers.Invite(p.ctx(), v.ID)
	if err != nil {
		p.Kit.Broke(p.ctx(), "a courier could not be invited", err)
		p.fail("other", http.StatusServiceUnavailable)
		return
	}
	p.Log.Info("a courier was invited", "courier", v.ID, "by", p.staff.ID())
	offer := &pairing{code: offered.Code[:4] + " " + offered.Code[4:], address: p.Kit.Public + pairPath + url.QueryEscape(offered.Code), until: offered.Until}
	if offer.picture, err = qrCode(offer.address); err != nil {
		p.Kit.Broke(p.ctx(), "no picture of a pairing code", err)
	}
	p.courierWith(offer)
}

// qrCode is a text as a picture, in an address of its own.
func qrCode(text string) (string, error) {
	code, err := qr.Encode(text, qr.M, qr.Auto)
	if err != nil {
		return "", err
	}
	const side = 240
	if code, err = barcode.Scale(code, side, side); err != nil {
		return "", err
	}
	var b bytes.Buffer
	if err := png.Encode(&b, code); err != nil {
		return "", err
	}
	return "data:image/png;base64," + base64.StdEncoding.EncodeToString(b.Bytes()), nil
}

// inviteKey names an invitation: of a first phone, or of another one in its place.
func inviteKey(v *courierView) string {
	if v.Bound {
		return "o5.invite.again"
	}
	return "o5.invite"
}
