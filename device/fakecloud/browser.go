package fakecloud

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"
)

// Consent does what an owner does with a browser: opens the page at address, and answers as account, with "allow" or
// "deny". It returns where the browser is then sent.
func Consent(ctx context.Context, address, account, answer string) (*url.URL, error) {
	client := &http.Client{
		Transport:     &http.Transport{DisableKeepAlives: true},
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}
	page, err := http.NewRequestWithContext(ctx, http.MethodGet, address, nil)
	if err != nil {
		return nil, err
	}
	if _, err := send(client, page, http.StatusOK); err != nil {
		return nil, err
	}
	target, err := url.Parse(address)
	if err != nil {
		return nil, err
	}
	form := target.Query()
	form.Set("account", account)
	form.Set("answer", answer)
	target.RawQuery = ""
	post, err := http.NewRequestWithContext(ctx, http.MethodPost, target.String(), strings.NewReader(form.Encode()))
	if err != nil {
		return nil, err
	}
	post.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	back, err := send(client, post, http.StatusFound)
	if err != nil {
		return nil, err
	}
	return target.Parse(back.Get("Location"))
}

// send returns the answer's header.
func send(client *http.Client, r *http.Request, want int) (http.Header, error) {
	res, err := client.Do(r)
	if err != nil {
		return nil, err
	}
	defer res.Body.Close()
	body, err := io.ReadAll(io.LimitReader(res.Body, 1<<16))
	if err != nil {
		return nil, err
	}
	if res.StatusCode != want {
		return nil, fmt.Errorf("the page of consent answered %s: %s", res.Status, body)
	}
	return res.Header, nil
}
