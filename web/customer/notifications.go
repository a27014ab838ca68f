package customer

import (
	"cmp"
	"context"
	"errors"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/loquet/loquet/event"
	"github.com/loquet/loquet/notify"
	"github.com/loquet/loquet/phrase"
	"github.com/loquet/loquet/web/ui"
)

// tellingView is U11: who hears what, and how.
type tellingView struct {
	*household
	notify.Settings
	flash *flash
	wrong []ui.Wrong
	phone string
	// key is what a browser subscribes with; "" where nothing is pushed.
	key string
}

// telling asks for the settings, or answers why not and returns nil.
func (p *person) telling() *tellingView {
	h, problem := p.household()
	switch {
	case problem != nil:
		p.refuse(problem)
		return nil
	case p.Notifier == nil:
		p.fail("unnotified", http.StatusServiceUnavailable)
		return nil
	}
	v, err := p.tellingView(h)
	if err != nil {
		p.refuse(p.unreadable(err))
		return nil
	}
	return v
}

func (p *person) tellingView(h *household) (*tellingView, error) {
	v := &tellingView{household: h, flash: p.flash()}
	var err error
	if v.Settings, err = p.Notifier.Settings(p.ctx(), p.member); err != nil {
		return nil, err
	}
	v.phone = v.Settings.Phone
	if v.key, err = p.Notifier.PushKey(p.ctx()); err != nil && !errors.Is(err, notify.ErrUnavailable) {
		return nil, err
	}
	return v, nil
}

func (p *person) notifications() {
	if token := p.r.URL.Query().Get("arrived"); token != "" && p.Notifier != nil {
		p.arrived(token)
		return
	}
	if v := p.telling(); v != nil {
		p.showNotifications(v, http.StatusOK)
	}
}

func (p *person) showNotifications(v *tellingView, status int) {
	data := map[string]string{}
	if v.key != "" {
		data["vapid"] = v.key
	}
	p.show(v.household, ui.Page{Title: p.titled(p.say("u11.title"), v.wrong), Place: v.Address, Status: status, Live: "/home/notifications/live",
		Here: "/home/notifications", Modules: []string{"customer/js/push.mjs"}, Data: data, Policy: ui.Policy{}, Main: notificationsPage(v)})
}

// notificationsLive shows when a test arrives.
func (p *person) notificationsLive() {
	flash := p.flash()
	p.live(func(p *person) (ui.Frame, error) {
		h, problem := p.household()
		if problem != nil {
			return ui.Frame{}, problem
		}
		v, err := p.tellingView(h)
		if err != nil {
			return ui.Frame{}, err
		}
		v.flash = flash
		frame := ui.Frame{Title: p.say("u11.title"), Place: h.Address, Main: notificationsPage(v), Say: v.heard(p.ctx())}
		if v.pending() {
			frame.Next = 2 * time.Second
		}
		return frame, nil
	})
}

// arrived notes that a test came to the person's own browser.
func (p *person) arrived(token string) {
	_, err := p.Notifier.TestArrived(p.ctx(), p.member, token)
	switch {
	case errors.Is(err, notify.ErrTest):
		p.goTo("/home/notifications", "not", "test")
	case err != nil:
		p.refuse(p.unreadable(err))
	default:
		p.done("/home/notifications", "arrived")
	}
}

// waitFor is how long a page waits for a test to arrive.
const waitFor = 2 * event.Minute

// pending says whether a test is on its way.
func (v *tellingView) pending() bool {
	now := event.InstantOf(v.now)
	return slices.ContainsFunc(v.Tests, func(t notify.Test) bool { return t.Arrived == 0 && t.Failed == "" && now.Since(t.SentAt) < waitFor })
}

