package dispatch

import (
	"bytes"
	"context"
	"fmt"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/anishathalye/porcupine"

	"github.com/loquet/loquet/event"
	"github.com/loquet/loquet/site"
	"github.com/loquet/loquet/store"
	"github.com/loquet/loquet/store/memory"
)

// races is how many histories each race has.
func races(t *testing.T) int {
	if testing.Short() {
		return 200
	}
	return 1000
}

// arena is many copies of one site that was set up once, and the processes that decide there.
type arena struct {
	*town
	servers []*Dispatcher
	end     func()
	entries []store.Entry
	folded  []byte
	start   time.Time
}

// mould is the name of the site that copies are made of; no other word of a journal holds it.
const mould = "mouldmould"

func newArena(t *testing.T, processes int, prepare func(w *town, d *Dispatcher)) *arena {
	w := newTown(t, memory.New())
	prepare(w, w.process())
	a := &arena{town: w, start: time.Now()}
	var err error
	if a.entries, err = w.store.Events(t.Context(), mould, 0, 1000); err != nil {
		t.Fatal(err)
	}
	snap, err := w.store.Load(t.Context(), mould)
	if err != nil {
		t.Fatal(err)
	}
	a.folded = snap.State
	var ends []func()
	for range processes {
		d := w.process()
		a.servers, ends = append(a.servers, d), append(ends, w.run(d))
	}
	a.end = func() {
		for _, end := range ends {
			end()
		}
	}
	return a
}

// copy makes another site like the mould, with the mould's device.
func (a *arena) copy(n int) event.SiteID {
	a.t.Helper()
	id := siteName(n)
	cast := func(data []byte) []byte {
		return bytes.ReplaceAll(bytes.ReplaceAll(data, []byte(mould), []byte(id)), []byte("door-of-"+string(id)), []byte("door-of-"+mould))
	}
	w := store.Append{Site: id, State: cast(a.folded), Deadline: a.state(mould).Deadline()}
	for _, e := range a.entries {
		w.Events = append(w.Events, store.Entry{Seq: e.Seq, Data: cast(e.Data)})
	}
	if err := a.store.Append(a.t.Context(), w); err != nil {
		a.t.Fatal(err)
	}
	return id
}

func siteName(n int) event.SiteID { return event.SiteID(fmt.Sprintf("site%d", n)) }

// server is the process that a client talks to.
func (a *arena) server(client int) *Dispatcher { return a.servers[client%len(a.servers)] }

// contest lets every client make its requests at the same moment, and returns what happened when.
func (a *arena) contest(clients [][]func(*Dispatcher) (input, output string)) []porcupine.Operation {
	var mu sync.Mutex
	var history []porcupine.Operation
	var all sync.WaitGroup
	gun := make(chan struct{})
	for client, asks := range clients {
		all.Go(func() {
			<-gun
			for _, ask := range asks {
				call := time.Since(a.start)
				in, out := ask(a.server(client))
				returned := time.Since(a.start)
				mu.Lock()
				history = append(history, porcupine.Operation{ClientId: client, Input: in, Call: int64(call), Output: out, Return: int64(returned)})
				mu.Unlock()
			}
		})
	}
	close(gun)
	all.Wait()
	return history
}

// ask makes one request, and reduces the answer to a word.
func (a *arena) ask(d *Dispatcher, id event.SiteID, f site.Facts, r site.Request, word func([]event.Event) string) string {
	result, err := d.Do(context.WithoutCancel(a.t.Context()), id, site.Command{Facts: f, Do: r})
	if err != nil {
		return "error: " + err.Error()
	}
	return word(result.Events)
}

// visitState is the naive register: what a visit with one barrier is, as far as blocks and scans go.
type visitState struct{ intended, blocked bool }

