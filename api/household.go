package api

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"math"
	"net/http"
	"time"

	"github.com/loquet/loquet/auth"
	"github.com/loquet/loquet/dispatch"
	"github.com/loquet/loquet/event"
	"github.com/loquet/loquet/site"
	"github.com/loquet/loquet/store"
)

// BarrierRequest makes a barrier of a device that is reserved for the site.
type BarrierRequest struct {
	Device           event.DeviceID    `json:"device" minLength:"1" maxLength:"64"`
	Is               event.BarrierKind `json:"is" enum:"front-door,lobby,flat,gate,garage,fridge,parcel-box,key-desk,trunk,cabin,robot-bay"`
	AcceptUnprovable bool              `json:"acceptUnprovable,omitempty" doc:"You were told that nothing can prove it shut, and accept that"`
}

// AccessPointRequest names a place and its way in.
type AccessPointRequest struct {
	WayIn    []event.BarrierRef `json:"wayIn" minItems:"1" maxItems:"8" doc:"From the street inwards"`
	Radius   int                `json:"radius" minimum:"10" maximum:"1000" doc:"Within so many metres a courier is there"`
	Position Centre             `json:"position" doc:"Its centre; sealed, and shown near a visit only"`
	Address  string             `json:"address,omitempty" maxLength:"300" doc:"Postal address, where it is not that of the site; sealed, and shown near a visit only"`
	Name     string             `json:"name,omitempty" maxLength:"100" doc:"Sealed"`
	Note     string             `json:"note,omitempty" maxLength:"500" doc:"What to know there; sealed, and shown near a visit only"`
	// Vehicle is for a car alone.
	Vehicle *VehicleTerms `json:"vehicle,omitempty" doc:"Of a car, and required for it; its position is then the reference address"`
}

// Rules are the site's choices that are not consent.
type Rules struct {
	DwellSeconds float64    `json:"dwellSeconds" minimum:"1" maximum:"3600" doc:"How long a barrier may stay unsecured before it is an alarm"`
	ClimbSeconds float64    `json:"climbSeconds" minimum:"1" maximum:"3600" doc:"How long each level of an alarm lasts before the next is told"`
	Camera       bool       `json:"camera,omitempty" doc:"No picture, no opening"`
	KeepClips    float64    `json:"keepClipsDays,omitempty" minimum:"0" maximum:"30" doc:"How long what was filmed is kept; 0 for seven days"`
	Operator     bool       `json:"operatorWatches,omitempty" doc:"The operator's staff may watch a visit live while an alarm stands"`
	AskPets      bool       `json:"askPets,omitempty" doc:"Ask whether the pets are shut away"`
	AskAlarm     bool       `json:"askAlarm,omitempty" doc:"Ask whether the alarm is off"`
	Watch        bool       `json:"watch,omitempty" doc:"Tell of openings that Loquet did not ask for; of cars only with watchCars"`
	WatchCars    bool       `json:"watchCars,omitempty" doc:"Watch cars between visits too, and tell of their openings that Loquet did not ask for"`
	PlanB        []Fallback `json:"planB,omitempty" maxItems:"8" doc:"What the courier does, in order, when a parcel can't be left as planned. While it is empty, what is for a car is brought to its reference address first, and handed over there"`
	// Tag names these very rules.
	Tag string `json:"tag,omitempty" maxLength:"64" doc:"Changes with the rules. Sent back, what somebody else changed meanwhile is not overwritten: changed-meanwhile"`
}

// day in seconds.
const day = 24 * 60 * 60

// Fallback is one step of plan B.
type Fallback struct {
	Kind        event.FallbackKind  `json:"kind" enum:"access-point,neighbour,reference,outside,depot"`
	AccessPoint event.AccessPointID `json:"accessPoint,omitempty" maxLength:"64"`
	Who         string              `json:"who,omitempty" maxLength:"100" doc:"Which neighbour, and where; sealed"`
}

