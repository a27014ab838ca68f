package rtsp

import (
	"context"
	"errors"
	"io"
	"net"
	"net/url"
	"strings"
	"unicode"

	"github.com/bluenviron/gortsplib/v5/pkg/base"
	"github.com/bluenviron/gortsplib/v5/pkg/liberrors"
	"github.com/loquet/loquet/camera"
)

var errElsewhere = errors.New("the camera sends us elsewhere")

// maxText is how much of an error's text is kept: some of it may be the camera's.
const maxText = 200

// fault tells what a library's error means for the people of the camera.
func (s *Source) fault(err error) error {
	var known *camera.Fault
	if errors.As(err, &known) {
		return known
	}
	return &camera.Fault{Why: reason(err), Err: errors.New(s.clean(err.Error()))}
}

func reason(err error) camera.Why {
	var (
		dns      *net.DNSError
		status   liberrors.ErrClientBadStatusCode
		sign     liberrors.ErrClientAuthSetup
		answer   liberrors.ErrClientRequestTimedOut
		silence  liberrors.ErrClientTCPTimeout
		ended    liberrors.ErrClientTerminated
		timeout  net.Error
		operator *net.OpError
	)
	switch {
	case errors.Is(err, errElsewhere):
		return camera.Broken
	case errors.As(err, &dns) && dns.IsNotFound:
		return camera.NoHost
	case errors.As(err, &sign):
		return camera.WrongPassword
	case errors.As(err, &status):
		return refusal(status.Code)
	case errors.As(err, &answer), errors.As(err, &silence), errors.As(err, &ended), errors.As(err, &timeout),
		errors.As(err, &operator), errors.Is(err, io.EOF), errors.Is(err, io.ErrUnexpectedEOF),
		errors.Is(err, context.DeadlineExceeded):
		return camera.NoAnswer
	}
	return camera.Broken
}

// refusals have a meaning of their own; any other status means that the camera and we don't understand each other.
var refusals = map[base.StatusCode]camera.Why{
	base.StatusUnauthorized:                     camera.WrongPassword,
	base.StatusForbidden:                        camera.WrongPassword,
	base.StatusConnectionCredentialsNotAccepted: camera.WrongPassword,
	base.StatusNotFound:                         camera.NotFound,
	base.StatusGone:                             camera.NotFound,
	// too many look at it already, or it has just started
	base.StatusNotEnoughBandwidth:  camera.NoAnswer,
	base.StatusServiceUnavailable:  camera.NoAnswer,
	base.StatusInternalServerError: camera.NoAnswer,
}

func refusal(code base.StatusCode) camera.Why {
	if why, known := refusals[code]; known {
		return why
	}
	return camera.Broken
}

// secrets are replaced in every text, however they are written. Some cameras take the password in path or query.
func secrets(u *base.URL) *strings.Replacer {
	password, _ := u.User.Password()
	words := []string{u.User.String(), password, url.QueryEscape(password), url.PathEscape(password), u.User.Username()}
	if path := u.RequestURI(); len(path) > 1 {
		words = append(words, path, u.RawQuery, u.Path)
	}
	for _, values := range (*url.URL)(u).Query() {
		words = append(words, values...)
	}
	var hide []string
	for _, w := range words {
		if w != "" {
			hide = append(hide, w, "…")
		}
	}
	return strings.NewReplacer(hide...)
}

func (s *Source) clean(text string) string {
	text = strings.Map(func(r rune) rune {
		if !unicode.IsPrint(r) {
			return ' '
		}
		return r
	}, s.secrets.Replace(text))
	if short := []rune(text); len(short) > maxText {
		text = string(short[:maxText]) + "…"
	}
	return text
}
