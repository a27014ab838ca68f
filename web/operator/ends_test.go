package operator_test

import (
	"slices"
	"strings"
	"testing"
	"time"

	"golang.org/x/net/html"

	"github.com/loquet/loquet/api"
	"github.com/loquet/loquet/auth"
	"github.com/loquet/loquet/e2e/indoors"
	"github.com/loquet/loquet/event"
	"github.com/loquet/loquet/phrase"
	"github.com/loquet/loquet/web/ui/uitest"
)

// ends are the ways in which a delivery can end, each played, with what its story says of it in both languages.
var ends = map[string]struct {
	play   func(*office, *indoors.Household, *indoors.Phone) indoors.Booked
	en, fr []string
}{
	"delivered": {func(o *office, h *indoors.Household, p *indoors.Phone) indoors.Booked {
		d := o.Assigned(h, p)
		p.Finish(d, p.Enter(d))
		return d
	}, []string{"Delivered", "Complete: delivered, everything that was opened seen secured; its receipt stands on this server's word.", "On this server's word alone.", "Front door seen shut and locked"},
		[]string{"Livrée", "Complet\u00a0: livré, tout ce qui a été ouvert vu sécurisé\u00a0; le reçu vaut sur la foi de ce serveur."}},
	"taken over": {func(o *office, h *indoors.Household, p *indoors.Phone) indoors.Booked {
		d := o.Assigned(h, p)
		v := p.Enter(d)
		p.Act(v, "deposit", nil)
		must(o.t, h.Call(o.t.Context(), "POST", "/v1/home/visits/"+string(v)+"/take-over", nil, nil))
		must(o.t, h.Door.PullShut())
		indoors.AwaitWhere(o.Installation, h.Site, func(e event.VisitEnded) bool { return e.Visit == v })
		return d
	}, []string{"A member of the household took charge of what was open.", "On this server's word alone."}, []string{"Livrée"}},
	"with the neighbour": {planB(event.FallbackNeighbour),
		[]string{"Left elsewhere", "Not left as planned: plan B took the parcels.", "neighbour"}, []string{"Déposée ailleurs", "le plan B a pris les colis"}},
	"back to the depot": {planB(event.FallbackDepot),
		[]string{"Taken back", "Not left: the parcels went back to the depot."}, []string{"Rapportée", "les colis sont retournés au dépôt"}},
	"blocked": {func(o *office, h *indoors.Household, p *indoors.Phone) indoors.Booked {
		d := o.Assigned(h, p)
		must(o.t, h.Call(o.t.Context(), "POST", "/v1/home/deliveries/"+string(d.ID)+"/block", nil, nil))
		return d
	}, []string{"Blocked", "Nothing opens for it any more.", "Cancel the delivery"}, []string{"Bloquée", "Plus rien ne s'ouvre pour elle."}},
	"cancelled": {func(o *office, h *indoors.Household, p *indoors.Phone) indoors.Booked {
		d := o.Assigned(h, p)
		ben := o.staff("Ben", auth.Dispatcher)
		ben.post("/operator/deliveries/"+string(d.ID), "/operator/deliveries/"+string(d.ID)+"/cancel")
		return d
	}, []string{"Cancelled", "Withdrawn before anything was opened for it."}, []string{"Annulée", "Retirée avant que rien ne s'ouvre pour elle."}},
	"not brought": {func(o *office, h *indoors.Household, _ *indoors.Phone) indoors.Booked {
		d := indoors.Booked{Home: h}
		var made api.Delivery
		now := time.Now()
		must(o.t, o.Key(auth.Merchant, "grocer").Call(o.t.Context(), "POST", "/v1/deliveries", api.BookRequest{Site: h.Site, Carrier: "swift", AccessPoint: h.AccessPoint,
			Window: api.Window{From: now.Add(-time.Minute), To: now.Add(time.Second)}, Parcels: []api.ParcelRequest{{Code: sscc(77), Size: event.SizeSmall}}}, &made))
		d.ID = made.ID
		indoors.AwaitWhere(o.Installation, h.Site, func(e event.DeliveryExpired) bool { return e.Delivery == d.ID })
		return d
	}, []string{"Not brought", "Its window closed, and nobody had brought it."}, []string{"Non apportée", "Son créneau s'est fermé"}},
}

// planB has the household refuse, and the courier follow plan B.
func planB(kind event.FallbackKind) func(*office, *indoors.Household, *indoors.Phone) indoors.Booked {
	return func(o *office, h *indoors.Household, p *indoors.Phone) indoors.Booked {
		o.t.Helper()
		to := api.Fallback{Kind: kind}
		if kind == event.FallbackNeighbour {
			to.Who = "M. Petit"
		}
		must(o.t, h.Call(o.t.Context(), "PUT", "/v1/home/rules", api.Rules{DwellSeconds: 300, ClimbSeconds: 60, PlanB: []api.Fallback{to}}, nil))
		d := o.Assigned(h, p)
		must(o.t, h.Call(o.t.Context(), "POST", "/v1/home/deliveries/"+string(d.ID)+"/block", nil, nil))
		must(o.t, p.Call(o.t.Context(), "POST", "/v1/courier/deliveries/"+string(d.ID)+"/plan-b", api.PlanBRequest{Position: indoors.At(5)}, nil))
		return d
	}
}

// The story of a delivery says how it ended, whichever way that was, and offers nothing that would do nothing then.
func TestTheStoryOfEveryEnd(t *testing.T) {
	t.Parallel()
	for name, end := range ends {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			o := open(t)
			h, anna := o.Household("Camille"), o.Courier("anna")
			ana, vera := o.staff("Ana", auth.Admin), o.staff("Vera", auth.Viewer)
			path := "/operator/deliveries/" + string(end.play(o, h, anna).ID)
			body := ana.shows(path, end.en...)
			ana.in(phrase.French).shows(path, end.fr...)
			over := name != "blocked"
			for _, action := range []string{"/assign", "/block"} {
				if form(t, body, path+action) != nil {
					t.Errorf("%s is offered", action)
				}
			}
			if (form(t, body, path+"/cancel") == nil) != over {
				t.Errorf("to cancel is offered: %v", !over)
			}
			if (uitest.ID(uitest.Parse(t, body), "stop-cancel") == nil) != over {
				t.Error("an update may turn what is unfolded into another order")
			}
			if strings.Contains(body, `class="chip" data-state="secured"`) {
				t.Error("a receipt is green")
			}
			if (form(t, vera.page(path), path+"/cancel") != nil) || strings.Contains(vera.page(path), "/labels.pdf") {
				t.Error("a viewer is offered what the role does not reach")
			}
			if personal := "Anna Sommer"; strings.Contains(vera.page(path), personal) || strings.Contains(vera.page(path+"?names=true"), personal) {
				t.Error("a viewer sees a name")
			}
			times := uitest.Tags(uitest.Parse(t, body), "time")
			if len(times) < 2 || !slices.IsSortedFunc(times[:len(times)-1], func(a, b *html.Node) int { return strings.Compare(uitest.Text(b), uitest.Text(a)) }) {
				t.Error("the newest does not come first")
			}
		})
	}
}
