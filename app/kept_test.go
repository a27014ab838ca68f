package app

import (
	"archive/zip"
	"bytes"
	"context"
	"crypto/ecdh"
	"crypto/rand"
	"encoding/base64"
	"encoding/json"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/loquet/loquet/api"
	"github.com/loquet/loquet/auth"
	"github.com/loquet/loquet/carlink"
	"github.com/loquet/loquet/e2e/indoors"
	"github.com/loquet/loquet/notify"
	"github.com/loquet/loquet/phrase"
	"github.com/loquet/loquet/web/ui"
)

// postman keeps the last link that was mailed.
type postman struct{ link string }

// Send takes a mail.
func (p *postman) Send(_ context.Context, _ string, _ phrase.Lang, _ auth.MailKind, link string) error {
	p.link = link
	return nil
}

// house is an installation in which a member is wired to sign-in and notifications as in the server.
type house struct {
	*indoors.Installation
	server *server
	who    *people
	post   postman
	home   *indoors.Household
	member auth.Member
}

func newHouse(t *testing.T) *house {
	t.Helper()
	h := &house{server: &server{log: slog.New(slog.DiscardHandler)}}
	h.Installation = indoors.New(t, nil, indoors.Wired(func(d *api.Deps) {
		h.who, h.server.notifier = h.wire(d)
		d.Others, d.Forget = kept(h.who, h.server.notifier, carlink.New(carlink.Deps{})), h.server.notifier.Forget
	}))
	h.home = h.Household("Camille")
	var err error
	h.member, err = h.Sessions.Check(t.Context(), h.home.Cookie.Value)
	must(t, err)
	return h
}

// wire makes what the API's own dependencies have to go with.
func (h *house) wire(d *api.Deps) (*people, *notify.Notifier) {
	deps := auth.Deps{Register: d.Store, Now: d.Now, Random: d.Random}
	who := &people{deps: deps, sessions: d.Sessions, staffs: auth.NewStaffs(deps, d.Vault), mailboxes: auth.NewMailboxes(deps, d.Vault)}
	who.passkeys, _ = auth.NewPasskeys(auth.PasskeysDeps{Deps: deps, Vault: d.Vault, Sessions: d.Sessions, Staffs: who.staffs, PublicURL: d.PublicURL})
	who.links = auth.NewLinks(auth.LinksDeps{Deps: deps, Sessions: d.Sessions, Staffs: who.staffs, Mailboxes: who.mailboxes, Mailer: &h.post, PublicURL: d.PublicURL})
	return who, notify.New(notify.Deps{Register: d.Store, Sites: d.Dispatch, Vault: d.Vault, Sessions: d.Sessions, Addresses: who.mailboxes,
		PushSubject: "ops@loquet.example", LocalPush: true, Country: "FR", Lang: phrase.English, PublicURL: d.PublicURL, Now: d.Now,
		Random: d.Random, Log: d.Log})
}

func must(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// exported is the archive of everything.
func (h *house) exported(t *testing.T) map[string][]byte {
	t.Helper()
	r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, h.URL+"/v1/home/export", nil)
	must(t, err)
	r.AddCookie(h.home.Cookie)
	answer, err := http.DefaultTransport.RoundTrip(r)
	must(t, err)
	defer answer.Body.Close()
	packed, err := io.ReadAll(answer.Body)
	must(t, err)
	archive, err := zip.NewReader(bytes.NewReader(packed), int64(len(packed)))
	must(t, err)
	files := map[string][]byte{}
	for _, f := range archive.File {
		in, err := f.Open()
		must(t, err)
		files[f.Name], err = io.ReadAll(in)
		must(t, err)
		must(t, in.Close())
	}
	return files
}

// settle has the member be reached by mail, push and telephone.
func (h *house) settle(t *testing.T) {
	t.Helper()
	must(t, h.who.links.Change(t.Context(), h.member, "camille@home.example", phrase.French))
	_, token, _ := strings.Cut(h.post.link, auth.LinkPath)
	token, _, _ = strings.Cut(token, "?")
	_, err := h.who.links.Redeem(t.Context(), token, "", auth.Arrival{})
	must(t, err)
	key, err := ecdh.P256().GenerateKey(rand.Reader)
	must(t, err)
	sub := notify.Subscription{Endpoint: "https://push.example/secret-path"}
	sub.Keys.P256dh, sub.Keys.Auth = base64.RawURLEncoding.EncodeToString(key.PublicKey().Bytes()), base64.RawURLEncoding.EncodeToString(make([]byte, 16))
	_, err = h.server.notifier.Subscribe(t.Context(), h.member, sub, "Camille's phone")
	must(t, err)
	_, err = h.server.notifier.SetPhone(t.Context(), h.member, "06 12 34 56 78")
	must(t, err)
}

