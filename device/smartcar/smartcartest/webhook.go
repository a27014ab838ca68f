package smartcartest

import (
	"bytes"
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"time"

	"github.com/loquet/loquet/device/fakecloud"
)

// hook is where webhooks go.
type hook struct {
	id, address string
}

// deliveryLimit is how long a receiver may take.
const deliveryLimit = 15 * time.Second

// Sign is the signature of a webhook's raw body, and the answer to a challenge.
func Sign(managementToken string, body []byte) string {
	mac := hmac.New(sha256.New, []byte(managementToken))
	mac.Write(body)
	return hex.EncodeToString(mac.Sum(nil))
}

// Subscribe makes a webhook: the receiver at address must answer a challenge first. From then on every change of a
// vehicle that its cloud hears of is delivered, up to three times each.
func (s *Server) Subscribe(ctx context.Context, address string) error {
	challenge := uuid()
	body, err := json.Marshal(map[string]any{
		"eventId": uuid(), "eventType": "VERIFY", "data": map[string]string{"challenge": challenge},
		"meta": map[string]any{"version": "4.0", "webhookId": "hook-1", "webhookName": "fake", "deliveryId": uuid(), "deliveredAt": fakecloud.Time(time.Now())},
	})
	if err != nil {
		return err
	}
	answer, err := post(ctx, address, body, "")
	if err != nil {
		return err
	}
	var said struct{ Challenge string }
	if err := json.Unmarshal(answer, &said); err != nil || said.Challenge != Sign(s.ManagementToken, []byte(challenge)) {
		return errors.New("the receiver did not answer the challenge")
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.hook = hook{"hook-1", address}
	return nil
}

func post(ctx context.Context, address string, body []byte, signature string) ([]byte, error) {
	ctx, cancel := context.WithTimeout(ctx, deliveryLimit)
	defer cancel()
	r, err := http.NewRequestWithContext(ctx, http.MethodPost, address, bytes.NewReader(body))
	if err != nil {
		return nil, err
	}
	r.Header.Set("Content-Type", "application/json")
	if signature != "" {
		r.Header.Set("SC-Signature", signature)
	}
	client := &http.Client{Transport: &http.Transport{DisableKeepAlives: true}}
	res, err := client.Do(r)
	if err != nil {
		return nil, err
	}
	defer res.Body.Close()
	answer, err := io.ReadAll(io.LimitReader(res.Body, 1<<16))
	if err == nil && res.StatusCode != http.StatusOK {
		err = fmt.Errorf("the receiver answered %s", res.Status)
	}
	return answer, err
}

// Event is a signed VEHICLE_STATE webhook of what a vehicle's cloud knows now.
func (s *Server) Event(id string) (body []byte, signature string, err error) {
	s.mu.Lock()
	v := s.vehicles[id]
	s.mu.Unlock()
	if v == nil {
		return nil, "", errors.New("there is no such vehicle")
	}
	told := v.Told()
	signals := []any{}
	for _, o := range signalsOf(v, told) {
		one := o.attributes()
		one["meta"] = o.meta()
		signals = append(signals, one)
	}
	body, err = json.Marshal(map[string]any{
		"eventId": uuid(), "eventType": "VEHICLE_STATE",
		"data": map[string]any{
			"user":    map[string]string{"id": s.UserID(v.owner)},
			"vehicle": map[string]any{"id": v.id, "make": v.Make, "model": v.Model, "year": v.Year}, "signals": signals,
		},
		"triggers": []any{map[string]any{"type": "SIGNAL_UPDATED", "signal": map[string]string{"code": "closure-islocked"}}},
		"meta": map[string]any{
			"version": "4.0", "webhookId": "hook-1", "webhookName": "fake", "deliveryId": uuid(),
			"deliveredAt": time.Now().UnixMilli(), "signalCount": len(signals), "mode": "LIVE",
		},
	})
	return body, Sign(s.ManagementToken, body), err
}

// changed delivers what a vehicle's cloud has just heard. It is called under the car's lock, and does not wait.
func (s *Server) changed(v *vehicle) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.hook.address == "" || s.closed || v.disconnected {
		return
	}
	address := s.hook.address
	s.work.Go(func() { s.deliver(address, v) })
}

func (s *Server) deliver(address string, v *vehicle) {
	body, signature, err := s.Event(v.id)
	if err != nil {
		return
	}
	for range 3 {
		if _, err := post(context.Background(), address, body, signature); err == nil || s.isClosed() {
			return
		}
	}
}

func (s *Server) isClosed() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.closed
}
