package smartcar

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"sync"
	"time"

	"github.com/loquet/loquet/device"
	"github.com/loquet/loquet/device/maker"
	"golang.org/x/oauth2"
	"golang.org/x/oauth2/clientcredentials"
)

// application has the application's own token (version 3), which lives an hour and is renewed by asking again.
type application struct {
	cfg    clientcredentials.Config
	client *http.Client
	turn   chan struct{} // held by the one that asks

	mu    sync.Mutex
	token *oauth2.Token
}

const (
	tokenLimit = 20 * time.Second
	tokenEarly = time.Minute
)

func newApplication(cfg AppConfig) *application {
	return &application{
		cfg: clientcredentials.Config{
			ClientID: cfg.ClientID, ClientSecret: cfg.ClientSecret, TokenURL: cfg.Origins.IAM + "/oauth2/token",
			AuthStyle: oauth2.AuthStyleInParams,
		},
		client: &http.Client{
			Transport:     &http.Transport{Proxy: http.ProxyFromEnvironment, TLSHandshakeTimeout: 10 * time.Second, IdleConnTimeout: time.Minute},
			CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
		},
		turn: make(chan struct{}, 1),
	}
}

func (a *application) close() { a.client.CloseIdleConnections() }

func (a *application) good() string {
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.token != nil && time.Until(a.token.Expiry) > tokenEarly {
		return a.token.AccessToken
	}
	return ""
}

// Access returns the token, and asks for one if there is none that is good for a while.
func (a *application) Access(ctx context.Context) (string, error) {
	select {
	case a.turn <- struct{}{}:
		defer func() { <-a.turn }()
	case <-ctx.Done():
		return "", ctx.Err()
	}
	if token := a.good(); token != "" {
		return token, nil
	}
	ctx, cancel := context.WithTimeout(ctx, tokenLimit)
	defer cancel()
	token, err := a.cfg.Token(context.WithValue(ctx, oauth2.HTTPClient, a.client))
	if err != nil {
		return "", refused(err)
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	a.token = token
	return token.AccessToken, nil
}

// refused is the error without what the server wrote, which may hold secrets.
func refused(err error) error {
	var status *oauth2.RetrieveError
	if errors.As(err, &status) && status.Response != nil {
		return fmt.Errorf("the application's token was refused: %w", &maker.StatusError{Status: status.Response.StatusCode})
	}
	return fmt.Errorf("%w: the application's token can't be had", device.ErrOffline)
}

// Reject forgets a token that was not taken.
func (a *application) Reject(access string) {
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.token != nil && a.token.AccessToken == access {
		a.token = nil
	}
}
