package smartcar

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"io"
	"net/http"

	"github.com/loquet/loquet/device/maker"
)

// Errors of webhooks.
var (
	// ErrForged: the signature is missing or not Smartcar's; nothing was believed.
	ErrForged = errors.New("the webhook's signature is not Smartcar's")
	// ErrStranger: the webhook is of a vehicle that is not connected here.
	ErrStranger = errors.New("the webhook is of an unknown vehicle")
)

// delivery is a webhook, as far as it is needed.
type delivery struct {
	EventType string `json:"eventType"`
	VehicleID string `json:"vehicleId"`
	Data      struct {
		Challenge string              `json:"challenge"`
		Vehicle   struct{ ID string } `json:"vehicle"`
		User      struct{ ID string } `json:"user"`
		Signals   []signal            `json:"signals"`
	} `json:"data"`
}

// Receive takes a webhook: its raw body, and its SC-Signature. What it returns is the answer, nil for an empty one. What
// a vehicle says in it reaches the vehicle's watchers. An event that comes twice, or late, changes nothing: the car's
// own times say so.
func (a *App) Receive(body []byte, signature string) ([]byte, error) {
	var d delivery
	if a.cfg.ManagementToken == "" {
		return nil, ErrForged
	}
	verify := maker.Decode(body, &d) == nil && d.EventType == "VERIFY"
	if !verify && !a.signed(body, signature) {
		return nil, ErrForged
	}
	switch d.EventType {
	case "VERIFY":
		return a.challenged(d.Data.Challenge)
	case "VEHICLE_STATE":
		return nil, a.told(d)
	case "VEHICLE_ERROR":
		return nil, nil // nothing is known by it; asking says the same
	}
	return nil, nonsense("the webhook is of an unknown kind")
}

// sign is the signature of a text, in hexadecimal.
func (a *App) sign(text []byte) string {
	mac := hmac.New(sha256.New, []byte(a.cfg.ManagementToken))
	mac.Write(text)
	return hex.EncodeToString(mac.Sum(nil))
}

func (a *App) signed(body []byte, signature string) bool {
	return hmac.Equal([]byte(a.sign(body)), []byte(signature))
}

// challenged signs a challenge, and nothing that could be an event (see the package's description).
func (a *App) challenged(challenge string) ([]byte, error) {
	if !identifier(challenge) {
		return nil, nonsense("the challenge is none")
	}
	return json.Marshal(map[string]string{"challenge": a.sign([]byte(challenge))})
}

func (a *App) told(d delivery) error {
	id := d.Data.Vehicle.ID
	if id == "" {
		id = d.VehicleID
	}
	a.mu.Lock()
	v := a.vehicles[id]
	a.mu.Unlock()
	if v == nil || v.cfg.User != "" && v.cfg.User != d.Data.User.ID {
		return ErrStranger
	}
	if s := v.believe(saidBy(d.Data.Signals)); s.Bolt != "" || s.Contact != "" {
		v.shared.Hear(s)
	}
	return nil
}

// maxWebhook is the largest body that is read.
const maxWebhook = 1 << 20

// ServeHTTP receives webhooks over HTTP. It answers at once. What is wrong is said by the status only.
func (a *App) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, maxWebhook))
	if err != nil || r.Method != http.MethodPost {
		w.WriteHeader(http.StatusBadRequest)
		return
	}
	answer, err := a.Receive(body, r.Header.Get("SC-Signature"))
	switch {
	case errors.Is(err, ErrForged):
		w.WriteHeader(http.StatusUnauthorized)
	case errors.Is(err, ErrStranger): // it was a car of ours once; sent again, it would be no other
		w.WriteHeader(http.StatusOK)
	case err != nil:
		w.WriteHeader(http.StatusBadRequest)
	default:
		w.Header().Set("Content-Type", "application/json")
		_, _ = w.Write(answer)
	}
}
