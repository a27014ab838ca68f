package api_test

import (
	"bytes"
	"context"
	"crypto/rand"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"reflect"
	"runtime"
	"slices"
	"strings"
	"testing"

	"github.com/loquet/loquet/api"
	"github.com/loquet/loquet/auth"
	"github.com/loquet/loquet/phrase"
)

// An operation has two ways in: its route, and a page that asks it in somebody's name. These tests hold the second to
// the first.

// asked is an operation as a page asks it.
type asked struct {
	// name is the method's, such as GetBoard.
	name string
	// kind is who may ask it at all: auth.Client, auth.Member or auth.Courier.
	kind reflect.Type
	// ask fills the input from the parameters and the body, and asks.
	ask func(s *stage, who any, body string) answered
	// body is what the route is sent for the same.
	body func(body string) string
}

// answered is what somebody is told: the status, a problem's code, "" if there was none.
type answered struct {
	Status int
	Code   string
}

func of[P, I, O any](method func(context.Context, P, *I) (*O, error)) asked {
	name := runtime.FuncForPC(reflect.ValueOf(method).Pointer()).Name()
	name = strings.TrimSuffix(name[strings.LastIndex(name, ".")+1:], "-fm")
	return asked{name: name, kind: reflect.TypeFor[P](), body: sent[I],
		ask: func(s *stage, who any, body string) answered {
			in := new(I)
			s.fill(reflect.ValueOf(in).Elem())
			if has, ok := bodyOf(in); ok && body != "" {
				must(s.w.t, json.Unmarshal([]byte(body), has.Addr().Interface()))
			}
			if raw := reflect.ValueOf(in).Elem().FieldByName("RawBody"); raw.IsValid() {
				raw.SetBytes([]byte(body))
			}
			_, p := api.Ask(s.w.t.Context(), s.w.api, api.Call{Lang: phrase.English, Page: "/asked"}, who.(P), method, in)
			if p != nil {
				return answered{p.Status, p.Code}
			}
			return answered{Status: 200}
		}}
}

// named is the operation's method of API.
func (op operation) named() string { return strings.ToUpper(op.id[:1]) + op.id[1:] }

// bodyOf returns an input's body, if it takes one.
func bodyOf(in any) (reflect.Value, bool) {
	body := reflect.ValueOf(in).Elem().FieldByName("Body")
	return body, body.IsValid()
}

// sent is the body that means the same as the input that ask makes of it.
func sent[I any](body string) string {
	in := new(I)
	has, ok := bodyOf(in)
	if !ok || has.Kind() == reflect.Pointer && body == "" {
		return body
	}
	if body != "" {
		_ = json.Unmarshal([]byte(body), has.Addr().Interface())
	}
	encoded, err := json.Marshal(has.Interface())
	if err != nil {
		return err.Error()
	}
	return string(encoded)
}

// fill puts the stage's identifiers into the fields that stand for parts of the path.
func (s *stage) fill(in reflect.Value) {
	for i := range in.NumField() {
		field, about := in.Field(i), in.Type().Field(i)
		name, isPath := about.Tag.Lookup("path")
		switch {
		case about.Anonymous && field.Kind() == reflect.Struct:
			s.fill(field)
		case isPath && field.Kind() == reflect.String:
			field.SetString(s.filled("{" + name + "}"))
		case isPath:
			field.SetInt(1)
		}
	}
}

func statusAndCode(status int, body []byte) answered {
	if status < 300 {
		return answered{Status: 200}
	}
	var p api.Problem
	_ = json.Unmarshal(body, &p) // what is no problem has no code
	return answered{status, p.Code}
}

// routed asks an operation by its route. Of a stream only the head is read.
func (c caller) routed(op operation, path, body string) answered {
	c.w.t.Helper()
	req := get(http.NewRequestWithContext(c.w.t.Context(), op.method, c.w.url+path, bytes.NewReader([]byte(body))))(c.w.t)
	c.sign(req, []byte(body))
	res, err := c.w.transport.RoundTrip(req)
	must(c.w.t, err)
	defer res.Body.Close()
	if res.StatusCode < 300 {
		return answered{Status: 200}
	}
	return statusAndCode(res.StatusCode, get(io.ReadAll(res.Body))(c.w.t))
}

