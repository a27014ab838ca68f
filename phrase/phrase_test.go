package phrase_test

import (
	"slices"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"github.com/loquet/loquet/event"
	"github.com/loquet/loquet/phrase"
)

func TestMatch(t *testing.T) {
	for accept, want := range map[string]phrase.Lang{
		"":                              phrase.English,
		"fr":                            phrase.French,
		"fr-CA":                         phrase.French,
		"FR-fr,fr;q=0.9,en;q=0.8":       phrase.French,
		"en-GB,en;q=0.9,fr;q=0.8":       phrase.English,
		"en;q=0.3, fr;q=0.7":            phrase.French,
		"de-DE,de;q=0.9":                phrase.English,
		"de-DE,de;q=0.9,fr;q=0.5":       phrase.French,
		"*":                             phrase.English,
		"fr;q=oops":                     phrase.English,
		"\x00":                          phrase.English,
		strings.Repeat("fr-FR,", 10000): phrase.English,
	} {
		if got := phrase.Match(accept); got != want {
			t.Errorf("%.40q: %s, want %s", accept, got, want)
		}
	}
}

func FuzzMatch(f *testing.F) {
	f.Add("fr-CA;q=0.5, en")
	f.Add(strings.Repeat("a-", 500))
	f.Fuzz(func(t *testing.T, accept string) {
		if got := phrase.Match(accept); got != phrase.English && got != phrase.French {
			t.Fatalf("%q", got)
		}
	})
}

func TestRefusalsAsTheGuideHasThem(t *testing.T) {
	for _, test := range []struct {
		lang   phrase.Lang
		code   event.Code
		values phrase.Values
		title  string
		text   string
	}{
		{phrase.English, event.WrongParcel, phrase.Values{phrase.Last4: "4471"}, "Wrong parcel",
			"This parcel is for another address. Nothing was opened. Take the parcel ending 4471."},
		{phrase.French, event.WrongParcel, phrase.Values{phrase.Last4: "4471"}, "Mauvais colis",
			"Ce colis n'est pas pour cette adresse. Rien ne s'est ouvert. Prenez le colis qui finit par 4471."},
		{phrase.English, event.WrongParcel, nil, "Wrong parcel",
			"This parcel is for another address. Nothing was opened. Take the parcel for this address."},
		{phrase.French, event.TooEarly, phrase.Values{phrase.From: "14:00", phrase.Minutes: "6"}, "Trop tôt",
			"Cette porte peut s'ouvrir à partir de 14:00. Rien ne s'est ouvert. Attendez 6\u00a0min ou passez à l'arrêt suivant."},
		{phrase.English, event.TooEarly, phrase.Values{phrase.From: "14:00"}, "Too early",
			"This door can open from 14:00. Nothing was opened. Go to the next stop and come back in time."},
		{phrase.English, event.PositionVague, phrase.Values{phrase.Accuracy: "180"}, "Position too vague",
			"Your position is only good to 180\u00a0m. Nothing was opened. Step into the open, then try again."},
		{phrase.French, event.CameraNotLive, phrase.Values{phrase.PlanB: "M. Petit, porte 3"}, "Caméra sans image",
			"La caméra ne montre pas d'image en direct. Sans image, la porte reste fermée. Suivez le plan B\u00a0: M. Petit, porte 3."},
		{phrase.English, event.Blocked, phrase.Values{phrase.By: phrase.English.Actor(event.ActorMember)}, "Delivery blocked",
			"The customer has blocked this delivery. Nothing was opened, and it is not your doing. Go to plan B."},
		{phrase.English, "no-such-code", nil, "Refused by the server",
			"The server refused, nothing was opened. Call."},
		{phrase.French, "", nil, "Refusé par le serveur",
			"Le serveur a refusé, rien ne s'est ouvert. Appelez."},
		{"de", event.TooLate, nil, "Too late",
			"The time for this door is over. Nothing was opened. Go to plan B."},
	} {
		w := test.lang.Refusal(test.code, test.values)
		if w.Title != test.title || w.Text() != test.text {
			t.Errorf("%s %s:\n got %q %q\nwant %q %q", test.lang, test.code, w.Title, w.Text(), test.title, test.text)
		}
	}
}

