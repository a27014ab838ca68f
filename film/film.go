// Package film has cameras film visits. It stands between the decisions and the media service: it gives that service
// the addresses and keys that lie sealed in the store, brings each visit's filming to where the visit stands, and
// tells the sites what the cameras show.
package film

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"slices"
	"sync"

	"github.com/loquet/loquet/camera"
	"github.com/loquet/loquet/dispatch"
	"github.com/loquet/loquet/event"
	"github.com/loquet/loquet/site"
	"github.com/loquet/loquet/store"
	"github.com/loquet/loquet/vault"
)

// Deps is what a Director works with. All are required.
type Deps struct {
	Dispatch *dispatch.Dispatcher
	Store    store.Journal
	Vault    *vault.Vault
	Studio   camera.Studio
	// Random is a source fit for keys, safe for concurrent use.
	Random io.Reader
	Log    *slog.Logger
}

// Director has visits filmed. Safe for concurrent use.
type Director struct {
	Deps

	// scenes lets one piece of work at a time be done for a visit, and telling one camera's picture be told at a time.
	scenes, telling locks

	mu sync.Mutex
	// told is what each camera's site was told last, and took for true.
	told map[event.CameraID]event.PictureFault
}

// New makes a Director, which takes the dispatcher's work of cameras. Call it before the dispatcher runs.
func New(d Deps) *Director {
	director := &Director{Deps: d, told: make(map[event.CameraID]event.PictureFault)}
	d.Dispatch.Handle(dispatch.WorkFilm, director.film)
	d.Dispatch.Handle(dispatch.WorkErase, director.erase)
	return director
}

// spare is how much longer than its time a clip would stay if nobody ever asked for its erasure.
const spare = event.Day

var system = event.Actor{Kind: event.ActorSystem}

// begin reads a piece of work, when no other of its visit is under way.
func (d *Director) begin(ctx context.Context, w store.Work) (f dispatch.Filming, unlock func(), err error) {
	if err := json.Unmarshal(w.Data, &f); err != nil {
		return f, nil, fmt.Errorf("film: work that can't be read: %w", err)
	}
	unlock, err = d.scenes.lock(ctx, string(f.Visit))
	return f, unlock, err
}

// film brings the filming of a visit to where the visit stands now, whatever stood when the work was written.
func (d *Director) film(ctx context.Context, w store.Work) error {
	f, unlock, err := d.begin(ctx, w)
	if err != nil {
		return err
	}
	defer unlock()
	state, err := d.Dispatch.Load(ctx, w.Site)
	if err != nil {
		return err
	}
	if v, running := state.Visit(f.Visit); running {
		// What was lost between the decision's look at the picture and its commit was told to a visit that was not
		// watched yet. That may be the service itself.
		if err := errors.Join(d.shoot(ctx, state, v), d.sayNow(ctx, v.Camera)); err != nil {
			return err
		}
		// Another process may have cut meanwhile what was just begun.
		if state, err = d.Dispatch.Load(ctx, w.Site); err != nil {
			return err
		}
	}
	if _, running := state.Visit(f.Visit); running {
		return nil
	}
	return d.cut(ctx, state, f)
}

// shoot has a visit filmed, or kept from now on.
func (d *Director) shoot(ctx context.Context, s site.State, v site.Visit) error {
	address, err := d.Address(ctx, v.Camera)
	if err != nil {
		return err
	}
	key, err := d.drawKey(ctx, s, v.Clip)
	if err != nil {
		return err
	}
	return d.Studio.Film(ctx, camera.Shot{Camera: v.Camera, Visit: v.ID, Address: address, Clip: v.Clip, Key: key, Keep: v.Kept,
		EraseAt: s.At.Add(s.KeepClips() + spare)})
}

// cut ends the filming. The key of a clip that was not to be kept goes with it.
func (d *Director) cut(ctx context.Context, state site.State, f dispatch.Filming) error {
	key, err := d.ClipKey(ctx, f.Clip)
	if errors.Is(err, store.ErrNotFound) || errors.Is(err, vault.ErrErased) {
		key, err = nil, nil // what it sealed, if anything, can't be read any more
	}
	if err != nil {
		return err
	}
	files, err := d.Studio.Cut(ctx, f.Visit, f.Clip, key)
	if err != nil {
		return err
	}
	if _, kept := state.Clip(f.Clip); kept {
		return d.do(ctx, state.Site, site.FinishClip{Clip: f.Clip, Files: files})
	}
	return d.do(ctx, state.Site, site.Tick{}, forgetKey(f.Clip))
}

