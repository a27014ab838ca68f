package operator_test

import (
	"bytes"
	"fmt"
	"mime/multipart"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/loquet/loquet/api"
	"github.com/loquet/loquet/auth"
	"github.com/loquet/loquet/e2e/indoors"
	"github.com/loquet/loquet/event"
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
	// It is found again, by colleagues too.
	o.staff("Ana", auth.Admin).shows("/operator/import", "bookings.csv", "Ben")
}

// Somebody who sends the form twice books once.
func TestAFileBookedTwiceAtOnce(t *testing.T) {
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

func TestAFileThatIsNone(t *testing.T) {
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
	fresh = form(t, ben.page("/operator/book"), "/operator/book")
	for i := 0; i < len(fields); i += 2 {
		fresh.Set(fields[i], fields[i+1])
	}
	fresh.Del("reference")
	fresh.Set("parcels", strings.Replace(sscc(3), ")", ") ", 1)) // as labels say it, with a space
	if a := ben.send("POST", "/operator/book", fresh); a.status != http.StatusSeeOther {
		t.Errorf("without a number: %d %s", a.status, plain(t, a.body))
	}
	if list := o.booked(h.Site); len(list) != 2 || list[0].ParcelCount+list[1].ParcelCount != 3 {
		t.Errorf("booked %+v", list)
	}
}
