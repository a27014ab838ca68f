package main

import (
	"context"
	"fmt"
	"slices"
	"strconv"
	"sync"
	"time"

	"github.com/loquet/loquet/event"
	"github.com/loquet/loquet/site"
)

// visited is what became of one visit.
type visited struct {
	site  event.SiteID
	maker string
	err   error
	// found: from the approach until the car was found. acted: from the scan until the car had acted on the order.
	// secured: from the courier's word to be out until the car was locked by its own word.
	found, acted, secured time.Duration
	// waited is how often the courier was told to wait for a maker's limit.
	waited int
}

// visitLimit is how long a visit may take.
const visitLimit = 3 * time.Minute

// visitAll visits the first cars, all at the same moment.
func (t *town) visitAll(ctx context.Context, many int) ([]visited, error) {
	if err := t.subscribe(ctx); err != nil {
		return nil, err
	}
	homes := make([]home, many)
	for i := range homes {
		var err error
		if homes[i], err = t.promise(ctx, siteOf(i)); err != nil {
			return nil, err
		}
	}
	made := make([]visited, many)
	var all sync.WaitGroup
	for i := range many {
		all.Go(func() {
			ctx, cancel := context.WithTimeout(ctx, visitLimit)
			defer cancel()
			v := courier{town: t, home: homes[i], car: i}
			made[i].site, made[i].maker = v.home.site, t.clouds.Cars[i].Maker
			made[i].err = v.visit(ctx, &made[i])
		})
	}
	all.Wait()
	return made, nil
}

// home is a household with a car.
type home struct {
	site  event.SiteID
	place event.AccessPointID
}

// promise books a parcel, to which the household consents, and a courier.
func (t *town) promise(ctx context.Context, id event.SiteID) (home, error) {
	s, err := t.dispatcher.Load(ctx, id)
	if err != nil {
		return home{}, err
	}
	h := home{id, only(s.AccessPoints).ID}
	p := preparation{ctx: ctx, town: t, site: id}
	operator, now := event.Actor{Kind: event.ActorOperator, ID: "bench"}, event.InstantOf(time.Now())
	delivery := only(p.do(operator, site.Book{Merchant: "shop", Carrier: "swift", Window: event.Span{From: now - 1000, To: now.Add(event.Hour)},
		Parcels: []event.Parcel{{Code: "parcel", Size: event.SizeSmall}}, AccessPoint: h.place}).Deliveries).ID
	p.do(event.Actor{Kind: event.ActorMember, ID: string(only(s.Members).ID)}, site.ConsentTo{Delivery: delivery})
	p.do(operator, site.Assign{Delivery: delivery, Courier: "anna", Key: "key", PublicKey: "{}"})
	return h, p.err
}

// courier is one at one car.
type courier struct {
	town   *town
	home   home
	car    int
	proofs int
}

func (c *courier) visit(ctx context.Context, v *visited) error {
	begun := time.Now()
	if _, err := c.ask(ctx, site.Approach{AccessPoint: c.home.place}); err != nil {
		return err
	}
	id, err := c.found(ctx)
	if err != nil {
		return err
	}
	v.found, begun = time.Since(begun), time.Now()
	if err := c.insist(ctx, v, site.Scan{Visit: id, Parcel: "parcel"}); err != nil {
		return fmt.Errorf("scan: %w", err)
	}
	if err := c.until(ctx, "the car acted", func(p site.Step) bool { return p.Freed != 0 || p.Opened != 0 }); err != nil {
		return err
	}
	v.acted = time.Since(begun)
	if err := c.load(ctx); err != nil {
		return err
	}
	begun = time.Now()
	if err := c.insist(ctx, v, site.Close{Visit: id}); err != nil {
		return fmt.Errorf("close: %w", err)
	}
	if err := c.until(ctx, "the car is locked", func(p site.Step) bool { return p.Secured != 0 }); err != nil {
		return err
	}
	v.secured = time.Since(begun)
	return c.insist(ctx, v, site.Leave{Visit: id})
}

