package smartcar_test

import (
	"bufio"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"io"
	"math"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/loquet/loquet/device"
	"github.com/loquet/loquet/device/fakecloud"
	"github.com/loquet/loquet/device/smartcar"
	"github.com/loquet/loquet/device/smartcar/smartcartest"
	"github.com/loquet/loquet/event"
)

// vendor is npm's smartcar in a process of its own, pointed at the fake.
type vendor struct {
	*testing.T
	ask   io.WriteCloser
	hears *bufio.Scanner
}

// installed is where the vendor's client is, once for all tests.
var installed = sync.OnceValues(func() (string, error) {
	lock, err := os.ReadFile("smartcartest/node/package-lock.json")
	if err != nil {
		return "", err
	}
	cache, err := os.UserCacheDir()
	if err != nil {
		return "", err
	}
	sum := sha256.Sum256(lock)
	folder := filepath.Join(cache, "loquet-test", "smartcar-"+hex.EncodeToString(sum[:8]))
	if _, err := os.Stat(folder); err == nil {
		return folder, nil
	}
	return folder, install(folder, lock)
})

// install has npm fetch exactly what the lock says, and puts it in place as a whole: two processes may try.
func install(folder string, lock []byte) error {
	if err := os.MkdirAll(filepath.Dir(folder), 0o700); err != nil {
		return err
	}
	building, err := os.MkdirTemp(filepath.Dir(folder), "building-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(building)
	list, err := os.ReadFile("smartcartest/node/package.json")
	if err != nil {
		return err
	}
	if err := errors.Join(os.WriteFile(filepath.Join(building, "package.json"), list, 0o600),
		os.WriteFile(filepath.Join(building, "package-lock.json"), lock, 0o600)); err != nil {
		return err
	}
	npm := exec.Command("npm", "ci", "--no-audit", "--no-fund", "--ignore-scripts")
	npm.Dir = building
	if out, err := npm.CombinedOutput(); err != nil {
		return errors.New("npm ci: " + err.Error() + ": " + string(out))
	}
	if err := os.Rename(building, folder); err != nil {
		if _, there := os.Stat(folder); there != nil {
			return err
		}
	}
	return nil
}

// startVendor starts the vendor's client. Without node or npm the test is skipped.
func startVendor(t *testing.T, fake *smartcartest.Server) *vendor {
	t.Helper()
	for _, tool := range []string{"node", "npm"} {
		if _, err := exec.LookPath(tool); err != nil {
			t.Skipf("%s is not installed: the vendor's own client runs on it", tool)
		}
	}
	folder, err := installed()
	if err != nil {
		t.Fatal(err)
	}
	script, err := os.ReadFile("smartcartest/node/client.mjs")
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.CommandContext(t.Context(), "node", "--input-type=module", "--eval", string(script))
	cmd.Dir, cmd.Stderr = folder, os.Stderr
	cmd.Env = append(os.Environ(), "CLIENT_ID="+fake.ClientID, "CLIENT_SECRET="+fake.ClientSecret, "REDIRECT_URI="+fake.RedirectURI,
		"SMARTCAR_API_ORIGIN="+fake.URL(), "SMARTCAR_AUTH_ORIGIN="+fake.URL(), "SMARTCAR_API_V3_ORIGIN="+fake.URL(),
		"SMARTCAR_MANAGEMENT_API_ORIGIN="+fake.URL())
	in, err1 := cmd.StdinPipe()
	out, err2 := cmd.StdoutPipe()
	if err := errors.Join(err1, err2, cmd.Start()); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = in.Close()
		_ = cmd.Wait()
	})
	return &vendor{t, in, bufio.NewScanner(out)}
}

// failure is how the vendor's client reports an error.
type failure struct {
	Ours       bool
	StatusCode int
	Type, Code string
	RetryAfter string
	Resolution struct{ Type string }
	Message    string
}

// do has the vendor's client do something, and puts what it said into v.
func (n *vendor) do(v any, name string, with ...any) *failure {
	n.Helper()
	question, err := json.Marshal(map[string]any{"do": name, "with": with})
	if err != nil {
		n.Fatal(err)
	}
	if _, err := n.ask.Write(append(question, '\n')); err != nil {
		n.Fatal(err)
	}
	if !n.hears.Scan() {
		n.Fatalf("the vendor's client is gone: %v", n.hears.Err())
	}
	var answer struct {
		Said   json.RawMessage
		Failed *failure
	}
	if err := json.Unmarshal(n.hears.Bytes(), &answer); err != nil {
		n.Fatalf("%s: %v", n.hears.Bytes(), err)
	}
	if answer.Failed == nil && v != nil {
		if err := json.Unmarshal(answer.Said, v); err != nil {
			n.Fatalf("%s: %s: %v", name, answer.Said, err)
		}
	}
	return answer.Failed
}

