package audit_test

import (
	"slices"
	"strings"
	"testing"

	"github.com/loquet/loquet/audit"
	"github.com/loquet/loquet/event"
)

// seeing changes the picture by which something is opened.
func seeing(do func(*event.Picture)) change {
	return edit("open", func(o *event.OpeningIntended) { do(&o.Picture) })
}

func TestLaw6NoPictureNoOpening(t *testing.T) {
	t.Parallel()
	nothing := seeing(func(p *event.Picture) { *p = event.Picture{} })
	unseen := func(s *story) {
		s.intend(s.doors[0], s.asked, func(o *event.OpeningIntended) { o.Picture = s.picture() })
		s.send()
	}
	find(t, 6, []plant{
		{"no picture", filmed, nothing, "without a picture"},
		{"no picture when a code is set", filmedCode, nothing, "without a picture"},
		{"no picture in a rehearsal", filmedRehearsal, nothing, "without a picture"},
		{"no picture at a lent door", filmedLobby, nothing, "without a picture"},
		{"no such camera", filmed, seeing(func(p *event.Picture) { p.Camera = "home1-c99" }), "has no camera"},
		{"another site's camera", filmed, seeing(func(p *event.Picture) { p.Camera = "tower9-c8" }), "has no camera"},
		{"frozen", filmed, seeing(func(p *event.Picture) { p.Fault = event.PictureFrozen }), `did not count: "frozen"`},
		{"not being kept", filmed, seeing(func(p *event.Picture) { p.Fault = event.PictureUnwritten }), `did not count: "not-written"`},
		{"too few key pictures", filmed, seeing(func(p *event.Picture) { p.Keys = 2 }), "by 2 key pictures"},
		{"an old picture", filmed, seeing(func(p *event.Picture) { p.At = p.At.Add(-2 * event.Second) }), "newest picture was received at"},
		{"a picture from later", filmed, seeing(func(p *event.Picture) { p.At = p.At.Add(301) }), "newest picture was received at"},
		{"the picture of the request, at a lent door", filmedLobby, seeing(func(p *event.Picture) { p.At = p.At.Add(-5 * event.Second) }), "newest picture was received at"},
		{"a camera that sees another place", filmed, edit("camera", func(c *event.CameraAdded) { c.Sees = []event.AccessPointID{"home1-a99"} }), "does not see"},
		{"a camera that nobody checked", filmed, without("prove"), "had not been proven"},
		{"a retired camera", filmed, after("film", retire((*story).byMember)), "was retired"},
		{"another camera than films the visit", filmed, before("scan two", func(s *story) { hang(s); prove(s) }), "had not been asked to film the visit"},
		{"a visit that is not filmed", filmed, also(instead("open", unseen), without("film", "record"), upTo("leave")), "had not been asked to film the visit"},
		{"lost before the opening", filmed, after("film", lose), "open home1-b4: while the picture was lost"},
		{"lost before a code is shown", filmedCode, before("shown", lose), "was shown: while the picture was lost"},
		{"a code shown in a visit that is not filmed", filmedCode, also(without("film", "record"), upTo("leave")), "was shown: no camera"},
	})
}

func TestLaw6Cameras(t *testing.T) {
	t.Parallel()
	find(t, 6, []plant{
		{"added by the operator", filmed, edit("camera", func(c *event.CameraAdded) { c.By = operator }), "was added by no member"},
		{"proven by the operator", filmed, edit("prove", func(c *event.CameraProven) { c.By = operator }), "was proven by no member"},
		{"retired by the operator", filmed, after("erased", retire(theOperator)), "was retired by no member"},
		{"proven by a picture that does not count", filmed, edit("prove", func(c *event.CameraProven) { c.Seen.Fault = event.PictureLoop }), `did not count: "loop"`},
		{"proven by a still picture", filmed, edit("prove", func(c *event.CameraProven) { c.Seen.Keys = 1 }), "by 1 key pictures"},
		{"proven by another camera's picture", filmed, edit("prove", func(c *event.CameraProven) { c.Seen.Camera = "home1-c99" }), `by a picture of "home1-c99"`},
		{"proven, and never added", filmed, after("prove", func(s *story) {
			seen := s.picture()
			seen.Camera = "home1-c99"
			s.say(event.CameraProven{Camera: seen.Camera, Seen: seen, By: s.byMember()})
		}), "had not been added"},
	})
}