// testSaid says what became of the last test on a channel; "" when there was none.
func (v *tellingView) testSaid(ctx context.Context, c notify.Channel) string {
	t, ok := found(v.Tests, func(t notify.Test) bool { return t.Channel == c })
	switch {
	case !ok:
		return ""
	case t.Failed != "":
		return notify.Failure{Channel: c, Reason: t.Failed}.Text(v.lang)
	case t.Arrived != 0:
		return words.T(ctx, "u11.test.arrived", "time", v.clockSeconds(ctx, t.Arrived))
	case t.Taken != 0:
		return words.T(ctx, "u11.test.taken", "time", v.clockSeconds(ctx, t.Taken))
	}
	return words.T(ctx, "u11.test.sent", "time", v.clockSeconds(ctx, t.SentAt))
}

// heard is what is read out: what became of the tests.
func (v *tellingView) heard(ctx context.Context) string {
	var said []string
	for _, c := range v.Available {
		if one := v.testSaid(ctx, c); one != "" {
			said = append(said, words.T(ctx, "u11.by."+string(c))+": "+one)
		}
	}
	return strings.Join(said, " ")
}

// setNotifications keeps what was chosen.
func (p *person) setNotifications() {
	v := p.telling()
	if v == nil {
		return
	}
	chosen := notify.Preferences{Lang: phrase.Lang(p.r.PostFormValue("lang"))}
	for _, c := range v.Choices {
		one := notify.Choice{Topic: c.Topic, Channels: v.kept(c)}
		for _, channel := range v.Available {
			if slices.Contains(p.r.PostForm["hear"], string(c.Topic)+"/"+string(channel)) {
				one.Channels = append(one.Channels, channel)
			}
		}
		chosen.Choices = append(chosen.Choices, one)
	}
	chosen.Quiet, v.wrong = p.quietTyped()
	if len(v.wrong) > 0 {
		v.Choices = chosen.Choices
		p.showNotifications(v, http.StatusUnprocessableEntity)
		return
	}
	if err := p.Notifier.SetPreferences(p.ctx(), p.member, chosen); errors.Is(err, notify.ErrRequest) {
		p.goTo("/home/notifications", "not", "invalid")
	} else if err != nil {
		p.refuse(p.unreadable(err))
	} else {
		p.done("/home/notifications", "notifications")
	}
}

// kept are the channels of a topic that this server can't use now: what was chosen of them stays.
func (v *tellingView) kept(c notify.Choice) []notify.Channel {
	return slices.DeleteFunc(slices.Clone(c.Channels), func(channel notify.Channel) bool { return slices.Contains(v.Available, channel) })
}

// quietTyped reads the quiet hours; both fields empty are none.
func (p *person) quietTyped() (notify.Quiet, []ui.Wrong) {
	typedFrom, typedTo := p.r.PostFormValue("from"), p.r.PostFormValue("to")
	if typedFrom == "" && typedTo == "" {
		return notify.Quiet{}, nil
	}
	from, okFrom := minutesTyped(typedFrom)
	to, okTo := minutesTyped(typedTo)
	var wrong []ui.Wrong
	if !okFrom {
		wrong = append(wrong, ui.Wrong{Field: "from", Text: p.say("u11.quiet.wrong")})
	}
	if !okTo {
		wrong = append(wrong, ui.Wrong{Field: "to", Text: p.say("u11.quiet.wrong")})
	}
	return notify.Quiet{From: from % (24 * 60), To: to % (24 * 60)}, wrong
}

// setPhone keeps the number for text messages.
func (p *person) setPhone() {
	v := p.telling()
	if v == nil {
		return
	}
	v.phone = strings.TrimSpace(p.r.PostFormValue("phone"))
	_, err := p.Notifier.SetPhone(p.ctx(), p.member, v.phone)
	switch {
	case errors.Is(err, notify.ErrNumber):
		v.wrong = []ui.Wrong{{Field: "phone", Text: p.say("u11.phone.wrong")}}
		p.showNotifications(v, http.StatusUnprocessableEntity)
	case err != nil:
		p.refuse(p.unreadable(err))
	default:
		p.done("/home/notifications", "phone")
	}
}

