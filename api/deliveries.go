package api

import (
	"context"
	"errors"
	"net/http"
	"strconv"
	"time"

	"github.com/loquet/loquet/auth"
	"github.com/loquet/loquet/dispatch"
	"github.com/loquet/loquet/event"
	"github.com/loquet/loquet/parcel"
	"github.com/loquet/loquet/site"
	"github.com/loquet/loquet/store"
)

// Window is the time from From (included) to To (excluded).
type Window struct {
	From time.Time `json:"from" doc:"With a zone" example:"2027-03-01T09:00:00+01:00"`
	To   time.Time `json:"to" doc:"With a zone" example:"2027-03-01T12:00:00+01:00"`
}

func (w Window) span() event.Span {
	return event.Span{From: event.InstantOf(w.From), To: event.InstantOf(w.To)}
}

// Span is a Window as it is shown.
type Span struct {
	From event.Instant `json:"from" format:"date-time"`
	To   event.Instant `json:"to" format:"date-time"`
}

func spanShown(s event.Span) Span { return Span(s) }

// BookRequest promises parcels.
type BookRequest struct {
	Site    event.SiteID    `json:"site" maxLength:"32"`
	Window  Window          `json:"window" doc:"At most 7 days long, and 90 days ahead"`
	Carrier event.CarrierID `json:"carrier" minLength:"1" maxLength:"100" doc:"Whose couriers deliver"`
	// Merchant is for operators' keys; a merchant's key books for itself.
	Merchant    event.MerchantID    `json:"merchant,omitempty" maxLength:"100" doc:"Who sends it; for operators' keys only"`
	Parcels     []ParcelRequest     `json:"parcels" minItems:"1" maxItems:"50"`
	AccessPoint event.AccessPointID `json:"accessPoint,omitempty" maxLength:"64" doc:"Where to leave it; the household's first access point when absent"`
	DoNotRing   bool                `json:"doNotRing,omitempty"`
	KeepCold    bool                `json:"keepCold,omitempty"`
	Whole       bool                `json:"whole,omitempty" doc:"When a parcel is missing, the rest is not left either"`
	// Reference is the merchant's own number for it: with one, nothing is ever booked twice.
	Reference string `json:"reference,omitempty" maxLength:"64" pattern:"^[A-Za-z0-9._:-]+$" patternDescription:"letters, digits and ._:-" doc:"The merchant's own number for it. Under one number nothing is booked twice, however much later"`
}

// ParcelRequest is one parcel of a booking.
type ParcelRequest struct {
	Code      string     `json:"code" minLength:"1" maxLength:"512" doc:"What stands on the label: GS1, Digital Link, UPU S10 or the carrier's own number" example:"340123450000000017"`
	Symbology string     `json:"symbology,omitempty" maxLength:"3" doc:"Symbology identifier (ISO/IEC 15424), if known" example:"]C1"`
	Size      event.Size `json:"size" enum:"small,medium,large"`
}

// AssignRequest names the courier who brings a delivery.
type AssignRequest struct {
	Courier event.CourierID `json:"courier" minLength:"1" maxLength:"64"`
}

// Delivery is a promise of parcels, as the merchant and the operator see it.
type Delivery struct {
	ID          event.DeliveryID    `json:"delivery"`
	Site        event.SiteID        `json:"site"`
	Merchant    event.MerchantID    `json:"merchant"`
	Carrier     event.CarrierID     `json:"carrier"`
	Courier     event.CourierID     `json:"courier,omitempty"`
	AccessPoint event.AccessPointID `json:"accessPoint"`
	Window      Span                `json:"window"`
	ParcelCount int                 `json:"parcelCount"`
	// Parcels while the delivery has not ended.
	Parcels []Parcel        `json:"parcels,omitempty"`
	Visit   event.VisitID   `json:"visit,omitempty"`
	Status  dispatch.Status `json:"status"`
	// How the visit ended that delivered it.
	How event.VisitEnd `json:"how,omitempty" doc:"How the visit ended: secured, closed-unproven, taken-over"`
	At  event.Instant  `json:"at,omitempty" format:"date-time" doc:"When the site last changed it"`
}

// Parcel is one parcel of a delivery.
type Parcel struct {
	// Parcel is its reference at this site; nothing can be read back from it.
	Parcel   event.Commitment `json:"parcel"`
	LastFour string           `json:"lastFour,omitempty" doc:"How its code ends, for people to compare"`
	Size     event.Size       `json:"size"`
	Scanned  bool             `json:"scanned,omitempty"`
	Missing  bool             `json:"missing,omitempty"`
}