// ConsentRequest is a standing permission with its limits.
type ConsentRequest struct {
	AccessPoint event.AccessPointID `json:"accessPoint" maxLength:"64"`
	Merchants   []event.MerchantID  `json:"merchants,omitempty" maxItems:"100" doc:"Any when absent"`
	Carriers    []event.CarrierID   `json:"carriers,omitempty" maxItems:"100" doc:"Any when absent"`
	Hours       []event.Hours       `json:"hours" minItems:"1" maxItems:"50" doc:"Local time: days 1 (Monday) to 7, minutes after midnight"`
	Largest     event.Size          `json:"largest" enum:"small,medium,large"`
	Inside      bool                `json:"inside,omitempty" doc:"The courier may go past the last barrier"`
	Until       time.Time           `json:"until,omitzero" doc:"With a zone"`
	Replaces    event.ConsentID     `json:"replaces,omitempty" maxLength:"64" doc:"The standing consent that ends as this one begins. Deliveries that rest on it rest on this one, where this one covers them"`
}

// Consent is a standing permission.
type Consent struct {
	ID          event.ConsentID     `json:"consent"`
	AccessPoint event.AccessPointID `json:"accessPoint"`
	Merchants   []event.MerchantID  `json:"merchants,omitempty"`
	Carriers    []event.CarrierID   `json:"carriers,omitempty"`
	Hours       []event.Hours       `json:"hours"`
	Largest     event.Size          `json:"largest"`
	Inside      bool                `json:"inside,omitempty"`
	Until       event.Instant       `json:"until,omitempty" format:"date-time"`
}

// AnswersRequest answers the question that was asked last.
type AnswersRequest struct {
	Question event.Question `json:"question" enum:"pets-shut-away,alarm-off"`
	Yes      bool           `json:"yes"`
}

// Lending lets another site's visits through a barrier.
type Lending struct {
	Barrier  event.BarrierID `json:"barrier" minLength:"1" maxLength:"64"`
	Borrower event.SiteID    `json:"borrower" minLength:"1" maxLength:"32"`
}

// LendingEnded says whether the end came before a lease was out.
type LendingEnded struct {
	Verdict event.BlockVerdict `json:"verdict"`
	Title   string             `json:"title"`
	Text    string             `json:"text"`
}

// BarrierTap is a member's tap for one barrier in a rehearsal.
type BarrierTap struct {
	Barrier event.BarrierID `json:"barrier" minLength:"1" maxLength:"64"`
}

// AccessPointPath names an access point.
type AccessPointPath struct {
	AccessPoint event.AccessPointID `path:"accessPoint" maxLength:"64"`
}

// BarrierPath names a barrier.
type BarrierPath struct {
	Barrier event.BarrierID `path:"barrier" maxLength:"64"`
}

// HomeDeliveryInput names a delivery of the household.
type HomeDeliveryInput struct {
	Idempotent
	DeliveryPath
	Body *Nothing
}

// HomeDeliveryOutput is a delivery of the household.
type HomeDeliveryOutput struct{ Body HomeDelivery }