// everything is every operation, what ends the asker's own standing last. A route that is missing here fails the test.
func everything(a *api.API) []asked {
	return []asked{
		of(a.ListAlarms), of(a.GetAlarmCause), of(a.CloseAlarm), of(a.GetBoard), of(a.ListCouriers), of(a.RegisterCourier), of(a.GetCourier),
		of(a.GetRound), of(a.GetDay), of(a.ListDay), of(a.ListDeliveries), of(a.BookDelivery), of(a.CheckBooking), of(a.PrintLabels),
		of(a.GetDelivery), of(a.AssignDelivery), of(a.BlockDelivery), of(a.FollowDelivery), of(a.GetLabelPDF), of(a.GetLabelPNG),
		of(a.GetPlanBPhotoAsOperator), of(a.GetDeliveryStory), of(a.ListDevices), of(a.ReserveDevice), of(a.DiscoverDevices), of(a.GetDevice),
		of(a.ReadDevice), of(a.FindReference), of(a.OpenSite), of(a.GetSite), of(a.GetJournal), of(a.AddFirstMember), of(a.GetSiteZone),
		of(a.GetBoardVisit), of(a.AcknowledgeAlarm), of(a.WatchVisitByHLSAsOperator), of(a.WatchVisitAsOperator), of(a.EndLookAsOperator),
		of(a.GetDepositPhotoAsOperator), of(a.GetReceiptAsOperator), of(a.ListWebhooks), of(a.AddWebhook), of(a.Approach), of(a.PhotoDelivery),
		of(a.PlanB), of(a.ListStops), of(a.ShowStop), of(a.GetVisit), of(a.ArriveVisit), of(a.CloseVisit), of(a.CodeVisit), of(a.DepositVisit),
		of(a.MissingVisit), of(a.OpenVisit), of(a.PhotoVisit), of(a.PositionVisit), of(a.GetVisitCar), of(a.GetVisitCarPicture), of(a.SignalVisitCar), of(a.TooLargeVisit),
		of(a.DescribeCar), of(a.DescribeSpot), of(a.SendCarPicture), of(a.GetCarPicture), of(a.EraseCarPicture), of(a.LocateCar), of(a.ReopenVisit), of(a.ScanVisit), of(a.GetHome),
		of(a.AddAccessPoint), of(a.Rehearse), of(a.AddBarrier), of(a.ReadBarrier), of(a.AddCamera), of(a.DiscoverHomeCameras), of(a.CheckCamera),
		of(a.ListClips), of(a.EraseClip), of(a.WatchClip), of(a.ClipPoster), of(a.GiveConsent), of(a.WithdrawConsent), of(a.Answer),
		of(a.BlockAtHome), of(a.CancelAtHome), of(a.ConsentTo), of(a.ErasePlanBPhoto), of(a.GetPlanBPhoto), of(a.WithdrawFrom),
		of(a.ListCarMakers), of(a.CheckCar), of(a.BeginCarConsent), of(a.FinishCarConsent), of(a.ListCarConsents), of(a.ListCarVehicles),
		of(a.ChooseCar), of(a.PartCar), of(a.WithdrawCarConsent), of(a.ListHomeDevices), of(a.ReserveHomeDevice), of(a.DiscoverHomeDevices), of(a.FollowHome), of(a.ExportHome), of(a.ExportProgress),
		of(a.GetHomeJournal), of(a.AllowLending), of(a.EndLending), of(a.ListLooks), of(a.AddMember), of(a.ListOpenings), of(a.VerifyReceipt),
		of(a.SetRules), of(a.GetHomeVisit), of(a.CloseAtHome), of(a.CodeInRehearsal), of(a.WatchVisitByHLS), of(a.WatchVisit), of(a.EndLook),
		of(a.OpenInRehearsal), of(a.EraseDepositPhoto), of(a.GetDepositPhoto), of(a.GetReceipt), of(a.TakeOver), of(a.ReinstateCourier),
		of(a.CancelDelivery), of(a.DeleteWebhook), of(a.SuspendCourier), of(a.LeaveVisit), of(a.DangerVisit), of(a.RemoveMember),
		of(a.RetireCamera), of(a.RetireAccessPoint), of(a.RetireBarrier), of(a.CloseSite), of(a.SignOut),
	}
}

