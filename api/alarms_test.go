package api_test

import (
	"strings"
	"sync"
	"testing"

	"github.com/loquet/loquet/api"
	"github.com/loquet/loquet/auth"
	"github.com/loquet/loquet/event"
)

// alarmed is a visit whose door stood open too long.
func alarmed(t testing.TB) *stage {
	t.Helper()
	s := newStage(t)
	s.home.send("PUT", "/v1/home/rules", api.Rules{DwellSeconds: 1, ClimbSeconds: 3600}).want(200, nil)
	granted(t, s.phone.scan(s.visit, 1))
	granted(t, s.phone.scan(s.visit, 2))
	await[event.OpeningResolved](s.w, s.home.site)
	s.home.door.move(event.BoltUnlocked, event.ContactOpen)
	await[event.AlarmRaised](s.w, s.home.site)
	return s
}

// Two operators take an alarm at once: it has one owner, and the other is told who and since when. It stands as before.
func TestAcknowledge(t *testing.T) {
	s := alarmed(t)
	path := "/v1/visits/" + string(s.visit) + "/acknowledge"
	names := []string{"ana", "tom"}
	answers := make([]api.AlarmOwner, len(names))
	var under sync.WaitGroup
	for i, name := range names {
		key := s.w.key(auth.Operator, name)
		under.Go(func() { key.post(path, nil, &answers[i]) })
	}
	under.Wait()
	owner := answers[0].Alarm.Acknowledged
	if owner == nil || answers[1].Alarm.Acknowledged == nil || *owner != *answers[1].Alarm.Acknowledged || owner.At == 0 {
		t.Fatalf("owners %+v", answers)
	}
	for i, name := range names {
		if answers[i].Yours != (owner.By == name) {
			t.Errorf("%s is told %t, and %s has it", name, answers[i].Yours, owner.By)
		}
	}
	if n := count[event.AlarmAcknowledged](s.w, s.home.site); n != 1 {
		t.Errorf("%d acknowledgements", n)
	}
	seen := s.home.look().Visits[0].Alarm
	if seen == nil || *seen.Acknowledged != *owner || seen.Since == 0 || seen.LevelSince < seen.Since {
		t.Errorf("the household sees %+v", seen)
	}
	if a := s.phone.seen(s.visit).Alarm; a == nil || a.Acknowledged == nil {
		t.Errorf("the courier sees %+v", a)
	}
	s.home.door.move(event.BoltUnlocked, event.ContactClosed)
	s.home.door.move(event.BoltLocked, event.ContactClosed)
	await[event.AlarmEnded](s.w, s.home.site)
	s.w.key(auth.Operator, "ana").send("POST", path, nil).problem(409, "conflict")
}

func TestWhoAcknowledges(t *testing.T) {
	s := newStage(t)
	path := "/v1/visits/" + string(s.visit) + "/acknowledge"
	s.w.operator().send("POST", path, nil).problem(409, "conflict")
	for _, elsewhere := range []string{"nowhere-v1", "nonsense", string(s.home.site) + "-v9999"} {
		s.w.operator().send("POST", "/v1/visits/"+elsewhere+"/acknowledge", nil).problem(404, "not-found")
	}
	s.w.key(auth.Operator, "ana", auth.JournalsRead).send("POST", path, nil).problem(403, "forbidden")
	s.shop.send("POST", path, nil).problem(403, "forbidden")
	if n := count[event.AlarmAcknowledged](s.w, s.home.site); n != 0 {
		t.Errorf("%d acknowledgements", n)
	}
}

// A page asks in a member of staff's name, whose scopes count as a key's do.
func TestStaffNeedTheScope(t *testing.T) {
	s := alarmed(t)
	key := func(scopes ...auth.Scope) auth.Client {
		_, text, err := s.w.keys.Create(t.Context(), auth.KeyRequest{Role: auth.Operator, Identity: "ana", Scopes: scopes})
		must(t, err)
		return get(s.w.keys.Check(t.Context(), text))(t)
	}
	in := &api.NothingInput{VisitPath: api.VisitPath{Visit: s.visit}}
	if _, p := api.Ask(t.Context(), s.w.api, api.Call{}, key(auth.JournalsRead), s.w.api.AcknowledgeAlarm, in); p == nil || p.Status != 403 {
		t.Errorf("without the scope: %v", p)
	}
	if out, p := api.Ask(t.Context(), s.w.api, api.Call{}, key(auth.AlarmsWrite), s.w.api.AcknowledgeAlarm, in); p != nil || !out.Body.Yours {
		t.Errorf("with the scope: %+v, %v", out, p)
	}
}

