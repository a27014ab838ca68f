package notify

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"

	standardwebhooks "github.com/standard-webhooks/standard-webhooks/libraries/go"
)

// SMSConfig is a gateway that sends text messages for us: docs/notifications.md says what it is asked.
type SMSConfig struct {
	// URL is https, or http on this machine.
	URL string
	// Secret is shared with the gateway; at least 24 characters.
	Secret string
}

// TextMessages hands text messages to a gateway. Safe for concurrent use.
type TextMessages struct {
	config SMSConfig
	signer *standardwebhooks.Webhook
	client *http.Client
	now    func() time.Time
}

// smsWithin bounds one call of the gateway.
const smsWithin = 15 * time.Second

// NewTextMessages checks a configuration; the gateway is not asked yet.
func NewTextMessages(c SMSConfig, now func() time.Time) (*TextMessages, error) {
	const leastSecret = 24
	u, err := url.Parse(c.URL)
	if err != nil || u.Host == "" || u.User != nil || u.Scheme != "https" && (u.Scheme != "http" || !onThisMachine(u.Hostname())) {
		return nil, errors.New("notify: the gateway for text messages is an https address, or http on this machine")
	}
	if len(c.Secret) < leastSecret {
		return nil, fmt.Errorf("notify: the secret shared with the gateway has at least %d characters", leastSecret)
	}
	signer, err := standardwebhooks.NewWebhookRaw([]byte(c.Secret))
	if err != nil {
		return nil, fmt.Errorf("notify: the secret shared with the gateway: %w", err)
	}
	client := &http.Client{Timeout: smsWithin, Transport: &http.Transport{ForceAttemptHTTP2: true, MaxIdleConnsPerHost: 4, IdleConnTimeout: time.Minute},
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
	return &TextMessages{config: c, signer: signer, client: client, now: now}, nil
}

// smsRequest is the body of a request to the gateway.
type smsRequest struct {
	To   string `json:"to"`
	Text string `json:"text"`
	ID   string `json:"id"`
}

func (s *TextMessages) send(ctx context.Context, to target, m message) error {
	body, err := json.Marshal(smsRequest{To: to.address, Text: smsText(m), ID: m.id})
	if err != nil {
		return fmt.Errorf("notify: sms: %w", err)
	}
	req, err := s.request(ctx, m.id, body)
	if err != nil {
		return err
	}
	res, err := s.client.Do(req)
	if err != nil {
		return trouble{err: fmt.Errorf("notify: the gateway for text messages: %w", bare(err))}
	}
	defer res.Body.Close()
	const longest = 4 << 10
	answer, err := io.ReadAll(io.LimitReader(res.Body, longest))
	if err != nil && res.StatusCode < 300 {
		return trouble{err: errors.New("notify: the gateway for text messages broke off")}
	}
	return texted(res, answer)
}

// request signs a message as Standard Webhooks are signed. The identifier makes a repetition known as one.
func (s *TextMessages) request(ctx context.Context, id string, body []byte) (*http.Request, error) {
	at := s.now()
	signature, err := s.signer.Sign(id, at, body)
	if err != nil {
		return nil, fmt.Errorf("notify: sms: %w", err)
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, s.config.URL, bytes.NewReader(body))
	if err != nil {
		return nil, fmt.Errorf("notify: sms: %w", err)
	}
	req.Header.Set("Content-Type", "application/json")
	req.Header.Set("User-Agent", "Loquet")
	req.Header.Set("Authorization", "Bearer "+s.config.Secret)
	req.Header.Set("Idempotency-Key", id)
	req.Header.Set(standardwebhooks.HeaderWebhookID, id)
	req.Header.Set(standardwebhooks.HeaderWebhookTimestamp, strconv.FormatInt(at.Unix(), 10))
	req.Header.Set(standardwebhooks.HeaderWebhookSignature, signature)
	return req, nil
}

// texted sorts the answer of the gateway: 400, 410 and 422 are about the number, and final. What it has against us (401,
// 403, 404) is for the operator to mend, and tried again.
func texted(res *http.Response, answer []byte) error {
	said := strconv.Itoa(res.StatusCode)
	switch code := res.StatusCode; {
	case code >= 200 && code < 300:
		return nil
	case code == http.StatusBadRequest, code == http.StatusGone, code == http.StatusUnprocessableEntity:
		return refusal{reason: ReasonRefused, detail: strings.TrimSpace(said + " " + reasonIn(answer))}
	default:
		return trouble{err: fmt.Errorf("notify: the gateway for text messages answered %s", said), wait: retryAfter(res)}
	}
}

// reasonIn is what the gateway gives as its reason, clipped.
func reasonIn(answer []byte) string {
	var said struct {
		Error string `json:"error"`
	}
	if json.Unmarshal(answer, &said) != nil {
		return ""
	}
	return clip(said.Error, 200)
}

func clip(s string, most int) string {
	r := []rune(s)
	if len(r) <= most {
		return s
	}
	return string(r[:most-1]) + "…"
}

// smsText says it in as few characters as will do, of the alphabet of text messages where that is possible: one that is
// not in it more than doubles the price.
func smsText(m message) string {
	const most = 300
	full := m.title + ". " + m.body + " " + m.link
	if strings.HasSuffix(m.title, "?") {
		full = m.title + " " + m.body + " " + m.link
	}
	if len([]rune(full)) > most {
		full = m.title + ". " + m.link
	}
	return strings.NewReplacer("\u00a0", " ", "\u202f", " ", "’", "'", "ê", "e", "â", "a", "î", "i", "ô", "o", "û", "u", "ç", "c",
		"À", "A", "Ê", "E", "…", "...").Replace(full)
}
