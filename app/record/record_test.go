package record_test

import (
	"encoding/json"
	"fmt"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/loquet/loquet/app/record"
	"github.com/loquet/loquet/audit"
	"github.com/loquet/loquet/device/sendlog"
	"github.com/loquet/loquet/event"
	"github.com/loquet/loquet/store"
	"github.com/loquet/loquet/store/sqlite"
)

// write stores a site's events as a server does, each numbered after the last.
func write(t *testing.T, dir string, site event.SiteID, entries ...[]byte) {
	t.Helper()
	s, err := sqlite.Open(filepath.Join(dir, record.StoreName))
	if err != nil {
		t.Fatal(err)
	}
	a := store.Append{Site: site, State: []byte("state")}
	for i, data := range entries {
		a.Events = append(a.Events, store.Entry{Seq: uint64(i) + 1, Data: data})
	}
	if err := s.Append(t.Context(), a); err != nil {
		t.Fatal(err)
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
}

func encoded(t *testing.T, site event.SiteID, bodies ...event.Body) [][]byte {
	t.Helper()
	var entries [][]byte
	for i, b := range bodies {
		data, err := json.Marshal(event.Event{Site: site, Seq: uint64(i) + 1, At: event.InstantOf(time.Now()), Body: b})
		if err != nil {
			t.Fatal(err)
		}
		entries = append(entries, data)
	}
	return entries
}

func sent(t *testing.T, dir string, s event.Sent) {
	t.Helper()
	log, err := sendlog.Open(filepath.Join(dir, record.SentName))
	if err != nil {
		t.Fatal(err)
	}
	if err := log.Record(s); err != nil {
		t.Fatal(err)
	}
	if err := log.Close(); err != nil {
		t.Fatal(err)
	}
}

func check(t *testing.T, dir string) audit.Report {
	t.Helper()
	report, err := record.Audit(t.Context(), dir)
	if err != nil {
		t.Fatal(err)
	}
	return report
}

// long is a journal of more events than are read at once.
func long() []event.Body {
	bodies := []event.Body{event.SiteOpened{Zone: "Europe/Paris"}}
	for range 2500 {
		bodies = append(bodies, event.RulesSet{Rules: event.Rules{Dwell: event.Minute, Climb: event.Minute}, By: event.Actor{Kind: event.ActorSystem}})
	}
	return bodies
}

// TestEveryEventOfEverySiteIsRead, in as many portions as it takes.
func TestEveryEventOfEverySiteIsRead(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	write(t, dir, "long", encoded(t, "long", long()...)...)
	for i := range 5 {
		site := event.SiteID(fmt.Sprint("home", i))
		write(t, dir, site, encoded(t, site, event.SiteOpened{Zone: "Europe/Paris"})...)
	}
	report := check(t, dir)
	if got, want := report.Laws[9].Cases, 2501+5; !report.OK() || got != want {
		t.Errorf("%d of %d events, violations: %v", got, want, report.Laws)
	}
}

// TestWhatIsFoundInAFolder: a log that no journal explains, and a journal that can't be read to its end, which keeps
// nobody from reading the others.
func TestWhatIsFoundInAFolder(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	write(t, dir, "broken", append(encoded(t, "broken", event.SiteOpened{Zone: "Europe/Paris"}), []byte(`{"kind":"of another release"}`))...)
	write(t, dir, "whole", encoded(t, "whole", event.SiteOpened{Zone: "Europe/Paris"})...)
	sent(t, dir, event.Sent{At: event.InstantOf(time.Now()), Device: "lock-1", Act: event.ActOpen, Permit: "whole-p9"})
	report := check(t, dir)
	if report.Count() != 2 {
		t.Errorf("%d violations: %v", report.Count(), report.Laws)
	}
	for law, says := range map[int]string{3: "no journal intended", 10: "can't be read: event 2"} {
		if found := fmt.Sprint(report.Laws[law-1].Violations); !strings.Contains(found, says) {
			t.Errorf("law %d does not say %q: %s", law, says, found)
		}
	}
}

// TestNothingToRead: a folder without a store is an error, and none is made.
func TestNothingToRead(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	if _, err := record.Audit(t.Context(), dir); err == nil {
		t.Error("an empty folder was audited")
	}
	if left, _ := filepath.Glob(filepath.Join(dir, "*")); len(left) != 0 {
		t.Errorf("the audit left %v", left)
	}
}
