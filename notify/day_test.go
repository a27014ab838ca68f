package notify

import (
	"fmt"
	"mime"
	"net/http"
	"net/mail"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/loquet/loquet/api"
	"github.com/loquet/loquet/auth"
	"github.com/loquet/loquet/camera"
	"github.com/loquet/loquet/dispatch"
	"github.com/loquet/loquet/e2e/indoors"
	"github.com/loquet/loquet/event"
	"github.com/loquet/loquet/phrase"
)

// couple is a household with a real door and a real camera behind a real broker: Camille reads French and hears
// everything by mail, push and text message; Paul reads English, by mail.
type couple struct {
	*indoors.Installation
	home      *indoors.Household
	paul      event.MemberID
	mail      addresses
	notifier  *Notifier
	media     camera.Studio
	mailboxes *mailServer
	browser   *pushService
	phone     *gateway
	// said are the subjects of what was read so far, by mailbox.
	said map[string][]string
}

func newCouple(t *testing.T) *couple {
	t.Helper()
	c := &couple{mail: addresses{}, mailboxes: newMailServer(t), browser: newPushService(t), phone: newGateway(t), said: map[string][]string{}}
	c.media = indoors.Media(t)
	c.Installation = indoors.New(t, nil, indoors.Filmed(c.media), indoors.Wired(func(d *api.Deps) {
		c.notifier = New(Deps{Register: d.Store, Sites: d.Dispatch, Vault: d.Vault, Sessions: d.Sessions, Addresses: c.mail, PushSubject: "ops@loquet.example",
			LocalPush: true, Country: "FR", Lang: phrase.English, PublicURL: "https://loquet.example", Now: d.Now, Random: d.Random, Log: d.Log})
		c.notifier.senders = map[Channel]sender{Email: newMail(t, c.mailboxes.config()), SMS: c.phone.messages(t),
			Push: c.browser.trust(newPusher("ops@loquet.example", c.notifier.policy, c.notifier.keyring.keys))}
		d.Dispatch.Handle(dispatch.WorkNotify, c.notifier.Notify)
	}))
	c.home = c.Household("Camille")
	c.home.PutUpCamera()
	var paul api.Member
	c.ask("POST", "/v1/home/members", api.MemberRequest{Name: "Paul"}, &paul)
	c.paul = paul.ID
	c.mail[c.home.Member], c.mail[c.paul] = "anna@home.test", "paul@home.test"
	c.choose(c.home.Cookie.Value, phrase.French, Channels())
	c.choose(c.SignIn(c.paul).Value, phrase.English, []Channel{Email})
	return c
}

// choose has somebody hear of everything but plans on those channels.
func (c *couple) choose(session string, lang phrase.Lang, by []Channel) {
	c.T.Helper()
	who, err := c.Sessions.Check(c.T.Context(), session)
	c.must(err)
	p := Preferences{Lang: lang}
	for _, topic := range Topics() {
		if topic != Planned {
			p.Choices = append(p.Choices, Choice{topic, by})
		}
	}
	c.must(c.notifier.SetPreferences(c.T.Context(), who, p))
	if !slices.Contains(by, Push) {
		return
	}
	_, err = c.notifier.Subscribe(c.T.Context(), who, c.browser.subscription("/push/camille"), "phone")
	c.must(err)
	_, err = c.notifier.SetPhone(c.T.Context(), who, "06 12 34 56 78")
	c.must(err)
}

func (c *couple) must(err error) {
	c.T.Helper()
	if err != nil {
		c.T.Fatal(err)
	}
}

func (c *couple) ask(method, path string, body, answer any) {
	c.T.Helper()
	c.must(c.home.Call(c.T.Context(), method, path, body, answer))
}

// rules has an alarm begin after so many seconds, and climb after as many.
func (c *couple) rules(dwell float64, pets bool) {
	c.T.Helper()
	c.ask("PUT", "/v1/home/rules", api.Rules{DwellSeconds: dwell, ClimbSeconds: max(4, dwell), AskPets: pets, Camera: true, Watch: true}, nil)
}

