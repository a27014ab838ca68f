package operator

import (
	"context"
	"net/http"
	"net/url"
	"regexp"
	"strconv"
	"strings"
	"time"

	"github.com/loquet/loquet/api"
	"github.com/loquet/loquet/dispatch"
	"github.com/loquet/loquet/event"
	"github.com/loquet/loquet/web/ui"
)

// deliveriesView is one day's deliveries.
type deliveriesView struct {
	*person
	flash  *flash
	day    time.Time
	status dispatch.Status
	list   []api.Delivery
	next   string
}

// statuses of deliveries, in the order of a filter.
var statuses = []dispatch.Status{dispatch.StatusBooked, dispatch.StatusConsented, dispatch.StatusAssigned, dispatch.StatusVisiting, dispatch.StatusBlocked,
	dispatch.StatusDelivered, dispatch.StatusDiverted, dispatch.StatusReturned, dispatch.StatusExpired, dispatch.StatusCancelled}

// dayAsked is the day that the address names, today otherwise.
func (p *person) dayAsked() time.Time {
	now := ui.ViewOf(p.ctx()).Now.In(p.Zone)
	if day, err := time.ParseInLocation(time.DateOnly, p.r.URL.Query().Get("day"), p.Zone); err == nil {
		return day
	}
	return time.Date(now.Year(), now.Month(), now.Day(), 0, 0, 0, 0, p.Zone)
}

// deliveries is a day's list.
func (p *person) deliveries() {
	q := p.r.URL.Query()
	v := &deliveriesView{person: p, flash: p.flash(), day: p.dayAsked(), status: dispatch.Status(q.Get("status"))}
	in := &api.ListDayInput{DayPath: api.DayPath{Day: v.day.Format(time.DateOnly), Zone: p.Zone.String()}, Page: api.Page{Cursor: q.Get("cursor"), Limit: 50},
		Status: v.status}
	out, problem := read(p, p.API.ListDay, in)
	if problem != nil {
		p.refuse(problem)
		return
	}
	v.list, v.next = out.Body.Deliveries, out.Body.Next
	p.show(ui.Page{Title: p.say("deliveries.title", "day", ui.Day(p.ctx(), v.day, p.Zone)), Step: "deliveries", Main: deliveriesPage(v)})
}

// window is a delivery's, in the time of its place.
func (p *person) window(d api.Delivery) string {
	return ui.Window(p.ctx(), d.Window.From.Time(), d.Window.To.Time(), p.zoneAt(d.Site))
}

// on is the address of the list on a day near this one.
func (v *deliveriesView) on(days int) string {
	return v.address(v.day.AddDate(0, 0, days), v.status, "")
}

func (v *deliveriesView) more() string { return v.address(v.day, v.status, v.next) }

func (v *deliveriesView) address(day time.Time, status dispatch.Status, cursor string) string {
	to := "/operator/deliveries?day=" + day.Format(time.DateOnly)
	if status != "" {
		to += "&status=" + string(status)
	}
	if cursor != "" {
		to += "&cursor=" + cursor
	}
	return to
}

func (v *deliveriesView) filter(ctx context.Context) []ui.Option {
	all := []ui.Option{{Value: "", Text: words.T(ctx, "status.all"), Checked: v.status == ""}}
	for _, s := range statuses {
		all = append(all, ui.Option{Value: string(s), Text: words.T(ctx, "status."+string(s)), Checked: v.status == s})
	}
	return all
}

// statusLook is how a delivery's status looks: only what needs somebody has a colour.
func statusLook(s dispatch.Status) ui.State {
	switch s {
	case dispatch.StatusVisiting:
		return ui.Underway
	case dispatch.StatusBlocked:
		return ui.Refused
	case dispatch.StatusExpired:
		return ui.Unknown
	default:
		return ui.Neutral
	}
}

// found is what a search led to.
type found struct {
	query      string
	deliveries []api.Delivery
	devices    []api.DeviceState
	couriers   []event.CourierID
}

func (f found) nothing() bool { return len(f.deliveries)+len(f.devices)+len(f.couriers) == 0 }

