package notify

import (
	"errors"
	"testing"
	"time"

	"github.com/loquet/loquet/event"
)

// TestAnExportIsToldByMailAlone: at any hour, whatever was chosen, and to whoever has an address.
func TestAnExportIsToldByMailAlone(t *testing.T) {
	bubble(t, func(t *testing.T) {
		w := newWorld(t)
		_, n := w.process(w.store)
		w.choose(n, w.anna, Quiet{0, 1439}, Choice{Near, nil})
		until := event.InstantOf(time.Now().Add(24 * time.Hour))
		if err := n.TellExport(t.Context(), w.anna, "/home/household/export", until); err != nil {
			t.Fatal(err)
		}
		sent := w.box.all()
		if len(sent) != 1 || sent[0].to.channel != Email {
			t.Fatalf("sent %+v", sent)
		}
		m := sent[0].m
		if m.link != "https://loquet.example/home/household/export" || m.title != "Vos données sont prêtes" || m.body == "" || m.action == "" || m.settings == "" {
			t.Errorf("%+v", m)
		}
		delete(n.senders, Email)
		if err := n.TellExport(t.Context(), w.anna, "/home/household/export", until); !errors.Is(err, ErrUnavailable) {
			t.Errorf("without a mail server: %v", err)
		}
	})
}