// asker is somebody as a page knows them and as a route does.
type asker struct {
	name string
	who  any
	by   caller
}

// clients are an operator's, a merchant's and a carrier's programs, each with one scope alone and with all, and the
// operator's staff of each role. The routes know the staff as an operator's key with the role's scopes.
func (s *stage) clients() []asker {
	var all []asker
	add := func(name string, role auth.Role, identity string, scopes ...auth.Scope) {
		_, text, err := s.w.keys.Create(s.w.t.Context(), auth.KeyRequest{Role: role, Identity: identity, Scopes: scopes})
		must(s.w.t, err)
		all = append(all, asker{name, get(s.w.keys.Check(s.w.t.Context(), text))(s.w.t), caller{s.w, bearing("Bearer", text)}})
	}
	for _, role := range []auth.Role{auth.Operator, auth.Merchant, auth.Carrier} {
		for i, scope := range auth.Scopes() {
			add(fmt.Sprint(role, " with ", scope), role, fmt.Sprint("only", i), scope)
		}
	}
	add("the operator", auth.Operator, "swift", auth.Scopes()...)
	add("the merchant", auth.Merchant, "grocer", auth.Scopes()...)
	add("another merchant", auth.Merchant, "butcher", auth.Scopes()...)
	add("the carrier", auth.Carrier, "swift", auth.Scopes()...)
	add("another carrier", auth.Carrier, "slow", auth.Scopes()...)
	for _, role := range auth.StaffRoles() {
		staff := s.w.staff(role).Staff.Client()
		var scopes []auth.Scope
		for _, scope := range auth.Scopes() {
			if staff.Require(scope) == nil {
				scopes = append(scopes, scope)
			}
		}
		add(fmt.Sprint("staff: ", role), auth.Operator, string(role), scopes...)
		all[len(all)-1].who = staff
	}
	return all
}

// staff is somebody of the operator's staff, signed in.
func (w *world) staff(role auth.StaffRole) auth.SignedIn {
	w.t.Helper()
	deps := auth.Deps{Register: w.store, Now: w.clock.now, Random: rand.Reader}
	staffs := auth.NewStaffs(deps, w.vault)
	links := auth.NewLinks(auth.LinksDeps{Deps: deps, Sessions: w.sessions, Staffs: staffs, Mailboxes: auth.NewMailboxes(deps, w.vault), PublicURL: w.url})
	_, link, err := staffs.Add(w.t.Context(), auth.NewStaff{Name: "Ana Lopes", Address: string(role) + "@loquet.example", Role: role})
	must(w.t, err)
	return get(links.Redeem(w.t.Context(), link.Token, "", auth.Arrival{}))(w.t)
}

// members are one of the house and one of another.
func (s *stage) members() []asker {
	other := s.w.empty(s.w.merchant("butcher"))
	return []asker{{"a member of another site", other.signedIn(), other.caller}, {"a member", s.home.signedIn(), s.home.caller}}
}

// couriersOf are the courier of the visit, another, and one who is suspended.
func (s *stage) couriersOf() []asker {
	ben, cleo := s.w.courier("ben"), s.w.courier("cleo")
	s.w.operator().post("/v1/couriers/cleo/suspend", nil, nil)
	var all []asker
	for _, p := range []phone{ben, cleo, s.phone} {
		r := httptest.NewRequest(http.MethodGet, s.w.url+"/courier/view/stops", nil)
		p.sign(r, nil)
		who, problem := s.w.api.CourierBehind(r)
		if problem != nil {
			s.w.t.Fatal(problem)
		}
		all = append(all, asker{"courier " + string(p.courier), who, p.caller})
	}
	return all
}

