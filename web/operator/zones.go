package operator

import (
	"sync"
	"time"

	"github.com/loquet/loquet/api"
	"github.com/loquet/loquet/event"
)

// zones remembers the time zones of sites, which never change: a page that is drawn anew again and again asks for each
// once. Safe for concurrent use.
type zones struct {
	mu    sync.Mutex
	known map[event.SiteID]*time.Location
}

// mostZones is how many are remembered; then it begins anew.
const mostZones = 10_000

func (z *zones) get(at event.SiteID) (*time.Location, bool) {
	z.mu.Lock()
	defer z.mu.Unlock()
	zone, ok := z.known[at]
	return zone, ok
}

func (z *zones) put(at event.SiteID, zone *time.Location) {
	z.mu.Lock()
	defer z.mu.Unlock()
	if z.known == nil || len(z.known) >= mostZones {
		z.known = map[event.SiteID]*time.Location{}
	}
	z.known[at] = zone
}

// zoneAt is the time zone of a site; the console's own where it can't be read.
func (p *person) zoneAt(at event.SiteID) *time.Location {
	if zone, ok := p.zones.get(at); ok {
		return zone
	}
	out, problem := read(p, p.API.GetSiteZone, &api.SitePath{Site: at})
	if problem != nil {
		return p.Zone
	}
	zone := p.zoneOf(out.Body.Zone)
	p.zones.put(at, zone)
	return zone
}

// zoneOf is a time zone by its name; the console's own if there is none of that name.
func (c *Console) zoneOf(name string) *time.Location {
	if zone, err := time.LoadLocation(name); err == nil && name != "" {
		return zone
	}
	return c.Zone
}
