package fakecloud

import (
	"encoding/json"
	"html/template"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"
)

// codeLife is how long a code can be exchanged.
const codeLife = 10 * time.Minute

var consentPage = template.Must(template.New("consent").Parse(`<!doctype html>
<html lang="en"><meta charset="utf-8"><meta name="viewport" content="width=device-width">
<title>{{.Maker}} (a fake): share your car</title>
<main><h1>{{.Maker}} <small>(a fake for tests and the demo)</small></h1>
<p><b>{{.Client}}</b> asks for access to your car:</p>
<ul>{{range .Scopes}}<li>{{.}}</li>{{end}}</ul>
<form method="post">{{range $name, $value := .Fields}}<input type="hidden" name="{{$name}}" value="{{$value}}">{{end}}
<p><label>Your account <input name="account" required autocomplete="username"></label></p>
<p><button name="answer" value="allow">Allow</button> <button name="answer" value="deny" formnovalidate>Refuse</button></p>
</form></main></html>
`))

// request is a valid request for consent.
type request struct {
	redirect, state, challenge string
	scopes                     []string
}

// fields are those that the page of consent carries on.
var fields = []string{"response_type", "client_id", "redirect_uri", "scope", "state", "code_challenge", "code_challenge_method"}

// asked checks a request for consent. What it complains about must not be sent to the redirect URI.
func (o *OAuth) asked(q url.Values) (request, string) {
	r := request{redirect: q.Get("redirect_uri"), state: q.Get("state"), challenge: q.Get("code_challenge"), scopes: strings.Fields(q.Get("scope"))}
	strange := func(scope string) bool { return !slices.Contains(o.cfg.Scopes, strings.TrimPrefix(scope, "required:")) }
	switch {
	case q.Get("client_id") != o.cfg.ClientID:
		return r, "nobody knows this client_id"
	case r.redirect != o.cfg.RedirectURI:
		return r, "this redirect_uri is not registered"
	case q.Get("response_type") != "code":
		return r, "response_type must be code"
	case len(r.scopes) == 0 || slices.ContainsFunc(r.scopes, strange):
		return r, "the scope is missing or unknown"
	case o.cfg.PKCE && (len(r.challenge) != 43 || q.Get("code_challenge_method") != "S256"):
		return r, "a code_challenge with the method S256 is missing"
	}
	for i, scope := range r.scopes {
		r.scopes[i] = strings.TrimPrefix(scope, "required:")
	}
	return r, ""
}

// ServeAuthorize is the page of consent: GET shows it, POST is the answer.
func (o *OAuth) ServeAuthorize(w http.ResponseWriter, r *http.Request) {
	if err := r.ParseForm(); err != nil {
		http.Error(w, "the form can't be read", http.StatusBadRequest)
		return
	}
	req, wrong := o.asked(r.Form)
	if wrong != "" {
		http.Error(w, wrong, http.StatusBadRequest)
		return
	}
	if r.Method == http.MethodGet {
		o.showConsent(w, r.Form, req)
		return
	}
	back := url.Values{}
	if req.state != "" {
		back.Set("state", req.state)
	}
	o.answer(back, req, r.PostForm)
	http.Redirect(w, r, req.redirect+"?"+back.Encode(), http.StatusFound)
}

func (o *OAuth) showConsent(w http.ResponseWriter, form url.Values, req request) {
	carried := map[string]string{}
	for _, name := range fields {
		if v := form.Get(name); v != "" {
			carried[name] = v
		}
	}
	w.Header().Set("Content-Type", "text/html; charset=utf-8")
	_ = consentPage.Execute(w, map[string]any{"Maker": o.cfg.Maker, "Client": o.cfg.ClientID, "Scopes": req.scopes, "Fields": carried})
}

// answer fills in what is sent back after somebody allowed or refused.
func (o *OAuth) answer(back url.Values, req request, form url.Values) {
	o.mu.Lock()
	defer o.mu.Unlock()
	account := form.Get("account")
	if form.Get("answer") != "allow" || !o.accounts[account] {
		back.Set("error", "access_denied")
		back.Set("error_description", "The owner refused, or is not known here")
		return
	}
	c := &code{&Grant{Account: account, Scopes: req.scopes}, req.redirect, req.challenge, o.cfg.Now().Add(codeLife)}
	name := secret()
	o.codes[name] = c
	back.Set("code", name)
	if o.cfg.Extra != nil {
		for k, v := range o.cfg.Extra(account) {
			back[k] = v
		}
	}
}

// ServeToken is the token endpoint: authorization_code, refresh_token and client_credentials, as a form or as JSON.
func (o *OAuth) ServeToken(w http.ResponseWriter, r *http.Request) {
	if err := parseForm(r); err != nil {
		refuse(w, http.StatusBadRequest, "invalid_request")
		return
	}
	if !o.client(r) {
		refuse(w, http.StatusUnauthorized, "invalid_client")
		return
	}
	g, wrong := o.granted(r.PostForm)
	if wrong != "" {
		refuse(w, http.StatusBadRequest, wrong)
		return
	}
	w.Header().Set("Cache-Control", "no-store")
	WriteJSON(w, http.StatusOK, o.Issue(g))
}

func (o *OAuth) granted(form url.Values) (*Grant, string) {
	switch form.Get("grant_type") {
	case "authorization_code":
		return o.redeem(form)
	case "refresh_token":
		return o.renew(form)
	case "client_credentials":
		return &Grant{Scopes: o.cfg.Scopes}, ""
	}
	return nil, "unsupported_grant_type"
}

// ServeRevoke is the revocation endpoint (RFC 7009): either token ends the whole grant.
func (o *OAuth) ServeRevoke(w http.ResponseWriter, r *http.Request) {
	if err := parseForm(r); err != nil || !o.client(r) {
		refuse(w, http.StatusUnauthorized, "invalid_client")
		return
	}
	name := r.PostForm.Get("token")
	o.mu.Lock()
	defer o.mu.Unlock()
	for _, kept := range []map[string]*token{o.access, o.refresh} {
		if t := kept[name]; t != nil {
			t.grant.revoked = true
		}
	}
	w.WriteHeader(http.StatusOK)
}

func refuse(w http.ResponseWriter, status int, why string) {
	WriteJSON(w, status, map[string]string{"error": why, "error_description": "The request was refused: " + why})
}

// parseForm reads a form, or a JSON object of strings, into PostForm.
func parseForm(r *http.Request) error {
	if !strings.HasPrefix(r.Header.Get("Content-Type"), "application/json") {
		return r.ParseForm()
	}
	var fields map[string]string
	if err := json.NewDecoder(http.MaxBytesReader(nil, r.Body, 1<<16)).Decode(&fields); err != nil {
		return err
	}
	r.PostForm = url.Values{}
	for k, v := range fields {
		r.PostForm.Set(k, v)
	}
	return nil
}
