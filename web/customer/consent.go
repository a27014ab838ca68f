package customer

import (
	"cmp"
	"context"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/loquet/loquet/api"
	"github.com/loquet/loquet/auth"
	"github.com/loquet/loquet/event"
	"github.com/loquet/loquet/web/ui"
)

// consentView is the form for a standing consent, or what it says before it is given.
type consentView struct {
	*household
	// typed is what stands in the form; wrong what is wrong with it.
	typed url.Values
	wrong []ui.Wrong
	// read is the consent that was typed, to be read back before it is given; nil while it is typed.
	read *api.Consent
}

// mostCarriers is how many can be named.
const mostCarriers = 20

// consentForm is the page where a standing consent is typed: anew, or from one that is to be replaced.
func (p *person) consentForm() {
	h, problem := p.household()
	switch {
	case problem != nil:
		p.refuse(problem)
		return
	case len(h.AccessPoints) == 0:
		p.Kit.NotFound(p.w, p.r)
		return
	}
	v := consentView{household: h, typed: url.Values{"place": {p.r.URL.Query().Get("place")}, "next": {p.r.URL.Query().Get("next")}, "days": {"1", "2", "3", "4", "5"}, "from": {"09:00"},
		"to": {"18:00"}, "largest": {string(event.SizeMedium)}, "inside": {"no"}}}
	if from := event.ConsentID(p.r.URL.Query().Get("from")); from != "" {
		c, ok := found(h.Consents, func(c api.Consent) bool { return c.ID == from })
		if !ok || !changeable(c) {
			p.Kit.NotFound(p.w, p.r)
			return
		}
		v.typed = h.typedOf(c)
	}
	p.showConsent(v, http.StatusOK)
}

func (p *person) showConsent(v consentView, status int) {
	title := p.say("consent.title")
	if v.read != nil {
		title = p.say("consent.check")
	}
	p.show(v.household, ui.Page{Title: p.titled(title, v.wrong), Place: v.Address, Status: status, Here: "/home/consents/new", Main: consentPage(v)})
}

// hourLines are the lines of days and hours that the form has, by what their fields' names end with.
var hourLines = []string{"", "2"}

// changeable says whether the form can hold all of a consent.
func changeable(c api.Consent) bool { return len(c.Hours) <= len(hourLines) }

// typedOf puts a consent into the form's fields.
func (h *household) typedOf(c api.Consent) url.Values {
	typed := url.Values{"replaces": {string(c.ID)}, "place": {string(c.AccessPoint)}, "largest": {string(c.Largest)}, "inside": {"no"}}
	if c.Inside {
		typed.Set("inside", "yes")
	}
	for i, line := range hourLines {
		if i >= len(c.Hours) {
			continue
		}
		for _, d := range c.Hours[i].Days {
			typed.Add("days"+line, strconv.Itoa(d))
		}
		typed.Set("from"+line, clockOf(c.Hours[i].From))
		typed.Set("to"+line, clockOf(c.Hours[i].To))
	}
	var names []string
	for _, name := range c.Carriers {
		names = append(names, string(name))
	}
	typed.Set("carriers", strings.Join(names, ", "))
	if c.Until != 0 {
		typed.Set("until", c.Until.Time().In(h.zone).AddDate(0, 0, -1).Format(time.DateOnly))
	}
	return typed
}

// clockOf is minutes after midnight as a time field has them; the end of the day is its midnight.
func clockOf(m int) string { return time.Unix(int64(m%(24*60))*60, 0).UTC().Format("15:04") }

// giveConsent reads the form back, and gives the consent once that was read.
func (p *person) giveConsent() {
	h, problem := p.household()
	if problem != nil {
		p.refuse(problem)
		return
	}
	do := p.r.PostFormValue("do")
	v := consentView{household: h, typed: p.r.PostForm}
	req, wrong := p.consentTyped(h)
	if v.wrong = wrong; len(wrong) > 0 {
		p.showConsent(v, http.StatusUnprocessableEntity)
		return
	}
	if req.Merchants, problem = p.merchantsOf(event.ConsentID(p.r.PostFormValue("replaces"))); problem != nil {
		p.refuse(problem)
		return
	}
	switch do {
	case "save":
		p.saveConsent(req)
	case "change":
		p.showConsent(v, http.StatusOK)
	default:
		v.read = &api.Consent{AccessPoint: req.AccessPoint, Merchants: req.Merchants, Carriers: req.Carriers, Hours: req.Hours, Largest: req.Largest, Inside: req.Inside,
			Until: event.InstantOf(req.Until)}
		p.showConsent(v, http.StatusOK)
	}
}

// merchantsOf are the shops that a consent was given for, which the form does not have: what replaces it is for the same ones. They
// are read where it was given, since the consent itself may have ended meanwhile.
func (p *person) merchantsOf(old event.ConsentID) ([]event.MerchantID, *api.Problem) {
	if ours := event.CheckID(old, 'k') == nil && event.SiteOf(old) == p.member.Site(); !ours {
		return nil, nil
	}
	events, problem := p.eventsAfter(before(event.SeqOf(old)), 1)
	for _, e := range events {
		if b, ok := e.Body.(event.ConsentGiven); ok && b.Consent.ID == old {
			return b.Consent.Merchants, nil
		}
	}
	return nil, problem
}

// saveConsent gives it, in the place of the one that it replaces.
func (p *person) saveConsent(req api.ConsentRequest) {
	req.Replaces = event.ConsentID(p.r.PostFormValue("replaces"))
	if _, problem := do(p, p.API.GiveConsent, &api.GiveConsentInput{Body: req}); problem != nil {
		p.undone("/home/rules", problem)
		return
	}
	p.done(cmp.Or(nextOf(p.r.PostFormValue("next")), "/home/rules"), "consent")
}

