package audit_test

import (
	"strings"

	"github.com/loquet/loquet/event"
)

// cameraRules ask for a camera, and let the operator look when there is an alarm.
var cameraRules = event.Rules{Dwell: rules.Dwell, Climb: rules.Climb, Watch: true, Camera: true, OperatorWatches: true}

// picture is what the story's camera shows, when it is as it should be.
func (s *story) picture() event.Picture {
	return event.Picture{Camera: s.camera, At: s.now.Add(-300), Since: s.now.Add(-8 * event.Second), Keys: 6}
}

func hang(s *story) {
	s.camera = id[event.CameraID](s, 'c')
	s.say(event.CameraAdded{Camera: s.camera, Sees: []event.AccessPointID{s.place}, By: s.byMember()})
}

func prove(s *story) {
	s.wait(10 * event.Second)
	s.say(event.CameraProven{Camera: s.camera, Seen: s.picture(), By: s.byMember()})
}

func film(s *story) {
	s.film = event.FilmingAsked{Visit: s.visit, Camera: s.camera, Clip: id[event.ClipID](s, 'f')}
	s.say(s.film)
}

func record(s *story) { s.say(event.RecordingAsked(s.film)) }

func lose(s *story) {
	s.wait(2 * event.Second)
	seen := s.picture()
	seen.Fault = event.PictureStale
	s.say(event.PictureLost{Visit: s.visit, Seen: seen})
}

func refind(s *story) {
	s.wait(5 * event.Second)
	s.say(event.PictureBack{Visit: s.visit, Seen: s.picture()})
}

func calm(s *story) { s.say(event.AlarmEnded{Visit: s.visit}) }

func (s *story) byCourier() event.Actor {
	return event.Actor{Kind: event.ActorCourier, ID: string(courier)}
}

// look has somebody watch the camera of the visit under way.
func look(by func(*story) event.Actor) func(*story) {
	return func(s *story) { s.say(event.PictureWatched{Visit: s.film.Visit, By: by(s)}) }
}

// watchClip has somebody watch what was kept.
func watchClip(by func(*story) event.Actor) func(*story) {
	return func(s *story) { s.say(event.PictureWatched{Clip: s.film.Clip, By: by(s)}) }
}

func retire(by func(*story) event.Actor) func(*story) {
	return func(s *story) { s.say(event.CameraRetired{Camera: s.camera, By: by(s)}) }
}

func theOperator(*story) event.Actor { return operator }

// leftAlone ends the filming, and keeps what was filmed for so long.
func leftAlone(keep event.Millis) func(*story) {
	return func(s *story) {
		s.say(event.FilmingEnded{Visit: s.film.Visit, Camera: s.film.Camera, Clip: s.film.Clip, Kept: true, EraseAt: s.now.Add(keep)})
	}
}

func unrecorded(s *story) {
	s.say(event.FilmingEnded{Visit: s.film.Visit, Camera: s.film.Camera, Clip: s.film.Clip})
}

// finish says that two files are kept: the camera's stream broke off once.
func finish(s *story) {
	s.wait(event.Second)
	var from, to event.Instant
	for _, e := range s.of(s.site).events {
		switch b := e.Body.(type) {
		case event.FilmingAsked:
			from = e.At
		case event.RecordingAsked:
			from = max(from, e.At.Add(-6*event.Second))
		case event.VisitEnded:
			if b.Visit == s.film.Visit {
				to = e.At.Add(800)
			}
		}
	}
	hash := strings.Repeat("0123456789abcdef", 4)
	s.say(event.ClipFinished{Clip: s.film.Clip, Files: []event.ClipFile{
		{SHA256: hash, Bytes: 1 << 20, From: from, To: from.Add(2 * event.Second)},
		{SHA256: hash, Bytes: 1 << 20, From: from.Add(3 * event.Second), To: to, Whole: true},
	}})
}

// untilOver waits until the time of what was kept is over.
func untilOver(s *story) {
	for _, e := range s.of(s.site).events {
		if ended, ok := e.Body.(event.FilmingEnded); ok {
			s.now = max(s.now, ended.EraseAt)
		}
	}
}

func erase(why event.ErasureReason) func(*story) {
	return func(s *story) {
		by := event.Actor{Kind: event.ActorSystem}
		if why != event.EraseInTime {
			by = s.byMember()
		}
		s.say(event.ClipErasureAsked{Clip: s.film.Clip, Why: why, By: by})
	}
}

func erased(s *story) {
	s.wait(event.Second)
	s.say(event.ClipErased{Clip: s.film.Clip})
}

