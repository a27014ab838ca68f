package sign

import (
	"encoding/json"
	"errors"
	"net/http"

	"github.com/loquet/loquet/auth"
)

// passkeyAnswer is what a browser sends after a passkey answered.
type passkeyAnswer struct {
	Ceremony string          `json:"ceremony"`
	Response json.RawMessage `json:"response"`
	Next     string          `json:"next"`
	Name     string          `json:"name"`
}

func (v *visit) beginPasskey() {
	c, err := v.Passkeys.BeginSignIn(v.ctx(), v.arrival())
	if err != nil {
		v.refuse(err)
		return
	}
	v.answer(http.StatusOK, c)
}

// passkey signs in whose passkey answered, and tells the script where to go on.
func (v *visit) passkey() {
	sent, ok := read[passkeyAnswer](v)
	if !ok {
		return
	}
	in, err := v.Passkeys.SignIn(v.whole(), v.arrival(), sent.Ceremony, sent.Response)
	if err != nil {
		v.refuse(err)
		return
	}
	v.answer(http.StatusOK, map[string]string{"to": v.come(in, auth.OwnPath(sent.Next))})
}

// beginOpenID sends the browser to the identity provider.
func (v *visit) beginOpenID() {
	if v.OpenID == nil {
		v.Kit.NotFound(v.w, v.r)
		return
	}
	begun, err := v.OpenID.Begin(v.whole(), v.arrival(), v.next())
	if err != nil {
		v.fail(err)
		return
	}
	http.SetCookie(v.w, &begun.Cookie)
	http.Redirect(v.w, v.r, begun.Address, http.StatusSeeOther)
}

// openID takes what the provider sends the browser back with.
func (v *visit) openID() {
	if v.OpenID == nil {
		v.Kit.NotFound(v.w, v.r)
		return
	}
	in, next, err := v.OpenID.Finish(v.whole(), v.arrival(), auth.TokenIn(v.r, auth.OpenIDCookie), v.r.URL.Query())
	spent := auth.CookieGone(auth.OpenIDCookie)
	http.SetCookie(v.w, &spent)
	if err != nil {
		v.fail(err)
		return
	}
	v.goTo(v.come(in, next))
}

// outAtProvider leads to where the provider's own session ends.
func (v *visit) outAtProvider() {
	if v.OpenID == nil {
		v.Kit.NotFound(v.w, v.r)
		return
	}
	address := v.OpenID.SignOutAddress(v.ctx())
	if address == "" {
		v.fail(auth.ErrProvider)
		return
	}
	v.goTo(address)
}

// endedAtProvider is told by the provider itself that it has signed somebody out.
func (v *visit) endedAtProvider() {
	if v.OpenID == nil {
		v.Kit.NotFound(v.w, v.r)
		return
	}
	err := v.OpenID.EndSessions(v.whole(), v.arrival(), v.r.PostFormValue("logout_token"))
	status := http.StatusOK
	if err != nil {
		_, status = v.noted(err)
	}
	if errors.Is(err, auth.ErrOpenID) {
		status = http.StatusBadRequest // as Back-Channel Logout section 2.8 has it
	}
	v.w.WriteHeader(status)
}
