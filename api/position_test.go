package api_test

import (
	"encoding/json"
	"strings"
	"testing"
	"time"

	"github.com/loquet/loquet/api"
	"github.com/loquet/loquet/event"
)

// A household sees on its sketch how far off its courier is, and where, until the arrival: no more, and not for longer.
func TestPosition(t *testing.T) {
	s := newStage(t)
	path := "/v1/courier/visits/" + string(s.visit) + "/position"
	grown, stop := s.w.dispatcher.Follow(s.home.site)
	defer stop()
	before := s.w.kinds(s.home.site)
	var shown api.PositionShown
	s.phone.post(path, s.w.at(344), &shown)
	select {
	case <-grown:
	case <-time.After(patience):
		t.Fatal("nobody was woken")
	}
	if w := shown.Where; w == nil || w.Distance != 350 && w.Distance != 340 || w.Direction != "N" || w.Accuracy != 10 || w.FreshFor <= 0 {
		t.Errorf("shown: %+v", w)
	}
	where := s.home.look().Visits[0].Where
	if where == nil || where.Distance != shown.Where.Distance || where.Age < 0 || where.FreshFor > 2*event.Minute {
		t.Errorf("the household sees %+v", where)
	}
	old := s.w.at(100)
	old.At = old.At.Add(-3 * time.Minute)
	s.phone.post(path, old, &shown)
	if shown.Where == nil || shown.Where.Distance < 300 {
		t.Errorf("an old position: %+v", shown.Where)
	}
	s.w.clock.advance(2*time.Minute + time.Second)
	if where := s.home.look().Visits[0].Where; where != nil {
		t.Errorf("two minutes later: %+v", where)
	}
	s.phone.post(path, s.w.at(90), &shown)
	if n := s.w.api.Positions(); n != 1 {
		t.Errorf("%d positions are kept", n)
	}
	granted(t, s.phone.act(s.visit, "arrive", api.ArriveRequest{Position: s.w.at(5)}))
	if n := s.w.api.Positions(); n != 0 {
		t.Errorf("%d positions are kept after the arrival", n)
	}
	if where := s.home.look().Visits[0].Where; where != nil {
		t.Errorf("after the arrival: %+v", where)
	}
	if s.phone.post(path, s.w.at(20), &shown); shown.Where != nil {
		t.Errorf("taken after the arrival: %+v", shown.Where)
	}
	journal := string(get(json.Marshal(s.w.journal(s.home.site)))(t))
	if strings.Contains(journal, "48.8") || strings.Contains(s.w.logs.String(), "48.86") {
		t.Error("a position was written down")
	}
	if now := s.w.kinds(s.home.site); now != before+" visit.arrived" {
		t.Errorf("the journal went on: %s", strings.TrimPrefix(now, before))
	}
}

// A position is taken of the visit's own courier and device alone.
func TestOthersPositions(t *testing.T) {
	s := newStage(t)
	path := "/v1/courier/visits/" + string(s.visit) + "/position"
	s.w.courier("ben").send("POST", path, s.w.at(10)).problem(404, "not-found")
	s.phone.send("POST", "/v1/courier/visits/nowhere-v1/position", s.w.at(10)).problem(404, "not-found")
	s.phone.send("POST", "/v1/courier/visits/nonsense/position", s.w.at(10)).problem(404, "not-found")
	bad := s.w.at(10)
	bad.Latitude = 91
	s.phone.send("POST", path, bad).problem(422, "invalid")
	s.phone.send("POST", path, "{}").problem(422, "invalid")
	s.w.operator().post("/v1/couriers/anna/suspend", nil, nil)
	s.phone.send("POST", path, s.w.at(10))
	for _, v := range s.home.look().Visits {
		if v.Where != nil {
			t.Errorf("shown: %+v", v.Where)
		}
	}
}

// Those who follow are woken once a second, however often a phone says where it is.
func TestPositionsWakeSeldom(t *testing.T) {
	s := newStage(t)
	path := "/v1/courier/visits/" + string(s.visit) + "/position"
	grown, stop := s.w.dispatcher.Follow(s.home.site)
	defer stop()
	woken := 0
	for i := range 20 {
		s.phone.post(path, s.w.at(float64(300-i)), nil)
		s.w.clock.advance(250 * time.Millisecond)
		select {
		case <-grown:
			woken++
		default:
		}
	}
	if woken < 4 || woken > 7 {
		t.Errorf("woken %d times in 5 seconds", woken)
	}
}