// nextOf is where a step of the enrolment leads on to; "" for anywhere else.
func nextOf(next string) string {
	if strings.HasPrefix(next, "/home/places/") && auth.OwnPath(next) == next {
		return next
	}
	return ""
}

// consentTyped reads the form, and names what can't be meant.
func (p *person) consentTyped(h *household) (api.ConsentRequest, []ui.Wrong) {
	f := p.r.PostForm
	req := api.ConsentRequest{AccessPoint: event.AccessPointID(f.Get("place")), Largest: event.Size(f.Get("largest")), Inside: f.Get("inside") == "yes"}
	var wrong []ui.Wrong
	say := func(field, key string, pairs ...string) {
		wrong = append(wrong, ui.Wrong{Field: field, Text: p.say(key, pairs...)})
	}
	if _, ok := h.place(req.AccessPoint); !ok {
		say("place", "form.choose")
	}
	req.Hours = p.hoursTyped(say)
	if !req.Largest.Known() {
		say("largest", "form.choose")
	}
	req.Carriers = carriersTyped(f.Get("carriers"), say)
	req.Until = h.untilTyped(f.Get("until"), say)
	return req, wrong
}

// saying names what is wrong with a field.
type saying func(field, key string, pairs ...string)

// hoursTyped reads both lines of days and hours; the second may be left empty.
func (p *person) hoursTyped(say saying) []event.Hours {
	var hours []event.Hours
	for _, line := range hourLines {
		days, from, to := daysTyped(p.r.PostForm["days"+line]), p.r.PostForm.Get("from"+line), p.r.PostForm.Get("to"+line)
		if line != "" && len(days) == 0 && from == "" && to == "" {
			continue
		}
		start, okFrom := minutesTyped(from)
		end, okTo := minutesTyped(to)
		if end == 0 && okTo {
			end = 24 * 60
		}
		switch {
		case len(days) == 0:
			say("days"+line, "consent.noDay")
		case !okFrom:
			say("from"+line, "consent.noHours", "days", daysSaid(p.ctx(), days))
		case !okTo:
			say("to"+line, "consent.noHours", "days", daysSaid(p.ctx(), days))
		case start >= end:
			say("to"+line, "consent.backwards")
		default:
			hours = append(hours, event.Hours{Days: days, From: start, To: end})
		}
	}
	return hours
}

func daysTyped(typed []string) []int {
	var days []int
	for _, t := range typed {
		if d, err := strconv.Atoi(t); err == nil && d >= 1 && d <= 7 {
			days = append(days, d)
		}
	}
	slices.Sort(days)
	return slices.Compact(days)
}

// minutesTyped reads a time of day: 9:00, 09:00, 24:00.
func minutesTyped(s string) (int, bool) {
	hour, minute, ok := strings.Cut(strings.TrimSpace(s), ":")
	h, err := strconv.Atoi(hour)
	m, err2 := strconv.Atoi(minute)
	total := h*60 + m
	return total, ok && err == nil && err2 == nil && h >= 0 && m >= 0 && m < 60 && total <= 24*60
}

func carriersTyped(typed string, say saying) []event.CarrierID {
	var carriers []event.CarrierID
	for name := range strings.SplitSeq(typed, ",") {
		if name = strings.TrimSpace(name); name != "" {
			carriers = append(carriers, event.CarrierID(name))
		}
		if len([]rune(name)) > 100 || len(carriers) > mostCarriers {
			say("carriers", "form.long", "n", "100")
			return nil
		}
	}
	return carriers
}

// untilTyped reads the last day on which the consent holds; it ends with that day.
func (h *household) untilTyped(typed string, say saying) time.Time {
	if strings.TrimSpace(typed) == "" {
		return time.Time{}
	}
	day, err := time.ParseInLocation(time.DateOnly, strings.TrimSpace(typed), h.zone)
	if err != nil {
		say("until", "consent.until.wrong")
		return time.Time{}
	}
	end := day.AddDate(0, 0, 1)
	if !end.After(h.now) {
		say("until", "consent.until.past")
	}
	return end
}

// withdrawConsent ends a standing consent.
func (p *person) withdrawConsent() {
	_, problem := do(p, p.API.WithdrawConsent, &api.WithdrawConsentInput{Consent: event.ConsentID(p.r.PathValue("consent"))})
	if problem != nil {
		p.undone("/home/rules", problem)
		return
	}
	p.done("/home/rules", "withdrawn")
}

// dayOptions are the days of the week as boxes.
func dayOptions(ctx context.Context, chosen []string) []ui.Option {
	var options []ui.Option
	for d := 1; d <= 7; d++ {
		value := strconv.Itoa(d)
		options = append(options, ui.Option{Value: value, Text: upper(dayName(ctx, d)), Checked: slices.Contains(chosen, value)})
	}
	return options
}

// placeOptions are the household's places, one of them chosen.
func (h *household) placeOptions(chosen string) []ui.Option {
	var options []ui.Option
	for i, ap := range h.AccessPoints {
		options = append(options, ui.Option{Value: string(ap.ID), Text: h.placeName(ap.ID), Checked: string(ap.ID) == chosen || chosen == "" && i == 0})
	}
	return options
}

func sizeOptions(ctx context.Context, chosen string) []ui.Option {
	var options []ui.Option
	for _, size := range []event.Size{event.SizeSmall, event.SizeMedium, event.SizeLarge} {
		options = append(options, ui.Option{Value: string(size), Text: upper(words.T(ctx, "rules.size."+string(size))),
			Hint: words.T(ctx, "consent.size.hint."+string(size)), Checked: string(size) == chosen})
	}
	return options
}
