package courier

import (
	"embed"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"time"

	"github.com/loquet/loquet/api"
	"github.com/loquet/loquet/auth"
	"github.com/loquet/loquet/dispatch"
	"github.com/loquet/loquet/web/ui"
)

//go:embed en.json
var english []byte

//go:embed fr.json
var french []byte

var words = ui.MustWords(english, french)

//go:embed css js icons vendored manifest-en.webmanifest manifest-fr.webmanifest
var files embed.FS

// assets is the prefix under which the kit serves this app's files.
const assets = "courier"

// Deps are what the courier's app works with. All are required but Phone.
type Deps struct {
	API *api.API
	// Couriers says whether a phone that follows a visit is still its courier's.
	Couriers *auth.Couriers
	// Dispatch wakes open pages when a site's journal grows.
	Dispatch *dispatch.Dispatcher
	Kit      *ui.Kit
	Now      func() time.Time
	Log      *slog.Logger
	// Phone is the number that couriers call when nothing else helps, as it is dialled: "+33123456789".
	Phone string
}

// app serves every page below /courier/.
type app struct {
	Deps
	mux *http.ServeMux
}

// New makes the app. It adds its files to the kit, so call it before the kit serves any. Mount it at /courier/, behind
// the kit's Guard.
func New(d Deps) (http.Handler, error) {
	if d.API == nil || d.Couriers == nil || d.Dispatch == nil || d.Kit == nil || d.Now == nil || d.Log == nil {
		return nil, errors.New("courier: something that the app works with is missing")
	}
	if err := d.Kit.Embed(assets, files); err != nil {
		return nil, fmt.Errorf("courier: %w", err)
	}
	a := &app{Deps: d, mux: http.NewServeMux()}
	a.shells()
	a.places()
	a.mux.HandleFunc("/courier/", d.Kit.NotFound)
	return a.mux, nil
}
