package notify

import (
	"io"
	"net/mail"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/loquet/loquet/outbound"
	"github.com/loquet/loquet/store/memory"
)

// eventually waits for what other processes do.
func eventually(t testing.TB, what string, holds func() bool) {
	t.Helper()
	tick := time.NewTicker(10 * time.Millisecond)
	defer tick.Stop()
	limit := time.After(time.Minute)
	for !holds() {
		select {
		case <-tick.C:
		case <-limit:
			t.Fatalf("never: %s", what)
		}
	}
}

// real has a notifier send over a mail server, a push service and a gateway, and anna be reached there.
func (w *world) real(n *Notifier, mailServer *mailServer, browsers *pushService, texts *gateway) {
	w.t.Helper()
	ring := &keyring{files: n.files}
	n.senders = map[Channel]sender{Email: newMail(w.t, mailServer.config()), SMS: texts.messages(w.t),
		Push: browsers.trust(newPusher("ops@loquet.example", outbound.Policy{Local: true}, ring.keys))}
}

// TestARealBreakInReachesEverybody: from the decision to a mailbox, a browser and a telephone; and when the process dies
// before it could note what it sent, the next one's messages are the same for the reader.
func TestARealBreakInReachesEverybody(t *testing.T) {
	w := newWorld(t)
	mailbox, browser, phone := newMailServer(t), newPushService(t), newGateway(t)
	w.mail[w.anna.ID()], w.mail[w.paul.ID()] = "anna@home.test", "paul@home.test"
	d, n := w.process(w.store)
	if _, err := n.PushKey(t.Context()); err != nil {
		t.Fatal(err)
	}
	if err := n.files.dropDevice(t.Context(), w.anna.ID(), func(device) bool { return true }); err != nil {
		t.Fatal(err)
	}
	if _, err := n.Subscribe(t.Context(), w.anna, browser.subscription("/push/anna"), "phone"); err != nil {
		t.Fatal(err)
	}
	w.choose(n, w.anna, Quiet{}, Choice{Foreign, Channels()})
	w.breakIn(d)

	dying := &mortal{Store: w.store, last: 2} // the claim is the first write, a note the second
	d, n = w.process(dying)
	w.real(n, mailbox, browser, phone)
	end := w.run(d)
	eventually(t, "all is sent", func() bool {
		phone.mu.Lock()
		defer phone.mu.Unlock()
		return len(phone.asked) == 1 && len(browser.pushed()) == 1
	})
	mailbox.letters("anna", 1)
	mailbox.letters("paul", 1)
	end()
	w.store = w.store.(*memory.Store).Reopen()
	d, n = w.process(w.store)
	w.real(n, mailbox, browser, phone)
	defer w.run(d)()

	letters := mailbox.letters("anna", 2)
	if a, b := sameLetter(t, letters[0]), sameLetter(t, letters[1]); a != b {
		t.Errorf("two letters for the reader:\n%s\n%s", a, b)
	}
	eventually(t, "all is sent again", func() bool {
		phone.mu.Lock()
		defer phone.mu.Unlock()
		return len(phone.asked) == 2 && len(browser.pushed()) == 2
	})
	got := browser.pushed()
	if asJSON(t, got[0].payload) != asJSON(t, got[1].payload) || got[0].header.Get("Topic") != got[1].header.Get("Topic") || got[0].key != got[1].key {
		t.Errorf("two messages for the browser: %+v", got)
	}
	if got[0].payload["title"] != brokenIn || got[0].payload["url"] != "https://loquet.example/home/history" {
		t.Errorf("the browser shows %v", got[0].payload)
	}
	phone.mu.Lock()
	defer phone.mu.Unlock()
	if phone.asked[0] != phone.asked[1] || len(phone.sent) != 1 || phone.asked[0].To != "+33612345678" || !strings.HasPrefix(phone.asked[0].Text, "Pas ouvert par Loquet : porte d'entrée. ") {
		t.Errorf("the gateway was asked %+v", phone.asked)
	}
}

// sameLetter is a letter without what the way adds to it.
func sameLetter(t *testing.T, m *mail.Message) string {
	t.Helper()
	body, err := io.ReadAll(m.Body)
	if err != nil {
		t.Fatal(err)
	}
	var head []string
	for field, values := range m.Header {
		if field != "Received" {
			head = append(head, field+": "+strings.Join(values, ","))
		}
	}
	slices.Sort(head)
	return strings.Join(head, "\n") + "\n\n" + string(body)
}
