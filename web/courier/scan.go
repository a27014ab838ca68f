package courier

import (
	"context"
	"net/http"

	"github.com/loquet/loquet/api"
	"github.com/loquet/loquet/event"
)

// scan is the view of the scan page. A visit that is not about parcels any more says where it is, and the page goes
// there.
func (a *app) scan(ctx context.Context, who asking, r *http.Request) (view, *api.Problem) {
	visit, problem := api.Ask(ctx, a.API, who.call, who.who, a.API.GetVisit, &api.VisitPath{Visit: event.VisitID(r.PathValue("visit"))})
	if problem != nil {
		return view{}, problem
	}
	s, problem := a.look(ctx, who, visit.Body.AccessPoint)
	if notFound(problem) {
		return a.over(ctx, who, visit.Body.AccessPoint)
	}
	if problem != nil {
		return view{}, problem
	}
	v := s.view()
	if s.visitID() == visit.Body.ID && (s.screen == Go || s.screen == Arrive || s.screen == Scan) {
		s.screen, s.place = Scan, who.place
		v.screen, v.main, v.title, v.say = Scan, scanPage(s), s.t("scan.title"), ""
		v.next = lookReady
	}
	return v, nil
}
