package operator_test

import (
	"bytes"
	"context"
	"fmt"
	"mime/multipart"
	"net/http"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/loquet/loquet/api"
	"github.com/loquet/loquet/auth"
	"github.com/loquet/loquet/e2e/indoors"
	"github.com/loquet/loquet/event"
	"github.com/loquet/loquet/store"
	"github.com/loquet/loquet/web/operator"
)

const heading = "reference,site,merchant,carrier,date,from,to,parcels,size\n"

// csvFor is a file of n lines for a site, for tomorrow.
func csvFor(at event.SiteID, first, n int) string {
	day := time.Now().AddDate(0, 0, 1).Format(time.DateOnly)
	var b strings.Builder
	b.WriteString(heading)
	for i := first; i < first+n; i++ {
		fmt.Fprintf(&b, "order-%d,%s,grocer,swift,%s,14:00,18:00,%s,small\n", i, at, day, sscc(i))
	}
	return b.String()
}

// sscc makes a serial shipping container code with its check digit.
func sscc(n int) string {
	digits := fmt.Sprintf("34012345%09d", 500_000+n)
	sum := 0
	for i, r := range digits {
		sum += int(r-'0') * (3 - 2*(i%2))
	}
	return fmt.Sprintf("(00)%s%d", digits, (10-sum%10)%10)
}

// upload sends a file of bookings and returns where it leads.
func (v *visitor) upload(file string) string {
	v.t.Helper()
	var body bytes.Buffer
	form := multipart.NewWriter(&body)
	part, err := form.CreateFormFile("file", "bookings.csv")
	must(v.t, err)
	_, _ = part.Write([]byte(file))
	must(v.t, form.WriteField("lines", ""))
	must(v.t, form.Close())
	a := v.sendBody("POST", "/operator/import", form.FormDataContentType(), body.String())
	if a.status != http.StatusSeeOther {
		v.t.Fatalf("status %d: %s", a.status, plain(v.t, a.body))
	}
	return a.header.Get("Location")
}

// until waits until a page says something.
func (v *visitor) until(path, what string) string {
	v.t.Helper()
	tick := time.NewTicker(20 * time.Millisecond)
	defer tick.Stop()
	limit := time.After(2 * indoors.Patience)
	for {
		if body := v.page(path); strings.Contains(plain(v.t, body), what) {
			return body
		}
		select {
		case <-tick.C:
		case <-limit:
			v.t.Fatalf("%s never says %q:\n%s", path, what, plain(v.t, v.page(path)))
		}
	}
}

func (o *office) booked(at event.SiteID) []api.Delivery {
	o.t.Helper()
	var list api.Deliveries
	must(o.t, o.Key(auth.Operator, "swift").Call(o.t.Context(), "GET", "/v1/deliveries?limit=200&site="+string(at), nil, &list))
	return list.Deliveries
}

// A file is checked line by line before anything is booked, then booked; the same file again books nothing.
func TestAFileOfBookings(t *testing.T) {
	t.Parallel()
	o := open(t)
	h := o.Household("Camille")
	ben := o.staff("Ben", auth.Dispatcher)
	bad := "order-x,nowhere,grocer,swift,2099-01-01,14:00,18:00,123,small\norder-y," + string(h.Site) + ",grocer,swift,yesterday,14:00,18:00,123,small\n"
	at := ben.upload(csvFor(h.Site, 1, 30) + bad)
	body := ben.until(at, "Checked: nothing is booked yet")
	for _, said := range []string{"Book 30 lines", "There is no such site", "Write the day as 2027-03-01"} {
		if !strings.Contains(plain(t, body), said) {
			t.Errorf("it does not say %q:\n%s", said, plain(t, body))
		}
	}
	if n := len(o.booked(h.Site)); n != 0 {
		t.Fatalf("%d booked before anybody said so", n)
	}
	ben.post(at, at+"/book")
	ben.until(at, "Done")
	if n := len(o.booked(h.Site)); n != 30 {
		t.Fatalf("%d booked", n)
	}
	a := ben.send("GET", at+"/labels.pdf?from=0", nil)
	if a.status != 200 || !strings.HasPrefix(a.body, "%PDF-") || a.header.Get("Content-Type") != "application/pdf" {
		t.Errorf("labels: %d %s", a.status, a.header)
	}
	again := ben.upload(csvFor(h.Site, 1, 30))
	body = ben.until(again, "Checked: nothing is booked yet")
	if !strings.Contains(plain(t, body), "booked already 30") || strings.Contains(plain(t, body), "can be booked") {
		t.Errorf("the same file again:\n%s", plain(t, body))
	}
	// It is found again, by colleagues too: the latest first, each as far as it is.
	said := plain(t, o.staff("Ana", auth.Admin).shows("/operator/import", "bookings.csv", "Ben"))
	if checked, done := strings.Index(said, "Checked: nothing is booked yet"), strings.Index(said, "Done"); checked < 0 || done < checked {
		t.Errorf("the files of the week: %s", said)
	}
}