func TestBlocksAndAlarmsAsTheGuideHasThem(t *testing.T) {
	at := phrase.Values{phrase.Time: "14:02:05"}
	won := phrase.English.Block(event.BlockWon, at)
	if won.Title != "Blocked at 14:02:05" || won.Text() != "The door will not open for this delivery. The courier goes to plan B." {
		t.Errorf("%+v", won)
	}
	if plain := phrase.French.Block(event.BlockWon, nil); plain.Title != "Bloqué" {
		t.Errorf("%+v", plain)
	}
	late := phrase.French.Block(event.BlockTooLate, phrase.Values{phrase.Time: "14:02:04"})
	if late.Text() != "L'ordre d'ouvrir est parti à 14:02:04. La visite ne peut pas se terminer tant que la porte n'est pas fermée et verrouillée." {
		t.Errorf("%+v", late)
	}
	ajar := phrase.French.Alarm(event.AlarmAjar, nil)
	if ajar.Text() != "Le verrou est sorti, mais le capteur ne voit pas la porte fermée. Rouvrez, puis tirez jusqu'au clic." {
		t.Errorf("%+v", ajar)
	}
	if end := phrase.English.End(event.EndUnproven); strings.Contains(strings.ToLower(end.Title+end.Text()), "secured") {
		t.Errorf("what can't be proven is shown as secured: %+v", end)
	}
	if q := phrase.French.Question(event.QuestionPets); q.What != "Les animaux sont-ils enfermés\u00a0?" {
		t.Errorf("%+v", q)
	}
	if got := phrase.French.Barrier(event.Trunk) + ", " + phrase.English.Fallback(event.FallbackDepot); got != "Coffre de la voiture, Back to the depot" {
		t.Error(got)
	}
}

// Whatever a value holds, it is put in as it is and never read as a placeholder itself.
func TestValuesAreNotReadAgain(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		value := rapid.StringN(1, 50, -1).Draw(rt, "value")
		w := phrase.English.Refusal(event.WrongParcel, phrase.Values{phrase.Last4: value, phrase.PlanB: "x"})
		if w.Now != "Take the parcel ending "+value+"." {
			rt.Fatalf("%q", w.Now)
		}
	})
	w := phrase.English.Refusal(event.TooEarly, phrase.Values{phrase.From: "{minutes}", phrase.Minutes: "6"})
	if w.What != "This door can open from {minutes}." {
		t.Errorf("%q", w.What)
	}
}

// With any set of values no text is empty where the plain one is not, and none shows a brace.
func TestNothingIsLeftUnfilled(t *testing.T) {
	all := []phrase.Name{phrase.From, phrase.Until, phrase.Time, phrase.Minutes, phrase.Distance, phrase.Accuracy,
		phrase.Last4, phrase.Count, phrase.PlanB, phrase.By}
	rapid.Check(t, func(rt *rapid.T) {
		values := phrase.Values{}
		for _, n := range rapid.SliceOfDistinct(rapid.SampledFrom(all), rapid.ID).Draw(rt, "names") {
			values[n] = "7"
		}
		lang := rapid.SampledFrom([]phrase.Lang{phrase.English, phrase.French}).Draw(rt, "language")
		code := rapid.SampledFrom(event.Codes()).Draw(rt, "code")
		kind := rapid.SampledFrom(event.Kinds()).Draw(rt, "kind")
		is := rapid.SampledFrom([]event.BarrierKind{"", event.FrontDoor, event.Trunk, "strange"}).Draw(rt, "barrier")
		w := lang.RefusalAt(is, code, values)
		for _, s := range []string{w.Title, w.What, w.Safe, w.Now, lang.Line(is, event.Zero(kind), values)} {
			if s == "" || strings.ContainsAny(s, "{}") {
				rt.Fatalf("%s, %s: %q in %+v", code, kind, s, w)
			}
		}
	})
}

