package cars_test

import (
	"bytes"
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"testing"
	"time"

	"github.com/loquet/loquet/device/devicetest"
	"github.com/loquet/loquet/device/fakecloud"
	"github.com/loquet/loquet/device/smartcar/smartcartest"
	"github.com/loquet/loquet/event"
	"github.com/loquet/loquet/site"
)

// TestWhatMakesNoSenseOpensNothing: a maker's cloud that says anything but what it publishes, while the car is looked for.
// The courier is told why, and nothing is ordered.
func TestWhatMakesNoSenseOpensNothing(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		play func(*world)
		want event.Code
	}{
		"a page instead of JSON": {trouble(fakecloud.TroubleHTML), event.CarUnreachable},
		"half an answer":         {trouble(fakecloud.TroubleTruncated), event.CarUnreachable},
		"no answer for 30 s":     {trouble(fakecloud.TroubleStall), event.CarUnreachable},
		"a cut line":             {trouble(fakecloud.TroubleDropped), event.CarUnreachable},
		"an empty object":        {says(`{}`), event.CarUnreachable},
		"a list":                 {says(`[]`), event.CarUnreachable},
		"the limit":              {trouble(fakecloud.TroubleTooMany), event.CarBusy},
		"a cloud that is down":   {trouble(fakecloud.TroubleDown), event.CarUnreachable},
		"unknown words":          {func(w *world) { w.car.Play(devicetest.Odd) }, event.CarNotLocked},
		"it stands open":         {func(w *world) { w.car.Foreign() }, event.CarNotLocked},
		"no consent any more":    {func(w *world) { w.revoke() }, event.CarRevoked},
		"a place off the globe":  {stands(97, 2.35, 0), event.CarUnreachable},
		"a place off the map":    {stands(48.85, 181, 0), event.CarUnreachable},
		"a place of tomorrow":    {stands(48.8566, 2.3522, 24*time.Hour), event.CarUnreachable},
		"a place far away":       {stands(-48.8566, -177.6478, 0), event.CarTooFar},
	} {
		t.Run(name, func(t *testing.T) {
			cars(t, func(w *world) {
				c.play(w)
				w.mustRefuse(c.want)
			}, clouds...)
		})
	}
}

// mustRefuse: the car is looked for and not found as it should be, for this reason, and not opened.
func (w *world) mustRefuse(want event.Code) {
	w.Helper()
	code := w.approach()
	if code != want {
		w.Errorf("found as %q, and not %q", code, want)
	}
	if refused := w.ask(site.Scan{Visit: w.visit, Parcel: parcel}); refused != code {
		w.Errorf("refused as %q", refused)
	}
	w.wantOpenings(0)
	if n := w.happened(event.OpeningIntended{}.Kind()); n != 0 {
		w.Errorf("%d openings were intended", n)
	}
}

// TestAKeyThatTheCarDoesNotKnow opens nothing: the owner took ours from the car itself, whatever Tesla's cloud thinks.
func TestAKeyThatTheCarDoesNotKnow(t *testing.T) {
	cars(t, func(w *world) {
		w.car.Play(devicetest.Revoked)
		w.mustRefuse(event.CarRevoked)
	}, teslaTrunk, teslaCabin)
}

// TestAKeyThatIsTakenAtTheLastMoment opens nothing: the car had been found, and then refuses the order itself.
func TestAKeyThatIsTakenAtTheLastMoment(t *testing.T) {
	cars(t, func(w *world) {
		w.mustFind()
		w.car.Play(devicetest.Revoked)
		w.scanInVain(event.DeviceOffline, event.CarRevoked)
	}, teslaPowered)
}

func trouble(kind fakecloud.Kind) func(*world) {
	return func(w *world) {
		w.wire.Break(fakecloud.Trouble{Kind: kind, Method: http.MethodGet, Length: 30 * time.Second})
	}
}

func says(body string) func(*world) {
	return func(w *world) {
		w.wire.Break(fakecloud.Trouble{Kind: fakecloud.TroubleReplaced, Method: http.MethodGet, Body: body})
	}
}

func stands(latitude, longitude float64, ahead time.Duration) func(*world) {
	return func(w *world) {
		w.car.Park(devicetest.Place{Latitude: latitude, Longitude: longitude, At: time.Now().Add(ahead)})
	}
}

// TestWhatMakesNoSenseInAVisit releases nobody: the car stands open, and its cloud speaks in riddles.
func TestWhatMakesNoSenseInAVisit(t *testing.T) {
	t.Parallel()
	for _, kind := range []fakecloud.Kind{fakecloud.TroubleHTML, fakecloud.TroubleTruncated, fakecloud.TroubleDown} {
		t.Run(string(kind), func(t *testing.T) {
			cars(t, func(w *world) {
				w.enter()
				w.wire.Break(fakecloud.Trouble{Kind: kind})
				w.ask(site.Close{Visit: w.visit})
				w.until("it was asked, twice", func(s site.State) bool { return step(s).Asks >= 2 })
				w.mustStay()
				w.wire.Mend()
				w.shut()
				w.mustEnd()
			}, clouds...)
		})
	}
}

// TestForgedWebhooks say that the car is locked and shut, and later that it is open. Nobody believes it.
func TestForgedWebhooks(t *testing.T) {
	t.Parallel()
	w := newWorld(t, atSmartcar)
	w.enter()
	body, err := json.Marshal(map[string]any{"eventId": "e", "eventType": "VEHICLE_STATE", "data": map[string]any{
		"vehicle": map[string]string{"id": w.id}, "signals": []any{signal("closure-islocked", map[string]any{"value": true})}}})
	if err != nil {
		t.Fatal(err)
	}
	hook := httptest.NewServer(w.smartcar)
	defer hook.Close()
	for name, signature := range map[string]string{
		"none": "", "of another key": smartcartest.Sign("amt-2", body), "of another body": smartcartest.Sign("amt-1", append(bytes.Clone(body), ' ')),
		"cut short": smartcartest.Sign("amt-1", body)[:63], "no signature": "zz",
	} {
		if status := w.deliver(hook.URL, body, signature); status != http.StatusUnauthorized {
			t.Errorf("%s: %d", name, status)
		}
	}
	if status := w.deliver(hook.URL, []byte("<html>"), smartcartest.Sign("amt-1", []byte("<html>"))); status != http.StatusBadRequest {
		t.Errorf("signed HTML: %d", status)
	}
	s, err := w.dispatcher.Load(t.Context(), home)
	if b, _ := s.Barrier(w.barrier); err != nil || b.Bolt != event.BoltUnlocked {
		t.Errorf("the car is %q, %v", b.Bolt, err)
	}
	w.mustStay()
}

func signal(code string, body any) map[string]any {
	return map[string]any{"code": code, "body": body, "meta": map[string]any{"oemUpdatedAt": time.Now().UnixMilli()}}
}

func (w *world) deliver(address string, body []byte, signature string) int {
	w.Helper()
	request, err := http.NewRequestWithContext(w.Context(), http.MethodPost, address, bytes.NewReader(body))
	if err != nil {
		w.Fatal(err)
	}
	request.Header.Set("SC-Signature", signature)
	answer, err := (&http.Client{Transport: &http.Transport{DisableKeepAlives: true}}).Do(request)
	if err != nil {
		w.Fatal(err)
	}
	_ = answer.Body.Close()
	return answer.StatusCode
}
