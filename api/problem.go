package api

import (
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"strconv"
	"strings"

	"github.com/danielgtaylor/huma/v2"

	"github.com/loquet/loquet/auth"
	"github.com/loquet/loquet/dispatch"
	"github.com/loquet/loquet/fleet"
	"github.com/loquet/loquet/parcel"
	"github.com/loquet/loquet/site"
	"github.com/loquet/loquet/store"
)

// Problem is an error as clients see it (RFC 9457). Nothing was done, unless its code is "uncertain".
type Problem struct {
	Type   string `json:"type" doc:"A name for the code" example:"urn:loquet:problem:not-found"`
	Title  string `json:"title" doc:"The status in words"`
	Status int    `json:"status" doc:"The HTTP status"`
	Code   string `json:"code" doc:"What went wrong, as a stable word for programs"`
	Detail string `json:"detail" doc:"What happened, what is safe, what to do now"`
	// Reference finds the cause in the server's log.
	Reference string         `json:"reference,omitempty" doc:"Say this to whoever runs the server"`
	Errors    []FieldProblem `json:"errors,omitempty" doc:"Which fields, and what is wrong with them"`

	headers http.Header
	cause   error
}

// FieldProblem is what is wrong with one field of a request. It never repeats the field's value.
type FieldProblem struct {
	Field   string `json:"field" doc:"Where, such as body.window.from"`
	Problem string `json:"problem" doc:"What is wrong with it"`
}

func problem(status int, code, detail string) *Problem {
	return &Problem{Type: "urn:loquet:problem:" + code, Title: http.StatusText(status), Status: status, Code: code, Detail: detail}
}

func (p *Problem) Error() string { return p.Code + ": " + p.Detail }

func (p *Problem) Unwrap() error { return p.cause }

// GetStatus, GetHeaders and ContentType let the problem be written as an error.
func (p *Problem) GetStatus() int { return p.Status }

// GetHeaders returns the fields that go with the status.
func (p *Problem) GetHeaders() http.Header { return p.headers }

// ContentType is that of RFC 9457.
func (p *Problem) ContentType(string) string { return "application/problem+json" }

func (p *Problem) because(err error) *Problem {
	p.cause = err
	return p
}

func (p *Problem) with(field, value string) *Problem {
	if p.headers == nil {
		p.headers = http.Header{}
	}
	p.headers.Set(field, value)
	return p
}

func (p *Problem) about(field, what string) *Problem {
	p.Errors = append(p.Errors, FieldProblem{Field: field, Problem: what})
	return p
}

func internal() *Problem {
	return problem(http.StatusInternalServerError, "internal", "Something broke on the server. It is not known whether the request "+
		"was carried out. Look at what stands before you repeat it, and give the reference to whoever runs the server.")
}

// invalid is a request of which one field can't be.
func invalid(field, what string) *Problem {
	return problem(http.StatusUnprocessableEntity, "invalid", "Part of the request can't be. Nothing was done. Correct it and send it again.").
		about(field, what)
}

// notFound does not tell what is not there from what is not yours.
func notFound(what string) *Problem {
	return problem(http.StatusNotFound, "not-found", "There is no such "+what+", or it is not yours. Nothing was done.")
}

func forbidden(detail string) *Problem {
	return problem(http.StatusForbidden, "forbidden", detail+" Nothing was done.")
}

// explained makes a problem of any error: the one place that knows them all.
func explained(err error) *Problem {
	var p *Problem
	if errors.As(err, &p) {
		return p
	}
	for _, explain := range []func(error) *Problem{ofSite, ofCarLink, ofStore, ofAuth, ofFleet, ofParcel} {
		if p := explain(err); p != nil {
			return p.because(err)
		}
	}
	return internal().because(err)
}

