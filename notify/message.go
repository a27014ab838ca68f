package notify

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"strings"

	"github.com/loquet/loquet/event"
	"github.com/loquet/loquet/phrase"
)

// message is what one person is told on one channel. Sent again, it is the same to the last byte, but for how it gives
// times when another day has begun.
type message struct {
	// id is the same whenever this is sent to this person on this channel.
	id string
	// thread is the same for everything about one visit or delivery; tag for what takes each other's place on a screen.
	thread, tag string
	topic       Topic
	lang        phrase.Lang
	text
	// link is the page that shows it, and block, if any, the question whether to block, with its label.
	link, block, blockLabel string
	// settings is the page where it is chosen what to hear.
	settings string
	urgent   bool
	// at is since when it can be told, left how long it is still worth telling.
	at   event.Instant
	left event.Millis
}

// target is one address of a person on a channel.
type target struct {
	channel Channel
	// id tells it apart from the person's others.
	id      string
	address string
	// device is set for Push.
	device device
}

// sender hands messages over. Nil means that the other side has taken responsibility for the message; a refusal that it
// never will; after any other error it may have been taken or not, and is to be sent again as it is. Safe for concurrent
// use.
type sender interface {
	send(ctx context.Context, to target, m message) error
}

// digest is a short name that says nothing of what it names.
func digest(parts ...string) string {
	sum := sha256.Sum256([]byte(strings.Join(parts, "\x00")))
	return hex.EncodeToString(sum[:16])
}
