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
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/loquet/loquet/dispatch"
	"github.com/loquet/loquet/event"
	"github.com/loquet/loquet/site"
	"github.com/loquet/loquet/store"
	"github.com/loquet/loquet/store/sqlite"
	"github.com/loquet/loquet/unlock"
)

func main() {
	visits := flag.Int("visits", 2000, "visits in each round")
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
	fmt.Println("| callers | visits | commit p50 | above the commit: p50 | p99 | max |\n| --- | --- | --- | --- | --- | --- |")
	for round, callers := range []int{1, 16, 64} {
		if err := b.round(ctx, round, callers, visits); err != nil {
			return err
		}
	}
	return nil
}

// commits measures the commit of each scan.
type commits struct {
	store.Store
	mu   sync.Mutex
	took map[event.SiteID]time.Duration
}

// Append measures the one beneath.
func (c *commits) Append(ctx context.Context, a store.Append) error {
	begun := time.Now()
	err := c.Store.Append(ctx, a)
	took := time.Since(begun)
	c.mu.Lock()
	defer c.mu.Unlock()
	c.took[a.Site] = took
	return err
}

type bench struct {
	street     *street
	commits    *commits
	dispatcher *dispatch.Dispatcher
}

// sample is one visit's scan.
type sample struct{ commit, above time.Duration }

// round prepares visits up to the scan, then has the callers scan, each its share, one after the other.
func (b *bench) round(ctx context.Context, round, callers, visits int) error {
	scans := make([]site.Command, visits)
	for i := range scans {
		var err error
		if scans[i], err = b.prepare(ctx, round*visits+i); err != nil {
			return err
		}
	}
	runtime.GC()
	samples := make([]sample, visits)
	errs := make([]error, callers)
	var all sync.WaitGroup
	for c := range callers {
		all.Go(func() {
			for i := c; i < visits && errs[c] == nil; i += callers {
				samples[i], errs[c] = b.scan(ctx, scans[i])
			}
		})
	}
	all.Wait()
	for _, err := range errs {
		if err != nil {
			return err
		}
	}
	printRow(callers, samples)
	return nil
}

func (b *bench) scan(ctx context.Context, c site.Command) (sample, error) {
	id := event.SiteOf(c.Do.(site.Scan).Visit)
	ordered := b.street.expect(id)
	begun := time.Now()
	if _, err := b.dispatcher.Do(ctx, id, c); err != nil {
		return sample{}, err
	}
	select {
	case at := <-ordered:
		b.commits.mu.Lock()
		defer b.commits.mu.Unlock()
		return sample{b.commits.took[id], at.Sub(begun) - b.commits.took[id]}, nil
	case <-time.After(10 * time.Second):
		return sample{}, fmt.Errorf("%s: no order arrived", id)
	}
}

func printRow(callers int, samples []sample) {
	var commit, above []time.Duration
	for _, s := range samples {
		commit, above = append(commit, s.commit), append(above, s.above)
	}
	fmt.Printf("| %d | %d | %s | %s | %s | %s |\n", callers, len(samples), at(commit, 50), at(above, 50), at(above, 99), at(above, 100))
}

func at(all []time.Duration, percent int) time.Duration {
	slices.Sort(all)
	return all[min(len(all)*percent/100, len(all)-1)].Round(time.Microsecond)
}

// prepare brings a new site to the moment before its scan.
func (b *bench) prepare(ctx context.Context, n int) (site.Command, error) {
	id := event.SiteID(fmt.Sprintf("bench%d", n))
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
