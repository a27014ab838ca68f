package api

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"time"

	"github.com/loquet/loquet/auth"
	"github.com/loquet/loquet/dispatch"
	"github.com/loquet/loquet/event"
	"github.com/loquet/loquet/site"
	"github.com/loquet/loquet/store"
)

// SiteRequest opens a site.
type SiteRequest struct {
	Zone    string `json:"zone" minLength:"1" maxLength:"64" doc:"IANA time zone" example:"Europe/Paris"`
	Address string `json:"address,omitempty" maxLength:"300" doc:"Postal address; sealed, and shown near a visit only"`
}

// Site is an address, as an API key sees it. Barriers are for operators; a merchant sees its own deliveries.
type Site struct {
	ID           event.SiteID  `json:"site"`
	Zone         string        `json:"zone"`
	Open         bool          `json:"open" doc:"False once the members have moved out"`
	Address      string        `json:"address,omitempty"`
	Barriers     []Barrier     `json:"barriers,omitempty"`
	AccessPoints []AccessPoint `json:"accessPoints,omitempty"`
	Deliveries   []Delivery    `json:"deliveries,omitempty" doc:"Those that have not ended"`
}

// MemberRequest names a person who decides at a site.
type MemberRequest struct {
	Name string `json:"name,omitempty" maxLength:"100" doc:"Sealed; the other members see it"`
}

// Member is a person who decides at a site.
type Member struct {
	ID   event.MemberID `json:"member"`
	Name string         `json:"name,omitempty"`
	// You is the one who asks.
	You bool `json:"you,omitempty"`
}

// SitePath names a site.
type SitePath struct {
	Site event.SiteID `path:"site" maxLength:"32"`
}

// SiteOutput is a site.
type SiteOutput struct{ Body Site }

// MemberOutput is a member.
type MemberOutput struct{ Body Member }

func (a *API) registerSites() {
	forClient(a, route{method: http.MethodPost, path: "/v1/sites", id: "openSite", summary: "Open a site", tag: "Sites",
		status: http.StatusCreated, scope: auth.SitesWrite}, a.OpenSite)
	forClient(a, route{method: http.MethodGet, path: "/v1/sites/{site}", id: "getSite", summary: "Look at a site",
		about: "An operator sees every site, others the sites that they opened, and of those what is needed to book. Looking is recorded.",
		tag:   "Sites", scope: auth.SitesRead}, a.GetSite)
	forClient(a, route{method: http.MethodPost, path: "/v1/sites/{site}/members", id: "addFirstMember", summary: "Name the first member",
		about: "Later members are added by a member. A member signs in with a one-time link, which no API key can make.",
		tag:   "Sites", status: http.StatusCreated, scope: auth.SitesWrite}, a.AddFirstMember)
	forClient(a, route{method: http.MethodGet, path: "/v1/sites/{site}/journal", id: "getJournal", summary: "Read a site's journal",
		about: "For operators: the events as they are stored, in order. No name, address or position stands there.",
		tag:   "Sites", scope: auth.JournalsRead}, a.GetJournal)
}

// sitesOf is the partition of the sites that a client opened.
func sitesOf(c auth.Client) string { return "sites-of/" + string(c.Role()) + "/" + c.Identity() }

// OpenSiteInput is what OpenSite takes.
type OpenSiteInput struct {
	Idempotent
	Body SiteRequest
}

// OpenSite is the operation openSite: open a site.
func (a *API) OpenSite(ctx context.Context, c auth.Client, in *OpenSiteInput) (*SiteOutput, error) {
	if err := checkZone(in.Body.Zone); err != nil {
		return nil, err
	}
	drawn, err := a.draw(12)
	if err != nil {
		return nil, err
	}
	id := event.SiteID(drawn)
	keep := func(dispatch.Result) (more dispatch.Attachments, err error) {
		more.Rows = []store.Row{{Partition: sitesOf(c), Key: string(id), Data: []byte("{}")}}
		if in.Body.Address != "" {
			address, err := seal(ctx, a, id, addressName, in.Body.Address, 0)
			if err != nil {
				return more, err
			}
			more.Values = []store.Value{address}
		}
		return more, nil
	}
	made, err := decide(ctx, a, byClient(c, id, site.OpenSite{Zone: in.Body.Zone}).attach(keep),
		func(_ context.Context, r dispatch.Result) (Site, error) {
			return Site{ID: id, Zone: r.State.Zone, Open: true, Address: in.Body.Address}, nil
		})
	return &SiteOutput{made}, err
}

// checkZone takes the names of the IANA database only: neither the server's own zone nor none.
func checkZone(name string) error {
	if _, err := time.LoadLocation(name); err != nil || name == "" || name == "Local" {
		return invalid("body.zone", "not a time zone of the IANA database, such as Europe/Paris")
	}
	return nil
}

// owned returns a site that the client opened, or any for an operator.
func (a *API) owned(ctx context.Context, c auth.Client, id event.SiteID) (site.State, error) {
	state, err := a.known(ctx, id)
	if err != nil || c.Role() == auth.Operator {
		return state, err
	}
	_, err = a.Store.Row(ctx, sitesOf(c), string(id))
	if errors.Is(err, store.ErrNotFound) {
		return state, notFound("site")
	}
	return state, err
}

