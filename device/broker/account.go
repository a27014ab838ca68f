package broker

import (
	"errors"
	"fmt"
	"strings"
)

// Account is what one device may do. Topics may hold the wildcards + and #; a '$' topic is never allowed.
type Account struct {
	Credentials
	// Reports are the topics on which the device says something: it may publish there.
	Reports []string
	// Commands are the topics on which it takes orders: it may subscribe there, the server may publish there,
	// and nothing is ever retained there.
	Commands []string
}

func (a Account) check() error {
	if a.Username == "" {
		return errors.New("an account needs a user name")
	}
	if err := checkHash(a.PasswordHash); err != nil {
		return fmt.Errorf("account %q: %w", a.Username, err)
	}
	for _, filter := range append(append([]string{}, a.Reports...), a.Commands...) {
		if !validFilter(filter) {
			return fmt.Errorf("account %q: %q is not a topic that an account may name", a.Username, filter)
		}
	}
	return nil
}

// mayPublish says whether a device may publish on a topic (without wildcards).
func (a Account) mayPublish(topic string) bool { return anyCovers(a.Reports, topic) }

// maySubscribe says whether a device may subscribe to a filter, or be given a message of a topic.
func (a Account) maySubscribe(filter string) bool { return anyCovers(a.Commands, filter) }

// validFilter accepts topic filters as MQTT 5 (4.7) defines them, short of '$' topics.
func validFilter(filter string) bool {
	if filter == "" || !bounded(filter) || filter[0] == '$' || strings.ContainsRune(filter, 0) {
		return false
	}
	levels := strings.Split(filter, "/")
	for i, level := range levels {
		if strings.ContainsAny(level, "+#") && len(level) > 1 {
			return false
		}
		if level == "#" && i != len(levels)-1 {
			return false
		}
	}
	return true
}

// bounded says whether a topic or filter is one that the broker takes: the library's work on it grows with the square of
// its levels.
func bounded(topic string) bool { return len(topic) <= 512 && strings.Count(topic, "/") < 32 }

// plain says whether a filter is a topic: no wildcard in it.
func plain(filter string) bool { return !strings.ContainsAny(filter, "+#") }

func anyCovers(filters []string, wanted string) bool {
	for _, filter := range filters {
		if covers(filter, wanted) {
			return true
		}
	}
	return false
}

// covers says whether every topic that matches the wanted filter (or topic) also matches the allowed one.
func covers(allowed, wanted string) bool {
	if allowed == wanted {
		return true
	}
	for {
		a, restA, moreA := strings.Cut(allowed, "/")
		w, restW, moreW := strings.Cut(wanted, "/")
		switch {
		case a == "#":
			return true
		case w == "#" || (a != "+" && a != w):
			return false
		case !moreW:
			return !moreA || restA == "#" // "a/#" covers "a" too (MQTT 5, 4.7.1.2)
		case !moreA:
			return false
		}
		allowed, wanted = restA, restW
	}
}

var errServerAccount = errors.New("that user name belongs to the server itself")
