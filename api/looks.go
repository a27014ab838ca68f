package api

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"github.com/loquet/loquet/auth"
	"github.com/loquet/loquet/dispatch"
	"github.com/loquet/loquet/event"
	"github.com/loquet/loquet/site"
	"github.com/loquet/loquet/store"
)

// Look is one reading of a site's personal values with an API key, or of what tells a car by its courier.
type Look struct {
	At time.Time `json:"at" doc:"When"`
	// Who is the kind of key and its identity, Key the key's own identifier.
	Who  string `json:"who" doc:"Whose key, such as operator/acme, or which courier"`
	Key  string `json:"key,omitempty" doc:"Which API key; absent for a courier"`
	What string `json:"what" doc:"What was shown"`
}

// looksOrder makes looks' keys sort by time.
const looksOrder = "2006-01-02T15:04:05.000000000Z"

// looksAt is the partition of a site's looks, in order of time.
func looksAt(id event.SiteID) string { return "looks/" + string(id) }

// look records that a client is about to be shown personal values of a site; on an error they are not shown.
// A closed site has none left.
func (a *API) look(ctx context.Context, c auth.Client, at event.SiteID, what string) error {
	return a.keepLook(ctx, at, Look{Who: string(c.Role()) + "/" + c.Identity(), Key: c.Key(), What: what})
}

// keepLook records a look as of now.
func (a *API) keepLook(ctx context.Context, at event.SiteID, l Look) error {
	now := a.Now().UTC()
	l.At = now
	data, err := json.Marshal(l)
	if err != nil {
		return fmt.Errorf("api: a look: %w", err)
	}
	row := store.Row{Partition: looksAt(at), Key: now.Format(looksOrder) + "/" + callOf(ctx).reference, Data: data}
	write := func(dispatch.Result) (dispatch.Attachments, error) {
		return dispatch.Attachments{Rows: []store.Row{row}}, nil
	}
	facts := site.Facts{Actor: event.Actor{Kind: event.ActorSystem}}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), decideWithin)
	defer cancel()
	_, err = a.Dispatch.Do(ctx, at, site.Command{Facts: facts, Do: site.Tick{}}, write)
	if errors.Is(err, site.ErrState) {
		return nil
	}
	return err
}

// lookOnce is look for pages that live and so ask many times: as long as they go on, it is one look.
func (a *API) lookOnce(ctx context.Context, c auth.Client, at event.SiteID, what string) error {
	return a.once(c.Key()+"/"+string(at)+"/"+what, func() error { return a.look(ctx, c, at, what) })
}

// lookOfCourier is lookOnce for what a courier's phone shows of a household.
func (a *API) lookOfCourier(ctx context.Context, c auth.Courier, at event.SiteID, what string) error {
	who := scoped(c)
	return a.once(who+"/"+what, func() error { return a.keepLook(ctx, at, Look{Who: who, What: what}) })
}

// once does what begins a look, unless the look goes on.
func (a *API) once(look string, begin func() error) error {
	now := a.Now()
	if a.lookings.over(look, now) {
		if err := begin(); err != nil {
			return err
		}
	}
	a.lookings.last.Add(look, now)
	return nil
}
