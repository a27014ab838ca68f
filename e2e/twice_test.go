package e2e

import (
	"os/exec"
	"strings"
	"testing"
)

// TestTwoScansAtOnce sends one scan from two phones with the courier's key, at the same instant.
func TestTwoScansAtOnce(t *testing.T) {
	t.Parallel()
	in := newStreet(t, frontDoor).settle(t, 0)
	for range 5 {
		v := in.newVisit()
		start, errs := make(chan struct{}), make(chan error, 4)
		for range cap(errs) {
			phone := in.courier.phone()
			go func() {
				<-start
				_, err := phone.ask(in.ctx, v.id, "scan", map[string]any{"text": v.delivery.parcel, "position": position()})
				errs <- err
			}()
		}
		close(start)
		for range cap(errs) {
			in.must(<-errs)
		}
		if err := v.walk(); err != nil {
			t.Fatalf("%v\n%s", err, v.story())
		}
		in.settled(v)
		in.judgeCalm(in.judge(false), v)
	}
}

// TestSecondProcessIsRefused: one process writes a folder; another says so, and changes nothing.
func TestSecondProcessIsRefused(t *testing.T) {
	t.Parallel()
	in := newStreet(t, frontDoor).settle(t, 0)
	v := in.newVisit()
	second := exec.CommandContext(t.Context(), loquet, "serve", "--data", in.data, "--listen", ownAddress(), "--mqtt-url", in.wire.url(), "--media", "none")
	out, err := second.CombinedOutput()
	if second.ProcessState.ExitCode() != 1 {
		t.Fatalf("the second process ended with %v", err)
	}
	if text := string(out); !strings.Contains(text, "another process") || !strings.Contains(text, "Nothing was changed") {
		t.Fatalf("the second process says:\n%s", text)
	}
	if err := v.walk(); err != nil {
		t.Fatalf("the first process does not go on: %v", err)
	}
	in.settled(v)
	in.judgeCalm(in.judge(false), v)
	if in.atMachine("member", "link", string(in.home.member)) == "" {
		t.Fatal("the first process lost its local socket")
	}
}
