package demo

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strconv"
	"strings"

	"github.com/loquet/loquet/camera/virtual"
	"github.com/loquet/loquet/client"
	"github.com/loquet/loquet/event"
)

func sceneCameraHome(p *play) {
	d, anna, v := p.onTheWay("front-door")
	p.awaitPicture("")
	anna.scan(v, d.parcels[0]).granted()
	anna.finish(v, "front-door")
	c := p.awaitClip()
	p.home.watch(c)
	p.home.erase(c)
}

func sceneCameraFrozen(p *play) {
	d, anna, v := p.onTheWay("front-door")
	p.awaitPicture("")
	p.eye("freezes on its last picture", func(c *virtual.Camera) { c.Show(virtual.Frozen) })
	p.awaitPicture(event.PictureStale)
	anna.scan(v, d.parcels[0]).refused(event.CameraNotLive)
	p.eye("shows what happens again", func(c *virtual.Camera) { c.Show(virtual.Live) })
	p.awaitPicture("")
	anna.open(v).granted()
	anna.finish(v, "front-door")
	p.awaitClip()
}

func sceneCameraLost(p *play) {
	d, anna, v := p.onTheWay("front-door")
	p.awaitPicture("")
	anna.scan(v, d.parcels[0]).granted()
	p.awaitOpened("front-door")
	p.door("front-door").push()
	p.eye("is jammed: its radio falls silent", (*virtual.Camera).Vanish)
	p.awaitBody("the lost picture is noticed", event.PictureLost{}.Kind())
	p.awaitAlarm(event.AlarmPicture, event.AlarmOperator)
	anna.deposit(v)
	anna.goOut(v, "front-door")
	p.awaitClip()
}

func sceneCameraLoop(p *play) {
	d, anna, v := p.onTheWay("front-door")
	p.awaitPicture("")
	p.eye("has a cable with an old film on it: four seconds, over and over", func(c *virtual.Camera) { c.Show(virtual.Loop) })
	p.awaitPicture(event.PictureLoop)
	anna.scan(v, d.parcels[0]).refused(event.CameraNotLive)
}

func sceneNoCameraRequired(p *play) {
	p.eye("is without power", (*virtual.Camera).Vanish)
	d, anna, v := p.onTheWay("front-door")
	p.awaitPicture(event.PictureProving, event.PictureUnreached)
	anna.scan(v, d.parcels[0]).granted()
	anna.finish(v, "front-door")
	p.awaitBody("the camera is left alone", event.FilmingEnded{}.Kind())
}

// eye does something to the camera.
func (p *play) eye(words string, do func(*virtual.Camera)) {
	p.say("camera", "%s", words)
	do(p.stage.camera)
}

// awaitPicture waits until the camera's picture is found to be one of these; "" is live.
func (p *play) awaitPicture(want ...event.PictureFault) {
	p.until(fmt.Sprintf("the picture is found %q", want), 10*look, func() bool {
		var home struct {
			Cameras []struct {
				Filming *struct {
					Live  bool               `json:"live"`
					Fault event.PictureFault `json:"fault"`
					Title string             `json:"title"`
				} `json:"filming"`
			} `json:"cameras"`
		}
		p.must(p.home.Call(p.ctx, "GET", "/v1/home", nil, &home))
		for _, c := range home.Cameras {
			for _, f := range want {
				if c.Filming != nil && c.Filming.Fault == f && c.Filming.Live == (f == "") {
					p.say("camera", "%s", picked(f == "", "is proven live, and films", "does not count: "+strings.ToLower(c.Filming.Title)))
					return true
				}
			}
		}
		return false
	})
}

func picked(yes bool, one, other string) string {
	if yes {
		return one
	}
	return other
}

// awaitClip waits until what was filmed is kept in order.
func (p *play) awaitClip() event.ClipFinished {
	var kept event.ClipFinished
	p.await("the film is kept", func(e event.Event) bool {
		b, ok := e.Body.(event.ClipFinished)
		kept = b
		return ok
	})
	if len(kept.Files) == 0 {
		p.fail("nothing was kept")
	}
	return kept
}

// addCamera has the stage's camera film the household's places, once a check found it good enough.
func (c *customer) addCamera(required bool) {
	var added struct {
		Camera event.CameraID `json:"camera"`
	}
	c.post("/v1/home/cameras", map[string]any{"address": c.play.stage.cameraAt, "sees": c.doors()}, &added)
	var check struct {
		Good    bool `json:"good"`
		Picture struct {
			Text string `json:"text"`
		} `json:"picture"`
	}
	c.play.until("the media service answers", againAfter, func() bool {
		err := c.Call(c.play.ctx, http.MethodPost, "/v1/home/cameras/"+string(added.Camera)+"/check", map[string]any{}, &check)
		if unserved(err) {
			return false
		}
		c.play.must(err)
		return true
	})
	if !check.Good {
		c.play.fail("the camera is not good enough: %s", check.Picture.Text)
	}
	c.rules(map[string]any{"camera": required})
}

// unserved says that nothing was done, and that the server asked to try again: it is busy, or its media service only just
// starts.
func unserved(err error) bool {
	var problem *client.Problem
	return errors.As(err, &problem) && problem.Status == http.StatusServiceUnavailable
}

// doors are the household's places that stand where a camera can be.
func (c *customer) doors() []event.AccessPointID {
	var all []event.AccessPointID
	for name, id := range c.places {
		if name != trunk && name != cabin {
			all = append(all, id)
		}
	}
	return all
}

// watch plays what was kept, and compares it with what the journal says of it.
func (c *customer) watch(kept event.ClipFinished) {
	for i, f := range kept.Files {
		req, err := http.NewRequestWithContext(c.play.ctx, http.MethodGet, c.URL+"/v1/home/clips/"+string(kept.Clip)+"/files/"+strconv.Itoa(i+1), nil)
		c.play.must(err)
		c.play.must(c.Authorize(req, nil))
		res, err := prober.Do(req)
		c.play.must(err)
		body, err := io.ReadAll(res.Body)
		c.play.must(err)
		c.play.must(res.Body.Close())
		sum := sha256.Sum256(body)
		if res.StatusCode != http.StatusOK || hex.EncodeToString(sum[:]) != f.SHA256 || !bytes.Contains(body[:64], []byte("ftyp")) {
			c.play.fail("the film is not what the journal says: %s, %d bytes", res.Status, len(body))
		}
		c.play.say("customer", "watches the film: %.1f s, %d kB; its SHA-256 stands in the journal: %s…", f.To.Since(f.From).Duration().Seconds(),
			len(body)/1000, f.SHA256[:12])
	}
}

// erase has the film erased, and sees that it is gone.
func (c *customer) erase(kept event.ClipFinished) {
	c.play.say("customer", "has the film erased")
	c.play.must(c.Call(c.play.ctx, "DELETE", "/v1/home/clips/"+string(kept.Clip), nil, nil))
	c.play.awaitBody("nothing of the film is left", event.ClipErased{}.Kind())
}
