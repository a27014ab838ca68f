package volvotest_test

import (
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"net/http"
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/loquet/loquet/device/fakecloud"
	"github.com/loquet/loquet/device/volvo/volvotest"
	"go.uber.org/goleak"
)

func TestMain(m *testing.M) {
	code := m.Run()
	if err := goleak.Find(); err != nil && code == 0 {
		_, _ = os.Stderr.WriteString(err.Error() + "\n")
		code = 1
	}
	os.Exit(code)
}

const vin = "YV1ABCDEFG1234567"

// owner is a Volvo, and somebody who asks for it.
type owner struct {
	*testing.T
	server *volvotest.Server
	car    *fakecloud.Car
	token  string
	key    string
}

func start(t *testing.T, cfg volvotest.Config) *owner {
	server, err := volvotest.Start(cfg)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(server.Close)
	o := &owner{T: t, server: server, car: fakecloud.NewCar(vin, "VOLVO", "XC40", 2024, 57.7, 11.8), key: "key-1"}
	server.AddCar("ana", o.car)
	o.token = server.OAuth.Issue(&fakecloud.Grant{Account: "ana", Scopes: volvotest.Scopes}).AccessToken
	return o
}

// call returns the status, the keys of the answer's data (or its only value), and the data.
func (o *owner) call(method, path string) (int, map[string]any) {
	o.Helper()
	r, err := http.NewRequestWithContext(o.Context(), method, o.server.URL()+path, strings.NewReader("{}"))
	if err != nil {
		o.Fatal(err)
	}
	r.Header.Set("Authorization", "Bearer "+o.token)
	r.Header.Set("vcc-api-key", o.key)
	client := &http.Client{Transport: &http.Transport{DisableKeepAlives: true}}
	res, err := client.Do(r)
	if err != nil {
		o.Fatal(err)
	}
	defer res.Body.Close()
	body, err := io.ReadAll(res.Body)
	if err != nil {
		o.Fatal(err)
	}
	var said map[string]any
	if err := json.Unmarshal(body, &said); err != nil {
		o.Fatalf("%s %s: %s: %v", method, path, body, err)
	}
	if data, is := said["data"].(map[string]any); is {
		return res.StatusCode, data
	}
	return res.StatusCode, said
}

const car = "/connected-vehicle/v2/vehicles/" + vin

// TestShapes compares the keys with those of the published sample bodies.
func TestShapes(t *testing.T) {
	o := start(t, volvotest.Config{})
	for path, want := range map[string][]string{
		car + "/doors":                               {"centralLock", "frontLeftDoor", "frontRightDoor", "hood", "rearLeftDoor", "rearRightDoor", "tailgate", "tankLid"},
		car + "/windows":                             {"frontLeftWindow", "frontRightWindow", "rearLeftWindow", "rearRightWindow", "sunroof"},
		car + "/engine-status":                       {"engineStatus"},
		car + "/command-accessibility":               {"availabilityStatus"},
		"/location/v1/vehicles/" + vin + "/location": {"geometry", "properties", "type"},
		car + "/commands":                            {"data"},
		"/connected-vehicle/v2/vehicles":             {"data"},
	} {
		status, data := o.call(http.MethodGet, path)
		if got := slices.Sorted(maps.Keys(data)); status != http.StatusOK || !slices.Equal(got, want) {
			t.Errorf("%s: %d, %v", path, status, got)
		}
	}
	if _, data := o.call(http.MethodGet, car+"/doors"); fmt.Sprint(data["centralLock"].(map[string]any)["value"]) != "LOCKED" {
		t.Errorf("doors: %v", data)
	}
}

func TestUnlockFreesTheHandleOnly(t *testing.T) {
	o := start(t, volvotest.Config{})
	status, data := o.call(http.MethodPost, car+"/commands/unlock")
	if status != http.StatusOK || data["invokeStatus"] != "COMPLETED" || data["readyToUnlock"] != true || data["readyToUnlockUntil"] != 120.0 {
		t.Fatalf("%d, %v", status, data)
	}
	if !o.car.HandleFree() || !o.car.State().Locked {
		t.Fatalf("the car is %+v", o.car.State())
	}
	if err := o.car.PullHandle(); err != nil || o.car.State().Locked {
		t.Fatalf("pulled: %v, %+v", err, o.car.State())
	}
	if _, data := o.call(http.MethodPost, car+"/commands/lock"); data["invokeStatus"] != "UNABLE_TO_LOCK_DOOR_OPEN" {
		t.Fatalf("it locks with an open trunk: %v", data)
	}
	o.server.AnswerWith(vin, "SOMETHING_NEW")
	if _, data := o.call(http.MethodPost, car+"/commands/unlock"); data["invokeStatus"] != "SOMETHING_NEW" {
		t.Fatalf("%v", data)
	}
}

func TestWhoMayNot(t *testing.T) {
	o := start(t, volvotest.Config{})
	good := o.token
	o.key = "another"
	if status, _ := o.call(http.MethodGet, car+"/doors"); status != http.StatusUnauthorized {
		t.Errorf("without the application's key: %d", status)
	}
	o.key, o.token = "key-1", "nothing"
	if status, _ := o.call(http.MethodGet, car+"/doors"); status != http.StatusUnauthorized {
		t.Errorf("without a token: %d", status)
	}
	o.token = o.server.OAuth.Issue(&fakecloud.Grant{Account: "bob", Scopes: volvotest.Scopes}).AccessToken
	if status, _ := o.call(http.MethodPost, car+"/commands/unlock"); status != http.StatusNotFound {
		t.Errorf("somebody else's car: %d", status)
	}
	o.token = o.server.OAuth.Issue(&fakecloud.Grant{Account: "ana", Scopes: []string{"conve:lock"}}).AccessToken
	if status, _ := o.call(http.MethodPost, car+"/commands/unlock"); status != http.StatusForbidden {
		t.Errorf("without the scope: %d", status)
	}
	if o.token = good; o.car.Done().UnlockCommands != 0 {
		t.Error("a refused command reached the car")
	}
}

func TestLimitsAreCounted(t *testing.T) {
	o := start(t, volvotest.Config{})
	for i := range 12 {
		want := http.StatusOK
		if i >= volvotest.Invocations.Most {
			want = http.StatusTooManyRequests
		}
		if status, _ := o.call(http.MethodPost, car+"/commands/flash"); status != want {
			t.Fatalf("call %d: %d", i, status)
		}
	}
	exceeded := o.server.Meter.Exceeded()
	if len(exceeded) != 1 || exceeded[0].Limit.Name != "invocation_methods" || exceeded[0].Key != "ana" || exceeded[0].Refused != 2 {
		t.Fatalf("%+v", exceeded)
	}
	if o.car.Done().Signals != 10 {
		t.Fatalf("%d flashes", o.car.Done().Signals)
	}
}
