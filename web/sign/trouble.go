package sign

import (
	"encoding/json"
	"errors"
	"net/http"
	"strconv"

	"github.com/loquet/loquet/auth"
	"github.com/loquet/loquet/web/ui"
)

// troubles are the errors that people can do something about, by the code under which the words stand.
var troubles = []struct {
	err    error
	code   string
	status int
}{
	{auth.ErrLink, "link", http.StatusGone},
	{auth.ErrCeremony, "ceremony", http.StatusConflict},
	{auth.ErrCopied, "copied", http.StatusForbidden},
	{auth.ErrManyPasskeys, "many", http.StatusConflict},
	{auth.ErrNoPasskeys, "impossible", http.StatusConflict},
	{auth.ErrPasskey, "passkey", http.StatusForbidden},
	{auth.ErrRecent, "recent", http.StatusForbidden},
	{auth.ErrSession, "session", http.StatusUnauthorized},
	{auth.ErrOpenID, "openid", http.StatusForbidden},
	{auth.ErrDeclined, "declined", http.StatusForbidden},
	{auth.ErrNoRole, "role", http.StatusForbidden},
	{auth.ErrProvider, "provider", http.StatusBadGateway},
	{auth.ErrAddress, "address", http.StatusUnprocessableEntity},
	{auth.ErrRequest, "invalid", http.StatusUnprocessableEntity},
}

// codeOf is what an error is called, and its status. What nobody can do anything about is "other".
func codeOf(err error) (code string, status int) {
	var many *auth.TooMany
	if errors.As(err, &many) {
		return "tooMany", http.StatusTooManyRequests
	}
	for _, t := range troubles {
		if errors.Is(err, t.err) {
			return t.code, t.status
		}
	}
	return "other", http.StatusServiceUnavailable
}

// noted is codeOf, with the log told of what is not the person's own.
func (v *visit) noted(err error) (code string, status int) {
	code, status = codeOf(err)
	var many *auth.TooMany
	if errors.As(err, &many) {
		v.w.Header().Set("Retry-After", strconv.Itoa(max(many.Seconds(), 1)))
	}
	if status >= http.StatusInternalServerError {
		v.Kit.Broke(v.ctx(), "a sign-in page could not do what was asked: "+code, err)
	} else {
		v.Log.DebugContext(v.ctx(), "a sign-in page refused", "reference", ui.ViewOf(v.ctx()).Reference, "code", code, "error", err)
	}
	return code, status
}

// fail answers with a page that says what happened, that nobody was signed in, and the way on.
func (v *visit) fail(err error) {
	code, status := v.noted(err)
	back := signInPath
	if v.forStaff() || code == "openid" || code == "declined" || code == "role" || code == "provider" {
		back = staffPath
	}
	v.Kit.Fail(v.w, v.r, ui.Trouble{Title: v.say("trouble." + code + ".title"), Safe: v.say("trouble." + code + ".safe"),
		Now: v.say("trouble." + code + ".now"), Href: back, Action: v.say("again"), Status: status})
}

// refuse answers a script, with the words to show.
func (v *visit) refuse(err error) {
	code, status := v.noted(err)
	v.answer(status, map[string]string{"code": code, "title": v.say("trouble." + code + ".title"),
		"text": v.say("trouble."+code+".safe") + " " + v.say("trouble."+code+".now")})
}

func (v *visit) answer(status int, body any) {
	v.w.Header().Set("Content-Type", "application/json")
	v.w.WriteHeader(status)
	_ = json.NewEncoder(v.w).Encode(body) //nolint:errchkjson // who went away needs no answer
}

// read takes what a script sent; false when it was none, and answered so.
func read[T any](v *visit) (sent T, ok bool) {
	if err := json.NewDecoder(v.r.Body).Decode(&sent); err != nil {
		v.refuse(auth.ErrRequest)
		return sent, false
	}
	return sent, true
}