// Deliveries is a page of deliveries.
type Deliveries struct {
	Deliveries []Delivery `json:"deliveries"`
	Next       string     `json:"next,omitempty" doc:"The cursor of the next page; none at the end"`
}

// BlockAnswer is the one answer to a block.
type BlockAnswer struct {
	Delivery event.DeliveryID   `json:"delivery"`
	Visit    event.VisitID      `json:"visit,omitempty"`
	Verdict  event.BlockVerdict `json:"verdict"`
	Title    string             `json:"title"`
	Text     string             `json:"text"`
	// At is when the block was decided.
	At event.Instant `json:"at" format:"date-time" doc:"When the block was decided"`
	// IntendedAt is when the last order to open had been committed, if any had.
	IntendedAt event.Instant `json:"intendedAt,omitempty" format:"date-time"`
}

// DeliveryPath names a delivery.
type DeliveryPath struct {
	Delivery event.DeliveryID `path:"delivery" maxLength:"64"`
}

// DeliveryOutput is a delivery.
type DeliveryOutput struct{ Body Delivery }

// BlockOutput is how a block ended.
type BlockOutput struct{ Body BlockAnswer }

// AnswerOutput is what became of a request.
type AnswerOutput struct{ Body Answer }

func (a *API) registerDeliveries() {
	forClient(a, route{method: http.MethodPost, path: "/v1/deliveries", id: "bookDelivery", summary: "Book a delivery", tag: "Deliveries",
		status: http.StatusCreated, scope: auth.DeliveriesWrite}, a.BookDelivery)
	forClient(a, route{method: http.MethodPost, path: "/v1/deliveries/check", id: "checkBooking", summary: "See whether a delivery could be booked",
		about: "Everything that booking looks at; nothing is booked.", tag: "Deliveries", scope: auth.DeliveriesWrite}, a.CheckBooking)
	forClient(a, route{method: http.MethodGet, path: "/v1/references/{reference}", id: "findReference", summary: "Find deliveries by the merchant's own number",
		tag: "Deliveries", scope: auth.DeliveriesRead}, a.FindReference)
	forClient(a, route{method: http.MethodGet, path: "/v1/sites/{site}/zone", id: "getSiteZone", summary: "A site's time zone",
		about: "For operators. Nothing else of the site is shown.", tag: "Sites", scope: auth.DeliveriesRead}, a.GetSiteZone)
	forClient(a, route{method: http.MethodGet, path: "/v1/deliveries", id: "listDeliveries", summary: "List deliveries",
		about: "A merchant sees its own; an operator names a merchant or a site.", tag: "Deliveries", scope: auth.DeliveriesRead}, a.ListDeliveries)
	forClient(a, route{method: http.MethodGet, path: "/v1/deliveries/{delivery}", id: "getDelivery", summary: "Look at a delivery",
		tag: "Deliveries", scope: auth.DeliveriesRead}, a.GetDelivery)
	forClient(a, route{method: http.MethodDelete, path: "/v1/deliveries/{delivery}", id: "cancelDelivery", summary: "Cancel a delivery",
		about: "Possible until something was opened for it.", tag: "Deliveries", scope: auth.DeliveriesWrite}, a.CancelDelivery)
	forClient(a, route{method: http.MethodPost, path: "/v1/deliveries/{delivery}/assign", id: "assignDelivery", summary: "Name who brings it",
		about: "The site is told the courier's bound device key; nothing else counts there.", tag: "Deliveries", scope: auth.DeliveriesWrite}, a.AssignDelivery)
	forClient(a, route{method: http.MethodPost, path: "/v1/deliveries/{delivery}/block", id: "blockDelivery", summary: "Block a delivery",
		about: "A block wins or loses against the order to open, never both.", tag: "Deliveries", scope: auth.DeliveriesBlock}, a.BlockDelivery)
	forClient(a, route{method: http.MethodGet, path: "/v1/deliveries/{delivery}/events", id: "followDelivery", summary: "Follow a delivery",
		about: "Server-sent events with the delivery's own and its visit's events; Last-Event-ID goes on where a stream broke off.",
		tag:   "Deliveries", scope: auth.DeliveriesRead, media: eventStream}, a.FollowDelivery)
	forClient(a, route{method: http.MethodGet, path: "/v1/deliveries/{delivery}/label.pdf", id: "getLabelPDF", summary: "Print its labels",
		about: "A page of 100 × 150 mm for each parcel.", tag: "Deliveries", scope: auth.DeliveriesRead, media: "application/pdf"}, a.GetLabelPDF)
	forClient(a, route{method: http.MethodPost, path: "/v1/deliveries/labels.pdf", id: "printLabels", summary: "Print the labels of several deliveries",
		about: "A page of 100 × 150 mm for each parcel, in the order of the deliveries.", tag: "Deliveries", scope: auth.DeliveriesRead,
		media: "application/pdf"}, a.PrintLabels)
	forClient(a, route{method: http.MethodGet, path: "/v1/deliveries/{delivery}/label.png", id: "getLabelPNG", summary: "Print one label",
		about: "For thermal printers: 1 bit, 203 dpi.", tag: "Deliveries", scope: auth.DeliveriesRead, media: "image/png"}, a.GetLabelPNG)
}

