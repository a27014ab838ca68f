package customer

import (
	"context"
	"encoding/json"
	"net/http"
	"strings"

	"github.com/loquet/loquet/api"
	"github.com/loquet/loquet/event"
	"github.com/loquet/loquet/web/ui"
)

// takeDevice reserves a device: one that was found, or one that was typed.
func (p *person) takeDevice() {
	is, ok := p.kindOf(p.r.PostFormValue("is"), kinds...)
	if !ok {
		return
	}
	config, wrong := p.configTyped()
	if len(wrong) > 0 {
		p.typedAgain(is, wrong)
		return
	}
	out, problem := do(p, p.API.ReserveHomeDevice, &api.ReserveHomeDeviceInput{Body: api.HomeDeviceRequest{Connector: "mqtt", Config: config}})
	switch {
	case problem == nil:
		http.Redirect(p.w, p.r, proofPath(is, out.Body.ID), http.StatusSeeOther)
	case problem.Status == http.StatusUnprocessableEntity && p.r.PostForm.Get("config") != "":
		p.goTo("/home/places/new/device?is="+string(is), "not", "device-refused") // it was found, and nothing was typed
	case problem.Status == http.StatusUnprocessableEntity:
		p.typedAgain(is, []ui.Wrong{{Field: "family", Text: p.say("enrol.typed.refused")}})
	default:
		p.undone("/home/places/new/device?is="+string(is), problem)
	}
}

func (p *person) typedAgain(is event.BarrierKind, wrong []ui.Wrong) {
	v, problem := p.deviceView(is)
	if problem != nil {
		p.refuse(problem)
		return
	}
	v.typed, v.wrong = p.r.PostForm, wrong
	p.showStep(v, ui.Page{Title: p.say("enrol.typed"), Here: "/home/places/new/typed?is=" + string(is), Main: typedPage(v)}, http.StatusUnprocessableEntity)
}

// typedDevice asks for what the connector needs, for a device that does not announce itself.
func (p *person) typedDevice() {
	is, ok := p.kindOf(p.r.URL.Query().Get("is"), kinds...)
	if !ok {
		return
	}
	v, problem := p.deviceView(is)
	switch {
	case problem != nil:
		p.refuse(problem)
	case !v.may:
		http.Redirect(p.w, p.r, "/home/places/new/device?is="+string(is), http.StatusSeeOther)
	default:
		p.showStep(v, ui.Page{Title: p.say("enrol.typed"), Main: typedPage(v)}, http.StatusOK)
	}
}

// configTyped makes the connector's configuration of the form: as it was found, or of what was typed.
func (p *person) configTyped() (json.RawMessage, []ui.Wrong) {
	f := p.r.PostForm
	if found := f.Get("config"); found != "" {
		if !json.Valid([]byte(found)) {
			return nil, []ui.Wrong{{Field: "family", Text: p.say("enrol.typed.refused")}}
		}
		return json.RawMessage(found), nil
	}
	var wrong []ui.Wrong
	field := func(name string, needed bool) string {
		value := strings.TrimSpace(f.Get(name))
		if needed && value == "" || len(value) > 200 {
			wrong = append(wrong, ui.Wrong{Field: name, Text: p.say("enrol.typed.missing")})
		}
		return value
	}
	config, known := families[f.Get("family")]
	if !known {
		return nil, []ui.Wrong{{Field: "family", Text: p.say("form.choose")}}
	}
	data, err := json.Marshal(config(field))
	if err != nil {
		return nil, []ui.Wrong{{Field: "family", Text: p.say("enrol.typed.refused")}}
	}
	return data, wrong
}

// families are the kinds of devices that can be typed, each with what its connector takes (docs of device/mqtt).
var families = map[string]func(field func(string, bool) string) map[string]any{
	"zigbee2mqtt": func(field func(string, bool) string) map[string]any {
		lock := map[string]any{"name": field("name", true)}
		if contact := field("contact", false); contact != "" {
			lock["contactName"] = contact
		}
		return map[string]any{"zigbee2mqtt": lock}
	},
	"ratgdo": func(field func(string, bool) string) map[string]any {
		return map[string]any{"ratgdo": map[string]any{"prefix": field("name", true)}}
	},
	"lock": func(field func(string, bool) string) map[string]any {
		lock := map[string]any{"commandTopic": field("command", true), "state": map[string]any{"topic": field("state", true)}}
		if contact := field("contact", false); contact != "" {
			lock["contact"] = map[string]any{"topic": contact}
		}
		return map[string]any{"lock": lock}
	},
	"cover": func(field func(string, bool) string) map[string]any {
		return map[string]any{"cover": map[string]any{"commandTopic": field("command", true), "state": map[string]any{"topic": field("state", true)}}}
	},
}

// familyOptions are the families of devices that can be typed.
func familyOptions(ctx context.Context, chosen string) []ui.Option {
	var options []ui.Option
	for _, name := range []string{"zigbee2mqtt", "ratgdo", "lock", "cover"} {
		options = append(options, ui.Option{Value: name, Text: words.T(ctx, "typed.family."+name), Hint: words.T(ctx, "typed.family."+name+".hint"), Checked: name == chosen})
	}
	return options
}