func TestLaw6RecordedFromTheOpeningOn(t *testing.T) {
	t.Parallel()
	find(t, 6, []plant{
		{"not recorded", filmed, also(without("record"), upTo("leave"), after("leave", unrecorded)), "was not recorded from then on"},
		{"recorded late", filmed, before("record", pass(1)), "was not recorded from then on"},
		{"not recorded where no picture is asked for", unasked, before("record", pass(1)), "was not recorded from then on"},
		{"not recorded when a camera joins", joined, before("record", pass(1)), "was not recorded from then on"},
		{"recorded before the opening", filmed, also(without("record"), put("film", chapter{"", record})), "nothing had been opened"},
		{"recorded before the code was shown", filmedCode, also(without("record"), put("open", chapter{"", record})), "nothing had been opened"},
		{"recorded in a visit that opens nothing", unkept, also(put("film", chapter{"", record}),
			instead("left alone", leftAlone(0))), "nothing had been opened"},
		{"recorded after the visit", filmed, after("left alone", record), "the visit had ended"},
		{"recorded by another name", filmed, edit("record", func(r *event.RecordingAsked) { r.Clip = "home1-f99" }), "was not asked to be filmed"},
		{"recorded by another camera", filmed, edit("record", func(r *event.RecordingAsked) { r.Camera = "home1-c99" }), "was not asked to be filmed"},
		{"filmed after the visit", filmed, after("left alone", func(s *story) { s.say(s.film) }), "was not under way"},
		{"filmed by another name", resumed, edit("again", func(a *event.FilmingAsked) { a.Clip = "home1-f99" }), "it is home1-f99"},
		{"filmed by a camera that sees another place", unasked, edit("camera", func(c *event.CameraAdded) { c.Sees = nil }), "does not see"},
	})
}

func TestLaw6FilmingEndsWithTheVisit(t *testing.T) {
	t.Parallel()
	find(t, 6, []plant{
		{"never", filmed, upTo("leave"), "the camera was not left alone"},
		{"late", filmed, before("left alone", pass(1)), "the visit did not end then"},
		{"early", filmed, also(without("left alone"), put("secured", chapter{"", leftAlone(7 * event.Day)})), "the camera was not left alone"},
		{"twice", filmed, put("left alone", chapter{"", leftAlone(7 * event.Day)}), "it had ended before"},
		{"recorded, and not kept", filmed, also(upTo("leave"), after("leave", unrecorded)), "is called not kept"},
		{"not recorded, and kept", unkept, instead("left alone", leftAlone(0)), "is called kept"},
		{"by another name", undone, also(upTo("left alone"), edit("left alone", func(e *event.FilmingEnded) { e.Clip = "home1-f99" })), "was not asked to be filmed"},
	})
}

func TestLaw6LosingThePictureIsAnAlarm(t *testing.T) {
	t.Parallel()
	find(t, 6, []plant{
		{"none", lost, upTo("lost"), "no alarm stood"},
		{"late", lost, before("alarm", pass(1)), "no alarm stood"},
		{"over too early", lost, also(upTo("alarm"), after("alarm", calm)), "no alarm stood"},
		{"over with another reason", lost, also(upTo("lost again"), before("lost again", alarm(event.AlarmDwell, event.AlarmCourier)),
			after("lost again", calm)), "no alarm stood"},
		{"none when it opens again", lost, also(upTo("calm again"), after("calm again", func(s *story) {
			door(unlocked)(s)
			s.say(event.BarrierUnsecured{Barrier: s.doors[0], Visit: s.visit})
		})), "no alarm stood"},
		{"back by a picture that does not count", lost, edit("back", func(b *event.PictureBack) { b.Seen.Fault = event.PictureClock }), `did not count: "clock"`},
		{"back by an old picture", lost, edit("back", func(b *event.PictureBack) { b.Seen.At = b.Seen.At.Add(-2 * event.Second) }), "newest picture was received at"},
		{"back by another camera", lost, edit("back", func(b *event.PictureBack) { b.Seen.Camera = "home1-c99" }), `by a picture of "home1-c99"`},
	})
}

