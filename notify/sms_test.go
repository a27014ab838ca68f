package notify

import (
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	standardwebhooks "github.com/standard-webhooks/standard-webhooks/libraries/go"
)

const smsSecret = "a secret of enough characters"

// gateway sends text messages, as docs/notifications.md asks it to: it checks who asks, and sends each identifier once.
type gateway struct {
	*httptest.Server
	t *testing.T

	mu     sync.Mutex
	answer int
	says   string
	asked  []smsRequest
	sent   map[string]smsRequest
}

func newGateway(t *testing.T) *gateway {
	t.Helper()
	g := &gateway{t: t, sent: make(map[string]smsRequest)}
	g.Server = httptest.NewServer(http.HandlerFunc(g.serve))
	t.Cleanup(g.Close)
	return g
}

func (g *gateway) serve(w http.ResponseWriter, r *http.Request) {
	body, err := io.ReadAll(r.Body)
	if err != nil {
		g.t.Error(err)
	}
	check, err := standardwebhooks.NewWebhookRaw([]byte(smsSecret))
	if err != nil {
		g.t.Error(err)
	}
	if err := check.Verify(body, r.Header); err != nil {
		g.t.Errorf("the signature: %v", err)
	}
	var m smsRequest
	if err := json.Unmarshal(body, &m); err != nil {
		g.t.Error(err)
	}
	if r.Method != http.MethodPost || r.Header.Get("Authorization") != "Bearer "+smsSecret || r.Header.Get("Idempotency-Key") != m.ID ||
		r.Header.Get("Webhook-Id") != m.ID || r.Header.Get("Content-Type") != "application/json" {
		g.t.Errorf("%s %v", r.Method, r.Header)
	}
	g.mu.Lock()
	defer g.mu.Unlock()
	g.asked = append(g.asked, m)
	if g.answer != 0 {
		w.Header().Set("Retry-After", "30")
		w.WriteHeader(g.answer)
		_, _ = io.WriteString(w, g.says)
		return
	}
	g.sent[m.ID] = m
}

func (g *gateway) set(answer int, says string) {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.answer, g.says = answer, says
}

func (g *gateway) messages(t *testing.T) *TextMessages {
	t.Helper()
	s, err := NewTextMessages(SMSConfig{URL: g.URL + "/send", Secret: smsSecret}, time.Now)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(s.client.CloseIdleConnections)
	return s
}

// TestATextMessageIsAskedForInOneForm, signed, and twice under one identifier.
func TestATextMessageIsAskedForInOneForm(t *testing.T) {
	g := newGateway(t)
	s := g.messages(t)
	for range 2 {
		if err := s.send(t.Context(), target{channel: SMS, address: "+33612345678"}, someMessage()); err != nil {
			t.Fatal(err)
		}
	}
	want := smsRequest{To: "+33612345678", ID: digest("x"),
		Text: "Livré à 14:04. La porte est fermée et verrouillée : capteur <b>&</b> serrure, 14:04:31. https://loquet.example/home/deliveries/home-d3"}
	if len(g.asked) != 2 || g.asked[0] != want || g.asked[1] != want || len(g.sent) != 1 {
		t.Errorf("asked %+v", g.asked)
	}
}

func TestWhatAGatewayAnswers(t *testing.T) {
	g := newGateway(t)
	s := g.messages(t)
	for _, c := range []struct {
		code   int
		says   string
		detail string
		final  bool
	}{
		{400, `{"error":"no such number"}`, "400 no such number", true},
		{410, `gone`, "410", true},
		{422, `{"error":"` + strings.Repeat("é", 300) + `"}`, "422 " + strings.Repeat("é", 199) + "…", true},
		{401, ``, "", false}, {403, ``, "", false}, {404, ``, "", false}, {302, ``, "", false}, {429, ``, "", false}, {500, ``, "", false}, {503, ``, "", false},
	} {
		g.set(c.code, c.says)
		err := s.send(t.Context(), target{channel: SMS, address: "+33612345678"}, someMessage())
		no, final := refusedFor(err)
		if err == nil || final != c.final || no.detail != c.detail {
			t.Errorf("%d: %v", c.code, err)
		}
		if trouble, ok := errors.AsType[trouble](err); ok && trouble.wait != 30*time.Second {
			t.Errorf("%d: again after %s", c.code, trouble.wait)
		}
		if strings.Contains(err.Error(), "+336") {
			t.Errorf("%d names the person: %v", c.code, err)
		}
	}
	g.Close()
	if err := s.send(t.Context(), target{channel: SMS, address: "+33612345678"}, someMessage()); err == nil {
		t.Error("nobody was there")
	}
}

func TestGatewayConfigurations(t *testing.T) {
	for address, good := range map[string]bool{"https://sms.example/send": true, "http://127.0.0.1:9000/": true, "http://localhost/": true,
		"http://sms.example/": false, "http://10.0.0.1/": false, "ftp://sms.example/": false, "sms.example": false, "": false, "https://u:p@sms.example/": false} {
		if _, err := NewTextMessages(SMSConfig{URL: address, Secret: smsSecret}, time.Now); (err == nil) != good {
			t.Errorf("%q: %v", address, err)
		}
	}
	if _, err := NewTextMessages(SMSConfig{URL: "https://sms.example/", Secret: "short"}, time.Now); err == nil {
		t.Error("a short secret is taken")
	}
}

// alphabet is what a text message holds at seven bits a character (3GPP TS 23.038, default alphabet).
const alphabet = "@£$¥èéùìòÇ\nØø\rÅåΔ_ΦΓΛΩΠΨΣΘΞÆæßÉ !\"#¤%&'()*+,-./0123456789:;<=>?¡ABCDEFGHIJKLMNOPQRSTUVWXYZÄÖÑÜ§¿abcdefghijklmnopqrstuvwxyzäöñüà"

func TestALongTextMessageKeepsItsLink(t *testing.T) {
	m := someMessage()
	m.body = strings.Repeat("Très long. ", 60)
	if got := smsText(m); got != "Livré à 14:04. "+m.link {
		t.Errorf("it says %q", got)
	}
	m.title, m.body = "Les animaux sont-ils enfermés\u00a0?", "Sans oui, la porte reste fermée."
	if got := smsText(m); got != "Les animaux sont-ils enfermés ? Sans oui, la porte reste fermée. "+m.link {
		t.Errorf("it says %q", got)
	}
}