// times may be of another day, shortly before midnight.
var times = regexp.MustCompile(`\d\d:\d\d(:\d\d)?([\s\x{a0}](on|le)[\s\x{a0}]\d+[\s\x{a0}]\pL+)?`)

// hears waits until both have read letters with those subjects more, French and English in turns, and nothing else. Times
// are written "00".
func (c *couple) hears(subjects ...string) {
	c.T.Helper()
	for i := 0; i+1 < len(subjects); i += 2 {
		c.said["anna"], c.said["paul"] = append(c.said["anna"], subjects[i]), append(c.said["paul"], subjects[i+1])
	}
	for mailbox, want := range c.said {
		got := c.subjects(mailbox, len(want))
		slices.Sort(got)
		if want := slices.Sorted(slices.Values(want)); !slices.Equal(got, want) {
			c.T.Fatalf("%s reads\n%q, want\n%q", mailbox, got, want)
		}
	}
}

func (c *couple) subjects(mailbox string, many int) (all []string) {
	c.T.Helper()
	for _, m := range c.mailboxes.letters(mailbox, many) {
		all = append(all, c.subject(m))
	}
	return all
}

func (c *couple) subject(m *mail.Message) string {
	c.T.Helper()
	said, err := (&mime.WordDecoder{}).DecodeHeader(m.Header.Get("Subject"))
	c.must(err)
	return plainly00(said)
}

// plainly00 writes times as "00" and every space alike.
func plainly00(said string) string {
	return strings.NewReplacer("\u00a0", " ", "\u202f", " ", "\r", "").Replace(times.ReplaceAllString(said, "00"))
}

// says requires that the letter with that subject says everything of this.
func (c *couple) says(t *testing.T, mailbox, subject string, parts ...string) {
	t.Helper()
	for _, m := range c.mailboxes.letters(mailbox, len(c.said[mailbox])) {
		if c.subject(m) != subject {
			continue
		}
		plain, _ := partsOf(t, m)
		plain = plainly00(plain)
		for _, part := range parts {
			if !strings.Contains(plain, part) {
				t.Errorf("%s: %q lacks %q:\n%s", mailbox, subject, part, plain)
			}
		}
		return
	}
	t.Errorf("%s: no letter %q", mailbox, subject)
}

// scan scans the parcel once the picture is proven live, and is not refused.
func (c *couple) scan(anna *indoors.Phone, v event.VisitID, b indoors.Booked) {
	c.T.Helper()
	filming := indoors.AwaitWhere(c.Installation, c.home.Site, func(f event.FilmingAsked) bool { return f.Visit == v })
	eventually(c.T, "the picture counts", func() bool { return c.media.Picture(filming.Camera).Fault == "" })
	if a := anna.Scan(v, b); a.Refused != nil {
		c.T.Fatalf("refused: %+v", a.Refused)
	}
}

// visit goes as far as the open door.
func (c *couple) visit(anna *indoors.Phone, b indoors.Booked) event.VisitID {
	c.T.Helper()
	v := anna.Approach(b)
	c.hears("Livreur proche : vers 00", "Courier near: about 00")
	c.scan(anna, v, b)
	c.hears("Ouverture : porte d'entrée", "Opened: front door")
	c.must(c.home.Door.Push())
	return v
}

