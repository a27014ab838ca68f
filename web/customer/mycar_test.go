package customer_test

import (
	"bytes"
	"image"
	"image/jpeg"
	"mime/multipart"
	"net/http"
	"net/url"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/loquet/loquet/device/fakecloud"
	"github.com/loquet/loquet/e2e/indoors"
	"github.com/loquet/loquet/event"
	"github.com/loquet/loquet/phrase"
	"github.com/loquet/loquet/web/ui/uitest"
)

// sendPicture sends a form with a picture.
func (v *visitor) sendPicture(path string, data []byte) answer {
	v.t.Helper()
	var body bytes.Buffer
	form := multipart.NewWriter(&body)
	part, err := form.CreateFormFile("picture", "car.jpg")
	if err == nil {
		_, err = part.Write(data)
	}
	if err == nil {
		err = form.Close()
	}
	if err != nil {
		v.t.Fatal(err)
	}
	req, err := http.NewRequestWithContext(v.t.Context(), http.MethodPost, v.at+path, &body)
	if err != nil {
		v.t.Fatal(err)
	}
	req.Header.Set("Content-Type", form.FormDataContentType())
	req.Header.Set("Origin", v.at)
	req.AddCookie(v.cookie)
	res, err := http.DefaultTransport.RoundTrip(req)
	if err != nil {
		v.t.Fatal(err)
	}
	defer res.Body.Close()
	return answer{res.StatusCode, res.Header, ""}
}