func (n *vendor) must(v any, name string, with ...any) {
	n.Helper()
	if failed := n.do(v, name, with...); failed != nil {
		n.Fatalf("%s: %+v", name, failed)
	}
}

// theirSecurity is what the vendor's client says of a car.
type theirSecurity struct {
	IsLocked       bool
	Doors, Storage []struct{ Type, Status string }
	Meta           struct{ DataAge time.Time }
}

func (s theirSecurity) contact() event.Contact {
	for _, p := range slices.Concat(s.Doors, s.Storage) {
		if p.Status != "CLOSED" {
			return event.ContactOpen
		}
	}
	return event.ContactClosed
}

func (s theirSecurity) bolt() event.Bolt {
	if s.IsLocked {
		return event.BoltLocked
	}
	return event.BoltUnlocked
}

// signIn consents with the vendor's client, and returns its access token.
func (n *vendor) signIn() (access, refresh string) {
	n.Helper()
	var address string
	n.must(&address, "authURL", smartcartest.Scopes, "st")
	back, err := fakecloud.Consent(n.Context(), address, "ana", "allow")
	if err != nil {
		n.Fatal(err)
	}
	if back.Query().Get("state") != "st" {
		n.Fatalf("sent back with %v", back)
	}
	var tokens struct {
		AccessToken, RefreshToken string
		Expiration                time.Time
	}
	n.must(&tokens, "exchange", back.Query().Get("code"))
	if life := time.Until(tokens.Expiration); life < 119*time.Minute || life > 121*time.Minute {
		n.Fatalf("the vendor's client was told that its token lives %v", life)
	}
	return tokens.AccessToken, tokens.RefreshToken
}

// TestTheVendorsClientAgrees drives npm's smartcar and our client against one fake, and compares what both see.
func TestTheVendorsClientAgrees(t *testing.T) {
	r := build(t, options{})
	n := startVendor(t, r.fake)
	token, refresh := n.signIn()
	if r.keeper.Token() == nil || time.Until(r.keeper.Token().Expiry) < time.Hour {
		t.Fatalf("our token is %+v", r.keeper.Token())
	}
	n.sameVehicles(r, token)
	for name, change := range map[string]func(*fakecloud.State){
		"locked and shut": func(*fakecloud.State) {},
		"a door":          func(s *fakecloud.State) { s.Locked, s.Open[fakecloud.RearLeft] = false, true },
		"the trunk":       func(s *fakecloud.State) { s.Locked, s.Open = false, [6]bool{fakecloud.Trunk: true} },
		"the hood":        func(s *fakecloud.State) { s.Locked, s.Open = true, [6]bool{fakecloud.Hood: true} },
		"elsewhere":       func(s *fakecloud.State) { s.Latitude, s.Longitude = -33.86, 151.2 },
	} {
		r.car.ByHand(change)
		n.sameState(r, token, name)
	}
	r.car.ByHand(func(s *fakecloud.State) { s.Locked, s.Open = true, [6]bool{} })
	n.sameCommands(r, token)
	n.sameErrors(r, token)
	var tokens struct{ AccessToken string }
	n.must(&tokens, "refresh", refresh)
	n.must(nil, "user", tokens.AccessToken)
	n.sameEnd(r, tokens.AccessToken)
}

func (n *vendor) sameVehicles(r *rig, token string) {
	n.Helper()
	var theirs struct{ Vehicles []string }
	n.must(&theirs, "vehicles", token)
	ours, err := r.app.Vehicles(n.Context(), r.consent)
	if err != nil || !slices.Equal(ours, theirs.Vehicles) || len(ours) != 1 {
		n.Fatalf("we see %v (%v), they see %v", ours, err, theirs.Vehicles)
	}
	var theirVIN struct{ VIN string }
	n.must(&theirVIN, "vin", r.id, token)
	ourVIN, err := r.app.VIN(n.Context(), r.consent, r.id)
	if err != nil || ourVIN != theirVIN.VIN || ourVIN != vin {
		n.Fatalf("we read the VIN %q (%v), they %q", ourVIN, err, theirVIN.VIN)
	}
	var model struct {
		Make, Model string
		Year        int
	}
	n.must(&model, "attributes", r.id, token)
	if model.Make != "CHEVROLET" || model.Year != 2020 {
		n.Fatalf("they see %+v", model)
	}
	var permitted struct{ Permissions []string }
	n.must(&permitted, "permissions", r.id, token)
	if missing, err := r.app.Missing(n.Context(), r.consent, r.id); err != nil || len(missing) != 0 || len(permitted.Permissions) != len(smartcar.Scopes) {
		n.Fatalf("we miss %q (%v), they have %q", missing, err, permitted.Permissions)
	}
	var compatible struct {
		Compatible   bool
		Capabilities []struct{ Capable bool }
	}
	n.must(&compatible, "compatibility", vin, smartcartest.Scopes)
	ourWord, err := r.app.Compatible(n.Context(), vin, "US")
	if err != nil || ourWord.Compatible != compatible.Compatible || len(ourWord.Missing) != 0 || len(compatible.Capabilities) != 5 {
		n.Fatalf("we hear %+v (%v), they %+v", ourWord, err, compatible)
	}
}

