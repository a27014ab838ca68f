// Command latency measures how long a scan takes from its acceptance to the order at a subscriber of the
// broker, above the durable commit itself: real store, real broker, real connector, real sockets.
package main

import (
	"context"
	"crypto/rand"
	"flag"
	"fmt"
	"log/slog"
	"os"
	"runtime"
	"strings"
	"time"

	"github.com/loquet/loquet/dispatch"
	"github.com/loquet/loquet/event"
	"github.com/loquet/loquet/site"
	"github.com/loquet/loquet/store/sqlite"
	"github.com/loquet/loquet/unlock"
)

func main() {
	visits := flag.Int("visits", 2000, "scans in each round")
	flag.Parse()
	if err := measure(context.Background(), *visits); err != nil {
		fmt.Fprintln(os.Stderr, "latency:", err)
		os.Exit(1)
	}
}

func measure(ctx context.Context, visits int) error {
	dir, err := os.MkdirTemp("", "loquet-latency-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(dir)
	db, err := sqlite.Open(dir + "/loquet.db")
	if err != nil {
		return err
	}
	defer db.Close()
	street, err := openStreet(ctx, dir)
	if err != nil {
		return err
	}
	defer street.close()
	b := &bench{street: street, commits: &commits{Store: db, took: make(map[event.SiteID]time.Duration)}}
	gate := &unlock.Gate{Journal: b.commits, Devices: street, Now: time.Now, Random: rand.Reader}
	b.dispatcher = dispatch.New(dispatch.Config{Store: b.commits, Gate: gate, Devices: street, Now: time.Now, Log: slog.New(slog.DiscardHandler)})
	fmt.Printf("%s, %d CPUs, %s/%s\n\n", time.Now().Format(time.DateOnly), runtime.NumCPU(), runtime.GOOS, runtime.GOARCH)
	return b.rounds(ctx, visits)
}

type bench struct {
	street     *street
	commits    *commits
	dispatcher *dispatch.Dispatcher
	prepared   int
}

// prepare brings a new site to the moment before its scan.
func (b *bench) prepare(ctx context.Context) (site.Command, error) {
	b.prepared++
	id := event.SiteID(fmt.Sprintf("bench%d", b.prepared))
	p := preparation{ctx: ctx, d: b.dispatcher, site: id, member: event.Actor{Kind: event.ActorMember, ID: string(id) + "-m2"}}
	operator := event.Actor{Kind: event.ActorOperator, ID: "bench"}
	door, err := b.street.door(id)
	if err != nil {
		return site.Command{}, err
	}
	p.do(operator, site.OpenSite{Zone: "UTC"})
	p.do(operator, site.AddMember{})
	p.do(p.member, site.ReserveBarrier{Is: event.FrontDoor, Spec: door.Spec()})
	barrier := event.NewID[event.BarrierID](id, 'b', 3)
	for _, o := range []event.Observation{{Bolt: event.BoltLocked, Contact: event.ContactClosed}, {Bolt: event.BoltUnlocked}, {Bolt: event.BoltLocked}} {
		o.Device, o.Origin, o.ReceivedAt = door.Spec().Device, event.OriginLive, event.InstantOf(time.Now())
		p.do(event.Actor{Kind: event.ActorDevice}, site.Observe{Barrier: barrier, Observation: o})
	}
	s := p.do(p.member, site.AddAccessPoint{WayIn: []event.BarrierRef{{Barrier: barrier, By: event.PermitRemote}}, Radius: 50})
	if p.err != nil {
		return site.Command{}, p.err
	}
	now := event.InstantOf(time.Now())
	s = p.do(operator, site.Book{Merchant: "shop", Carrier: "swift", Window: event.Span{From: now - 1000, To: now.Add(event.Hour)},
		Parcels: []event.Parcel{{Code: "parcel", Size: event.SizeSmall}}, AccessPoint: s.AccessPoints[0].ID})
	if p.err != nil {
		return site.Command{}, p.err
	}
	p.do(p.member, site.ConsentTo{Delivery: s.Deliveries[0].ID})
	p.do(operator, site.Assign{Delivery: s.Deliveries[0].ID, Courier: "anna", Key: "key", PublicKey: "{}"})
	s = p.courier(site.Approach{AccessPoint: s.AccessPoints[0].ID}, "1")
	if p.err != nil {
		return site.Command{}, p.err
	}
	return p.signed(site.Scan{Visit: s.Visits[0].ID, Parcel: "parcel"}, "2"), nil
}

// preparation decides commands until one fails.
type preparation struct {
	ctx    context.Context
	d      *dispatch.Dispatcher
	site   event.SiteID
	member event.Actor
	err    error
}

func (p *preparation) do(who event.Actor, r site.Request) site.State {
	return p.decide(site.Command{Facts: site.Facts{Actor: who}, Do: r})
}

func (p *preparation) courier(r site.Request, proof string) site.State {
	return p.decide(p.signed(r, proof))
}

func (p *preparation) signed(r site.Request, proof string) site.Command {
	return site.Command{Do: r, Facts: site.Facts{Actor: event.Actor{Kind: event.ActorCourier, ID: "anna"},
		Signed: event.Signed{Key: "key", ID: proof}, Place: &event.Place{Distance: 5, Accuracy: 5}}}
}

func (p *preparation) decide(c site.Command) site.State {
	if p.err != nil {
		return site.State{}
	}
	r, err := p.d.Do(p.ctx, p.site, c)
	if err != nil {
		p.err = fmt.Errorf("%s: %s: %w", p.site, strings.TrimPrefix(fmt.Sprintf("%T", c.Do), "site."), err)
	}
	return r.State
}