// mayRead says whether a merchant's delivery is a client's business.
func mayRead(c auth.Client, m event.MerchantID) bool {
	return c.Role() == auth.Operator || c.Role() == auth.Merchant && string(m) == c.Identity()
}

// merchantOf returns for whom a client acts: a merchant for itself, an operator for whom it names.
func merchantOf(c auth.Client, named event.MerchantID) (event.MerchantID, error) {
	switch c.Role() {
	case auth.Operator:
		if named == "" {
			return "", invalid("body.merchant", "an operator names the merchant")
		}
		return named, nil
	case auth.Merchant:
		if named != "" && string(named) != c.Identity() {
			return "", forbidden("A merchant's API key books for that merchant alone.")
		}
		return event.MerchantID(c.Identity()), nil
	default:
		return "", forbidden("A carrier's API key can't do this.")
	}
}

// BookDeliveryInput is what BookDelivery takes.
type BookDeliveryInput struct {
	Idempotent
	Body BookRequest
}

// BookDelivery is the operation bookDelivery: book a delivery.
func (a *API) BookDelivery(ctx context.Context, c auth.Client, in *BookDeliveryInput) (*DeliveryOutput, error) {
	p, err := a.planned(ctx, c, in.Body)
	if err != nil {
		return nil, err
	}
	if err := a.unreferenced(ctx, p.do.Merchant, in.Body.Reference); err != nil {
		return nil, err
	}
	o := byClient(c, in.Body.Site, p.do).attach(a.keepCodes(ctx, in.Body.Site, p.kept), a.keepReference(ctx, in.Body.Reference))
	made, err := decide(ctx, a, o, a.booked(p.kept))
	return &DeliveryOutput{made}, err
}

func readParcels(wanted []ParcelRequest) ([]parcel.Code, error) {
	var read []parcel.Code
	for i, p := range wanted {
		code, err := parcel.Parse(p.Code, p.Symbology)
		var bad *parcel.Error
		if errors.As(err, &bad) {
			return nil, problem(http.StatusUnprocessableEntity, "parcel-unreadable", bad.Error()).
				about("body.parcels["+strconv.Itoa(i)+"].code", string(bad.Problem))
		}
		read = append(read, code)
	}
	return read, nil
}

// bookingOf computes what the calendar knows: when the household's standing consents and questions apply.
func bookingOf(req BookRequest, merchant event.MerchantID, state site.State) (site.Book, error) {
	if !state.Open {
		return site.Book{}, notFound("site")
	}
	zone, err := time.LoadLocation(state.Zone)
	if err != nil {
		return site.Book{}, err
	}
	window := req.Window.span()
	if window.To.Since(window.From) > 7*event.Day {
		return site.Book{}, invalid("body.window", "at most 7 days long")
	}
	ap := req.AccessPoint
	if ap == "" && len(state.AccessPoints) > 0 {
		ap = state.AccessPoints[0].ID
	}
	return site.Book{Merchant: merchant, Carrier: req.Carrier, Window: window, AccessPoint: ap, DoNotRing: req.DoNotRing,
		KeepCold: req.KeepCold, Whole: req.Whole, AskAt: dispatch.AskAt(window, zone), Spans: dispatch.ConsentSpans(state, window, zone)}, nil
}

// keepCodes seals the parcels' codes for labels and displays, until some days after the window.
func (a *API) keepCodes(ctx context.Context, at event.SiteID, kept codes) dispatch.Attach {
	return func(r dispatch.Result) (more dispatch.Attachments, err error) {
		b, ok := happened[event.DeliveryBooked](r)
		if !ok {
			return more, nil
		}
		v, err := seal(ctx, a, at, parcelsName(b.Delivery), kept, b.Window.To.Add(parcelsKept))
		more.Values = []store.Value{v}
		return more, err
	}
}

