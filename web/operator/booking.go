package operator

import (
	"cmp"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"net/http"
	"strings"
	"time"

	"github.com/loquet/loquet/api"
	"github.com/loquet/loquet/auth"
	"github.com/loquet/loquet/event"
	"github.com/loquet/loquet/phrase"
	"github.com/loquet/loquet/web/ui"
)

// bookView is the form of a booking by hand.
type bookView struct {
	*person
	given csvBooking
	// parcels as they were typed.
	parcels string
	// draft is the key with which the form was first rendered, once it was sent: it stays while what is wrong is put right.
	draft string
	wrong wrongs
}

// book is the form.
func (p *person) book() {
	day := ui.ViewOf(p.ctx()).Now.In(p.Zone).AddDate(0, 0, 1)
	p.bookWith(&bookView{given: csvBooking{Date: day.Format("2006-01-02"), From: "09:00", To: "12:00", Size: event.SizeMedium}})
}

func (p *person) bookWith(v *bookView) {
	v.person = p
	one := ui.Page{Title: p.say("book"), Step: "book", Here: "/operator/book", Main: bookPage(v)}
	if len(v.wrong) > 0 {
		one.Title, one.Step, one.Status = p.say("error")+" "+one.Title, "book-wrong", http.StatusUnprocessableEntity
	}
	p.show(one)
}

// handKey is the idempotency key of a booking by hand: the same for the same content of the same form, however often it
// is shown and sent again.
func handKey(draft string, b csvBooking) string {
	sum := sha256.Sum256([]byte(draft + " " + lineKey(b)))
	return "hand-" + hex.EncodeToString(sum[:20])
}

// bookOne books what the form says. By hand a number of one's own is of no need, and each parcel has a line.
func (p *person) bookOne() {
	line := lineOf(1, func(name string) string {
		given := strings.TrimSpace(p.r.PostFormValue(name))
		if name == "parcels" {
			return strings.ReplaceAll(given, "\n", "|") + "|"
		}
		return given
	})
	v := &bookView{given: line.Booking, parcels: p.r.PostFormValue("parcels"), draft: cmp.Or(p.r.PostFormValue("draft"), p.r.PostFormValue("key"))}
	if line.Wrong != "" {
		v.wrong = []ui.Wrong{{Field: line.Field, Text: wrongText(p.ctx(), line.Wrong)}}
		p.bookWith(v)
		return
	}
	at := asker{p.Console, p.staff.Client(), p.lang(), handTurns}
	id, why := at.book(p.ctx(), line.Booking, handKey(v.draft, line.Booking))
	if id == "" {
		v.wrong = []ui.Wrong{{Field: why.field, Text: wrongText(p.ctx(), why.key)}}
		p.bookWith(v)
		return
	}
	if why.said() {
		p.goTo(deliveryPath(id), "not", why.key)
		return
	}
	p.done(deliveryPath(id), "booked")
}

func sizeChoice(ctx context.Context, now event.Size) ui.Choice {
	c := ui.Choice{Name: "size", Label: words.T(ctx, "book.size")}
	for _, s := range []event.Size{event.SizeSmall, event.SizeMedium, event.SizeLarge} {
		c.Options = append(c.Options, ui.Option{Value: string(s), Text: words.T(ctx, "size."+string(s)), Checked: s == now})
	}
	return c
}

// wrongText is the sentence for what is wrong in a line: a key, and what stands in the sentence.
func wrongText(ctx context.Context, wrong string) string {
	key, what, _ := strings.Cut(wrong, " ")
	if !words.Has("csv.wrong." + key) {
		key = "other"
	}
	return words.T(ctx, "csv.wrong."+key, "what", what)
}

// asker asks the API's operations in the name of somebody of the staff, after their request is over too.
type asker struct {
	*Console
	client auth.Client
	lang   phrase.Lang
	// turns is how often the same is asked, while that may be answered otherwise.
	turns int
}

// refusal is why a line was not booked: the key of a sentence, and the field of the form that it is about.
type refusal struct{ key, field string }

func (r refusal) said() bool { return r.key != "" }

// unanswered: nobody knows whether it was done. Asking for the same again does it once.
var unanswered = refusal{"unanswered", "reference"}