// only is where a search leads that found one thing; "" otherwise.
func (f found) only() string {
	switch {
	case len(f.deliveries) == 1 && len(f.devices)+len(f.couriers) == 0:
		return deliveryPath(f.deliveries[0].ID)
	case len(f.devices) == 1 && len(f.deliveries)+len(f.couriers) == 0:
		return devicePath(f.devices[0].ID)
	case len(f.couriers) == 1 && len(f.deliveries)+len(f.devices) == 0:
		return courierPath(f.couriers[0])
	}
	return ""
}

// longestQuery is how much of what is searched for is read.
const longestQuery = 200

// search finds deliveries, visits, sites, devices, couriers and order numbers by their identifiers.
func (p *person) search() {
	query := strings.TrimSpace(p.r.URL.Query().Get("q"))
	if len(query) > longestQuery {
		query = query[:longestQuery]
	}
	if id := event.VisitID(query); event.CheckID(id, 'v') == nil {
		http.Redirect(p.w, p.r, visitPath(id), http.StatusSeeOther)
		return
	}
	f, problem := p.find(strings.ToValidUTF8(query, ""))
	if problem != nil {
		p.refuse(problem)
		return
	}
	if to := f.only(); to != "" {
		http.Redirect(p.w, p.r, to, http.StatusSeeOther)
		return
	}
	p.show(ui.Page{Title: p.say("search.title", "query", f.query), Step: "search", Main: searchPage(p, f)})
}

// ownNumber is the form of a merchant's own number.
var ownNumber = regexp.MustCompile(`^[A-Za-z0-9._:-]{1,64}$`)

func (p *person) find(query string) (found, *api.Problem) {
	f := found{query: query}
	if query == "" {
		return f, nil
	}
	for _, look := range []func(*person, *found) *api.Problem{(*person).findDelivery, (*person).findSite, (*person).findReference, (*person).findDevice,
		(*person).findCourier} {
		if problem := look(p, &f); problem != nil && problem.Status >= http.StatusInternalServerError {
			return f, problem
		}
	}
	return f, nil
}

func (p *person) findDelivery(f *found) *api.Problem {
	if could := event.CheckID(event.DeliveryID(f.query), 'd') == nil; !could {
		return nil
	}
	out, problem := read(p, p.API.GetDelivery, &api.DeliveryPath{Delivery: event.DeliveryID(f.query)})
	if problem == nil {
		f.deliveries = append(f.deliveries, out.Body)
	}
	return problem
}

func (p *person) findSite(f *found) *api.Problem {
	if could := event.CheckSiteID(event.SiteID(f.query)) == nil; !could {
		return nil
	}
	out, problem := read(p, p.API.ListDeliveries, &api.ListDeliveriesInput{Site: event.SiteID(f.query), Page: api.Page{Limit: 100}})
	if problem == nil {
		f.deliveries = append(f.deliveries, out.Body.Deliveries...)
	}
	devices, other := read(p, p.API.ListDevices, &api.ListDevicesInput{Site: event.SiteID(f.query), Page: api.Page{Limit: 100}})
	if other == nil {
		f.devices = append(f.devices, devices.Body.Devices...)
	}
	if problem == nil {
		problem = other
	}
	return problem
}

func (p *person) findReference(f *found) *api.Problem {
	if !ownNumber.MatchString(f.query) {
		return nil
	}
	out, problem := read(p, p.API.FindReference, &api.FindReferenceInput{Reference: f.query})
	if problem == nil {
		f.deliveries = append(f.deliveries, out.Body.Deliveries...)
	}
	return problem
}

func (p *person) findDevice(f *found) *api.Problem {
	out, problem := read(p, p.API.ListDevices, &api.ListDevicesInput{Device: event.DeviceID(f.query)})
	if problem == nil {
		f.devices = append(f.devices, out.Body.Devices...)
	}
	return problem
}

func (p *person) findCourier(f *found) *api.Problem {
	_, problem := read(p, p.API.GetRound, &api.CourierInput{Courier: event.CourierID(f.query)})
	if problem == nil {
		f.couriers = append(f.couriers, event.CourierID(f.query))
	}
	return problem
}

func devicePath(id event.DeviceID) string { return "/operator/devices/" + url.PathEscape(string(id)) }

func courierPath(id event.CourierID) string {
	return "/operator/couriers/" + url.PathEscape(string(id))
}

func count(n int) string { return strconv.Itoa(n) }