// load opens the trunk, puts the parcel in, and shuts it again.
func (c *courier) load(ctx context.Context) error {
	if err := c.town.clouds.hand(ctx, c.car, true); err != nil {
		return err
	}
	if err := wait(ctx, 3*time.Second); err != nil {
		return err
	}
	return c.town.clouds.hand(ctx, c.car, false)
}

// found waits until the visit's car was looked for.
func (c *courier) found(ctx context.Context) (event.VisitID, error) {
	var v site.Visit
	err := c.watch(ctx, "the car was found", func(s site.State) bool {
		v = only(s.Visits)
		return v.ID != "" && !v.Look.Pending && v.Look.Found != 0 && v.Look.Code != event.CarChecking
	})
	return v.ID, err
}

// until waits for what becomes of the visit's only barrier.
func (c *courier) until(ctx context.Context, what string, holds func(site.Step) bool) error {
	return c.watch(ctx, what, func(s site.State) bool { return holds(only(only(s.Visits).Steps)) })
}

func (c *courier) watch(ctx context.Context, what string, holds func(site.State) bool) error {
	grown, stop := c.town.dispatcher.Follow(c.home.site)
	defer stop()
	for {
		s, err := c.town.dispatcher.Load(ctx, c.home.site)
		if err == nil && holds(s) {
			return nil
		}
		select {
		case <-grown:
		case <-ctx.Done():
			return fmt.Errorf("never: %s (%+v)", what, only(s.Visits))
		}
	}
}

// insist asks again when it is told to wait.
func (c *courier) insist(ctx context.Context, v *visited, r site.Request) error {
	for {
		refused, err := c.ask(ctx, r)
		if err != nil || refused == nil {
			return err
		}
		switch refused.Code {
		case event.CarBusy:
			v.waited++
		case event.CarChecking, event.NotSecured, event.CarUnreachable:
		default:
			return fmt.Errorf("refused: %s", refused.Code)
		}
		again := max(2*time.Second, time.Until(refused.RetryAt.Time()))
		if err := wait(ctx, again); err != nil {
			return fmt.Errorf("refused: %s, until the end", refused.Code)
		}
	}
}

func (c *courier) ask(ctx context.Context, r site.Request) (*event.Refused, error) {
	c.proofs++
	result, err := c.town.dispatcher.Do(ctx, c.home.site, site.Command{Do: r, Facts: site.Facts{
		Actor:  event.Actor{Kind: event.ActorCourier, ID: "anna"},
		Signed: event.Signed{Key: "key", ID: strconv.Itoa(c.proofs)}, Place: &event.Place{Distance: 5, Accuracy: 5}}})
	if err != nil {
		return nil, fmt.Errorf("%T: %w", r, err)
	}
	for _, e := range result.Events {
		if b, ok := e.Body.(event.Refused); ok {
			return &b, nil
		}
	}
	return nil, nil
}

func wait(ctx context.Context, length time.Duration) error {
	select {
	case <-time.After(length):
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

func printVisits(made []visited) {
	waited := 0
	for _, v := range made {
		waited += v.waited
	}
	fmt.Printf("| %d visits at once | median | 99th percentile | slowest |\n|---|---|---|---|\n", len(made))
	found := func(v visited) time.Duration { return v.found }
	for _, row := range []struct {
		what  string
		maker string // "" for all
		of    func(visited) time.Duration
	}{
		{"from the approach to the found car, a Volvo", isVolvo, found},
		{"from the approach to the found car, one of Smartcar's", isSmartcar, found},
		{"from the scan to the car's own word that it acted", "", func(v visited) time.Duration { return v.acted }},
		{"from the courier's word to the locked car", "", func(v visited) time.Duration { return v.secured }},
	} {
		var all []time.Duration
		for _, v := range made {
			if row.maker == "" || row.maker == v.maker {
				all = append(all, row.of(v))
			}
		}
		if len(all) == 0 {
			continue
		}
		slices.Sort(all)
		fmt.Printf("| %s | %s | %s | %s |\n", row.what, short(all[len(all)/2]), short(all[len(all)*99/100]), short(all[len(all)-1]))
	}
	fmt.Printf("\nCouriers were told to wait for a maker's limit %d times.\n\n", waited)
}

func short(d time.Duration) time.Duration { return d.Round(10 * time.Millisecond) }