func (a *API) registerHousehold() {
	post := func(path, id, summary string, status int) route {
		return route{method: http.MethodPost, path: "/v1/home/" + path, id: id, summary: summary, tag: "Home", status: status}
	}
	del := func(path, id, summary string) route {
		return route{method: http.MethodDelete, path: "/v1/home/" + path, id: id, summary: summary, tag: "Home", status: http.StatusNoContent}
	}
	forMember(a, post("barriers", "addBarrier", "Add a barrier", http.StatusCreated), a.AddBarrier)
	forMember(a, del("barriers/{barrier}", "retireBarrier", "Retire a barrier"), a.RetireBarrier)
	forMember(a, post("access-points", "addAccessPoint", "Add an access point", http.StatusCreated), a.AddAccessPoint)
	forMember(a, del("access-points/{accessPoint}", "retireAccessPoint", "Retire an access point"), a.RetireAccessPoint)
	forMember(a, post("access-points/{accessPoint}/rehearse", "rehearse", "Rehearse the way in", 0), a.Rehearse)
	forMember(a, route{method: http.MethodPut, path: "/v1/home/rules", id: "setRules", summary: "Set the rules", tag: "Home"}, a.SetRules)
	forMember(a, post("consents", "giveConsent", "Give a standing consent", http.StatusCreated), a.GiveConsent)
	forMember(a, del("consents/{consent}", "withdrawConsent", "Withdraw a standing consent"), a.WithdrawConsent)
	forMember(a, post("members", "addMember", "Add a member", http.StatusCreated), a.AddMember)
	forMember(a, del("members/{member}", "removeMember", "Remove a member"), a.RemoveMember)
	forMember(a, post("lending", "allowLending", "Lend a barrier to another site", http.StatusCreated), a.AllowLending)
	forMember(a, route{method: http.MethodDelete, path: "/v1/home/lending/{barrier}/{borrower}", id: "endLending",
		summary: "End a lending", about: "It wins against leases to come, and is too late for one that is out.", tag: "Home"}, a.EndLending)
	forMember(a, post("deliveries/{delivery}/consent", "consentTo", "Consent to one delivery", 0), a.ConsentTo)
	forMember(a, post("deliveries/{delivery}/withdraw", "withdrawFrom", "Withdraw the consent to one delivery", 0), a.WithdrawFrom)
	forMember(a, post("deliveries/{delivery}/answers", "answer", "Answer a question", 0), a.Answer)
	forMember(a, post("deliveries/{delivery}/block", "blockAtHome", "Block a delivery", 0), a.BlockAtHome)
	forMember(a, post("deliveries/{delivery}/cancel", "cancelAtHome", "Cancel a delivery", 0), a.CancelAtHome)
	forMember(a, post("visits/{visit}/take-over", "takeOver", "Say to be there, and take over", 0), a.TakeOver)
	forMember(a, post("visits/{visit}/open", "openInRehearsal", "Open the next barrier of a rehearsal", 0), a.OpenInRehearsal)
	forMember(a, post("visits/{visit}/code", "codeInRehearsal", "Show the one-time code of a rehearsal", 0), a.CodeInRehearsal)
	forMember(a, post("visits/{visit}/close", "closeAtHome", "Say that everything is to be shut", 0), a.CloseAtHome)
	forMember(a, post("close", "closeSite", "Move out: everything is revoked", 0), a.CloseSite)
}

// done is the answer of a request whose success says everything.
func done(context.Context, dispatch.Result) (Nothing, error) { return Nothing{}, nil }

// AddBarrierInput is what AddBarrier takes.
type AddBarrierInput struct {
	Idempotent
	Body BarrierRequest
}

// AddBarrier is the operation addBarrier: add a barrier.
func (a *API) AddBarrier(ctx context.Context, m auth.Member, in *AddBarrierInput) (*struct{ Body Barrier }, error) {
	rec, ok := a.Fleet.Record(in.Body.Device)
	dev, running := a.Fleet.Device(in.Body.Device)
	if !ok || !running || rec.Site != m.Site() {
		return nil, invalid("body.device", "no such device is reserved for this site")
	}
	if a.ProvableOnly && !dev.Spec().Closure.Provable() {
		return nil, problem(http.StatusForbidden, "unprovable", "Nothing can prove this device shut, and this operator refuses such devices. "+
			"Nothing was added. Add a sensor that says whether it is shut, or ask the operator.")
	}
	do := site.ReserveBarrier{Is: in.Body.Is, Spec: dev.Spec(), AcceptUnprovable: in.Body.AcceptUnprovable}
	made, err := decide(ctx, a, byMember(m, do), func(ctx context.Context, r dispatch.Result) (Barrier, error) {
		reserved, _ := happened[event.BarrierReserved](r)
		b, _ := r.State.Barrier(reserved.Barrier)
		return a.barrierShown(callOf(ctx).lang, r.State, b), nil
	})
	return &struct{ Body Barrier }{made}, err
}

// RetireBarrier is the operation retireBarrier: retire a barrier.
func (a *API) RetireBarrier(ctx context.Context, m auth.Member, in *BarrierPath) (*struct{}, error) {
	_, err := decide(ctx, a, byMember(m, site.RetireBarrier{Barrier: in.Barrier}), done)
	return nil, err
}

// AddAccessPointInput is what AddAccessPoint takes.
type AddAccessPointInput struct {
	Idempotent
	Body AccessPointRequest
}

