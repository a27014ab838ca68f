package notify

import (
	"context"
	"strconv"

	"github.com/loquet/loquet/auth"
	"github.com/loquet/loquet/event"
)

// TellExport mails a person that the export they asked for waits to be fetched from a page, and until when. It is sent
// at once, at any hour, whatever they have chosen; nothing is tried again, since the page says the same. Errors:
// ErrUnavailable, ErrNoAddress, ErrMember, and those of the mail server and the store.
func (n *Notifier) TellExport(ctx context.Context, who auth.Member, path string, until event.Instant) error {
	v, to, err := n.recipient(ctx, who, Email)
	if err != nil {
		return err
	}
	return n.sendNow(ctx, to, message{id: digest("export", string(who.ID()), strconv.FormatInt(int64(until), 10)), tag: "export", lang: v.lang,
		text:     text{title: v.say("export.title"), body: v.say("export.body", "time", v.time(until)), action: v.say("export.action")},
		link:     n.deps.PublicURL + path,
		settings: n.deps.PublicURL + settingsPath, at: n.now(), left: event.Day})
}
