package operator

import (
	"embed"
	"errors"
	"io"
	"io/fs"
	"log/slog"
	"net/http"
	"time"

	"github.com/loquet/loquet/api"
	"github.com/loquet/loquet/auth"
	"github.com/loquet/loquet/dispatch"
	"github.com/loquet/loquet/store"
	"github.com/loquet/loquet/vault"
	"github.com/loquet/loquet/web/ui"
	"github.com/loquet/loquet/web/ui/maps"
)

//go:embed css js
var files embed.FS

// Deps are what the console works with. All are required but Links, Player, Tiles and Zone.
type Deps struct {
	API    *api.API
	Staffs *auth.Staffs
	// Links invite colleagues by mail; nil where no mail is sent.
	Links *auth.Links
	// Couriers offer pairing codes, which no API key can.
	Couriers *auth.Couriers
	// Dispatch wakes the live pages; nothing is asked of it.
	Dispatch *dispatch.Dispatcher
	// Register and Vault keep the files of bookings that are being worked on.
	Register store.Register
	Vault    *vault.Vault
	Kit      *ui.Kit
	Now      func() time.Time
	Random   io.Reader
	Log      *slog.Logger
	// Zone is where the staff work: the board's day begins at its midnight. UTC when nil.
	Zone *time.Location
	// Tiles is a folder in which the operator may have put a map, as one .pmtiles file; "" for none.
	Tiles string
	// Player is the script that plays live pictures (camera/live); nil where no camera can be.
	Player fs.FS
}

// Console serves /operator/. Safe for concurrent use.
type Console struct {
	Deps
	mux     *http.ServeMux
	imports *imports
	zones   zones
}

// New makes the console, and adds its files to the kit's: call it before the kit's files are served.
func New(d Deps) (*Console, error) {
	if d.Zone == nil {
		d.Zone = time.UTC
	}
	c := &Console{Deps: d, mux: http.NewServeMux()}
	c.imports = newImports(c)
	if err := errors.Join(d.Kit.Embed("operator", files), maps.Embed(d.Kit)); err != nil {
		return nil, err
	}
	if d.Player != nil {
		if err := d.Kit.Embed("live", d.Player); err != nil {
			return nil, err
		}
	}
	c.routes()
	return c, nil
}

// ServeHTTP serves a page; the kit's guard stands before it.
func (c *Console) ServeHTTP(w http.ResponseWriter, r *http.Request) { c.mux.ServeHTTP(w, r) }

// page is what answers a request of somebody of the staff.
type page func(*person)

// way is one address of the console, and the least role that it takes.
type way struct {
	pattern string
	role    auth.StaffRole
	serve   page
}

