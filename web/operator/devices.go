package operator

import (
	"cmp"
	"context"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/loquet/loquet/api"
	"github.com/loquet/loquet/event"
	"github.com/loquet/loquet/web/ui"
)

// devicesView is the list of devices, the worst first.
type devicesView struct {
	*person
	api.DeviceStates
	flash   *flash
	order   api.DeviceOrder
	trouble api.DeviceTrouble
	cursor  string
	// answer is what a device of the list said that was just asked.
	answer *api.DeviceReading
}

// troubles that the list can be cut down to.
var troubles = []api.DeviceTrouble{api.TroubleUnusable, api.TroubleRevoked, api.TroubleOffline, api.TroubleJammed, api.TroubleSilent, api.TroubleBattery,
	api.TroubleUnenrolled, api.TroubleUnprovable}

// columns by which the list can be ordered.
var columns = []struct {
	key   string
	order api.DeviceOrder
}{{"o4.device", api.OrderName}, {"o4.trouble", api.OrderWorst}, {"o4.heard", api.OrderHeard}, {"o4.battery", api.OrderBattery}, {"o4.proves", ""},
	{"o4.needed", api.OrderNeeded}, {"o4.refused", ""}, {"o4.read", ""}}

// devices is the page of O4.
func (p *person) devices() { p.devicesWith(nil) }

// devicesWith is the list with what one of them just answered, which stays until the page is left.
func (p *person) devicesWith(answer *api.DeviceReading) {
	v, problem := p.devicesView()
	if problem != nil {
		p.refuse(problem)
		return
	}
	v.answer = answer
	one := ui.Page{Title: v.title(), Step: "devices", Here: "/operator/devices", Live: "/operator/devices/live", Main: devicesPage(v)}
	if answer != nil {
		one.Here, one.Live = v.address(v.order, v.cursor), ""
	}
	p.show(one)
}

// devicesLive tells every ten seconds when each was heard.
func (p *person) devicesLive() {
	p.live(func(p *person) (ui.Frame, error) {
		v, problem := p.devicesView()
		if problem != nil {
			return ui.Frame{}, problemOf(problem)
		}
		return ui.Frame{Title: v.title(), Step: "devices", Main: devicesPage(v), Next: 10 * time.Second}, nil
	})
}

func (p *person) devicesView() (*devicesView, *api.Problem) {
	q := p.r.URL.Query()
	v := &devicesView{person: p, flash: p.flash(), order: api.DeviceOrder(q.Get("order")), trouble: api.DeviceTrouble(q.Get("trouble")), cursor: q.Get("cursor")}
	out, problem := read(p, p.API.ListDevices, &api.ListDevicesInput{Page: api.Page{Cursor: v.cursor, Limit: 50}, Trouble: v.trouble, Order: v.order})
	if problem != nil {
		return nil, problem
	}
	v.DeviceStates = out.Body
	return v, nil
}

func (v *devicesView) title() string {
	bad := 0
	for _, d := range v.Devices {
		if troubleLook(d.Trouble) != ui.Neutral {
			bad++
		}
	}
	if bad == 0 {
		return v.say("o4.title.fine")
	}
	return v.say("o4.title.bad", "n", strconv.Itoa(bad))
}

func (v *devicesView) address(order api.DeviceOrder, cursor string) string {
	to := "/operator/devices?order=" + string(order)
	if v.trouble != "" {
		to += "&trouble=" + string(v.trouble)
	}
	if cursor != "" {
		to += "&cursor=" + cursor
	}
	return to
}

// readHere is where a device of the list is asked, so that its answer stands in its row.
func (v *devicesView) readHere(id event.DeviceID) string {
	_, asked, _ := strings.Cut(v.address(v.order, v.cursor), "?")
	return readPath(id) + "?" + asked + "&list=true"
}

func readPath(id event.DeviceID) string { return devicePath(id) + "/read" }

func (v *devicesView) sorted(order api.DeviceOrder) bool {
	return order != "" && (order == v.order || order == api.OrderWorst && v.order == "")
}

func (v *devicesView) filter(ctx context.Context) []ui.Option {
	all := []ui.Option{{Value: "", Text: words.T(ctx, "o4.all"), Checked: v.trouble == ""}}
	for _, one := range troubles {
		all = append(all, ui.Option{Value: string(one), Text: words.T(ctx, "trouble."+string(one)), Checked: v.trouble == one})
	}
	return all
}

// troubleLook is how a device's trouble looks: what makes deliveries fail is refused or unknown, what only may, neutral.
func troubleLook(t api.DeviceTrouble) ui.State {
	switch t {
	case api.TroubleUnusable, api.TroubleRevoked, api.TroubleJammed:
		return ui.Refused
	case api.TroubleOffline, api.TroubleSilent, api.TroubleUnenrolled:
		return ui.Unknown
	case api.TroubleBattery:
		return ui.Open
	default:
		return ui.Neutral
	}
}

func troubleKey(t api.DeviceTrouble) string {
	if t == "" {
		return "trouble.fine"
	}
	return "trouble." + string(t)
}

// proves says what a device can prove, in a few words.
func proves(ctx context.Context, s event.Spec) string {
	key := "nothing"
	switch c := s.Closure; {
	case c.Bolt && c.Contact:
		key = "both"
	case c.Bolt:
		key = "bolt"
	case c.Contact:
		key = "contact"
	}
	said := words.T(ctx, "proves."+key)
	if s.Grade == event.GradeProven && key != "nothing" {
		said += ", " + words.T(ctx, "proves.itself")
	}
	return said
}