// sendTest sends a message to oneself; the page says what becomes of it.
func (p *person) sendTest() {
	if p.telling() == nil {
		return
	}
	_, err := p.Notifier.SendTest(p.ctx(), p.member, notify.Channel(p.r.PostFormValue("channel")))
	for known, code := range map[error]string{notify.ErrUnavailable: "channel", notify.ErrNoAddress: "address", notify.ErrTooSoon: "soon"} {
		if errors.Is(err, known) {
			p.goTo("/home/notifications", "not", code)
			return
		}
	}
	if err != nil {
		p.refuse(p.unreadable(err))
		return
	}
	http.Redirect(p.w, p.r, "/home/notifications#tests", http.StatusSeeOther)
}

// subscribe has this browser receive push messages.
func (p *person) subscribe() {
	if p.telling() == nil {
		return
	}
	var s notify.Subscription
	s.Endpoint, s.Keys.P256dh, s.Keys.Auth = p.r.PostFormValue("endpoint"), p.r.PostFormValue("p256dh"), p.r.PostFormValue("auth")
	_, err := p.Notifier.Subscribe(p.ctx(), p.member, s, p.r.PostFormValue("name"))
	for known, code := range map[error]string{notify.ErrUnavailable: "channel", notify.ErrSubscription: "subscription", notify.ErrTooMany: "devices"} {
		if errors.Is(err, known) {
			p.goTo("/home/notifications", "not", code)
			return
		}
	}
	if err != nil {
		p.refuse(p.unreadable(err))
		return
	}
	p.done("/home/notifications", "subscribed")
}

func (p *person) unsubscribe() {
	if p.telling() == nil {
		return
	}
	if err := p.Notifier.Unsubscribe(p.ctx(), p.member, p.r.PathValue("device")); err != nil {
		p.refuse(p.unreadable(err))
		return
	}
	p.done("/home/notifications", "unsubscribed")
}

// worker is the service worker that shows what is pushed. It lies where its scope is, and is the same for everybody.
func (a *App) worker(w http.ResponseWriter, r *http.Request) {
	w.Header().Set("Content-Type", "text/javascript; charset=utf-8")
	w.Header().Set("Cache-Control", "no-cache")
	http.ServeFileFS(w, r, files, "js/sw.js")
}

func (v *tellingView) quietFrom() string { return v.quiet(v.Quiet.From) }
func (v *tellingView) quietTo() string   { return v.quiet(v.Quiet.To) }

// quiet is one end of the quiet hours, "" when there are none.
func (v *tellingView) quiet(m int) string {
	if v.Quiet.From == v.Quiet.To {
		return ""
	}
	return clockOf(m)
}

func (v *tellingView) failure(c notify.Channel) (notify.Failure, bool) {
	return found(v.Failures, func(f notify.Failure) bool { return f.Channel == c })
}

// langOptions are the languages of messages; that of the pages until one is chosen.
func (v *tellingView) langOptions() []ui.Option {
	chosen := cmp.Or(v.Lang, v.lang)
	return []ui.Option{{Value: string(phrase.French), Text: "Français", Checked: chosen == phrase.French},
		{Value: string(phrase.English), Text: "English", Checked: chosen == phrase.English}}
}

// offers says whether the operator has set a channel up.
func (v *tellingView) offers(c notify.Channel) bool { return slices.Contains(v.Available, c) }

// addressOf says where a channel leads.
func (v *tellingView) addressOf(ctx context.Context, c notify.Channel) string {
	switch {
	case c == notify.Email && v.Email != "":
		return v.Email
	case c == notify.Email:
		return words.T(ctx, "u11.noEmail")
	case c == notify.SMS && v.Settings.Phone != "":
		return v.Settings.Phone
	case c == notify.SMS:
		return words.T(ctx, "u11.noPhone")
	}
	return words.T(ctx, "u11.browsers", "n", count(len(v.Devices)))
}

func (v *tellingView) deviceName(ctx context.Context, d notify.Device) string {
	if d.Name == "" {
		return words.T(ctx, "u11.device.unnamed")
	}
	return d.Name
}
