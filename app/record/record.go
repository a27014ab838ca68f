// Package record reads what an installation has recorded in its data folder, while its server runs or not: the
// journals and the connectors' log of what was sent.
package record

import (
	"context"
	"encoding/json"
	"fmt"
	"iter"
	"path/filepath"
	"time"

	"github.com/loquet/loquet/audit"
	"github.com/loquet/loquet/device/sendlog"
	"github.com/loquet/loquet/event"
	"github.com/loquet/loquet/store"
	"github.com/loquet/loquet/store/sqlite"
)

// Names of files in the data folder.
const (
	StoreName = "loquet.db"
	SentName  = "sent.jsonl"
)

// portion is how many events or sites are read at once.
const portion = 1000

// Sent reads the connectors' log.
func Sent(dir string) ([]event.Sent, error) { return sendlog.Read(filepath.Join(dir, SentName)) }

// Audit checks the ten laws over everything recorded. A server may run meanwhile. It could commit an intent after
// its journal was read and before the log is, so that the log is read first; and what it writes into one journal
// after another was read is not held against that one, so that the time is taken before the first.
func Audit(ctx context.Context, dir string) (audit.Report, error) {
	sent, err := Sent(dir)
	if err != nil {
		return audit.Report{}, err
	}
	now := event.InstantOf(time.Now())
	s, err := sqlite.OpenReadOnly(filepath.Join(dir, StoreName))
	if err != nil {
		return audit.Report{}, err
	}
	defer s.Close()
	return audit.Check(journals(ctx, s), sent, audit.Options{Now: now})
}

// journals reads each site's journal, one at a time.
func journals(ctx context.Context, s store.Journal) iter.Seq2[audit.Journal, error] {
	return func(yield func(audit.Journal, error) bool) {
		for after := event.SiteID(""); ; {
			sites, err := s.Sites(ctx, after, portion)
			if err != nil {
				yield(audit.Journal{}, err)
				return
			}
			for _, site := range sites {
				if j, err := journal(ctx, s, site); !yield(j, err) || err != nil {
					return
				}
				after = site
			}
			if len(sites) == 0 {
				return
			}
		}
	}
}

func journal(ctx context.Context, s store.Journal, site event.SiteID) (audit.Journal, error) {
	j := audit.Journal{Site: site}
	for after := uint64(0); ; {
		entries, err := s.Events(ctx, site, after, portion)
		if err != nil || len(entries) == 0 {
			return j, err
		}
		for _, entry := range entries {
			var e event.Event
			if err := json.Unmarshal(entry.Data, &e); err != nil {
				j.Damage = fmt.Errorf("event %d: %w", entry.Seq, err)
				return j, nil
			}
			j.Events, after = append(j.Events, e), entry.Seq
		}
	}
}