// blockModel is a register that a scan sets to intended and a block to blocked, whichever comes first.
var blockModel = porcupine.Model{
	Init: func() any { return visitState{} },
	Step: func(state, input, output any) (bool, any) {
		s, out := state.(visitState), output.(string)
		switch {
		case input == "scan" && s.blocked:
			return out == "refused blocked" || out == "refused already-ended", s
		case input == "scan" && s.intended:
			return out == "refused already-scanned", s
		case input == "scan":
			return out == "intended", visitState{intended: true}
		case s.blocked:
			return out == string(event.BlockAlready), s
		case s.intended:
			return out == string(event.BlockTooLate), s
		default:
			return out == string(event.BlockWon), visitState{blocked: true}
		}
	},
}

func scanned(events []event.Event) string {
	if _, ok := first[event.OpeningIntended](events); ok {
		return "intended"
	}
	refused, _ := first[event.Refused](events)
	return "refused " + string(refused.Code)
}

func blocked(events []event.Event) string {
	answer, _ := first[event.BlockAnswered](events)
	return string(answer.Verdict)
}

// atTheDoor prepares a visit whose next scan opens.
func atTheDoor(w *town, d *Dispatcher) {
	h := w.household(d, mould)
	w.placeBehind(d, &h, event.PermitRemote)
	w.promise(d, h, "parcel")
	w.do(d, h.id, w.courier("anna"), site.Approach{AccessPoint: h.place})
}

// TestABlockWinsOrLosesNeverBoth: law 4, over thousands of races in one process and in two.
func TestABlockWinsOrLosesNeverBoth(t *testing.T) {
	for processes := 1; processes <= 2; processes++ {
		t.Run(fmt.Sprint(processes, " processes"), func(t *testing.T) {
			a := newArena(t, processes, atTheDoor)
			verdicts := map[event.SiteID][]string{}
			for n := range races(t) {
				id := a.copy(n)
				s := a.state(id)
				visit, delivery := s.Visits[0].ID, s.Deliveries[0].ID
				scan := func(d *Dispatcher) (string, string) {
					return "scan", a.ask(d, id, a.courier("anna"), site.Scan{Visit: visit, Parcel: "parcel"}, scanned)
				}
				block := func(d *Dispatcher) (string, string) {
					return "block", a.ask(d, id, operator(), site.Block{Delivery: delivery}, blocked)
				}
				clients := [][]func(*Dispatcher) (string, string){{scan, scan}, {block}, {block, scan}, {scan}}
				history := a.contest(clients[:2+n%3])
				if !porcupine.CheckOperations(blockModel, history) {
					t.Fatalf("race %d has no order: %+v", n, history)
				}
				for _, op := range history {
					verdicts[id] = append(verdicts[id], op.Output.(string))
				}
			}
			a.end()
			won := 0
			for id, all := range verdicts {
				opens := a.opensOf(id)
				switch {
				case slices.Contains(all, string(event.BlockWon)):
					won++
					if opens != 0 {
						t.Errorf("%s: %v, and yet %d commands were sent", id, all, opens)
					}
				case opens != 1:
					t.Errorf("%s: %v, and %d commands were sent", id, all, opens)
				}
			}
			if won == 0 || won == len(verdicts) {
				t.Errorf("no race: %d of %d blocks won", won, len(verdicts))
			}
			t.Logf("%d of %d blocks won", won, len(verdicts))
		})
	}
}

// opensOf counts the commands that were sent for a site's permits.
func (w *town) opensOf(id event.SiteID) (n int) {
	for _, door := range w.doors {
		for _, p := range door.opened() {
			if event.SiteOf(p) == id {
				n++
			}
		}
	}
	return n
}

// TestScansAtTheSameInstant: law 2, in one process and in two.
func TestScansAtTheSameInstant(t *testing.T) {
	for processes := 1; processes <= 2; processes++ {
		t.Run(fmt.Sprint(processes, " processes"), func(t *testing.T) {
			a := newArena(t, processes, atTheDoor)
			var sites []event.SiteID
			for n := range races(t) / 3 {
				id := a.copy(n)
				visit := a.state(id).Visits[0].ID
				scan := func(d *Dispatcher) (string, string) {
					return "scan", a.ask(d, id, a.courier("anna"), site.Scan{Visit: visit, Parcel: "parcel"}, scanned)
				}
				opened := 0
				for _, op := range a.contest([][]func(*Dispatcher) (string, string){{scan}, {scan}}) {
					if op.Output == "intended" {
						opened++
					} else if op.Output != "refused already-scanned" {
						t.Errorf("the other was told: %s", op.Output)
					}
				}
				if opened != 1 {
					t.Fatalf("%d of two scans opened", opened)
				}
				sites = append(sites, id)
			}
			a.end()
			for _, id := range sites {
				if n := a.opensOf(id); n != 1 {
					t.Errorf("%s: %d commands were sent", id, n)
				}
			}
		})
	}
}