// request makes a booking of a line, in the calendar of its site.
func (a asker) request(ctx context.Context, b csvBooking) (api.BookRequest, refusal) {
	zone, why := a.zoneAt(ctx, b.Site)
	if why.said() {
		return api.BookRequest{}, why
	}
	from, to, err := b.window(zone)
	if err != nil {
		return api.BookRequest{}, refusal{"window", "date"}
	}
	req := api.BookRequest{Site: b.Site, Window: api.Window{From: from, To: to}, Carrier: b.Carrier, Merchant: b.Merchant, AccessPoint: b.AccessPoint,
		DoNotRing: b.DoNotRing, KeepCold: b.KeepCold, Whole: b.Whole, Reference: b.Reference}
	for _, code := range b.Parcels {
		req.Parcels = append(req.Parcels, api.ParcelRequest{Code: code, Size: b.Size})
	}
	return req, refusal{}
}

// zoneAt is the time zone of a line's site.
func (a asker) zoneAt(ctx context.Context, at event.SiteID) (*time.Location, refusal) {
	if zone, ok := a.zones.get(at); ok {
		return zone, refusal{}
	}
	out, problem := askAgain(ctx, a, "", a.API.GetSiteZone, &api.SitePath{Site: at})
	if problem != nil {
		return nil, refusalOf(problem)
	}
	zone := a.zoneOf(out.Body.Zone)
	a.zones.put(at, zone)
	return zone, refusal{}
}

// check says what booking a line would do: booked is the delivery that is there already.
func (a asker) check(ctx context.Context, b csvBooking) (booked event.DeliveryID, why refusal) {
	req, why := a.request(ctx, b)
	if why.said() {
		return "", why
	}
	out, problem := askAgain(ctx, a, "", a.API.CheckBooking, &api.CheckBookingInput{Body: req})
	if problem != nil {
		return "", refusalOf(problem)
	}
	return out.Body.Booked, refusal{}
}

// book books a line once, whatever was lost on the way, and gives it to its courier. A booking that stands is the
// delivery, though its courier could not be given it: then why says so. While either is not known, why is unanswered.
func (a asker) book(ctx context.Context, b csvBooking, key string) (id event.DeliveryID, why refusal) {
	req, why := a.request(ctx, b)
	if why.said() {
		return "", why
	}
	in := &api.BookDeliveryInput{Idempotent: api.Idempotent{Key: key}, Body: req}
	out, problem := askAgain(ctx, a, key, a.API.BookDelivery, in)
	if problem != nil {
		return "", refusalOf(problem)
	}
	id = out.Body.ID
	if b.Courier == "" {
		return id, refusal{}
	}
	assign := &api.AssignDeliveryInput{DeliveryPath: api.DeliveryPath{Delivery: id}, Body: api.AssignRequest{Courier: b.Courier}}
	switch _, problem := askAgain(ctx, a, key+"/assign", a.API.AssignDelivery, assign); {
	case passing(problem):
		return "", unanswered
	case problem != nil:
		return id, refusal{"unassigned", "courier"}
	}
	return id, refusal{}
}

// refusalOf is what a problem of the API's means for a line.
func refusalOf(p *api.Problem) refusal {
	if passing(p) {
		return unanswered
	}
	switch p.Code {
	case "internal":
		return refusal{"internal " + p.Reference, "reference"}
	case "parcel-unreadable":
		return refusal{"parcel-unreadable", "parcels"}
	case "already-booked":
		return refusal{"already-booked", "reference"}
	case "not-found":
		return refusal{"no-site", "site"}
	case "forbidden":
		return refusal{"forbidden", "merchant"}
	}
	for _, e := range p.Errors {
		for field, why := range map[string]refusal{"window": {"window", "date"}, "parcels": {"parcel-awaited", "parcels"},
			"accessPoint": {"no-place", "access_point"}, "carrier": {"named", "carrier"}, "merchant": {"named", "merchant"},
			"site": {"no-site", "site"}} {
			if strings.HasPrefix(e.Field, "body."+field) {
				return why
			}
		}
	}
	return refusal{"other " + p.Reference, "reference"}
}