func ofSite(err error) *Problem {
	var bad site.Invalid
	switch {
	case errors.As(err, &bad):
		return invalid("body."+bad.Field, bad.Problem)
	case errors.Is(err, site.ErrUnknown):
		return notFound("thing at this site")
	case errors.Is(err, site.ErrForbidden):
		return forbidden("This is not yours to decide.")
	case errors.Is(err, site.ErrVisited):
		return problem(http.StatusConflict, "car-visited", "A visit to this car is under way, and it could not be locked any more. "+
			"Nothing was done. Block the delivery, or wait until the car is shut.")
	case errors.Is(err, site.ErrState):
		return problem(http.StatusConflict, "conflict", sentence(err)+" Nothing was done. Look at what stands now.")
	case errors.Is(err, dispatch.ErrBusy):
		return problem(http.StatusServiceUnavailable, "busy", "Others kept changing the same site. Nothing was done. Send it again.").
			with("Retry-After", "1")
	}
	return nil
}

// sentence is the core's own reason, which names nothing but what the caller asked about.
func sentence(err error) string {
	_, why, found := strings.Cut(err.Error(), ": ")
	if !found {
		return "That is not possible now."
	}
	return "That is not possible now: " + why + "."
}

func ofStore(err error) *Problem {
	switch {
	case errors.Is(err, store.ErrUncertain):
		return problem(http.StatusServiceUnavailable, "uncertain", "It is not known whether the request was carried out. "+
			"Repeat it with the same Idempotency-Key, or look at what stands before you send it anew.").with("Retry-After", "1")
	case errors.Is(err, store.ErrFull):
		return problem(http.StatusServiceUnavailable, "full", "The server can't store anything now. Nothing was done. "+
			"Try again later, and tell whoever runs the server.").with("Retry-After", "30")
	case errors.Is(err, store.ErrClosed):
		return problem(http.StatusServiceUnavailable, "ending", "The server is being restarted. Nothing was done. Send it again.").
			with("Retry-After", "5")
	case errors.Is(err, store.ErrNotFound):
		return notFound("thing")
	case errors.Is(err, store.ErrConflict), errors.Is(err, store.ErrExists):
		return problem(http.StatusConflict, "conflict", "Somebody changed the same thing at the same moment. Nothing was done. Send it again.")
	case errors.Is(err, context.DeadlineExceeded), errors.Is(err, context.Canceled):
		return problem(http.StatusServiceUnavailable, "timeout", "The server took too long. Nothing was done. Send it again.").
			with("Retry-After", "1")
	}
	return nil
}

func ofAuth(err error) *Problem {
	var many *auth.TooMany
	switch {
	case errors.As(err, &many):
		return problem(http.StatusTooManyRequests, "too-many", "Too many requests in a short time. Nothing was done. Wait, then send it again.").
			with("Retry-After", strconv.Itoa(max(many.Seconds(), 1)))
	case errors.Is(err, auth.ErrScope):
		return forbidden("This API key lacks the scope for that.")
	case errors.Is(err, auth.ErrRequest):
		return problem(http.StatusUnprocessableEntity, "invalid", "The request can't be carried out. Nothing was done. Correct it and send it again.")
	}
	for _, known := range authProblems {
		if errors.Is(err, known.err) {
			p := problem(known.status, known.code, capital(known.err.Error())+". Nothing was done.")
			if known.status == http.StatusUnauthorized {
				_ = p.with("WWW-Authenticate", known.scheme)
			}
			return p
		}
	}
	return nil
}

var authProblems = []struct {
	err    error
	status int
	code   string
	scheme string
}{
	{auth.ErrUnknownKey, http.StatusUnauthorized, "unknown-key", "Bearer"},
	{auth.ErrSession, http.StatusUnauthorized, "no-session", "Session"},
	{auth.ErrUnbound, http.StatusUnauthorized, "device-not-bound", "Loquet-Proof"},
	{auth.ErrProof, http.StatusUnauthorized, "proof", "Loquet-Proof"},
	{auth.ErrOtherRequest, http.StatusUnauthorized, "proof-other-request", "Loquet-Proof"},
	{auth.ErrClock, http.StatusUnauthorized, "proof-clock", "Loquet-Proof"},
	{auth.ErrReplayed, http.StatusUnauthorized, "proof-replayed", "Loquet-Proof"},
	{auth.ErrLink, http.StatusUnauthorized, "link", "Session"},
	{auth.ErrRecent, http.StatusForbidden, "sign-in-again", ""},
	{auth.ErrPairing, http.StatusForbidden, "pairing", ""},
	{auth.ErrKeyTaken, http.StatusConflict, "key-taken", ""},
}

