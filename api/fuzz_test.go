package api_test

import (
	"slices"
	"strings"
	"testing"
	"time"
)

// skipped are requests that would leave the fuzzer with nothing to ask: the site closed, or its sessions ended.
var skipped = []string{"POST /v1/home/close", "DELETE /v1/sessions"}

// No body of any request breaks anything: each is granted, refused, or a problem below 500 that conforms to the
// description.
func FuzzBody(f *testing.F) {
	var routes []operation
	for _, op := range operations(f) {
		if op.method != "GET" && !slices.Contains(skipped, op.method+" "+op.path) {
			routes = append(routes, op)
		}
	}
	slices.SortFunc(routes, func(a, b operation) int { return strings.Compare(a.path+a.method, b.path+b.method) })
	for i := range routes {
		for _, body := range seeds {
			f.Add(uint8(i), body, "")
		}
		f.Add(uint8(i), "{}", "key")
	}
	s := newStage(f)
	s.w.quiet = true
	operator := s.w.operator()
	f.Fuzz(func(t *testing.T, number uint8, body, key string) {
		s.w.t = t
		op := routes[int(number)%len(routes)]
		who := map[string]caller{"apiKey": operator, "deviceProof": s.phone.caller, "": s.w.newPhone().caller}[strings.Join(op.schemes, " ")]
		if who.w == nil {
			who = s.home.caller
		}
		// Limits are not what is fuzzed.
		s.w.clock.advance(4 * time.Second)
		var header []string
		if key != "" && !strings.ContainsFunc(key, func(r rune) bool { return r < ' ' || r > '~' }) {
			header = []string{"Idempotency-Key", key}
		}
		r := who.send(op.method, s.filled(op.path), body, header...)
		if r.status >= 500 || r.status == 429 {
			t.Errorf("%s %s with %q: %d %s", op.method, op.path, body, r.status, r.body)
		}
	})
}

var seeds = []string{
	``, `{}`, `[]`, `null`, `0`, `"x"`, `{"`, `{"":{}}`, "\xff", `{"a":` + strings.Repeat("[", 5000) + strings.Repeat("]", 5000) + `}`,
	`{"zone":"Europe/Paris","address":"x"}`, `{"zone":"Europe/Paris\u0000"}`,
	`{"site":"a","window":{"from":"0001-01-01T00:00:00Z","to":"9999-12-31T23:59:59.999999999-23:59"},"carrier":"c","merchant":"m","parcels":[{"code":"12345678","size":"small"}]}`,
	`{"site":"a","accessPoint":"a-a1","eta":"9999-12-31T23:59:59Z"}`,
	`{"text":"]C100340123450000000017","position":{"latitude":-0,"longitude":180,"accuracy":1e6,"at":"0001-01-01T00:00:00Z"}}`,
	`{"barrier":"a-b1","position":{"latitude":90,"longitude":-180,"accuracy":0,"at":"2027-03-01T09:00:00+14:00"}}`,
	`{"nobody":true,"photo":"x"}`, `{"parcel":"00ff"}`, `{"name":"\ud800"}`, `{"device":"x","is":"fridge","acceptUnprovable":true}`,
	`{"wayIn":[{"barrier":"a-b1","by":"code"}],"radius":10,"position":{"latitude":1e-320,"longitude":0},"note":"x"}`,
	`{"dwellSeconds":1.0000000001,"climbSeconds":3600,"planB":[{"kind":"depot"},{"kind":"access-point","accessPoint":"a-a1"},{"kind":"neighbour","who":"x"}]}`,
	`{"accessPoint":"a-a1","hours":[{"days":[1,7],"from":0,"to":1440}],"largest":"large","until":"9999-12-31T23:59:59Z"}`,
	`{"question":"alarm-off","yes":true}`, `{"barrier":"a-b1","borrower":"a"}`, `{"token":"lql_x"}`, `{"code":"AAAA-AAAA","publicJwk":"{}"}`,
	`{"id":"a","site":"a","connector":"fake","config":{"secret":1}}`, `{"id":"a","name":"b"}`, `{"courier":"anna"}`, `{"seconds":1}`,
	`{"url":"https://[::1]:99999/"}`, `{"url":"https://x.example/%zz"}`,
}