// two are two stages on which the same has happened and happens: one is asked by pages, the other by routes.
type two struct{ pages, routes []asker }

// said are bodies that mean something, where an empty one would be refused before anybody asks who it is.
var said = map[string]string{
	"AssignDelivery": `{"courier":"anna"}`,
	"SuspendCourier": `{"reason":"lost phone"}`,
	"WatchVisit":     "v=0", "WatchVisitAsOperator": "v=0",
	"PhotoVisit": "no picture", "PhotoDelivery": "no picture", "SendCarPicture": "no picture",
	"SignalVisitCar": `{"signal":"flash"}`, "TooLargeVisit": `{"delivery":"home-d1"}`,
}

// Whoever may not ask an operation by its route may not ask it through a page, and is told the same: every operation,
// with every kind of principal that its route takes.
func TestAPageMayWhatTheRouteMay(t *testing.T) {
	t.Parallel()
	// After these an asker is nobody any more.
	ends := []string{"CloseSite", "SignOut"}
	tried := compare(t, func(name string) bool { return !slices.Contains(ends, name) })
	for _, end := range ends {
		tried = append(tried, compare(t, func(name string) bool { return name == end })...)
	}
	for _, op := range operations(t) {
		if len(op.schemes) > 0 && !slices.Contains(tried, op.named()) {
			t.Errorf("nobody tries %s", op.id)
		}
	}
}

// compare asks those operations on both stages, and returns their names.
func compare(t *testing.T, those func(name string) bool) (tried []string) {
	t.Helper()
	pages, routes := newStage(t), newStage(t)
	for _, s := range []*stage{pages, routes} {
		var guest api.Member
		s.home.post("/v1/home/members", api.MemberRequest{Name: "Paul Martin"}, &guest)
		s.guest = guest.ID
	}
	askers := map[reflect.Type]two{
		reflect.TypeFor[auth.Client]():  {pages.clients(), routes.clients()},
		reflect.TypeFor[auth.Member]():  {pages.members(), routes.members()},
		reflect.TypeFor[auth.Courier](): {pages.couriersOf(), routes.couriersOf()},
	}
	known := map[string]operation{}
	for _, op := range operations(t) {
		known[op.named()] = op
	}
	for _, o := range everything(pages.w.api) {
		op, registered := known[o.name]
		if !registered {
			t.Errorf("%s has no route", o.name)
		}
		if !registered || !those(o.name) {
			continue
		}
		tried = append(tried, o.name)
		for i, page := range askers[o.kind].pages {
			asked := o.ask(pages, page.who, said[o.name])
			routed := askers[o.kind].routes[i].by.routed(op, routes.filled(op.path), o.body(said[o.name]))
			if asked != routed {
				t.Errorf("%s asks %s: a page is told %+v, a route %+v", page.name, o.name, asked, routed)
			}
		}
	}
	return tried
}

// What has no route is refused to everybody, also when it does what an operation does.
func TestAPageAsksNothingWithoutARoute(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	h := w.home()
	m := h.signedIn()
	ran := false
	own := func(ctx context.Context, m auth.Member, in *struct{}) (*struct{ Body api.Home }, error) {
		ran = true
		return w.api.GetHome(ctx, m, in)
	}
	if _, p := api.Ask(t.Context(), w.api, api.Call{Lang: phrase.English}, m, own, &struct{}{}); p == nil || p.Status != 500 || ran {
		t.Errorf("a page's own function is done: %v", p)
	}
	var nobody auth.Client
	if _, p := api.Ask(t.Context(), w.api, api.Call{Lang: phrase.English}, nobody, w.api.GetBoard, &api.GetBoardInput{}); p == nil || p.Code != "forbidden" {
		t.Errorf("nobody sees the board: %v", p)
	}
}