// lendingState is the naive register of a barrier that may be lent: to whom it may be, and which lease is out.
type lendingState struct {
	ended bool
	out   string
}

// lendingModel orders grants of leases against the owner's end of lending.
var lendingModel = porcupine.Model{
	Init: func() any { return lendingState{} },
	Step: func(state, input, output any) (bool, any) {
		s, in, out := state.(lendingState), input.(string), output.(string)
		switch {
		case in == "end" && s.out != "":
			return out == string(event.BlockTooLate), lendingState{true, s.out}
		case in == "end" && s.ended:
			return out == string(event.BlockAlready), s
		case in == "end":
			return out == string(event.BlockWon), lendingState{ended: true}
		case in == s.out:
			return out == "nothing", s
		case s.ended:
			return out == "refused lender-blocked", s
		case s.out != "":
			return out == "refused barrier-busy", s
		default:
			return out == "granted", lendingState{out: in}
		}
	},
}

func granted(events []event.Event) string {
	if _, ok := first[event.LeaseGranted](events); ok {
		return "granted"
	}
	if refused, ok := first[event.LeaseRefused](events); ok {
		return "refused " + string(refused.Code)
	}
	return "nothing"
}

func ended(events []event.Event) string {
	answer, _ := first[event.LendingEnded](events)
	return string(answer.Verdict)
}

// TestEndingALoanWinsOrLosesNeverBoth: for the lender the grant counts as the intent.
func TestEndingALoanWinsOrLosesNeverBoth(t *testing.T) {
	for processes := 1; processes <= 2; processes++ {
		t.Run(fmt.Sprint(processes, " processes"), func(t *testing.T) {
			a := newArena(t, processes, func(w *town, d *Dispatcher) {
				h := w.household(d, mould)
				w.do(d, h.id, member(h.member), site.AllowLending{Barrier: h.barrier, Borrower: "home"})
			})
			defer a.end()
			won := 0
			for n := range races(t) {
				id := a.copy(n)
				s := a.state(id)
				lobby, owner := s.Barriers[0].ID, member(s.Members[0].ID)
				grant := func(lease event.LeaseID) func(*Dispatcher) (string, string) {
					return func(d *Dispatcher) (string, string) {
						return string(lease), a.ask(d, id, site.Facts{Actor: event.Actor{Kind: event.ActorSite, ID: "home"}}, site.GrantLease{Lease: lease, Barrier: lobby}, granted)
					}
				}
				end := func(d *Dispatcher) (string, string) {
					return "end", a.ask(d, id, owner, site.EndLending{Barrier: lobby, Borrower: "home"}, ended)
				}
				clients := [][]func(*Dispatcher) (string, string){{grant("home-l1"), grant("home-l1")}, {end}, {grant("home-l2")}, {end, grant("home-l1")}}
				history := a.contest(clients[:2+n%3])
				if !porcupine.CheckOperations(lendingModel, history) {
					t.Fatalf("race %d has no order: %+v", n, history)
				}
				_, out := first[event.LeaseGranted](a.journal(id))
				blocked := slices.ContainsFunc(history, func(op porcupine.Operation) bool { return op.Output == string(event.BlockWon) })
				if out == blocked {
					t.Fatalf("race %d: the end won: %v, a lease was granted: %v; %+v", n, blocked, out, history)
				}
				if blocked {
					won++
				}
			}
			if won == 0 || won == races(t) {
				t.Errorf("no race: %d of %d ends won", won, races(t))
			}
			t.Logf("%d of %d ends won", won, races(t))
		})
	}
}