// What an alarm came from is said once it is over, by the operator's staff, and can be corrected. The note is sealed.
func TestCauseOfAnAlarm(t *testing.T) {
	s := alarmed(t)
	ana := s.w.key(auth.Operator, "ana")
	path := "/v1/alarms/" + string(s.visit) + "/cause"
	said := api.CauseRequest{Cause: api.CauseNotPulled, Note: "Anna did not pull it shut"}
	ana.send("POST", path, said).problem(409, "conflict")
	ana.send("GET", path, nil).problem(404, "not-found")
	s.home.door.move(event.BoltUnlocked, event.ContactClosed)
	s.home.door.move(event.BoltLocked, event.ContactClosed)
	await[event.AlarmEnded](s.w, s.home.site)
	var list api.AlarmsOfDay
	day := "/v1/alarms?day=" + s.w.clock.now().UTC().Format("2006-01-02")
	s.w.operator().get(day, &list)
	if len(list.Alarms) != 1 || list.Alarms[0].Cause != "" || list.Alarms[0].Ended < list.Alarms[0].Raised || list.Alarms[0].Title == "" {
		t.Fatalf("the day's alarms: %+v", list)
	}
	before := s.w.kinds(s.home.site)
	var kept api.AlarmCause
	ana.post(path, said, &kept)
	if kept.Cause != said.Cause || kept.Note != said.Note || kept.By != "ana" || kept.At == 0 {
		t.Errorf("kept: %+v", kept)
	}
	s.w.key(auth.Operator, "tom").post(path, api.CauseRequest{Cause: api.CauseStuck, Note: "It was the mat"}, nil)
	s.w.operator().get(path, &kept)
	if kept.Cause != api.CauseStuck || kept.Note != "It was the mat" || kept.By != "tom" {
		t.Errorf("corrected: %+v", kept)
	}
	s.w.operator().get(day, &list)
	if list.Alarms[0].Cause != api.CauseStuck {
		t.Errorf("the day's alarms: %+v", list)
	}
	row := get(s.w.store.Row(t.Context(), "alarm-causes", string(s.visit)))(t)
	if strings.Contains(string(row.Data), "mat") || strings.Contains(s.w.logs.String(), "mat") {
		t.Errorf("the note stands open: %s", row.Data)
	}
	if after := s.w.kinds(s.home.site); after != before {
		t.Errorf("the journal went on: %s", strings.TrimPrefix(after, before))
	}
	var looks api.Looks
	s.home.get("/v1/home/looks", &looks)
	if len(looks.Looks) == 0 || !strings.Contains(looks.Looks[len(looks.Looks)-1].What, string(s.visit)) {
		t.Errorf("looks: %+v", looks)
	}
	s.shop.send("POST", path, said).problem(403, "forbidden")
	ana.send("POST", path, api.CauseRequest{Cause: "no reason"}).problem(422, "invalid")
	ana.send("POST", path, api.CauseRequest{Cause: api.CauseOther, Note: strings.Repeat("x", 201)}).problem(422, "invalid")
	s.w.operator().send("GET", "/v1/alarms?day=yesterday", nil).problem(422, "invalid")
}

// A visit without an alarm has no cause of one.
func TestNoCauseWithoutAnAlarm(t *testing.T) {
	s := newStage(t)
	for _, id := range []string{string(s.visit), "nowhere-v1", "nonsense", string(s.home.site) + "-v999"} {
		s.w.operator().send("POST", "/v1/alarms/"+id+"/cause", api.CauseRequest{Cause: api.CauseOther}).problem(404, "not-found")
	}
}