// Somebody who sends the form twice books once.
func TestAFileBookedTwiceAtOnce(t *testing.T) {
	t.Parallel()
	o := open(t)
	h := o.Household("Camille")
	ben := o.staff("Ben", auth.Dispatcher)
	one, other := ben.upload(csvFor(h.Site, 1, 20)), ben.upload(csvFor(h.Site, 1, 20))
	for _, at := range []string{one, other} {
		ben.until(at, "Checked: nothing is booked yet")
	}
	first, second := form(t, ben.page(one), one+"/book"), form(t, ben.page(other), other+"/book")
	for range 2 {
		ben.send("POST", one+"/book", first)
		ben.send("POST", other+"/book", second)
	}
	for _, at := range []string{one, other} {
		ben.until(at, "Done")
	}
	if n := len(o.booked(h.Site)); n != 20 {
		t.Errorf("%d booked", n)
	}
}

// A file that the server's end broke off stands still, and goes on where it was, booking nothing twice.
func TestAFileThatWasBrokenOff(t *testing.T) {
	t.Parallel()
	o := open(t)
	h := o.Household("Camille")
	ben := o.staff("Ben", auth.Dispatcher)
	at := ben.upload(csvFor(h.Site, 1, 60))
	ben.until(at, "Checked: nothing is booked yet")
	ben.post(at, at+"/book")
	o.console.Close()
	before := len(o.booked(h.Site))
	if body := ben.page(at); before < 60 && !strings.Contains(plain(t, body), "Stands still") {
		t.Fatalf("%d booked, and it says:\n%s", before, plain(t, body))
	}
	o.reopen()
	if before < 60 {
		ben.post(at, at+"/book")
	}
	ben.until(at, "Done")
	if n := len(o.booked(h.Site)); n != 60 {
		t.Errorf("%d booked in the end", n)
	}
}

// Whoever loses the role, or signs out, stops what they began.
func TestAFileOfSomebodyWhoMayNoLonger(t *testing.T) {
	t.Parallel()
	o := open(t)
	h := o.Household("Camille")
	ana, ben := o.staff("Ana", auth.Admin), o.staff("Ben", auth.Dispatcher)
	at := ben.upload(csvFor(h.Site, 1, 3))
	ben.until(at, "Checked: nothing is booked yet")
	must(t, o.staffs.SetRole(t.Context(), ana.who, ben.who.ID(), auth.Viewer))
	if a := ben.send("POST", at+"/book", nil); a.status != http.StatusForbidden {
		t.Errorf("status %d", a.status)
	}
	if n := len(o.booked(h.Site)); n != 0 {
		t.Errorf("%d booked", n)
	}
}

// That somebody may book is looked at anew while a file is worked on, whichever of its lines are left.
func TestAFileIsLookedAtAnewWhicheverLinesAreLeft(t *testing.T) {
	t.Parallel()
	o := open(t)
	h := o.Household("Camille")
	ana, ben := o.staff("Ana", auth.Admin), o.staff("Ben", auth.Dispatcher)
	must(t, o.staffs.Disable(t.Context(), ana.who, ben.who.ID()))
	outcomes, _, err := o.console.BookFile(t.Context(), ben.who, ben.cookie.Value, csvFor(h.Site, 1, 3), 0)
	if n := len(o.booked(h.Site)); err == nil || n != 0 || outcomes[1] != "ready" {
		t.Errorf("%d booked, %v, %v", n, outcomes, err)
	}
}