func (n *vendor) sameState(r *rig, token, name string) {
	n.Helper()
	var theirs theirSecurity
	n.must(&theirs, "security", r.id, token)
	ours, err := r.read()
	if err != nil || ours.Bolt != theirs.bolt() || ours.Contact != theirs.contact() || ours.Origin != event.OriginAnswer {
		n.Errorf("%s: we read %+v (%v), they %+v", name, ours, err, theirs)
	}
	if age := ours.DeviceAt.Time().Sub(theirs.Meta.DataAge); age < 0 || age > 5*time.Second {
		n.Errorf("%s: our data is of %v, theirs of %v", name, ours.DeviceAt, theirs.Meta.DataAge)
	}
	var place struct{ Latitude, Longitude float64 }
	n.must(&place, "location", r.id, token)
	located, err := r.device.(device.Locator).Locate(n.Context())
	if err != nil || math.Abs(located.Latitude-place.Latitude) > 1e-9 || math.Abs(located.Longitude-place.Longitude) > 1e-9 || located.At.IsZero() {
		n.Errorf("%s: we find it at %+v (%v), they at %+v", name, located, err, place)
	}
}

func (n *vendor) sameCommands(r *rig, token string) {
	n.Helper()
	if outcome, err := r.open(5 * time.Second); outcome != event.Done {
		n.Fatalf("we unlock: %v, %v", outcome, err)
	}
	n.sameState(r, token, "unlocked by us")
	var sent struct{ Status string }
	n.must(&sent, "lock", r.id, token)
	n.sameState(r, token, "locked by them")
	n.must(&sent, "unlock", r.id, token)
	n.sameState(r, token, "unlocked by them")
	if outcome, err := r.device.(device.Securer).Secure(n.Context()); outcome != event.Done || sent.Status != "success" {
		n.Fatalf("we lock: %v, %v; they were told %q", outcome, err, sent.Status)
	}
	n.sameState(r, token, "locked by us")
	if d := r.car.Done(); d.UnlockCommands != 2 || d.LockCommands != 2 || d.Openings != 2 {
		n.Fatalf("the car counts %+v", d)
	}
}

func (n *vendor) sameErrors(r *rig, token string) {
	n.Helper()
	for code, test := range map[string]struct {
		quirks fakecloud.Quirks
		want   error
	}{
		"ASLEEP":      {fakecloud.Quirks{Asleep: true}, device.ErrAsleep},
		"UNREACHABLE": {fakecloud.Quirks{Offline: true}, device.ErrOffline},
	} {
		r.car.Behave(test.quirks)
		failed := n.do(nil, "security", r.id, token)
		_, err := r.read()
		if failed == nil || !failed.Ours || failed.Type != "VEHICLE_STATE" || failed.Code != code || failed.StatusCode != 409 || !errors.Is(err, test.want) {
			n.Errorf("%s: they are told %+v, we %v", code, failed, err)
		}
	}
	r.car.Behave(fakecloud.Quirks{})
	if failed := n.do(nil, "security", r.id, "nothing"); failed == nil || failed.Type != "AUTHENTICATION" || failed.StatusCode != 401 {
		n.Errorf("a wrong token: %+v", failed)
	}
	if failed := n.do(nil, "exchange", "nothing"); failed == nil || failed.Type != "invalid_grant" {
		n.Errorf("a wrong code: %+v", failed)
	}
	r.fake.Wire.Break(fakecloud.Trouble{Kind: fakecloud.TroubleTooMany, Length: 9 * time.Second, Path: "/vin"})
	failed := n.do(nil, "vin", r.id, token)
	_, err := r.app.VIN(n.Context(), r.consent, r.id)
	r.fake.Wire.Mend()
	var busy *device.BusyError
	if failed == nil || failed.RetryAfter != "9" || !errors.As(err, &busy) || time.Until(busy.RetryAt) > 9*time.Second || time.Until(busy.RetryAt) < 6*time.Second {
		n.Errorf("a limit: they are told %+v, we %v", failed, err)
	}
}