// A day with everything that a household is told, from the courier's phone and the door to two mailboxes, a browser and a
// telephone.
func TestADayIsToldInBothLanguages(t *testing.T) {
	c := newCouple(t)
	anna := c.Courier("anna")

	// A question is open, and the first scan is refused for it.
	c.rules(300, true)
	b := c.Assigned(c.home, anna)
	at := "https://loquet.example/home/deliveries/" + string(b.ID)
	v := anna.Approach(b)
	c.hears("Livreur proche : vers 00", "Courier near: about 00", "Les animaux sont-ils enfermés ?", "Are the pets shut away?")
	if a := anna.Scan(v, b); a.Refused == nil || a.Refused.Code != event.QuestionOpen {
		t.Fatalf("the scan is answered with %+v", a)
	}
	c.hears("Refusé : réponse encore attendue", "Refused: answer still missing")
	c.ask("POST", "/v1/home/deliveries/"+string(b.ID)+"/answers", map[string]any{"question": event.QuestionPets, "yes": true}, nil)
	c.scan(anna, v, b)
	c.hears("Ouverture : porte d'entrée", "Opened: front door")
	c.says(t, "anna", "Ouverture : porte d'entrée", "Vous pouvez regarder en direct.", "Voir en direct\n"+at+"\n")
	c.says(t, "paul", "Opened: front door", "You can watch it live.", "Watch live\n"+at+"\n")
	c.must(c.home.Door.Push())
	anna.Finish(b, v)
	c.hears("Livré à 00", "Delivered at 00")
	c.says(t, "anna", "Livré à 00", "La porte est fermée et verrouillée : capteur et serrure, 00.", "La visite a été filmée", at)
	c.says(t, "paul", "Delivered at 00", "The door is shut and locked: sensor and lock, 00.", "The visit was filmed", at)

	// Another visit takes too long: an alarm that climbs, is taken in hand, and ends.
	c.rules(1, false)
	b = c.Assigned(c.home, anna)
	v = c.visit(anna, b)
	c.hears("Alerte : porte pas fermée", "Alarm: door not shut")
	c.hears("Exploitant prévenu : porte pas fermée", "Operator told: door not shut")
	c.must(c.Key(auth.Operator, "swift").Call(t.Context(), http.MethodPost, "/v1/visits/"+string(v)+"/acknowledge", nil, nil))
	c.hears("Alerte prise en main : porte pas fermée", "Alarm in hand: door not shut")
	anna.Finish(b, v)
	c.hears("Fin d'alerte : porte fermée, verrouillage pas prouvé", "Alarm over: door shut, not proven locked", "Livré à 00", "Delivered at 00")
	c.rules(300, false)

	// A block, a permission taken back, an opening by others, and a battery.
	b = c.Assigned(c.home, anna)
	c.ask("POST", "/v1/home/deliveries/"+string(b.ID)+"/block", nil, nil)
	c.hears("Bloqué à 00", "Blocked at 00")
	c.home.Door.Foreign("keypad")
	c.hears("Pas ouvert par Loquet : porte d'entrée", "Not opened by Loquet: front door")
	c.says(t, "paul", "Not opened by Loquet: front door", "https://loquet.example/home/history")
	c.home.Door.HandLock()
	c.home.Door.Drain(12)
	c.hears("Pile faible : porte d'entrée", "Battery low: front door")

	c.wholly(t)
}

// wholly requires that the browser and the telephone were told what Camille's mailbox was, each once.
func (c *couple) wholly(t *testing.T) {
	t.Helper()
	want := slices.Sorted(slices.Values(c.said["anna"]))
	var shown []string
	for _, p := range c.browser.pushed() {
		shown = append(shown, plainly00(fmt.Sprint(p.payload["title"])))
	}
	if slices.Sort(shown); !slices.Equal(shown, want) {
		t.Errorf("the browser shows %q, want %q", shown, want)
	}
	c.phone.mu.Lock()
	defer c.phone.mu.Unlock()
	if len(c.phone.sent) != len(want) {
		t.Errorf("%d text messages, want %d: %+v", len(c.phone.sent), len(want), c.phone.sent)
	}
	for _, m := range c.phone.sent {
		if !strings.Contains(m.Text, "https://loquet.example/home/") || m.To != "+33612345678" {
			t.Errorf("a text message without a way on: %+v", m)
		}
	}
}