// shaken is a store of which some readings have no answer.
type shaken struct {
	store.Store
	broken atomic.Bool
	// failing is how many readings of rows fail yet.
	failing atomic.Int64
}

// Row is what a booking reads first, to find whether its number was booked before.
func (s *shaken) Row(ctx context.Context, partition, key string) (store.Row, error) {
	if s.broken.Load() {
		return store.Row{}, store.ErrUncertain
	}
	return s.Store.Row(ctx, partition, key)
}

// Rows is what a courier's round is read from.
func (s *shaken) Rows(ctx context.Context, partition, after string, limit int) ([]store.Row, error) {
	if s.failing.Add(-1) >= 0 {
		return nil, store.ErrUncertain
	}
	return s.Store.Rows(ctx, partition, after, limit)
}

// A line of which nobody knows whether it was booked is not said to have failed: the file stands still, and goes on.
func TestAFileWithoutAnAnswer(t *testing.T) {
	t.Parallel()
	var s shaken
	o := open(t, indoors.Wired(func(d *api.Deps) { s.Store, d.Store = d.Store, &s }))
	h := o.Household("Camille")
	ben := o.staff("Ben", auth.Dispatcher)
	s.broken.Store(true)
	outcomes, at, err := o.console.BookFile(t.Context(), ben.who, ben.cookie.Value, csvFor(h.Site, 1, 2))
	if err == nil || at != "booking" || outcomes[0] != "ready" || outcomes[1] != "ready" {
		t.Errorf("%v at %s: %v", outcomes, at, err)
	}
	s.broken.Store(false)
	outcomes, at, err = o.console.BookFile(t.Context(), ben.who, ben.cookie.Value, csvFor(h.Site, 1, 2))
	if err != nil || at != "done" || outcomes[0] != "booked" || len(o.booked(h.Site)) != 2 {
		t.Errorf("%v at %s: %v", outcomes, at, err)
	}
}

// What may be answered otherwise is asked for again, a second apart, and so often at most; everything else once.
func TestAskedAgain(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		for code, want := range map[string]int{"": 1, "uncertain": 5, "timeout": 5, "ending": 5, "busy": 5, "too-many": 5, "full": 5, "invalid": 1, "internal": 1} {
			began, asked := time.Now(), 0
			problem := operator.Insist(t.Context(), 5, func() *api.Problem {
				if asked++; code == "" {
					return nil
				}
				return &api.Problem{Code: code}
			})
			if asked != want || time.Since(began) != time.Duration(want-1)*time.Second || (problem == nil) != (code == "") {
				t.Errorf("%q: asked %d times in %v: %+v", code, asked, time.Since(began), problem)
			}
		}
		asked := 0
		if problem := operator.Insist(t.Context(), 5, func() *api.Problem {
			if asked++; asked < 3 {
				return &api.Problem{Code: "uncertain"}
			}
			return nil
		}); problem != nil || asked != 3 {
			t.Errorf("answered in the end: %d times, %+v", asked, problem)
		}
	})
}

func TestAFileThatIsNone(t *testing.T) {
	t.Parallel()
	o := open(t)
	ben := o.staff("Ben", auth.Dispatcher)
	for file, said := range map[string]string{"": "There is no line in it", "a,b\n1,2\n": "There is no column a", heading: "There is no line in it",
		"\xff\xfe": "not text in UTF-8"} {
		var body bytes.Buffer
		form := multipart.NewWriter(&body)
		part, err := form.CreateFormFile("file", "x.csv")
		must(t, err)
		_, _ = part.Write([]byte(file))
		must(t, form.Close())
		a := ben.sendBody("POST", "/operator/import", form.FormDataContentType(), body.String())
		if a.status != http.StatusUnprocessableEntity || !strings.Contains(plain(t, a.body), said) {
			t.Errorf("%q: %d %s", file, a.status, plain(t, a.body))
		}
	}
	a := ben.sendBody("POST", "/operator/import", "multipart/form-data; boundary=x", "--x\r\n"+strings.Repeat("y", 2<<20))
	if a.status != http.StatusUnprocessableEntity {
		t.Errorf("too large: %d", a.status)
	}
}