// AddAccessPoint is the operation addAccessPoint: add an access point.
func (a *API) AddAccessPoint(ctx context.Context, m auth.Member, in *AddAccessPointInput) (*struct{ Body AccessPoint }, error) {
	req := in.Body
	keep := func(r dispatch.Result) (more dispatch.Attachments, err error) {
		added, ok := happened[event.AccessPointAdded](r)
		if !ok {
			return more, nil
		}
		where := spot{Name: req.Name, Address: req.Address, Note: req.Note, Position: dispatch.Position{Latitude: req.Position.Latitude, Longitude: req.Position.Longitude}}
		v, err := seal(ctx, a, m.Site(), spotName(added.AccessPoint), where, 0)
		more.Values = []store.Value{v}
		return more, err
	}
	do := site.AddAccessPoint{WayIn: req.WayIn, Radius: req.Radius, Vehicle: event.VehicleTerms(orZero(req.Vehicle))}
	made, err := decide(ctx, a, byMember(m, do).attach(keep), func(ctx context.Context, r dispatch.Result) (AccessPoint, error) {
		added, _ := happened[event.AccessPointAdded](r)
		ap, _ := r.State.AccessPoint(added.AccessPoint)
		car, err := a.carShown(ctx, r.State, ap)
		return AccessPoint{ID: ap.ID, Name: req.Name, Address: req.Address, Note: req.Note, Position: &req.Position, Radius: ap.Radius, WayIn: ap.WayIn, Car: car}, err
	})
	return &struct{ Body AccessPoint }{made}, err
}

// RetireAccessPoint is the operation retireAccessPoint: retire an access point.
func (a *API) RetireAccessPoint(ctx context.Context, m auth.Member, in *AccessPointPath) (*struct{}, error) {
	forget := func(dispatch.Result) (dispatch.Attachments, error) {
		gone := []store.Value{{Name: spotName(in.AccessPoint)}}
		for _, name := range ofCar(in.AccessPoint) {
			gone = append(gone, store.Value{Name: name})
		}
		return dispatch.Attachments{Values: gone}, nil
	}
	_, err := decide(ctx, a, byMember(m, site.RetireAccessPoint{AccessPoint: in.AccessPoint}).attach(forget), done)
	return nil, err
}

// RehearseInput is what Rehearse takes.
type RehearseInput struct {
	Idempotent
	AccessPointPath
	Body *Nothing
}

// recent is nil for a member who signed in, or showed a passkey, a short while ago: a session that was left open
// somewhere opens nothing, and moves nobody out.
func (a *API) recent(m auth.Member) error {
	if !auth.Recent(m, event.InstantOf(a.Now())) {
		return auth.ErrRecent
	}
	return nil
}

// Rehearse is the operation rehearse: rehearse the way in. It takes a recent sign-in.
func (a *API) Rehearse(ctx context.Context, m auth.Member, in *RehearseInput) (*AnswerOutput, error) {
	if err := a.recent(m); err != nil {
		return nil, err
	}
	shown := func(ctx context.Context, r dispatch.Result) (Answer, error) {
		for _, v := range r.State.Visits { // a car's goes on with the same tap
			if v.Member == m.ID() && v.AccessPoint == in.AccessPoint {
				return a.visitAnswer(v.ID, nil)(ctx, r)
			}
		}
		return a.approached(ctx, r)
	}
	answer, err := decide(ctx, a, byMember(m, site.Rehearse{AccessPoint: in.AccessPoint}), shown)
	return &AnswerOutput{answer}, err
}

// SetRulesInput is what SetRules takes.
type SetRulesInput struct {
	Body Rules
}

// SetRules is the operation setRules: set the rules.
func (a *API) SetRules(ctx context.Context, m auth.Member, in *SetRulesInput) (*struct{ Body Rules }, error) {
	if _, err := a.household(ctx, m); err != nil {
		return nil, err
	}
	rules, neighbours, err := a.rulesOf(ctx, m.Site(), in.Body)
	if err != nil {
		return nil, err
	}
	keep := func(dispatch.Result) (dispatch.Attachments, error) {
		return dispatch.Attachments{Values: neighbours}, a.unchanged(ctx, m.Site(), in.Body.Tag)
	}
	made, err := decide(ctx, a, byMember(m, site.SetRules{Rules: rules}).attach(keep), func(_ context.Context, r dispatch.Result) (Rules, error) {
		set := in.Body
		set.Tag = tagOf(r.State.Rules)
		return set, nil
	})
	return &struct{ Body Rules }{made}, err
}

