package api

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"time"

	"github.com/danielgtaylor/huma/v2"

	"github.com/loquet/loquet/auth"
	"github.com/loquet/loquet/carlink"
	"github.com/loquet/loquet/dispatch"
	"github.com/loquet/loquet/event"
	"github.com/loquet/loquet/film"
	"github.com/loquet/loquet/fleet"
	"github.com/loquet/loquet/store"
	"github.com/loquet/loquet/vault"
)

// Deps is what the API works with. All are required but Discover, Forget, FindCameras, MembersReserve, ProvableOnly, Film, CarLinks, ClientAddress and Version.
type Deps struct {
	Dispatch *dispatch.Dispatcher
	Store    store.Store
	Vault    *vault.Vault
	Fleet    *fleet.Fleet
	// Discover listens for devices that announce themselves, for that long; nil without such a connector.
	Discover func(context.Context, time.Duration) ([]Found, error)
	// FindCameras asks the server's network for cameras for that long, and each for its streams with a name and a
	// password; nil where nobody looks for cameras.
	FindCameras func(ctx context.Context, length time.Duration, user, password string) ([]FoundCamera, error)
	// MembersReserve lets members find and reserve devices for their own household. It is for an installation whose
	// households trust each other, such as one's own: whoever reserves a device says which topics open it.
	MembersReserve bool
	// ProvableOnly refuses barriers that nothing can prove shut; those that were added before stay.
	ProvableOnly bool
	Keys         *auth.Keys
	Couriers     *auth.Couriers
	// Film has cameras film visits; nil without a media service.
	Film *film.Director
	// CarLinks connects cars; nil where none are.
	CarLinks *carlink.Links
	Sessions *auth.Sessions
	// Forget erases what others keep of members who left; nil where nobody does. It may be called again.
	Forget func(context.Context, []event.MemberID) error
	Now    func() time.Time
	// Random is a source fit for secrets, safe for concurrent use.
	Random io.Reader
	Log    *slog.Logger
	// PublicURL is scheme and host under which clients reach the API: couriers' signatures name it.
	PublicURL string
	// LocalWebhooks lets webhooks go to loopback and private addresses, and over plain http.
	LocalWebhooks bool
	// ClientAddress is where a request comes from, for limits; nil for the connection's other end. Behind a
	// proxy it reads what that proxy, and only that, writes.
	ClientAddress func(*http.Request) string
	// Version is shown in the API's description.
	Version string
	// Others says what other rooms keep of a member and the household, by a short name for each, for the export of
	// everything; nil where nothing is kept elsewhere.
	Others func(context.Context, auth.Member) (map[string]any, error)
}

// Found is a device that announced itself.
type Found struct {
	Connector string `json:"connector" doc:"The connector that speaks to it"`
	Name      string `json:"name,omitempty" doc:"What its maker or owner calls it"`
	// Config is what POST /v1/devices takes.
	Config json.RawMessage `json:"config,omitempty" doc:"The configuration to reserve it with"`
	// Refused says why it can't be used; "" when it can.
	Refused string `json:"refused,omitempty" doc:"Why it can't be used, if it can't"`
}

// API serves every route below /v1, /openapi.json and /docs. Safe for concurrent use.
type API struct {
	Deps
	// Webhooks tells the outside; New has it registered with the dispatcher.
	Webhooks *Webhooks

	public  string
	huma    huma.API
	handler http.Handler
	limits  limits
	// askable are the operations that have a route, by the name of the method. Written by New alone.
	askable  map[string]askable
	streams  *streams
	lookings lookings
	exports  *exports
	// positions of couriers on the way, kept nowhere else.
	positions positions
	// attended are the looks by WebRTC that began here: a LookPath, and what lets go of it.
	attended sync.Map
	// readings are the devices that are being asked now: one question at a time.
	readings sync.Map
	// document is the description, made when it is first asked for.
	document func() ([]byte, error)
}

// New makes the API. Call it before the dispatcher runs: it takes the dispatcher's work of telling and forgetting.
func New(d Deps) (*API, error) {
	public, err := publicURL(d.PublicURL)
	if err != nil {
		return nil, err
	}
	if d.ClientAddress == nil {
		d.ClientAddress = remoteHost
	}
	a := &API{Deps: d, public: public, limits: newLimits(d.Now), askable: map[string]askable{}, streams: newStreams(), lookings: newLookings(), positions: newPositions(), exports: newExports(), Webhooks: newWebhooks(d)}
	mux := http.NewServeMux()
	a.huma = newHuma(mux, d.Version, a.reword)
	a.register()
	if err := a.describe(mux); err != nil {
		return nil, err
	}
	a.handler = a.guarded(mux)
	d.Dispatch.Handle(dispatch.WorkTell, a.Webhooks.Tell)
	d.Dispatch.Handle(dispatch.WorkForget, a.forget)
	return a, nil
}

func (a *API) ServeHTTP(w http.ResponseWriter, r *http.Request) { a.handler.ServeHTTP(w, r) }

// EndStreams ends every stream of events, now and from now on, so that a server can shut down.
func (a *API) EndStreams() { a.streams.end() }

func publicURL(raw string) (string, error) {
	u, err := url.Parse(raw)
	if err != nil || (u.Scheme != "https" && u.Scheme != "http") || u.Host == "" || strings.Trim(u.Path, "/") != "" ||
		u.RawQuery != "" || u.Fragment != "" || u.User != nil {
		return "", fmt.Errorf("api: the public URL is scheme and host, such as https://loquet.example, not %q", raw)
	}
	return u.Scheme + "://" + u.Host, nil
}

func remoteHost(r *http.Request) string {
	host, _, err := net.SplitHostPort(r.RemoteAddr)
	if err != nil {
		return r.RemoteAddr
	}
	return host
}

// register states every route.
func (a *API) register() {
	a.registerSites()
	a.registerDevices()
	a.registerCouriers()
	a.registerDeliveries()
	a.registerWebhooks()
	a.registerSessions()
	a.registerHome()
	a.registerHousehold()
	a.registerEnrol()
	a.registerCarConsents()
	a.registerCarCheck()
	a.registerCameras()
	a.registerPairing()
	a.registerCourier()
	a.registerCars()
	a.registerPosition()
	a.registerPhotos()
	a.registerReading()
	a.registerAlarms()
	a.registerCauses()
	a.registerStories()
	a.registerOpenings()
	a.registerReceipts()
	a.registerExport()
	a.registerFleetList()
	a.registerCourierList()
	a.registerBoard()
	a.registerDays()
}

var errNoRandom = errors.New("api: no randomness")

// draw returns n random characters of a-z and 0-9.
func (a *API) draw(n int) (string, error) {
	const alphabet = "abcdefghijklmnopqrstuvwxyz0123456789"
	drawn := make([]byte, 0, n)
	for buf := make([]byte, 2*n); len(drawn) < n; {
		if _, err := io.ReadFull(a.Random, buf); err != nil {
			return "", errors.Join(errNoRandom, err)
		}
		for _, b := range buf {
			// 252 is the largest multiple of 36 in a byte: above it the first letters would be likelier.
			if b < 252 && len(drawn) < n {
				drawn = append(drawn, alphabet[b%36])
			}
		}
	}
	return string(drawn), nil
}