// What sign-in and notifications keep of a member is in the export of everything, but for what would let somebody in.
func TestTheExportHasWhatOtherRoomsKeep(t *testing.T) {
	h := newHouse(t)
	h.settle(t)
	files := h.exported(t)
	var box keptMailbox
	must(t, json.Unmarshal(files["others/mailbox.json"], &box))
	if box.Address != "camille@home.example" || box.Confirmed == 0 {
		t.Errorf("the mailbox: %+v", box)
	}
	var news keptNews
	must(t, json.Unmarshal(files["others/notifications.json"], &news))
	if news.Phone != "+33612345678" || len(news.Browsers) != 1 || news.Browsers[0].Name != "Camille's phone" ||
		!slices.Equal(news.Channels[notify.Alarm], []notify.Channel{notify.Push, notify.Email}) {
		t.Errorf("notifications: %+v", news)
	}
	if got := strings.TrimSpace(string(files["others/passkeys.json"])); got != "[]" {
		t.Errorf("passkeys: %s", got)
	}
	for name, content := range files {
		if bytes.Contains(content, []byte("secret-path")) || bytes.Contains(content, []byte(h.home.Cookie.Value)) {
			t.Errorf("%s holds a secret", name)
		}
	}
	keys := passkeysKept([]auth.Passkey{{ID: "p1", Name: "Laptop", AddedAt: 5, UsedAt: 7, Synced: true}})
	if len(keys) != 1 || keys[0] != (keptPasskey{"Laptop", 5, 7, true}) {
		t.Errorf("a passkey: %+v", keys)
	}
}

// Whoever moves out leaves nothing behind in any room.
func TestErasureReachesOtherRooms(t *testing.T) {
	h := newHouse(t)
	h.settle(t)
	guest := h.home
	var member api.Member
	must(t, guest.Call(t.Context(), http.MethodPost, "/v1/home/members", api.MemberRequest{Name: "Paul"}, &member))
	cookie := h.SignIn(member.ID)
	stays, err := h.Sessions.Check(t.Context(), cookie.Value)
	must(t, err)
	must(t, guest.Call(t.Context(), http.MethodDelete, "/v1/home/members/"+string(h.member.ID()), nil, nil))
	gone := func() bool {
		box, err := h.who.mailboxes.Of(t.Context(), h.member.ID())
		must(t, err)
		records, err := h.Store.List(t.Context(), "notify.person", string(h.member.ID()), 10)
		must(t, err)
		own, err := h.Store.Get(t.Context(), "notify.person", string(h.member.ID()))
		return box.Address == "" && len(records) == 0 && err != nil && own.Version == 0
	}
	limit, tick := time.After(indoors.Patience), time.NewTicker(10*time.Millisecond)
	defer tick.Stop()
	for !gone() {
		select {
		case <-tick.C:
		case <-limit:
			t.Fatal("something is kept of who moved out")
		}
	}
	if _, err := h.Sessions.Check(t.Context(), h.home.Cookie.Value); err == nil {
		t.Error("who moved out is signed in")
	}
	if lasts, err := h.Sessions.Lasts(t.Context(), stays.ID(), stays.Session()); err != nil || !lasts {
		t.Errorf("who stays is signed out: %v", err)
	}
}

// The language that is chosen in the header is that of messages, too; until then it is that in which somebody signed in.
func TestMessagesAreInTheLanguageOfThePages(t *testing.T) {
	h := newHouse(t)
	speaks := func() phrase.Lang {
		s, err := h.server.notifier.Settings(t.Context(), h.member)
		must(t, err)
		return s.Lang
	}
	kit, err := ui.New(ui.Options{Public: h.URL, Log: h.Log, Now: time.Now, Random: rand.Reader, Chosen: h.server.chosen(h.who)})
	must(t, err)
	choose := func(lang string, cookie *http.Cookie) {
		r := httptest.NewRequestWithContext(t.Context(), http.MethodPost, h.URL+"/choose", strings.NewReader(url.Values{"lang": {lang}}.Encode()))
		r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
		r.AddCookie(cookie)
		w := httptest.NewRecorder()
		kit.Guard(http.NotFoundHandler()).ServeHTTP(w, r)
		if w.Code != http.StatusSeeOther {
			t.Errorf("choosing %s: %d", lang, w.Code)
		}
	}
	h.server.reads(t.Context(), h.member, phrase.French)
	if got := speaks(); got != phrase.French {
		t.Errorf("who signed in on a French page is written to in %q", got)
	}
	choose("en", h.home.Cookie)
	if got := speaks(); got != phrase.English {
		t.Errorf("English was chosen, and messages are in %q", got)
	}
	h.server.reads(t.Context(), h.member, phrase.French)
	choose("xx", h.home.Cookie)
	choose("fr", &http.Cookie{Name: h.home.Cookie.Name, Value: "nobody's"})
	if got := speaks(); got != phrase.English {
		t.Errorf("nobody chose %q", got)
	}
}