// unchanged is nil while a site's rules are those with the tag, or none is asked for. Asked with a decision, it is of
// the very state that is decided upon: a commit in between has the decision made again.
func (a *API) unchanged(ctx context.Context, at event.SiteID, tag string) error {
	if tag == "" {
		return nil
	}
	before, err := a.Dispatch.Load(ctx, at)
	if err != nil || tagOf(before.Rules) == tag {
		return err
	}
	return problem(http.StatusConflict, "changed-meanwhile", "Somebody changed the rules meanwhile. Nothing was done. Read them again, then change what is left to change.")
}

// tagOf names a site's rules.
func tagOf(r event.Rules) string {
	data, err := json.Marshal(r)
	if err != nil {
		panic(err) // plain data
	}
	sum := sha256.Sum256(data)
	return hex.EncodeToString(sum[:8])
}

// rulesOf puts commitments in the place of neighbours' names, which are sealed beside them.
func (a *API) rulesOf(ctx context.Context, at event.SiteID, r Rules) (event.Rules, []store.Value, error) {
	rules := event.Rules{Dwell: millis(r.DwellSeconds), Climb: millis(r.ClimbSeconds), Camera: r.Camera, AskPets: r.AskPets,
		AskAlarm: r.AskAlarm, Watch: r.Watch, WatchCars: r.WatchCars, KeepClips: millis(r.KeepClips * day), OperatorWatches: r.Operator}
	var neighbours []store.Value
	for _, f := range r.PlanB {
		step := event.Fallback{Kind: f.Kind, AccessPoint: f.AccessPoint}
		if f.Kind == event.FallbackNeighbour && f.Who != "" {
			who, err := a.Vault.Commit(ctx, at, neighbourPurpose, f.Who)
			if err != nil {
				return rules, nil, err
			}
			v, err := seal(ctx, a, at, neighbourName(who), f.Who, 0)
			if err != nil {
				return rules, nil, err
			}
			step.Who, neighbours = who, append(neighbours, v)
		}
		rules.PlanB = append(rules.PlanB, step)
	}
	return rules, neighbours, nil
}

func millis(seconds float64) event.Millis { return event.Millis(math.Round(seconds * 1000)) }

func (a *API) rulesShown(ctx context.Context, s site.State) (Rules, error) {
	r := s.Rules
	shown := Rules{DwellSeconds: r.Dwell.Duration().Seconds(), ClimbSeconds: r.Climb.Duration().Seconds(), Camera: r.Camera,
		AskPets: r.AskPets, AskAlarm: r.AskAlarm, Watch: r.Watch, WatchCars: r.WatchCars, KeepClips: r.KeepClips.Duration().Seconds() / day,
		Operator: r.OperatorWatches, Tag: tagOf(r)}
	for _, f := range r.PlanB {
		step := Fallback{Kind: f.Kind, AccessPoint: f.AccessPoint}
		if f.Who != "" {
			who, _, err := unseal[string](ctx, a, s.Site, neighbourName(f.Who))
			if err != nil {
				return shown, err
			}
			step.Who = who
		}
		shown.PlanB = append(shown.PlanB, step)
	}
	return shown, nil
}

// GiveConsentInput is what GiveConsent takes.
type GiveConsentInput struct {
	Idempotent
	Body ConsentRequest
}

// GiveConsent is the operation giveConsent: give a standing consent.
func (a *API) GiveConsent(ctx context.Context, m auth.Member, in *GiveConsentInput) (*struct{ Body Consent }, error) {
	s, err := a.household(ctx, m)
	if err != nil {
		return nil, err
	}
	zone, err := time.LoadLocation(s.Zone)
	if err != nil {
		return nil, err
	}
	req := in.Body
	c := event.Consent{AccessPoint: req.AccessPoint, Merchants: req.Merchants, Carriers: req.Carriers, Hours: req.Hours, Largest: req.Largest,
		Inside: req.Inside, Until: event.InstantOf(req.Until)}
	do := site.GiveConsent{Consent: c, Replaces: req.Replaces, Open: dispatch.OpenSpans(s, req.Replaces, req.Hours, zone)}
	made, err := decide(ctx, a, byMember(m, do), func(_ context.Context, r dispatch.Result) (Consent, error) {
		given, _ := happened[event.ConsentGiven](r)
		return Consent(given.Consent), nil
	})
	return &struct{ Body Consent }{made}, err
}

func consentsOf(s site.State) []Consent {
	shown := []Consent{}
	for _, c := range s.Consents {
		shown = append(shown, Consent(c))
	}
	return shown
}

