package auth

import "context"

// SendAsked does at once what Run does in time: tests so know when it is done.
func (l *Links) SendAsked(ctx context.Context) {
	for {
		select {
		case a := <-l.asked:
			l.sendOrTell(ctx, a)
		default:
			return
		}
	}
}