// limits say what a device can't do.
func limits(ctx context.Context, s event.Spec) []string {
	var all []string
	for _, l := range []struct {
		lacks bool
		key   string
	}{{!s.Closure.Provable(), "unprovable"}, {s.Closure.Bolt && !s.Closure.Contact, "boltOnly"}, {s.Closure.Contact && !s.Closure.Bolt, "contactOnly"},
		{s.Grade != event.GradeProven, "reported"}, {s.Lateness == event.UnboundedLateness, "late"}, {!s.Reads, "unread"}, {!s.Secures, "unshut"},
		{!s.Codes, "codeless"}} {
		if l.lacks {
			all = append(all, words.T(ctx, "limit."+l.key))
		}
	}
	return all
}

// trend draws the battery's last days as the points of a line in a box of 60 by 16.
func trend(charges []api.Charge) string {
	if len(charges) < 2 {
		return ""
	}
	first, last := charges[0].Day, charges[len(charges)-1].Day
	var points []string
	for _, c := range charges {
		x := float64(c.Day-first) / float64(last-first) * 60
		y := 15 - float64(c.Percent)/100*14
		points = append(points, strconv.FormatFloat(x, 'f', 1, 64)+","+strconv.FormatFloat(y, 'f', 1, 64))
	}
	return strings.Join(points, " ")
}

// fall says how a battery went: from how much, over how many days.
func fall(ctx context.Context, charges []api.Charge) string {
	if len(charges) < 2 {
		return ""
	}
	first, last := charges[0], charges[len(charges)-1]
	days := int(last.Day.Since(first.Day) / event.Day)
	return words.T(ctx, "o4.trend", "from", strconv.Itoa(first.Percent), "n", strconv.Itoa(days))
}

// deviceView is one device.
type deviceView struct {
	*devicesView
	api.DeviceState
	read *api.DeviceReading
}

func (p *person) deviceID() event.DeviceID { return event.DeviceID(p.r.PathValue("device")) }

// device is the page of one device.
func (p *person) device() { p.deviceWith(nil) }

func (p *person) deviceWith(read *api.DeviceReading) {
	v, problem := p.oneDevice(p.deviceID())
	switch {
	case problem != nil:
		p.refuse(problem)
		return
	case v == nil:
		p.Kit.NotFound(p.w, p.r)
		return
	}
	v.read = read
	one := ui.Page{Title: p.say(troubleKey(v.Trouble)), Place: string(v.ID), Step: "device", Here: devicePath(v.ID), Main: devicePage(v)}
	if read == nil {
		one.Live = devicePath(v.ID) + "/live"
	}
	p.show(one)
}

// deviceLive tells every ten seconds when it was heard, and at once what its site's journal says of it.
func (p *person) deviceLive() {
	p.live(func(p *person) (ui.Frame, error) {
		v, problem := p.oneDevice(p.deviceID())
		if v == nil {
			return ui.Frame{}, cmp.Or(problemOf(problem), ui.ErrGone)
		}
		return ui.Frame{Title: p.say(troubleKey(v.Trouble)), Place: string(v.ID), Step: "device", Main: devicePage(v), Next: 10 * time.Second}, nil
	})
}

// oneDevice is nil when there is none of that name.
func (p *person) oneDevice(id event.DeviceID) (*deviceView, *api.Problem) {
	out, problem := read(p, p.API.ListDevices, &api.ListDevicesInput{Device: id})
	if problem != nil || len(out.Body.Devices) == 0 {
		return nil, problem
	}
	list := &devicesView{person: p, flash: p.flash(), DeviceStates: out.Body}
	return &deviceView{devicesView: list, DeviceState: out.Body.Devices[0]}, nil
}

// readDevice asks a device how it stands, and shows its answer where it was asked: on its page, or in its row.
func (p *person) readDevice() {
	listed := p.r.URL.Query().Get("list") == "true"
	out, problem := do(p, p.API.ReadDevice, &api.ReadDeviceInput{Device: p.deviceID()})
	switch {
	case problem != nil:
		p.undone(devicePath(p.deviceID()), problem)
	case listed:
		p.devicesWith(&out.Body)
	default:
		p.deviceWith(&out.Body)
	}
}

// answered says in one line what a device answered.
func answered(ctx context.Context, r api.DeviceReading) string {
	lines := ui.ViewOf(ctx).Lang.Observed("", event.Observation{Bolt: r.Bolt, Contact: r.Contact, Reach: r.Reach})
	if r.Battery > 0 {
		lines = append(lines, words.T(ctx, "o4.percent", "n", strconv.Itoa(r.Battery)))
	}
	lines = slices.DeleteFunc(lines, func(s string) bool { return s == "" })
	if len(lines) == 0 {
		return words.T(ctx, "o4.answers")
	}
	return strings.Join(lines, ", ")
}

// carReached says how a car could be reached when it was looked for last. Where it stands, and how, is not said.
func carReached(ctx context.Context, c api.CarHealth) string {
	switch {
	case c.Looked == 0:
		return words.T(ctx, "o4.car.never")
	case c.Code == "":
		return words.T(ctx, "o4.car.reached")
	}
	return c.Title
}