func capital(s string) string { return strings.ToUpper(s[:1]) + s[1:] }

func ofFleet(err error) *Problem {
	switch {
	case errors.Is(err, fleet.ErrTaken):
		return problem(http.StatusConflict, "taken", "A device with that identifier is reserved already, for this site or another. "+
			"Nothing was changed. Choose another identifier.")
	case errors.Is(err, fleet.ErrConnector):
		return invalid("body.connector", "this installation has no such connector")
	case errors.Is(err, fleet.ErrConfig):
		return invalid("body.config", strings.TrimPrefix(err.Error(), fleet.ErrConfig.Error()+": "))
	}
	return nil
}

func ofParcel(err error) *Problem {
	var bad *parcel.Error
	if !errors.As(err, &bad) {
		return nil
	}
	return problem(http.StatusUnprocessableEntity, "parcel-unreadable", bad.Error()).about("body", string(bad.Problem))
}

// fail writes a problem, and logs what the client is not told.
func (a *API) fail(w http.ResponseWriter, r *http.Request, p *Problem) {
	p = a.told(r.Context(), p)
	if err := p.Write(w); err != nil {
		a.Log.Debug("a client went away", "reference", p.Reference, "error", err)
	}
}

// Write answers with the problem. The error is that of the connection.
func (p *Problem) Write(w http.ResponseWriter) error {
	for field, values := range p.headers {
		w.Header()[field] = values
	}
	w.Header().Set("Content-Type", p.ContentType(""))
	w.WriteHeader(p.Status)
	return json.NewEncoder(w).Encode(p)
}

// told gives the problem its reference, and logs its cause.
func (a *API) told(ctx context.Context, p *Problem) *Problem {
	c := callOf(ctx)
	mine := *p
	mine.Reference = c.reference
	switch {
	case errors.Is(ctx.Err(), context.Canceled):
		a.Log.Debug("nobody waits for the answer any more", "reference", c.reference, "method", c.method, "path", c.path, "code", p.Code, "error", p.cause)
	case p.Status >= http.StatusInternalServerError:
		a.Log.Error("a request failed", "reference", c.reference, "method", c.method, "path", c.path, "code", p.Code, "error", p.cause)
	case p.cause != nil:
		a.Log.Debug("a request was not accepted", "reference", c.reference, "method", c.method, "path", c.path, "code", p.Code, "error", p.cause)
	}
	return &mine
}

// reword makes our problems of the errors that huma itself finds in a request, without the values that it quotes.
func (a *API) reword(ctx huma.Context, _ string, v any) (any, error) {
	found, ok := v.(*huma.ErrorModel)
	if !ok {
		return v, nil
	}
	p := unacceptable(found.Status)
	for _, e := range found.Errors {
		if e != nil {
			_ = p.about(clipped(e.Location, 200), harmless(e.Message))
		}
	}
	return a.told(ctx.Context(), p.because(found)), nil
}

func unacceptable(status int) *Problem {
	switch status {
	case http.StatusBadRequest:
		return problem(status, "malformed", "The request is not JSON of the form that is described at /docs. Nothing was done. Correct it and send it again.")
	case http.StatusUnsupportedMediaType:
		return problem(status, "media-type", "The request's Content-Type is not application/json. Nothing was done.")
	case http.StatusNotAcceptable:
		return problem(status, "not-acceptable", "The answer can't be given in a form that the request accepts. Nothing was done.")
	case http.StatusUnprocessableEntity:
		return problem(status, "invalid", "Part of the request can't be. Nothing was done. Correct it and send it again.")
	default:
		return internal()
	}
}

// harmless keeps a message that speaks of the schema alone: every other may quote what was sent.
func harmless(message string) string {
	for _, known := range []string{"expected ", "unexpected property", "required ", "unknown query parameter"} {
		if strings.HasPrefix(message, known) {
			return message
		}
	}
	return "can't be read"
}

func clipped(s string, most int) string {
	if len(s) <= most {
		return s
	}
	return strings.ToValidUTF8(s[:most], "") + "…"
}