// sameEnd disconnects with the vendor's client: then nobody sees anything any more.
func (n *vendor) sameEnd(r *rig, token string) {
	n.Helper()
	n.must(nil, "disconnect", r.id, token)
	if failed := n.do(nil, "security", r.id, token); failed == nil || failed.StatusCode != 403 || failed.Resolution.Type != "REAUTHENTICATE" {
		n.Errorf("disconnected: %+v", failed)
	}
	fresh, err := smartcarDevice(r)
	if err != nil {
		n.Fatal(err)
	}
	if _, err := fresh.(device.Reader).Read(n.Context()); !errors.Is(err, device.ErrRevoked) {
		n.Errorf("disconnected, and we are told %v", err)
	}
}

// smartcarDevice is the same car in an application of its own, which no limit holds back.
func smartcarDevice(r *rig) (device.Device, error) {
	app := r.connect(options{})
	consent := app.Office().Consent(r.keeper)
	return app.Device(smartcar.Config{Device: "again", Vehicle: r.id}, consent)
}

// TestTheVendorsClientAgreesOnWebhooks: signatures and challenges.
func TestTheVendorsClientAgreesOnWebhooks(t *testing.T) {
	r := build(t, options{})
	n := startVendor(t, r.fake)
	var hashed string
	n.must(&hashed, "hashChallenge", r.fake.ManagementToken, "3f5ebb58-7c5b")
	answer, err := r.app.Receive([]byte(`{"eventType":"VERIFY","data":{"challenge":"3f5ebb58-7c5b"}}`), "")
	if err != nil || !strings.Contains(string(answer), `"`+hashed+`"`) {
		t.Errorf("we answer %s (%v), they %s", answer, err, hashed)
	}
	body, signature, err := r.fake.Event(r.id)
	if err != nil {
		t.Fatal(err)
	}
	var theirs bool
	n.must(&theirs, "verifyPayload", r.fake.ManagementToken, signature, json.RawMessage(body))
	if _, err := r.app.Receive(body, signature); err != nil || !theirs {
		t.Errorf("we: %v, they believe it: %v", err, theirs)
	}
	n.must(&theirs, "verifyPayload", "another", signature, json.RawMessage(body))
	if _, err := r.app.Receive(body, smartcartest.Sign("another", body)); !errors.Is(err, smartcar.ErrForged) || theirs {
		t.Errorf("forged: we: %v, they believe it: %v", err, theirs)
	}
	var list struct{ Connections []struct{ VehicleID string } }
	n.must(&list, "connections", r.fake.ManagementToken)
	n.must(nil, "deleteConnections", r.fake.ManagementToken, r.id)
	var none struct{ Connections []any }
	n.must(&none, "connections", r.fake.ManagementToken)
	if len(list.Connections) != 1 || len(none.Connections) != 0 {
		t.Errorf("connections: %+v, then %+v", list, none)
	}
}

// TestTheVendorsClientAgreesOnVersion3, as far as it speaks it.
func TestTheVendorsClientAgreesOnVersion3(t *testing.T) {
	r := build(t, options{version: smartcar.V3})
	n := startVendor(t, r.fake)
	token := r.fake.OAuth.Issue(&fakecloud.Grant{Scopes: smartcartest.Scopes}).AccessToken
	user := r.fake.UserID("ana")
	r.car.ByHand(func(s *fakecloud.State) { s.Open[fakecloud.Trunk] = true })
	var said struct {
		Body struct {
			Data []struct {
				Attributes struct {
					Code string
					Body map[string]any
				}
			}
		}
	}
	n.must(&said, "signals", r.id, token, user)
	theirs := map[string]any{}
	for _, s := range said.Body.Data {
		theirs[s.Attributes.Code] = s.Attributes.Body
	}
	ours, err := r.read()
	trunk, _ := theirs["closure-reartrunk"].(map[string]any)
	locked, _ := theirs["closure-islocked"].(map[string]any)
	if err != nil || ours.Bolt != event.BoltLocked || ours.Contact != event.ContactOpen || trunk["isOpen"] != true || locked["value"] != true {
		t.Errorf("we read %+v (%v), they %v", ours, err, theirs)
	}
	r.car.ByHand(func(s *fakecloud.State) { s.Open[fakecloud.Trunk] = false })
	n.must(nil, "unlockV3", r.id, token, user)
	if o, err := r.read(); err != nil || o.Bolt != event.BoltUnlocked {
		t.Errorf("unlocked by them, we read %+v (%v)", o, err)
	}
	n.must(nil, "lockV3", r.id, token, user)
	r.car.Behave(fakecloud.Quirks{Asleep: true})
	failed := n.do(nil, "signals", r.id, token, user)
	if _, err := r.read(); failed == nil || failed.Code != "ASLEEP" || !errors.Is(err, device.ErrAsleep) {
		t.Errorf("asleep: they are told %+v, we %v", failed, err)
	}
	if failed := n.do(nil, "signals", r.id, token, "somebody"); failed == nil || failed.StatusCode != 403 {
		t.Errorf("somebody else's: %+v", failed)
	}
}