func (a *API) booked(kept codes) func(context.Context, dispatch.Result) (Delivery, error) {
	return func(_ context.Context, r dispatch.Result) (Delivery, error) {
		b, _ := happened[event.DeliveryBooked](r)
		d, _ := r.State.Delivery(b.Delivery)
		return deliveryOf(d, r.State.At, kept), nil
	}
}

// deliveryOf shows a delivery that has not ended, as of an instant.
func deliveryOf(d site.Delivery, at event.Instant, kept codes) Delivery {
	shown := summaryShown(dispatch.Summarize(d, at))
	shown.Parcels = parcelsOf(d, kept)
	return shown
}

// summaryShown shows a delivery as lists know it.
func summaryShown(s dispatch.Summary) Delivery {
	return Delivery{ID: s.Delivery, Site: s.Site, Merchant: s.Merchant, Carrier: s.Carrier, Courier: s.Courier, AccessPoint: s.AccessPoint,
		Window: spanShown(s.Window), ParcelCount: s.Parcels, Visit: s.Visit, Status: s.Status, How: s.How, At: s.At}
}

// ListDeliveriesInput is what ListDeliveries takes.
type ListDeliveriesInput struct {
	Page
	Merchant event.MerchantID `query:"merchant" maxLength:"100" doc:"For operators: whose deliveries"`
	Site     event.SiteID     `query:"site" maxLength:"32" doc:"For operators: of which site"`
}

// ListDeliveries is the operation listDeliveries: list deliveries.
func (a *API) ListDeliveries(ctx context.Context, c auth.Client, in *ListDeliveriesInput) (*struct{ Body Deliveries }, error) {
	partition, err := partitionFor(c, in.Merchant, in.Site)
	if err != nil {
		return nil, err
	}
	after, err := in.key()
	if err != nil {
		return nil, err
	}
	rows, err := a.Store.Rows(ctx, partition, after, in.size())
	if err != nil {
		return nil, err
	}
	page := Deliveries{Deliveries: make([]Delivery, 0, len(rows))}
	for _, row := range rows {
		s, err := summaryOf(row)
		if err != nil {
			return nil, err
		}
		page.Deliveries = append(page.Deliveries, summaryShown(s))
	}
	if len(rows) == in.size() {
		page.Next = cursor(rows[len(rows)-1].Key)
	}
	return &struct{ Body Deliveries }{page}, nil
}

func partitionFor(c auth.Client, merchant event.MerchantID, at event.SiteID) (string, error) {
	switch {
	case c.Role() == auth.Merchant && (merchant == "" || string(merchant) == c.Identity()) && at == "":
		return dispatch.MerchantDeliveries(event.MerchantID(c.Identity())), nil
	case c.Role() == auth.Operator && merchant != "" && at == "":
		return dispatch.MerchantDeliveries(merchant), nil
	case c.Role() == auth.Operator && merchant == "" && at != "":
		return dispatch.SiteDeliveries(at), nil
	case c.Role() == auth.Operator:
		return "", invalid("query", "an operator names either a merchant or a site")
	}
	return "", forbidden("A merchant's API key lists that merchant's deliveries alone.")
}

// summary returns a delivery that the client may see, as the projection knows it.
func (a *API) summary(ctx context.Context, c auth.Client, id event.DeliveryID) (dispatch.Summary, error) {
	if event.CheckID(id, 'd') != nil {
		return dispatch.Summary{}, notFound("delivery")
	}
	row, err := a.Store.Row(ctx, dispatch.SiteDeliveries(event.SiteOf(id)), string(id))
	if errors.Is(err, store.ErrNotFound) {
		return dispatch.Summary{}, notFound("delivery")
	}
	if err != nil {
		return dispatch.Summary{}, err
	}
	s, err := summaryOf(row)
	if err == nil && !mayRead(c, s.Merchant) {
		err = notFound("delivery")
	}
	return s, err
}

// GetDelivery is the operation getDelivery: look at a delivery.
func (a *API) GetDelivery(ctx context.Context, c auth.Client, in *DeliveryPath) (*DeliveryOutput, error) {
	s, err := a.summary(ctx, c, in.Delivery)
	if err != nil {
		return nil, err
	}
	state, err := a.Dispatch.Load(ctx, s.Site)
	if err != nil {
		return nil, err
	}
	shown := summaryShown(s)
	if d, live := state.Delivery(in.Delivery); live {
		kept, _, err := unseal[codes](ctx, a, s.Site, parcelsName(d.ID))
		if err != nil {
			return nil, err
		}
		shown = deliveryOf(d, s.At, kept)
	}
	return &DeliveryOutput{shown}, nil
}