// WithdrawConsentInput is what WithdrawConsent takes.
type WithdrawConsentInput struct {
	Consent event.ConsentID `path:"consent" maxLength:"64"`
}

// WithdrawConsent is the operation withdrawConsent: withdraw a standing consent.
func (a *API) WithdrawConsent(ctx context.Context, m auth.Member, in *WithdrawConsentInput) (*struct{}, error) {
	_, err := decide(ctx, a, byMember(m, site.WithdrawConsent{Consent: in.Consent}), done)
	return nil, err
}

// AddMemberInput is what AddMember takes.
type AddMemberInput struct {
	Idempotent
	Body MemberRequest
}

// AddMember is the operation addMember: add a member.
func (a *API) AddMember(ctx context.Context, m auth.Member, in *AddMemberInput) (*MemberOutput, error) {
	if _, err := a.household(ctx, m); err != nil {
		return nil, err
	}
	o := byMember(m, site.AddMember{}).attach(a.named(ctx, m.Site(), in.Body.Name))
	made, err := decide(ctx, a, o, joined(in.Body.Name))
	return &MemberOutput{made}, err
}

// RemoveMemberInput is what RemoveMember takes.
type RemoveMemberInput struct {
	Member event.MemberID `path:"member" maxLength:"64"`
}

// RemoveMember ends a person's say at once; the sessions end with work that the same commit makes.
func (a *API) RemoveMember(ctx context.Context, m auth.Member, in *RemoveMemberInput) (*struct{}, error) {
	forget := func(dispatch.Result) (dispatch.Attachments, error) {
		return dispatch.Attachments{Values: []store.Value{{Name: memberName(in.Member)}}}, nil
	}
	_, err := decide(ctx, a, byMember(m, site.RemoveMember{Member: in.Member}).attach(forget), done)
	return nil, err
}

// AllowLendingInput is what AllowLending takes.
type AllowLendingInput struct {
	Idempotent
	Body Lending
}

// AllowLending is the operation allowLending: lend a barrier to another site.
func (a *API) AllowLending(ctx context.Context, m auth.Member, in *AllowLendingInput) (*struct{ Body Lending }, error) {
	do := site.AllowLending{Barrier: in.Body.Barrier, Borrower: in.Body.Borrower}
	made, err := decide(ctx, a, byMember(m, do), func(context.Context, dispatch.Result) (Lending, error) { return in.Body, nil })
	return &struct{ Body Lending }{made}, err
}

// EndLendingInput is what EndLending takes.
type EndLendingInput struct {
	BarrierPath
	Borrower event.SiteID `path:"borrower" maxLength:"32"`
}

// EndLending is the operation endLending: end a lending.
func (a *API) EndLending(ctx context.Context, m auth.Member, in *EndLendingInput) (*struct{ Body LendingEnded }, error) {
	do := site.EndLending{Barrier: in.Barrier, Borrower: in.Borrower}
	ended, err := decide(ctx, a, byMember(m, do), func(ctx context.Context, r dispatch.Result) (LendingEnded, error) {
		b, _ := happened[event.LendingEnded](r)
		words := callOf(ctx).lang.Block(b.Verdict, nil)
		return LendingEnded{Verdict: b.Verdict, Title: words.Title, Text: words.Text()}, nil
	})
	return &struct{ Body LendingEnded }{ended}, err
}

// ofDelivery has the household decide upon one delivery, and shows it.
func (a *API) ofDelivery(ctx context.Context, m auth.Member, id event.DeliveryID, do site.Request) (*HomeDeliveryOutput, error) {
	made, err := decide(ctx, a, byMember(m, do), func(ctx context.Context, r dispatch.Result) (HomeDelivery, error) {
		d, ok := r.State.Delivery(id)
		if !ok {
			return HomeDelivery{}, site.ErrUnknown
		}
		return a.homeDelivery(ctx, r.State, d)
	})
	return &HomeDeliveryOutput{made}, err
}

// ConsentTo is the operation consentTo: consent to one delivery.
func (a *API) ConsentTo(ctx context.Context, m auth.Member, in *HomeDeliveryInput) (*HomeDeliveryOutput, error) {
	return a.ofDelivery(ctx, m, in.Delivery, site.ConsentTo{Delivery: in.Delivery})
}

