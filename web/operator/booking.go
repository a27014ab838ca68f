package operator

import (
	"context"
	"net/http"
	"strings"

	"github.com/loquet/loquet/api"
	"github.com/loquet/loquet/auth"
	"github.com/loquet/loquet/event"
	"github.com/loquet/loquet/web/ui"
)

// bookView is the form of a booking by hand.
type bookView struct {
	*person
	given csvBooking
	// parcels as they were typed, and ring, cold and whole as they were ticked.
	parcels string
	wrong   []ui.Wrong
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

// bookOne books what the form says. By hand a number of one's own is of no need, and each parcel has a line.
func (p *person) bookOne() {
	line := lineOf(1, func(name string) string {
		given := strings.TrimSpace(p.r.PostFormValue(name))
		if name == "parcels" {
			return strings.ReplaceAll(given, "\n", "|") + "|"
		}
		return given
	})
	v := &bookView{given: line.Booking, parcels: p.r.PostFormValue("parcels")}
	if line.Wrong != "" {
		v.wrong = []ui.Wrong{{Field: line.Field, Text: wrongText(p.ctx(), line.Wrong)}}
		p.bookWith(v)
		return
	}
	at := asker{p.Console, p.staff.Client(), p.lang()}
	id, why := at.book(p.ctx(), line.Booking, p.r.PostFormValue("key"))
	if id == "" {
		v.wrong = []ui.Wrong{{Field: why.field, Text: wrongText(p.ctx(), why.key)}}
		p.bookWith(v)
		return
	}
	p.done(deliveryPath(id), "booked")
}

func (v *bookView) wrongAt(field string) string {
	for _, w := range v.wrong {
		if w.Field == field {
			return w.Text
		}
	}
	return ""
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
	lang   langOf
}

// refusal is why a line was not booked: the key of a sentence, and the field of the form that it is about.
type refusal struct{ key, field string }

func (r refusal) said() bool { return r.key != "" }

// request makes a booking of a line, in the calendar of its site.
func (a asker) request(ctx context.Context, b csvBooking) (api.BookRequest, refusal) {
	out, problem := askAgain(ctx, a, "", a.API.GetSiteZone, &api.SitePath{Site: b.Site})
	if problem != nil {
		return api.BookRequest{}, refusalOf(problem)
	}
	from, to, err := b.window(a.zoneNamed(out.Body.Zone))
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
// delivery, though its courier could not be given it: then why says so.
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
	if _, problem := askAgain(ctx, a, key+"/assign", a.API.AssignDelivery, assign); problem != nil {
		return id, refusal{"unassigned", "courier"}
	}
	return id, refusal{}
}

// refusalOf is what a problem of the API's means for a line.
func refusalOf(p *api.Problem) refusal {
	switch p.Code {
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