// CancelDelivery is the operation cancelDelivery: cancel a delivery.
func (a *API) CancelDelivery(ctx context.Context, c auth.Client, in *DeliveryPath) (*AnswerOutput, error) {
	if _, err := a.summary(ctx, c, in.Delivery); err != nil {
		return nil, err
	}
	at := event.SiteOf(in.Delivery)
	answer, err := decide(ctx, a, byClient(c, at, site.Cancel{Delivery: in.Delivery}), a.plainAnswer)
	return &AnswerOutput{answer}, err
}

// AssignDeliveryInput is what AssignDelivery takes.
type AssignDeliveryInput struct {
	Idempotent
	DeliveryPath
	Body AssignRequest
}

// AssignDelivery is the operation assignDelivery: name who brings it.
func (a *API) AssignDelivery(ctx context.Context, c auth.Client, in *AssignDeliveryInput) (*DeliveryOutput, error) {
	if _, err := a.summary(ctx, c, in.Delivery); err != nil {
		return nil, err
	}
	binding, err := a.assignable(ctx, in.Body.Courier)
	if err != nil {
		return nil, err
	}
	at := event.SiteOf(in.Delivery)
	do := site.Assign{Delivery: in.Delivery, Courier: binding.Courier, Key: binding.Key, PublicKey: binding.PublicJWK}
	made, err := decide(ctx, a, byClient(c, at, do), a.assigned(in.Delivery))
	if err != nil {
		return nil, err
	}
	// A suspension that began meanwhile may have looked for assignments before this one stood.
	if suspended, err := a.heal(ctx, at, binding.Courier); err != nil || suspended {
		return nil, errors.Join(err, courierSuspended())
	}
	return &DeliveryOutput{made}, nil
}

func courierSuspended() *Problem {
	return problem(http.StatusConflict, "courier-suspended", "The courier is suspended. Nothing is assigned. Choose another courier.")
}

// assignable returns the binding of a courier who may be given a delivery.
func (a *API) assignable(ctx context.Context, id event.CourierID) (auth.Binding, error) {
	rec, version, err := a.courierRecord(ctx, id)
	if err != nil {
		return auth.Binding{}, err
	}
	if version == 0 {
		return auth.Binding{}, invalid("body.courier", "no such courier is registered")
	}
	if rec.SuspendedAt != 0 {
		return auth.Binding{}, courierSuspended()
	}
	b, err := a.Couriers.Binding(ctx, id)
	if err == nil && (b.Key == "" || b.RevokedAt != 0) {
		err = problem(http.StatusConflict, "courier-unbound", "No device is bound to this courier. Nothing is assigned. "+
			"Give the courier a pairing code, from the server's own console.")
	}
	return b, err
}

func (a *API) assigned(id event.DeliveryID) func(context.Context, dispatch.Result) (Delivery, error) {
	return func(_ context.Context, r dispatch.Result) (Delivery, error) {
		d, _ := r.State.Delivery(id)
		return deliveryOf(d, r.State.At, nil), nil
	}
}

// BlockDeliveryInput is what BlockDelivery takes.
type BlockDeliveryInput struct {
	Idempotent
	DeliveryPath
}

// BlockDelivery is the operation blockDelivery: block a delivery.
func (a *API) BlockDelivery(ctx context.Context, c auth.Client, in *BlockDeliveryInput) (*BlockOutput, error) {
	if _, err := a.summary(ctx, c, in.Delivery); err != nil {
		return nil, err
	}
	o := byClient(c, event.SiteOf(in.Delivery), site.Block{Delivery: in.Delivery})
	answer, err := decide(ctx, a, o, a.blocked)
	return &BlockOutput{answer}, err
}

func (a *API) blocked(ctx context.Context, r dispatch.Result) (BlockAnswer, error) {
	b, _ := happened[event.BlockAnswered](r)
	is, err := a.kindsIn(r.State).of(ctx, b)
	words := callOf(ctx).lang.BlockAt(is, b.Verdict, localTime(r.State.Zone, b.IntendedAt))
	return BlockAnswer{Delivery: b.Delivery, Visit: b.Visit, Verdict: b.Verdict, Title: words.Title, Text: words.Text(),
		At: r.State.At, IntendedAt: b.IntendedAt}, err
}