// One booking by hand, with the mistakes that people make.
func TestABookingByHand(t *testing.T) {
	t.Parallel()
	o := open(t)
	h := o.Household("Camille")
	ben := o.staff("Ben", auth.Dispatcher)
	fields := []string{"site", string(h.Site), "merchant", "grocer", "carrier", "swift", "parcels", sscc(1) + "\n" + sscc(2), "reference", "hand-1"}
	page := ben.page("/operator/book")
	given := form(t, page, "/operator/book")
	for i := 0; i < len(fields); i += 2 {
		given.Set(fields[i], fields[i+1])
	}
	given.Set("site", "nowhere")
	a := ben.send("POST", "/operator/book", given)
	if a.status != http.StatusUnprocessableEntity || !strings.Contains(plain(t, a.body), "There is a problem") || !strings.Contains(plain(t, a.body), "There is no such site") {
		t.Errorf("%d %s", a.status, plain(t, a.body))
	}
	if again := form(t, a.body, "/operator/book"); strings.Join(strings.Fields(again.Get("parcels")), "\n") != given.Get("parcels") || again.Get("merchant") != "grocer" {
		t.Errorf("what was filled in is lost: %v", again)
	}
	given.Set("site", string(h.Site))
	for range 2 { // a double press
		a = ben.send("POST", "/operator/book", given)
		if a.status != http.StatusSeeOther {
			t.Fatalf("%d %s", a.status, plain(t, a.body))
		}
	}
	list := o.booked(h.Site)
	if len(list) != 1 || list[0].ParcelCount != 2 {
		t.Fatalf("booked %+v", list)
	}
	ben.shows(strings.SplitN(a.header.Get("Location"), "?", 2)[0], "Agreed, no courier yet", "Delivery booked")
	if a := ben.send("GET", "/operator/search?q=hand-1", nil); a.header.Get("Location") != "/operator/deliveries/"+string(list[0].ID) {
		t.Errorf("the search leads to %q", a.header.Get("Location"))
	}
	fresh := form(t, ben.page("/operator/book"), "/operator/book")
	for i := 0; i < len(fields); i += 2 {
		fresh.Set(fields[i], fields[i+1])
	}
	a = ben.send("POST", "/operator/book", fresh)
	if a.status != http.StatusUnprocessableEntity || !strings.Contains(plain(t, a.body), "booked already under that order number") {
		t.Errorf("the same number again: %d %s", a.status, plain(t, a.body))
	}
	again := form(t, a.body, "/operator/book")
	if again.Get("draft") != fresh.Get("key") {
		t.Error("the form that comes back is another one: sent twice, it would book twice")
	}
	again.Set("reference", "hand-2")
	again.Set("parcels", sscc(4))
	again.Set("courier", "nobody-yet")
	a = ben.send("POST", "/operator/book", again)
	ben.shows(a.header.Get("Location"), "Booked, but not given to its courier", "nobody brings it yet")
	again.Set("key", "another rendering of the same form")
	if second := ben.send("POST", "/operator/book", again); second.header.Get("Location") != a.header.Get("Location") {
		t.Errorf("the same content of the same form: %d %s", second.status, plain(t, second.body))
	}
	fresh = form(t, ben.page("/operator/book"), "/operator/book")
	for i := 0; i < len(fields); i += 2 {
		fresh.Set(fields[i], fields[i+1])
	}
	fresh.Del("reference")
	fresh.Set("parcels", strings.Replace(sscc(3), ")", ") ", 1)) // as labels say it, with a space
	if a := ben.send("POST", "/operator/book", fresh); a.status != http.StatusSeeOther {
		t.Errorf("without a number: %d %s", a.status, plain(t, a.body))
	}
	if list := o.booked(h.Site); len(list) != 3 || list[0].ParcelCount+list[1].ParcelCount+list[2].ParcelCount != 4 {
		t.Errorf("booked %+v", list)
	}
}