// WithdrawFrom is the operation withdrawFrom: withdraw the consent to one delivery.
func (a *API) WithdrawFrom(ctx context.Context, m auth.Member, in *HomeDeliveryInput) (*HomeDeliveryOutput, error) {
	return a.ofDelivery(ctx, m, in.Delivery, site.WithdrawFrom{Delivery: in.Delivery})
}

// AnswerInput is what Answer takes.
type AnswerInput struct {
	Idempotent
	DeliveryPath
	Body AnswersRequest
}

// Answer is the operation answer: answer a question.
func (a *API) Answer(ctx context.Context, m auth.Member, in *AnswerInput) (*HomeDeliveryOutput, error) {
	return a.ofDelivery(ctx, m, in.Delivery, site.Answer{Delivery: in.Delivery, Question: in.Body.Question, Yes: in.Body.Yes})
}

// BlockAtHome is the operation blockAtHome: block a delivery.
func (a *API) BlockAtHome(ctx context.Context, m auth.Member, in *HomeDeliveryInput) (*BlockOutput, error) {
	answer, err := decide(ctx, a, byMember(m, site.Block{Delivery: in.Delivery}), a.blocked)
	return &BlockOutput{answer}, err
}

// CancelAtHome is the operation cancelAtHome: cancel a delivery.
func (a *API) CancelAtHome(ctx context.Context, m auth.Member, in *HomeDeliveryInput) (*AnswerOutput, error) {
	answer, err := decide(ctx, a, byMember(m, site.Cancel{Delivery: in.Delivery}), a.plainAnswer)
	return &AnswerOutput{answer}, err
}

// TakeOver is the operation takeOver: say to be there, and take over.
func (a *API) TakeOver(ctx context.Context, m auth.Member, in *NothingInput) (*AnswerOutput, error) {
	answer, err := decide(ctx, a, byMember(m, site.TakeOver{Visit: in.Visit}), a.visitAnswer(in.Visit, nil))
	return &AnswerOutput{answer}, err
}

// OpenInRehearsalInput is what OpenInRehearsal takes.
type OpenInRehearsalInput struct {
	Idempotent
	VisitPath
	Body BarrierTap
}

// OpenInRehearsal is the operation openInRehearsal: open the next barrier of a rehearsal.
func (a *API) OpenInRehearsal(ctx context.Context, m auth.Member, in *OpenInRehearsalInput) (*AnswerOutput, error) {
	answer, err := decide(ctx, a, byMember(m, site.Open{Visit: in.Visit, Barrier: in.Body.Barrier}), a.visitAnswer(in.Visit, nil))
	return &AnswerOutput{answer}, err
}

// CodeInRehearsal shows the member the code of their own rehearsal, which is added to the answer after its showing is
// committed.
func (a *API) CodeInRehearsal(ctx context.Context, m auth.Member, in *OpenInRehearsalInput) (*AnswerOutput, error) {
	o := byMember(m, site.ShowCode{Visit: in.Visit, Barrier: in.Body.Barrier})
	o.natural = true
	answer, err := decide(ctx, a, o, a.visitAnswer(in.Visit, nil))
	if err != nil || answer.Refused != nil {
		return &AnswerOutput{answer}, err
	}
	answer.Code, err = a.shownCode(ctx, in.Visit, in.Body.Barrier)
	return &AnswerOutput{answer}, err
}

// CloseAtHome is the operation closeAtHome: a member says that everything is to be shut, in a rehearsal of their own or
// in a visit that nothing but a word can end.
func (a *API) CloseAtHome(ctx context.Context, m auth.Member, in *NothingInput) (*AnswerOutput, error) {
	answer, err := decide(ctx, a, byMember(m, site.Close{Visit: in.Visit}), a.visitAnswer(in.Visit, nil))
	return &AnswerOutput{answer}, err
}

// CloseSite revokes everything at once; sessions and the site's key go with work that the same commit makes. It takes a
// recent sign-in.
func (a *API) CloseSite(ctx context.Context, m auth.Member, _ *struct {
	Idempotent
	Body *Nothing
}) (*AnswerOutput, error) {
	if err := a.recent(m); err != nil {
		return nil, err
	}
	answer, err := decide(ctx, a, byMember(m, site.CloseSite{}), a.plainAnswer)
	return &AnswerOutput{answer}, err
}