// ways states every address of the console.
func ways() []way {
	return []way{
		{"GET /operator/{$}", auth.Viewer, (*person).board},
		{"GET /operator/live", auth.Viewer, (*person).boardLive},
		{"GET /operator/alarms", auth.Viewer, (*person).alarms},
		{"GET /operator/alarms/live", auth.Viewer, (*person).alarmsLive},
		{"GET /operator/visits/{visit}", auth.Viewer, (*person).visit},
		{"GET /operator/visits/{visit}/live", auth.Viewer, (*person).visitLive},
		{"POST /operator/visits/{visit}/picture/whep", auth.Dispatcher, (*person).offerPicture},
		{"DELETE /operator/visits/{visit}/picture/whep/{look}", auth.Dispatcher, (*person).leavePicture},
		{"GET /operator/visits/{visit}/picture/hls/{file}", auth.Dispatcher, (*person).pictureFile},
		{"GET /operator/visits/{visit}/photo", auth.Dispatcher, (*person).depositPhoto},
		{"POST /operator/visits/{visit}/acknowledge", auth.Dispatcher, (*person).acknowledge},
		{"POST /operator/visits/{visit}/cause", auth.Dispatcher, (*person).closeAlarm},
		{"GET /operator/map", auth.Viewer, (*person).tellStreets},
		{"GET /operator/map/{name}", auth.Viewer, (*person).serveStreets},
		{"GET /operator/search", auth.Viewer, (*person).search},
		{"GET /operator/deliveries", auth.Viewer, (*person).deliveries},
		{"GET /operator/deliveries/{delivery}", auth.Viewer, (*person).story},
		{"GET /operator/deliveries/{delivery}/live", auth.Viewer, (*person).storyLive},
		{"GET /operator/deliveries/{delivery}/file.json", auth.Viewer, (*person).exportStory},
		{"GET /operator/deliveries/{delivery}/labels.pdf", auth.Dispatcher, (*person).labels},
		{"GET /operator/deliveries/{delivery}/photo", auth.Dispatcher, (*person).planBPhoto},
		{"POST /operator/deliveries/{delivery}/assign", auth.Dispatcher, (*person).assign},
		{"POST /operator/deliveries/{delivery}/block", auth.Dispatcher, (*person).blockDelivery},
		{"POST /operator/deliveries/{delivery}/cancel", auth.Dispatcher, (*person).cancelDelivery},
		{"GET /operator/devices", auth.Viewer, (*person).devices},
		{"GET /operator/devices/live", auth.Viewer, (*person).devicesLive},
		{"GET /operator/devices/{device}", auth.Viewer, (*person).device},
		{"GET /operator/devices/{device}/live", auth.Viewer, (*person).deviceLive},
		{"POST /operator/devices/{device}/read", auth.Dispatcher, (*person).readDevice},
		{"GET /operator/couriers", auth.Viewer, (*person).couriers},
		{"GET /operator/couriers/live", auth.Viewer, (*person).couriersLive},
		{"POST /operator/couriers", auth.Dispatcher, (*person).registerCourier},
		{"GET /operator/couriers/{courier}", auth.Viewer, (*person).courier},
		{"GET /operator/couriers/{courier}/live", auth.Viewer, (*person).courierLive},
		{"POST /operator/couriers/{courier}/suspend", auth.Dispatcher, (*person).suspend},
		{"POST /operator/couriers/{courier}/reinstate", auth.Dispatcher, (*person).reinstate},
		{"POST /operator/couriers/{courier}/invite", auth.Dispatcher, (*person).invite},
		{"GET /operator/book", auth.Dispatcher, (*person).book},
		{"POST /operator/book", auth.Dispatcher, (*person).bookOne},
		{"GET /operator/import", auth.Dispatcher, (*person).files},
		{"POST /operator/import", auth.Dispatcher, (*person).takeFile},
		{"GET /operator/import/{import}", auth.Dispatcher, (*person).oneFile},
		{"GET /operator/import/{import}/live", auth.Dispatcher, (*person).oneFileLive},
		{"POST /operator/import/{import}/book", auth.Dispatcher, (*person).bookFile},
		{"GET /operator/import/{import}/labels.pdf", auth.Dispatcher, (*person).fileLabels},
		{"GET /operator/metrics", auth.Viewer, (*person).metrics},
		{"GET /operator/metrics/live", auth.Viewer, (*person).metricsLive},
		{"GET /operator/staff", auth.Admin, (*person).colleagues},
		{"POST /operator/staff", auth.Admin, (*person).addColleague},
		{"POST /operator/staff/{staff}/role", auth.Admin, (*person).setRole},
		{"POST /operator/staff/{staff}/disable", auth.Admin, (*person).disable},
		{"POST /operator/staff/{staff}/enable", auth.Admin, (*person).enable},
	}
}

func (c *Console) routes() {
	for _, one := range ways() {
		c.mux.Handle(one.pattern, c.signedIn(one))
	}
	c.mux.Handle("/operator/", c.signedIn(way{role: auth.Viewer, serve: (*person).nothingHere}))
}

// signedIn finds out who asks; whoever is a stranger signs in first, and comes back.
func (c *Console) signedIn(one way) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		staff, err := c.Staffs.Check(r.Context(), auth.TokenIn(r, auth.StaffCookie))
		p := &person{Console: c, w: w, r: r, staff: staff}
		switch {
		case errors.Is(err, auth.ErrSession):
			p.strange()
		case err != nil:
			c.Kit.Broke(r.Context(), "nobody of the staff can be recognised", err)
			p.fail("unread", http.StatusServiceUnavailable)
		case staff.Require(one.role) != nil:
			p.fail("role", http.StatusForbidden)
		default:
			one.serve(p)
		}
	})
}
