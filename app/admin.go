package app

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"time"

	"github.com/loquet/loquet/auth"
	"github.com/loquet/loquet/event"
	"github.com/loquet/loquet/phrase"
)

// socketName is the local socket in the data folder. Only its owner may open it: whoever can is at the machine.
const socketName = "admin.sock"

// admin is what only somebody at the machine may do: no API key ever hands out a member's link, a courier's
// pairing code or another key.
type admin struct {
	*people
	accounts *accounts
	// public is scheme and host of the pages, to which links lead.
	public string
}

// Requests and answers of the local socket.
type (
	linkRequest struct {
		Member event.MemberID `json:"member"`
	}
	codeRequest struct {
		Courier event.CourierID `json:"courier"`
	}
	keyText struct {
		ID   string `json:"id"`
		Text string `json:"text"`
	}
	inviteRequest struct {
		Member  event.MemberID `json:"member"`
		Address string         `json:"address"`
		Lang    phrase.Lang    `json:"lang"`
	}
	staffLinkRequest struct {
		Address string `json:"address"`
	}
	linkAnswer struct {
		Token   string `json:"token"`
		Address string `json:"address"`
	}
	accountRequest struct {
		Name     string   `json:"name"`
		Reports  []string `json:"reports"`
		Commands []string `json:"commands"`
	}
	accountAnswer struct {
		Password string `json:"password"`
	}
)

func (a *admin) handler() http.Handler {
	mux := http.NewServeMux()
	mux.Handle("POST /keys", local(func(ctx context.Context, r auth.KeyRequest) (keyText, error) {
		key, text, err := a.keys.Create(ctx, r)
		return keyText{key.ID, text}, err
	}))
	mux.Handle("POST /member-links", local(func(ctx context.Context, r linkRequest) (linkAnswer, error) {
		link, err := a.sessions.Invite(ctx, r.Member)
		return a.link(link), err
	}))
	mux.Handle("POST /member-invitations", local(func(ctx context.Context, r inviteRequest) (struct{}, error) {
		return struct{}{}, a.links.Welcome(ctx, r.Member, r.Address, r.Lang)
	}))
	mux.Handle("POST /staff", local(func(ctx context.Context, r auth.NewStaff) (linkAnswer, error) {
		_, link, err := a.staffs.Add(ctx, r)
		return a.link(link), err
	}))
	mux.Handle("POST /staff-links", local(func(ctx context.Context, r staffLinkRequest) (linkAnswer, error) {
		link, err := a.staffs.Link(ctx, r.Address)
		return a.link(link), err
	}))
	mux.Handle("POST /courier-codes", local(func(ctx context.Context, r codeRequest) (auth.Pairing, error) {
		return a.couriers.Invite(ctx, r.Courier)
	}))
	mux.Handle("POST /broker-accounts", local(func(ctx context.Context, r accountRequest) (accountAnswer, error) {
		password, err := a.accounts.add(ctx, r)
		return accountAnswer{password}, err
	}))
	return mux
}

func (a *admin) link(l auth.Link) linkAnswer {
	return linkAnswer{Token: l.Token, Address: auth.LinkAddress(a.public, l)}
}

// local makes a handler of a function from request to answer. Its errors may be shown: the caller is the operator.
func local[Q, A any](f func(context.Context, Q) (A, error)) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		var q Q
		dec := json.NewDecoder(http.MaxBytesReader(w, r.Body, 1<<16))
		dec.DisallowUnknownFields()
		if err := dec.Decode(&q); err != nil {
			http.Error(w, err.Error(), http.StatusBadRequest)
			return
		}
		answer, err := f(r.Context(), q)
		if err != nil {
			http.Error(w, err.Error(), http.StatusConflict)
			return
		}
		w.Header().Set("Content-Type", "application/json")
		_ = json.NewEncoder(w).Encode(answer) // the other end has gone: nobody to tell
	})
}

// listenLocal opens the socket; one that an ended server left behind is replaced.
func listenLocal(path string) (net.Listener, error) {
	if err := os.Remove(path); err != nil && !errors.Is(err, os.ErrNotExist) {
		return nil, fmt.Errorf("the local socket can't be made: %w", err)
	}
	l, err := net.Listen("unix", path)
	if err != nil {
		return nil, fmt.Errorf("the local socket can't be made: %w", err)
	}
	if err := os.Chmod(path, 0o600); err != nil {
		return nil, errors.Join(err, l.Close())
	}
	return l, nil
}

// askLocal asks a running server through its socket.
func askLocal[A any](ctx context.Context, socket, path string, request any) (answer A, err error) {
	body, err := json.Marshal(request)
	if err != nil {
		return answer, err
	}
	client := http.Client{Timeout: 10 * time.Second, Transport: &http.Transport{DisableKeepAlives: true,
		DialContext: func(ctx context.Context, _, _ string) (net.Conn, error) {
			return (&net.Dialer{}).DialContext(ctx, "unix", socket)
		}}}
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, "http://local"+path, bytes.NewReader(body))
	if err != nil {
		return answer, err
	}
	res, err := client.Do(req)
	if err != nil {
		return answer, fmt.Errorf("no server answers at %s; is it running on this machine, with this --data? (%w)", socket, err)
	}
	defer res.Body.Close()
	if res.StatusCode != http.StatusOK {
		text, _ := io.ReadAll(io.LimitReader(res.Body, 1000))
		return answer, fmt.Errorf("the server says: %s", bytes.TrimSpace(text))
	}
	return answer, json.NewDecoder(res.Body).Decode(&answer)
}