// known returns a site that exists, closed or not.
func (a *API) known(ctx context.Context, id event.SiteID) (site.State, error) {
	if event.CheckSiteID(id) != nil {
		return site.State{}, notFound("site")
	}
	state, err := a.Dispatch.Load(ctx, id)
	if err == nil && state.Seq == 0 {
		err = notFound("site")
	}
	return state, err
}

// GetSite is the operation getSite: look at a site.
func (a *API) GetSite(ctx context.Context, c auth.Client, in *SitePath) (*SiteOutput, error) {
	state, err := a.owned(ctx, c, in.Site)
	if err != nil {
		return nil, err
	}
	if err := a.look(ctx, c, in.Site, "address, names of access points"); err != nil {
		return nil, err
	}
	seen := Site{ID: in.Site, Zone: state.Zone, Open: state.Open}
	if seen.Address, _, err = unseal[string](ctx, a, in.Site, addressName); err != nil {
		return nil, err
	}
	for _, ap := range state.AccessPoints {
		s, _, err := unseal[spot](ctx, a, in.Site, spotName(ap.ID))
		if err != nil {
			return nil, err
		}
		seen.AccessPoints = append(seen.AccessPoints, AccessPoint{ID: ap.ID, Name: s.Name, Radius: ap.Radius, WayIn: ap.WayIn})
	}
	for _, d := range state.Deliveries {
		if mayRead(c, d.Merchant) {
			seen.Deliveries = append(seen.Deliveries, deliveryOf(d, state.At, nil))
		}
	}
	if c.Role() == auth.Operator {
		seen.Barriers = a.barriersOf(callOf(ctx).lang, state)
	}
	return &SiteOutput{seen}, nil
}

// AddFirstMemberInput is what AddFirstMember takes.
type AddFirstMemberInput struct {
	Idempotent
	SitePath
	Body MemberRequest
}

// AddFirstMember is the operation addFirstMember: name the first member.
func (a *API) AddFirstMember(ctx context.Context, c auth.Client, in *AddFirstMemberInput) (*MemberOutput, error) {
	if _, err := a.owned(ctx, c, in.Site); err != nil {
		return nil, err
	}
	made, err := decide(ctx, a, byClient(c, in.Site, site.AddMember{}).attach(a.named(ctx, in.Site, in.Body.Name)), joined(in.Body.Name))
	return &MemberOutput{made}, err
}

// named seals the name of the member who joins with the decision.
func (a *API) named(ctx context.Context, at event.SiteID, name string) dispatch.Attach {
	return func(r dispatch.Result) (more dispatch.Attachments, err error) {
		b, ok := happened[event.MemberJoined](r)
		if !ok || name == "" {
			return more, nil
		}
		v, err := seal(ctx, a, at, memberName(b.Member), name, 0)
		more.Values = []store.Value{v}
		return more, err
	}
}

func joined(name string) func(context.Context, dispatch.Result) (Member, error) {
	return func(_ context.Context, r dispatch.Result) (Member, error) {
		b, _ := happened[event.MemberJoined](r)
		return Member{ID: b.Member, Name: name}, nil
	}
}

// happened finds the first event of a type among those of a decision.
func happened[B event.Body](r dispatch.Result) (body B, ok bool) {
	for _, e := range r.Events {
		if body, ok = e.Body.(B); ok {
			return body, true
		}
	}
	return body, false
}

// JournalEvent is one event of a site's journal, as it is stored.
type JournalEvent struct {
	Site event.SiteID    `json:"site"`
	Seq  uint64          `json:"seq"`
	At   event.Instant   `json:"at" format:"date-time"`
	Kind event.Kind      `json:"kind"`
	Body json.RawMessage `json:"body" doc:"What happened, by kind"`
}

// Journal is a page of a site's journal.
type Journal struct {
	Events []JournalEvent `json:"events" doc:"In order; the page after begins after the last one's seq"`
}

// After says which part of a journal is wanted.
type After struct {
	After uint64 `query:"after" maximum:"9007199254740991" doc:"The seq of the last event that is known; 0 for the beginning"`
	Limit int    `query:"limit" minimum:"1" maximum:"500" default:"100" doc:"At most so many"`
}

// GetJournalInput is what GetJournal takes.
type GetJournalInput struct {
	SitePath
	After
}

// GetJournal is the operation getJournal: read a site's journal.
func (a *API) GetJournal(ctx context.Context, c auth.Client, in *GetJournalInput) (*struct{ Body Journal }, error) {
	if err := asOperator(c); err != nil {
		return nil, err
	}
	if _, err := a.known(ctx, in.Site); err != nil {
		return nil, err
	}
	entries, err := a.Store.Events(ctx, in.Site, in.After.After, in.Limit)
	if err != nil {
		return nil, err
	}
	page := Journal{Events: make([]JournalEvent, len(entries))}
	for i, entry := range entries {
		if err := json.Unmarshal(entry.Data, &page.Events[i]); err != nil {
			return nil, fmt.Errorf("api: event %d: %w", entry.Seq, err)
		}
	}
	return &struct{ Body Journal }{page}, nil
}

func storedEvent(e event.Event) (stored JournalEvent, err error) {
	body, err := json.Marshal(e.Body)
	if err != nil {
		return stored, fmt.Errorf("api: event %d: %w", e.Seq, err)
	}
	return JournalEvent{Site: e.Site, Seq: e.Seq, At: e.At, Kind: e.Body.Kind(), Body: body}, nil
}