func TestLinesSayWhatHappened(t *testing.T) {
	unlocked := event.Observation{Bolt: event.BoltUnlocked, Contact: event.ContactOpen}
	for _, test := range []struct {
		body   event.Body
		values phrase.Values
		en, fr string
	}{
		{event.OpeningIntended{}, nil, "Order to open sent", "Ordre d'ouvrir envoyé"},
		{event.OpeningIntended{Permit: event.Permit{Type: event.PermitCode}}, nil,
			"Order to set a one-time code sent", "Ordre de créer un code à usage unique envoyé"},
		{event.OpeningResolved{Outcome: event.Done}, nil, "The device confirms the order", "L'appareil confirme l'ordre"},
		{event.OpeningResolved{Outcome: event.Unknown}, nil, "Not known whether the order happened", "Effet de l'ordre encore inconnu"},
		{event.Refused{Code: event.TooEarly}, nil, "Refused: too early", "Refusé\u00a0: trop tôt"},
		{event.Refused{Code: "strange"}, nil, "Refused: refused by the server", "Refusé\u00a0: refusé par le serveur"},
		{event.BarrierObserved{Observation: unlocked}, nil,
			"The device reports: the lock says unlocked, the sensor says open",
			"L'appareil signale\u00a0: la serrure dit déverrouillée, le capteur dit ouvert"},
		{event.BarrierObserved{Observation: event.Observation{Battery: 80}}, nil, "Message from the device", "Message de l'appareil"},
		{event.ForeignOpening{Observation: event.Observation{Bolt: event.BoltUnlocked}}, nil,
			"Not opened by Loquet: the lock says unlocked", "Pas ouvert par Loquet\u00a0: la serrure dit déverrouillée"},
		{event.BarrierSecured{BoltAt: 1}, nil, "Seen locked", "Verrouillage constaté"},
		{event.BarrierSecured{ContactAt: 1}, nil, "Seen shut", "Fermeture constatée"},
		{event.AlarmRaised{Reason: event.AlarmAjar}, nil, "Alarm: door ajar", "Alerte\u00a0: porte entrouverte"},
		{event.BlockAnswered{Verdict: event.BlockTooLate}, nil, "Block asked: too late", "Blocage demandé\u00a0: trop tard"},
		{event.VisitEnded{How: event.EndUnproven}, nil, "Visit ended: closed, unproven", "Visite terminée\u00a0: fermé, sans preuve"},
		{event.QuestionAnswered{Question: event.QuestionAlarm}, nil, "Household says no: alarm off", "Le foyer dit non\u00a0: alarme coupée"},
		{event.ParcelScanned{}, phrase.Values{phrase.Last4: "4471"}, "Parcel ending 4471 scanned", "Colis qui finit par 4471 scanné"},
		{event.ParcelScanned{}, nil, "Parcel scanned", "Colis scanné"},
		{event.DeliveryDiverted{To: event.Fallback{Kind: event.FallbackNeighbour}}, nil,
			"Parcels taken by plan B: neighbour", "Colis pris par le plan B\u00a0: chez un voisin"},
		{event.LeaseRefused{Code: event.BarrierBusy}, nil, "Shared door not lent: door in use", "Porte commune non prêtée\u00a0: porte déjà prise"},
		{event.LeaseDenied{Code: event.LenderBlocked}, nil, "The building does not lend its door: blocked by the building",
			"L'immeuble ne prête pas sa porte\u00a0: bloqué par l'immeuble"},
		{event.LendingEnded{Verdict: event.BlockWon}, nil, "Shared door no longer lent: blocked", "Porte commune plus prêtée\u00a0: bloqué"},
		{event.QuestionAsked{Question: event.QuestionPets}, nil, "Household asked: pets shut away", "Question au foyer\u00a0: animaux enfermés"},
		{event.PlanBFollowed{Fallback: event.Fallback{Kind: event.FallbackDepot}, Nobody: true}, nil,
			"Plan B, nobody there: back to the depot", "Plan B, personne sur place\u00a0: retour au dépôt"},
		{event.VisitBegun{Member: "a-m1"}, nil, "Rehearsal begun", "Répétition commencée"},
	} {
		if got := phrase.English.Line("", test.body, test.values); got != test.en {
			t.Errorf("%T: got %q, want %q", test.body, got, test.en)
		}
		if got := phrase.French.Line("", test.body, test.values); got != test.fr {
			t.Errorf("%T: got %q, want %q", test.body, got, test.fr)
		}
	}
}

