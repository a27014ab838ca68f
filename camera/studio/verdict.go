package studio

import (
	"context"
	"time"

	"github.com/loquet/loquet/camera"
	"github.com/loquet/loquet/event"
)

// faults are the words of the journal for what a judge or a source finds.
var faults = map[camera.Why]event.PictureFault{
	camera.Live: "", camera.NoStream: event.PictureProving, camera.TooFew: event.PictureProving, camera.Still: event.PictureProving,
	camera.Stale: event.PictureStale, camera.Clock: event.PictureClock, camera.Loop: event.PictureLoop, camera.Frozen: event.PictureFrozen,
	camera.NoHost: event.PictureUnreached, camera.NoAnswer: event.PictureUnreached, camera.NotFound: event.PictureUnreached,
	camera.WrongPassword: event.PictureRefused, camera.NoVideo: event.PictureFormat, camera.WrongFormat: event.PictureFormat,
	camera.Broken: event.PictureFormat,
}

func pictureOf(c event.CameraID, v camera.Verdict) event.Picture {
	fault, known := faults[v.Why]
	if !known {
		fault = event.PictureUnreached
	}
	return event.Picture{Camera: c, Fault: fault, At: instant(v.Last), Since: instant(v.Since), Keys: v.Keys}
}

// instant of a time, 0 for none.
func instant(t time.Time) event.Instant {
	if t.IsZero() {
		return 0
	}
	return event.InstantOf(t)
}

// How long a check looks at a camera, at most, and how often it asks how it stands.
const (
	checkWithin = 30 * time.Second
	checkEvery  = 100 * time.Millisecond
)

// Check implements camera.Studio.
func (l *Local) Check(ctx context.Context, address string) (camera.Report, error) {
	source, err := l.Dial(address)
	if err != nil {
		return camera.Report{Picture: event.Picture{Fault: event.PictureUnreached}}, nil //nolint:nilerr // that is what the check found
	}
	report := Examine(ctx, source)
	if report.Picture.Fault == "" {
		report.Picture.Fault = l.roomFault()
	}
	return report, nil
}

// Examine looks at a camera for as long as a proof takes, at most 30 s.
func Examine(ctx context.Context, source camera.Source) camera.Report {
	ctx, stop := context.WithTimeout(ctx, checkWithin)
	defer stop()
	look := &look{}
	pull := camera.NewPull(watched{source, look}, camera.NewRing(camera.DefaultDepth), camera.NewJudge(time.Now()))
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		pull.Run(ctx)
	}()
	p := settled(ctx, pull)
	stop()
	<-ended
	report := look.report()
	report.Picture = p
	return report
}

// settled waits until the picture is live, or a person has to do something, or the time is over.
func settled(ctx context.Context, pull *camera.Pull) event.Picture {
	tick := time.NewTicker(checkEvery)
	defer tick.Stop()
	for {
		p := pictureOf("", pull.Verdict(time.Now()))
		if p.Fault == "" || p.Fault == event.PictureRefused || p.Fault == event.PictureFormat {
			return p
		}
		select {
		case <-ctx.Done():
			return pictureOf("", pull.Verdict(time.Now()))
		case <-tick.C:
		}
	}
}

// roomFault says whether another visit could be kept.
func (l *Local) roomFault() event.PictureFault {
	ctx, stop := context.WithTimeout(l.ctx, time.Second)
	defer stop()
	switch room, err := l.Shelf.Room(ctx); {
	case err != nil:
		return event.PictureUnwritten
	case room < l.Reserve:
		return event.PictureFull
	}
	return ""
}

// watched is a source whose units a look sees too.
type watched struct {
	camera.Source
	look *look
}

func (w watched) Run(ctx context.Context, sink func(*camera.Unit)) error {
	return w.Source.Run(ctx, func(u *camera.Unit) {
		w.look.add(u)
		sink(u)
	})
}

// look is what can be said of a stream's form. It is used by the source's goroutine, and read when that has ended.
type look struct {
	format     *camera.Format
	units      int
	first      *camera.Unit
	last       *camera.Unit
	keys       int
	firstKey   int64
	lastKey    int64
	reordering bool
}

func (k *look) add(u *camera.Unit) {
	if k.format != u.Format {
		*k = look{format: u.Format, first: u, firstKey: u.DTS}
	}
	k.units, k.last, k.reordering = k.units+1, u, k.reordering || u.PTS != u.DTS
	if u.Key {
		k.keys, k.lastKey = k.keys+1, u.DTS
	}
}

// ticks is how many of a unit's times make a second.
const ticks = 90_000

func (k *look) report() camera.Report {
	if k.format == nil {
		return camera.Report{}
	}
	r := camera.Report{Codec: k.format.Codec, Width: k.format.Width, Height: k.format.Height,
		WebRTC: k.format.Codec == camera.H264 && !k.reordering}
	if span := k.last.DTS - k.first.DTS; span > 0 {
		r.Rate = float64(k.units-1) * ticks / float64(span)
	}
	if k.keys > 1 {
		r.KeyEvery = float64(k.lastKey-k.firstKey) / ticks / float64(k.keys-1)
	}
	return r
}