// afterwards is what becomes of what was filmed.
var afterwards = []chapter{
	{"left alone", leftAlone(7 * event.Day)},
	{"finished", finish},
	{"hours", pass(3 * event.Hour)},
	{"watched", watchClip((*story).byMember)},
	{"days", untilOver},
	{"erase", erase(event.EraseInTime)},
	{"erased", erased},
}

// onCamera has a camera film the visit of a plot: from its beginning, and kept from an opening on.
func onCamera(name string, r event.Rules, begun, opened string, p plot) plot {
	p = also(instead("move in", moveIn(r)), put("way in", chapter{"camera", hang}, chapter{"prove", prove}),
		put(begun, chapter{"film", film}), put(opened, chapter{"record", record}))(p)
	p.name = name
	return p
}

// put inserts named chapters after another.
func put(name string, more ...chapter) change {
	return func(p plot) plot {
		i := p.at(name) + 1
		p.chapters = append(p.chapters[:i:i], append(more, p.chapters[i:]...)...)
		return p
	}
}

// filmed: the site asks for a picture, and a camera films the visit.
var filmed = onCamera("filmed", cameraRules, "approach", "open", home).with(afterwards...)

// filmedCode: setting the code takes a picture; its showing opens, and is recorded.
var filmedCode = onCamera("filmed code", cameraRules, "approach", "shown", code).with(afterwards...)

var filmedRehearsal = onCamera("filmed rehearsal", cameraRules, "rehearse", "open", rehearsal).with(afterwards...)

// filmedLobby: the picture is that of the decision, not of the request that had to wait for the lobby.
var filmedLobby = also(put("leave", afterwards[0]), before("receive", pass(5*event.Second)))(
	onCamera("filmed lobby", cameraRules, "approach", "open", lobby)).with(afterwards[1:]...)

// unasked: the site has a camera, and does not ask for a picture.
var unasked = func() plot {
	r := cameraRules
	r.Camera = false
	p := onCamera("unasked", r, "approach", "open", home).with(afterwards...)
	return edit("open", func(o *event.OpeningIntended) { o.Picture = event.Picture{} })(p)
}()

// joined: the camera is there only when the door is open already.
var joined = func() plot {
	p := without("camera", "prove", "film", "record")(unasked)
	p.name = "joined"
	p = instead("open", open(0))(p)
	return put("unlocked", chapter{"camera", hang}, chapter{"prove", prove}, chapter{"film", film}, chapter{"record", record})(p)
}()

// resumed: after a restart the camera is asked again.
var resumed = func() plot {
	p := put("pushed", chapter{"again", func(s *story) { s.say(s.film) }})(filmed)
	p.name = "resumed"
	return p
}()

// lost: the picture is lost while the door is open, comes back, and is lost again until after the door is shut.
var lost = func() plot {
	raise := func(s *story) {
		s.say(event.AlarmRaised{Visit: s.visit, Reason: event.AlarmPicture, Level: event.AlarmOperator})
	}
	p := put("pushed", chapter{"lost", lose}, chapter{"alarm", raise},
		chapter{"member looks", look((*story).byMember)}, chapter{"operator looks", look(theOperator)},
		chapter{"back", refind}, chapter{"calm", calm}, chapter{"lost again", lose}, chapter{"alarm again", raise})(filmed)
	p = put("secured", chapter{"calm again", calm})(p)
	p.name = "lost"
	return p
}()

// unkept: the block wins, and nothing that was filmed is kept.
var unkept = without("record")(onCamera("unkept", cameraRules, "approach", "approach", blocked)).with(chapter{"left alone", unrecorded})

// undone: the order came to nothing; what was recorded is erased at once.
var undone = onCamera("undone", cameraRules, "approach", "open", upTo("not done")(retry)).with(
	chapter{"block", block(event.BlockWon)},
	chapter{"end", func(s *story) { s.say(event.VisitEnded{Visit: s.visit, How: event.EndUnopened}) }},
	chapter{"left alone", leftAlone(0)},
	chapter{"erase", erase(event.EraseInTime)},
	chapter{"erased", erased},
)

// shortly: the members keep what was filmed for a day, and erase it before that.
var shortly = func() plot {
	r := cameraRules
	r.KeepClips = event.Day
	p := also(upTo("watched"), instead("left alone", leftAlone(event.Day)))(onCamera("shortly", r, "approach", "open", home).with(afterwards...))
	return p.with(chapter{"erase", erase(event.EraseOnRequest)}, chapter{"erased", erased})
}()

// movedOut: the members move out, and nothing that was filmed stays behind.
var movedOut = func() plot {
	p := upTo("watched")(filmed)
	p.name = "moved out"
	return p.with(chapter{"erase", erase(event.EraseMovedOut)}, chapter{"move out", func(s *story) { s.say(event.SiteClosed{By: s.byMember()}) }},
		chapter{"erased", erased})
}()