// A line says which barrier it is about, and a car's what a car says: it has no lock and no sensor beside it.
func TestLinesSayWhatTheyAreAbout(t *testing.T) {
	open := event.Observation{Bolt: event.BoltUnlocked, Contact: event.ContactOpen}
	for _, test := range []struct {
		is     event.BarrierKind
		body   event.Body
		en, fr string
	}{
		{event.FrontDoor, event.BarrierSecured{BoltAt: 1, ContactAt: 1}, "Front door seen shut and locked", "Porte d'entrée\u00a0: fermeture et verrouillage constatés"},
		{event.Trunk, event.BarrierSecured{BoltAt: 1, ContactAt: 1}, "Car trunk seen shut and locked",
			"Coffre de la voiture\u00a0: fermeture et verrouillage constatés"},
		{event.Cabin, event.BarrierEnrolled{}, "Car cabin worked by hand and set up", "Habitacle de la voiture\u00a0: essai à la main fait, installation terminée"},
		{event.Trunk, event.BarrierUnsecured{}, "Car trunk no longer seen secured", "Coffre de la voiture\u00a0: sécurité plus constatée"},
		{event.Trunk, event.BarrierObserved{Observation: open}, "Car trunk: the car says not locked, the car says that a door or the trunk is open",
			"Coffre de la voiture\u00a0: la voiture se dit non verrouillée, la voiture dit qu'une porte ou le coffre est ouvert"},
		{event.Trunk, event.ForeignOpening{Observation: event.Observation{Bolt: event.BoltUnlocked}},
			"Car trunk, not opened by Loquet: the car says not locked", "Coffre de la voiture, pas ouvert par Loquet\u00a0: la voiture se dit non verrouillée"},
		{event.Trunk, event.AlarmRaised{Reason: event.AlarmAjar}, "Alarm: car not closed", "Alerte\u00a0: voiture pas fermée"},
		{event.Cabin, event.Refused{Code: event.BarrierBusy}, "Refused: car in use", "Refusé\u00a0: voiture déjà prise"},
		{event.FrontDoor, event.Refused{Code: event.BarrierBusy}, "Refused: door in use", "Refusé\u00a0: porte déjà prise"},
	} {
		if got := phrase.English.Line(test.is, test.body, nil); got != test.en {
			t.Errorf("%s %T: got %q, want %q", test.is, test.body, got, test.en)
		}
		if got := phrase.French.Line(test.is, test.body, nil); got != test.fr {
			t.Errorf("%s %T: got %q, want %q", test.is, test.body, got, test.fr)
		}
	}
	if w := phrase.French.BlockAt(event.Trunk, event.BlockWon, nil); w.What != "La voiture ne s'ouvrira pas pour cette livraison." {
		t.Errorf("%+v", w)
	}
}

// Bolt and contact are two lines, each with its source; what a device did not speak of is not said.
func TestObservationsAreToldPartByPart(t *testing.T) {
	got := phrase.English.Observed("", event.Observation{Bolt: event.BoltLocked, Contact: event.ContactOpen, Reach: event.ReachOnline})
	if want := []string{"The lock says locked", "The sensor says open", "The device is reachable"}; !slices.Equal(got, want) {
		t.Errorf("%q", got)
	}
	if got := phrase.French.Observed("", event.Observation{Bolt: event.BoltJammed}); !slices.Equal(got, []string{"La serrure dit coincée"}) {
		t.Errorf("%q", got)
	}
	if got := phrase.French.Observed("", event.Observation{}); got != nil {
		t.Errorf("%q", got)
	}
}