// TestLaw6AnotherAlarmWillDo: what stands already need not be raised again.
func TestLaw6AnotherAlarmWillDo(t *testing.T) {
	t.Parallel()
	holds(t, also(upTo("lost"), before("lost", alarm(event.AlarmDwell, event.AlarmCustomer)))(lost))
}

func TestLaw6Clips(t *testing.T) {
	t.Parallel()
	file := func(i int, do func(*event.ClipFile)) change {
		return edit("finished", func(c *event.ClipFinished) { do(&c.Files[i]) })
	}
	find(t, 6, []plant{
		{"never recorded", unkept, after("left alone", finish), "never to be recorded"},
		{"finished twice", filmed, after("finished", finish), "had been finished before"},
		{"finished during the visit", filmed, also(without("finished"), put("unlocked", chapter{"", func(s *story) {
			s.say(event.ClipFinished{Clip: s.film.Clip})
		}})), "its visit had not ended"},
		{"finished after it was erased", filmed, also(without("finished"), after("erased", finish)), "had been erased"},
		{"from before the approach", filmed, file(0, func(f *event.ClipFile) { f.From = clock("10:39:59") }), "its file 1 is from"},
		{"long after the visit", filmed, file(1, func(f *event.ClipFile) { f.To = f.To.Add(5 * event.Second) }), "its file 2 is"},
		{"before the file before", filmed, file(0, func(f *event.ClipFile) { f.To = f.To.Add(1001) }), "its file 2 is from"},
		{"backwards", filmed, file(1, func(f *event.ClipFile) { f.To = f.From - 1 }), "its file 2 is from"},
		{"without a hash", filmed, file(0, func(f *event.ClipFile) { f.SHA256 = "" }), "no right hash"},
		{"with another hash", filmed, file(0, func(f *event.ClipFile) { f.SHA256 = strings.ToUpper(f.SHA256) }), "no right hash"},
		{"empty", filmed, file(0, func(f *event.ClipFile) { f.Bytes = 0 }), "no right hash or size"},
	})
}

// TestLaw6BearsClocksThatAreApart: a media service of its own may have a clock of its own.
func TestLaw6BearsClocksThatAreApart(t *testing.T) {
	t.Parallel()
	s := tell(seeing(func(p *event.Picture) { p.At = p.At.Add(800) })(filmed))
	if got := broken(s.check(t, audit.Options{})); !slices.Equal(got, []int{6}) {
		t.Errorf("found by the laws %v", got)
	}
	if report := s.check(t, audit.Options{Skew: 500}); !report.OK() {
		t.Errorf("found something:\n%s", text(report))
	}
}

// TestLaw6HasNothingToLookAt where there is no camera, nor a site that asks for one.
func TestLaw6HasNothingToLookAt(t *testing.T) {
	t.Parallel()
	for _, p := range []plot{home, code, rehearsal, lobby, alarmed} {
		if report := tell(p).check(t, audit.Options{}); report.Laws[5].Cases != 0 {
			t.Errorf("%s: %d cases:\n%s", p.name, report.Laws[5].Cases, text(report))
		}
	}
}

// TestLaw6WithoutACamera: where one is asked for and there is none, nothing opens.
func TestLaw6WithoutACamera(t *testing.T) {
	t.Parallel()
	find(t, 6, []plant{{"opened", home, instead("move in", moveIn(cameraRules)), "without a picture"}})
	holds(t, instead("move in", moveIn(cameraRules))(blocked))
}