func photograph(t *testing.T) []byte {
	t.Helper()
	var b bytes.Buffer
	if err := jpeg.Encode(&b, image.NewGray(image.Rect(0, 0, 40, 30)), nil); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

// eventually waits until a page says all of the texts.
func (v *visitor) eventually(path string, texts ...string) {
	v.t.Helper()
	limit := time.After(indoors.Patience)
	tick := time.NewTicker(300 * time.Millisecond)
	defer tick.Stop()
	for {
		said, lacks := spaced(plain(v.t, v.page(path))), ""
		for _, text := range texts {
			if !strings.Contains(said, spaced(text)) {
				lacks = text
			}
		}
		if lacks == "" {
			return
		}
		select {
		case <-tick.C:
		case <-limit:
			v.t.Fatalf("%s never says %q:\n%s", path, lacks, said)
		}
	}
}

// A household describes its car in its own words, changes them, and sees what a courier will see; nobody else does.
func TestACarIsDescribed(t *testing.T) {
	t.Parallel()
	b := build(t)
	h := b.Driveway("Camille")
	v := b.visitor(t, h)
	place := "/home/places/" + string(h.AccessPoint)
	v.shows(place, indoors.Plate, indoors.Model, indoors.Colour, indoors.Spot, "Opening the trunk unlocks the whole car", "Found as it should be", "300 m around it, about 4 min on foot", "not watched between visits")
	v.shows(place, "What does not fit", "By plan B: In person, at the reference address, then Back to the depot.")
	if said := plain(t, v.page(place)); strings.Contains(said, "cabin") {
		t.Errorf("this car opens no cabin, and one is promised: %s", said)
	}
	v.in(phrase.French).shows(place, indoors.Plate, "Ouvrir le coffre déverrouille toute la voiture", "pas surveillé entre les visites", "environ 4 min à pied")
	v.in(phrase.French).shows(place+"/car", "Un livreur ne voit ceci que près de la voiture")

	if to := v.post(place+"/car", place+"/car", "plate", "ZZ-999-ZZ", "make", "Volvo V60", "colour", "green"); to != place+"/car?done=car" {
		t.Errorf("described, and led to %s", to)
	}
	v.shows(place, "ZZ-999-ZZ, Volvo V60, green")
	v.post(place+"/car", place+"/car", "spots", "behind the school\r\n\r\n "+indoors.Spot+"\r\n")
	page := uitest.Parse(t, v.page(place+"/car"))
	if said := uitest.Fields(uitest.With(page, "action", place+"/car")[0]).Get("spots"); said != "behind the school\r\n"+indoors.Spot {
		t.Errorf("it usually stands at %q", said)
	}
	both(t, v, place+"/car", "behind the school", "Où elle est d'habitude")
	for _, spots := range []string{strings.Repeat("here and there\n", 6), strings.Repeat("é", 201)} {
		a := v.send("POST", place+"/car", url.Values{"spots": {spots}})
		if a.status != http.StatusUnprocessableEntity || !strings.Contains(plain(t, a.body), "Up to five lines, of at most 200 letters each.") {
			t.Errorf("%.30q: %d", spots, a.status)
		}
		wrong(t, a.body)
	}
	if a := v.send("POST", place+"/car", url.Values{"plate": {strings.Repeat("A", 17)}}); a.status != http.StatusUnprocessableEntity {
		t.Errorf("a plate of 17 letters: %d", a.status)
	}
	if a := v.send("POST", place+"/car/spot", url.Values{}); a.status != http.StatusUnprocessableEntity || !strings.Contains(a.body, "Say where the car stands") {
		t.Errorf("no spot: %d", a.status)
	}
	v.post(place+"/car", place+"/car/spot", "spot", "before the bakery")
	v.eventually(place, "before the bakery", "Found as it should be")
	v.shows(place+"/car", "Or where it usually stands", indoors.Spot)
	v.send("POST", place+"/car/spot", url.Values{"usual": {indoors.Spot}})
	v.shows(place, indoors.Spot+" (said")
	v.post(place+"/car", place+"/car/spot", "indoors", "yes")
	v.eventually(place, "Where it cannot be reached", "Car stands indoors", "Move it into the open")

	if a := v.sendPicture(place+"/car/picture", photograph(t)); a.status != http.StatusSeeOther {
		t.Fatalf("a picture: %d", a.status)
	}
	if a := v.send("GET", place+"/car/picture", nil); a.status != http.StatusOK || a.header.Get("Content-Type") != "image/jpeg" || a.header.Get("Cache-Control") != "no-store" {
		t.Errorf("the picture: %d %v", a.status, a.header)
	}
	if a := v.sendPicture(place+"/car/picture", []byte("no picture")); a.status != http.StatusUnprocessableEntity {
		t.Errorf("no picture: %d", a.status)
	}
	v.post(place+"/car", place+"/car/picture/erase")
	if a := v.send("GET", place+"/car/picture", nil); a.status != http.StatusNotFound {
		t.Errorf("the picture after it was erased: %d", a.status)
	}

	other := b.visitor(t, b.Household("Paul"))
	for _, path := range []string{place + "/car", place + "/car/picture"} {
		if a := other.send("GET", path, nil); a.status != http.StatusNotFound || strings.Contains(a.body, "ZZ-999") {
			t.Errorf("another household at %s: %d", path, a.status)
		}
	}
	own := other.send("GET", "/home/", nil)
	if own.status != http.StatusOK {
		t.Fatal(own.status)
	}
}

// Whoever has a courier on the way to a car that has moved is asked where it stands; without a car nobody is asked.
func TestASpotIsAskedAgainOnThePages(t *testing.T) {
	t.Parallel()
	b := build(t)
	h := b.Driveway("Camille")
	v := b.visitor(t, h)
	anna := b.Courier("swift-anna")
	d := b.Assigned(h, anna)
	h.Car.Park(indoors.Latitude+0.002, indoors.Longitude, time.Now(), false)
	visit := anna.Approach(d)
	b.FoundFor(visit)
	v.eventually("/home/", "A courier is to find your car (The car). Where does it stand?")
	v.in(phrase.French).shows("/home/", "Où se trouve-t-elle ?")
	v.shows("/home/deliveries/"+string(d.ID), "Where does it stand?", "Found as it should be", "Opening the trunk unlocks the whole car")
	if to := v.post("/home/", "/home/places/"+string(h.AccessPoint)+"/car/spot", "spot", "at the corner"); to != "/home/?done=spot" {
		t.Errorf("led to %s", to)
	}
	if said := plain(t, v.page("/home/")); strings.Contains(said, "Where does it stand") {
		t.Errorf("it is asked again: %s", said)
	}
	anna.FreeHandleAt(visit, d, 222)
	v.eventually("/home/deliveries/"+string(d.ID), "The trunk's handle is free for")
	if err := h.Car.PullHandle(); err != nil {
		t.Fatal(err)
	}
	v.eventually("/home/deliveries/"+string(d.ID), "Doors and trunk open", "by its own clock")
	anna.CloseCar(visit, h)
	anna.Leave(visit)
	story := "/home/deliveries/" + string(d.ID)
	v.eventually(story, "Car trunk seen shut and locked", "The car said that it is closed and locked,", "the car says that a door or the trunk is open",
		"Car found as it should be", "Household asked where the car stands")
	v.in(phrase.French).eventually(story, "Coffre de la voiture : fermeture et verrouillage constatés", "La voiture s'est dite fermée et verrouillée,")
	if house := regexp.MustCompile(`(?i)the (door|lock|sensor)\b`).FindString(plain(t, v.page(story))); house != "" {
		t.Errorf("the story of a car speaks of %q:\n%s", house, plain(t, v.page(story)))
	}
}

// A car is rehearsed: looked for, worked by hand, opened, shut again, and locked by its own word.
func TestACarIsRehearsed(t *testing.T) {
	t.Parallel()
	b := build(t)
	h := b.Driveway("Camille")
	v := b.visitor(t, h)
	path := "/home/places/" + string(h.AccessPoint) + "/rehearsal"
	v.shows(path, "First the car is looked for", "Find the car")
	v.in(phrase.French).shows(path, "Trouver la voiture")
	to := v.post(path, path)
	if !strings.HasPrefix(to, path+"?visit=") {
		t.Fatalf("led to %s", to)
	}
	v.eventually(to, "Found as it should be", "Unlock the car with its key and open it", "Open now: car trunk")
	v.in(phrase.French).shows(to, "Ouvrir maintenant : coffre de la voiture")
	if again := v.send("POST", path, form(t, v.page(path), path+"/open")); again.status != http.StatusSeeOther {
		t.Errorf("begun again: %d", again.status)
	}
	h.WorkCarByHand()
	open := func() bool {
		a := v.send("POST", path+"/open", form(t, v.page(path), path+"/open"))
		return a.status == http.StatusSeeOther
	}
	limit := time.After(indoors.Patience)
	for !open() {
		h.WorkCarByHand()
		select {
		case <-limit:
			t.Fatalf("it never opens:\n%s", plain(t, v.page(path)))
		default:
		}
	}
	indoors.AwaitWhere(b.Installation, h.Site, func(r event.OpeningResolved) bool { return r.Outcome == event.Done })
	v.eventually(path, "The trunk's handle is free for")
	if err := h.Car.PullHandle(); err != nil {
		t.Fatal(err)
	}
	v.eventually(path, "Doors and trunk open")
	h.Car.ByHand(func(s *fakecloud.State) { s.Open[fakecloud.Trunk] = false })
	v.eventually(path, "It is shut: lock it")
	v.post(path, path+"/close")
	v.eventually(to, "Ready for deliveries")
}

// Cars are watched between visits only where somebody says so, in words that are read back.
func TestCarsAreWatchedOnlyWhenAsked(t *testing.T) {
	t.Parallel()
	b := build(t)
	h := b.Driveway("Camille")
	v := b.visitor(t, h)
	v.shows("/home/rules", "Cars are not watched between visits.", "Watch my cars too")
	fields := form(t, v.page("/home/rules"), "/home/rules")
	fields.Add("on", "watchCars")
	if a := v.send("POST", "/home/rules", fields); a.status != http.StatusSeeOther {
		t.Fatalf("set: %d %s", a.status, plain(t, a.body))
	}
	v.shows("/home/rules", "Cars are watched between visits too.")
	v.in(phrase.French).shows("/home/rules", "Les voitures sont surveillées aussi entre les visites.")
	v.eventually("/home/", "Car trunk")
	if said := plain(t, v.page("/home/")); strings.Contains(said, "not watched") {
		t.Errorf("it still rests: %s", said)
	}
	if said := plain(t, b.visitor(t, b.Household("Paul")).page("/home/rules")); strings.Contains(said, "Watch my cars") {
		t.Errorf("without a car: %s", said)
	}
}