// erase erases the clip's files, and then, with the record that it is gone, its key.
func (d *Director) erase(ctx context.Context, w store.Work) error {
	f, unlock, err := d.begin(ctx, w)
	if err != nil {
		return err
	}
	defer unlock()
	if _, err := d.Studio.Cut(ctx, f.Visit, f.Clip, nil); err != nil {
		return err
	}
	if err := d.Studio.Erase(ctx, f.Clip); err != nil {
		return err
	}
	return d.do(ctx, w.Site, site.ConfirmErasure{Clip: f.Clip}, forgetKey(f.Clip))
}

func forgetKey(c event.ClipID) dispatch.Attach {
	return func(dispatch.Result) (dispatch.Attachments, error) {
		return dispatch.Attachments{Values: []store.Value{{Name: clipName(c)}}}, nil
	}
}

// do decides a command of the system. A site that is closed has nothing left to say about it.
func (d *Director) do(ctx context.Context, at event.SiteID, r site.Request, attach ...dispatch.Attach) error {
	_, err := d.decide(ctx, at, r, attach...)
	return err
}

func (d *Director) decide(ctx context.Context, at event.SiteID, r site.Request, attach ...dispatch.Attach) (dispatch.Result, error) {
	result, err := d.Dispatch.Do(ctx, at, site.Command{Facts: site.Facts{Actor: system}, Do: r}, attach...)
	if errors.Is(err, site.ErrState) || errors.Is(err, site.ErrUnknown) {
		return result, nil
	}
	return result, err
}

// Run tells the sites what their cameras show, until the context ends.
func (d *Director) Run(ctx context.Context) {
	var telling sync.WaitGroup
	defer telling.Wait()
	err := d.Studio.Watch(ctx, func(p event.Picture) {
		// A site that is slow to hear must not hold up the reports: it is told with one of those that follow.
		unlock, busy := d.telling.try(string(p.Camera))
		switch {
		case busy != nil:
		case d.known(p):
			unlock()
		default:
			telling.Go(func() {
				defer unlock()
				d.tell(ctx, p)
			})
		}
	})
	if ctx.Err() == nil {
		d.Log.ErrorContext(ctx, "nobody watches the cameras any more", slog.Any("error", err))
	}
}

func (d *Director) known(p event.Picture) bool {
	d.mu.Lock()
	defer d.mu.Unlock()
	told, ever := d.told[p.Camera]
	return ever && told == p.Fault
}

func (d *Director) tell(ctx context.Context, p event.Picture) {
	if err := d.say(ctx, p); err != nil && ctx.Err() == nil {
		d.Log.ErrorContext(ctx, "what a camera shows could not be recorded", slog.Any("camera", p.Camera), slog.Any("error", err))
	}
}

func (d *Director) sayNow(ctx context.Context, c event.CameraID) error {
	unlock, err := d.telling.lock(ctx, string(c))
	if err != nil {
		return err
	}
	defer unlock()
	return d.say(ctx, d.Studio.Picture(c))
}

// say tells a camera's site what it shows. What could not be told is told with the next report; and so is what came too
// late to be taken for true.
func (d *Director) say(ctx context.Context, p event.Picture) error {
	r, err := d.decide(ctx, event.SiteOf(p.Camera), site.SeePicture{Seen: p})
	d.mu.Lock()
	defer d.mu.Unlock()
	if err != nil || !believed(r.State, p) {
		delete(d.told, p.Camera)
		return err
	}
	d.told[p.Camera] = p.Fault
	return nil
}

// believed says whether every visit that needs a picture holds of it what was said.
func believed(s site.State, p event.Picture) bool {
	return !slices.ContainsFunc(s.Visits, func(v site.Visit) bool {
		return v.Camera == p.Camera && v.Watched && (v.Unseen == "") != (p.Fault == "")
	})
}
