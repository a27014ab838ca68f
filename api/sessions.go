package api

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"

	"github.com/loquet/loquet/auth"
	"github.com/loquet/loquet/dispatch"
	"github.com/loquet/loquet/event"
	"github.com/loquet/loquet/store"
)

// SignInRequest spends a one-time link.
type SignInRequest struct {
	Token string `json:"token" minLength:"1" maxLength:"200" doc:"What stands in the one-time link"`
}

// Session is a member's session just begun.
type Session struct {
	Site   event.SiteID   `json:"site"`
	Member event.MemberID `json:"member"`
	Until  event.Instant  `json:"until" format:"date-time"`
	// Token is for clients that are no browser; a browser has it in a cookie that no script can read.
	Token string `json:"token,omitempty" doc:"For Authorization: Session …; absent in a browser, which has a cookie instead"`
}

func (a *API) registerSessions() {
	forStranger(a, route{method: http.MethodPost, path: "/v1/sessions", id: "signIn", summary: "Sign in",
		about: "With a one-time link, which comes from the server's own console. Not repeatable: the link is spent.",
		tag:   "Session", status: http.StatusCreated}, a.SignIn)
	forMember(a, route{method: http.MethodDelete, path: "/v1/sessions", id: "signOut", summary: "Sign out", tag: "Session",
		status: http.StatusNoContent}, a.SignOut)
}

// SessionOutput is a session just begun.
type SessionOutput struct {
	SetCookie http.Cookie `header:"Set-Cookie"`
	Body      Session
}

// SignInInput is what SignIn takes.
type SignInInput struct {
	Body SignInRequest
}

// SignIn is the operation signIn: sign in.
func (a *API) SignIn(ctx context.Context, who stranger, in *SignInInput) (*SessionOutput, error) {
	s, err := a.Sessions.Redeem(context.WithoutCancel(ctx), in.Body.Token, who.Arrival)
	if err != nil {
		return nil, err
	}
	out := &SessionOutput{Body: Session{Site: s.Member.Site(), Member: s.Member.ID(), Until: s.Until}}
	if callOf(ctx).browser {
		out.SetCookie = s.Cookie()
	} else {
		out.Body.Token = s.Token
	}
	return out, nil
}

// SignOutOutput takes the cookie back.
type SignOutOutput struct {
	SetCookie http.Cookie `header:"Set-Cookie"`
}

// SignOut is the operation signOut: sign out.
func (a *API) SignOut(ctx context.Context, m auth.Member, _ *struct{}) (*SignOutOutput, error) {
	if err := a.Sessions.End(context.WithoutCancel(ctx), m, m.Session()); err != nil {
		return nil, err
	}
	return &SignOutOutput{auth.CookieGone(auth.MemberCookie)}, nil
}

// Called is how the page by which a member signs in names the account: the place and the person, each "" if it is not
// known. Only whoever holds the member's link or session is told.
func (a *API) Called(ctx context.Context, m event.MemberID) (place, name string, err error) {
	place, _, err = unseal[string](ctx, a, event.SiteOf(m), addressName)
	if err != nil {
		return "", "", err
	}
	name, _, err = unseal[string](ctx, a, event.SiteOf(m), memberName(m))
	return place, name, err
}

// forget erases what people who left a site leave behind. It may be repeated.
func (a *API) forget(ctx context.Context, w store.Work) error {
	var f dispatch.Forgetting
	if err := json.Unmarshal(w.Data, &f); err != nil {
		return fmt.Errorf("api: what to forget can't be read: %w", err)
	}
	for _, m := range f.Members {
		if err := a.Sessions.Forget(ctx, m); err != nil {
			return err
		}
	}
	if a.Forget != nil {
		if err := a.Forget(ctx, f.Members); err != nil {
			return err
		}
	}
	if f.Site == "" {
		return nil
	}
	if a.CarLinks != nil { // while its tokens can still be read, to withdraw them
		if err := a.CarLinks.Forget(ctx, f.Site); err != nil {
			return err
		}
	}
	return a.Vault.Erase(ctx, f.Site)
}
