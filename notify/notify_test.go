package notify

import (
	"errors"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/loquet/loquet/event"
	"github.com/loquet/loquet/phrase"
	"github.com/loquet/loquet/site"
	"github.com/loquet/loquet/store"
)

const (
	brokenIn = "Pas ouvert par Loquet\u00a0: porte d'entrée"
	overAjar = "Fin d'alerte\u00a0: porte entrouverte"
)

// TestEverybodyHearsAsTheyChose, in their own language.
func TestEverybodyHearsAsTheyChose(t *testing.T) {
	bubble(t, func(t *testing.T) {
		w := newWorld(t)
		d, n := w.process(w.store)
		w.choose(n, w.paul, Quiet{}, Choice{Foreign, []Channel{SMS}})
		if _, err := n.SetPhone(t.Context(), w.paul, "+33 7 56 78 90 12"); err != nil {
			t.Fatal(err)
		}
		if err := n.SetLang(t.Context(), w.paul, phrase.English); err != nil {
			t.Fatal(err)
		}
		defer w.run(d)()
		w.breakIn(d)
		synctest.Wait()
		w.wantTitles("anna by email", brokenIn)
		w.wantTitles("anna by push", brokenIn)
		w.wantTitles("+33612345678 by sms")
		w.wantTitles("paul by email")
		w.wantTitles("+33756789012 by sms", "Not opened by Loquet: front door")
		m := w.box.read(t, "anna by email")[0]
		if m.body != "La serrure dit déverrouillée, le capteur dit ouvert\u00a0: 12:00:00. Loquet n'a envoyé aucun ordre. "+
			"L'appareil dit que c'était au clavier. Si ce n'était aucun des vôtres, regardez tout de suite." || m.link != "https://loquet.example/home/history" {
			t.Errorf("%q, %s", m.body, m.link)
		}
		w.noWorkLeft()
	})
}

// TestQuietHoursHoldAllButAlarms: until they end on the clocks of the site, if it is worth telling then.
func TestQuietHoursHoldAllButAlarms(t *testing.T) {
	bubble(t, func(t *testing.T) {
		w := newWorld(t)
		d, n := w.process(w.store)
		w.choose(n, w.anna, Quiet{11 * 60, 14 * 60}, Choice{Blocked, []Channel{Email}}, Choice{Near, []Channel{Email}}, Choice{Question, nil})
		w.choose(n, w.paul, Quiet{}, Choice{Foreign, nil}, Choice{Question, nil}, Choice{Near, nil}, Choice{Blocked, nil})
		defer w.run(d)()
		w.promise(d)
		w.do(d, w.courier(), site.Approach{AccessPoint: w.place, ETA: event.InstantOf(time.Now().Add(5 * time.Minute))})
		w.breakIn(d)
		w.put(event.AlarmEnded{Visit: "home-v9"})
		pass(time.Minute)
		w.wantTitles("anna by email", overAjar)
		w.wantTitles("paul by email", overAjar)
		pass(2*time.Hour - time.Minute - time.Second)
		w.wantTitles("anna by email", overAjar)
		pass(2 * time.Second)
		w.wantTitles("anna by email", overAjar, brokenIn)
		w.wantTitles("paul by email", overAjar)
		if at := w.box.all()[len(w.box.all())-1].at; at.UTC().Format("15:04:05") != "13:00:00" {
			t.Errorf("told at %s", at)
		}
		w.noWorkLeft()
	})
}

// TestOneThatFailsHoldsUpNobody, neither other people nor the person's other channels.
func TestOneThatFailsHoldsUpNobody(t *testing.T) {
	bubble(t, func(t *testing.T) {
		w := newWorld(t)
		d, _ := w.process(w.store)
		silent := make(chan struct{})
		w.box.failBy(func(to target, _ message) (error, bool) {
			if nameOf(to) == "anna by email" {
				<-silent
				return trouble{err: errors.New("silence")}, false
			}
			return nil, false
		})
		defer w.run(d)()
		w.breakIn(d)
		synctest.Wait()
		w.wantTitles("anna by push", brokenIn)
		w.wantTitles("paul by email", brokenIn)
		close(silent)
		pass(time.Hour)
		if len(w.box.all()) != 2 {
			t.Errorf("sent %d times", len(w.box.all()))
		}
	})
}

// TestWhatFailsIsTriedForAsLongAsItIsWorthTelling, less often with time, and then the person can see that it failed.
func TestWhatFailsIsTriedForAsLongAsItIsWorthTelling(t *testing.T) {
	for name, c := range map[string]struct {
		tell  func(*world)
		keep  time.Duration
		most  time.Duration
		tries int
	}{
		"an alarm": {func(w *world) { w.put(event.AlarmEnded{Visit: "home-v9"}) }, 72 * time.Hour, 2 * time.Minute, 2000},
		"a break-in": {func(w *world) {
			w.put(event.ForeignOpening{Barrier: w.barrier, Observation: event.Observation{Bolt: event.BoltUnlocked}})
		}, 72 * time.Hour, 10 * time.Minute, 400},
		"an answered block": {func(w *world) {
			w.put(event.BlockAnswered{Delivery: "home-d1", Verdict: event.BlockWon, By: event.Actor{Kind: event.ActorOperator}})
		}, 12 * time.Hour, 10 * time.Minute, 70},
	} {
		t.Run(name, func(t *testing.T) {
			bubble(t, func(t *testing.T) {
				w := newWorld(t)
				d, n := w.process(w.store)
				var tried []time.Time
				w.box.failBy(func(to target, _ message) (error, bool) {
					if nameOf(to) != "paul by email" {
						return nil, false
					}
					tried = append(tried, time.Now())
					return trouble{err: errors.New("no answer")}, false
				})
				began := time.Now()
				c.tell(w)
				end := w.run(d)
				pass(80 * time.Hour)
				end()
				for i, at := range tried[1:] {
					if gap := at.Sub(tried[i]); gap < 5*time.Second || gap > c.most+time.Second {
						t.Errorf("try %d after %s", i+2, gap)
					}
				}
				if last := tried[len(tried)-1].Sub(began); last > c.keep || last < c.keep-c.most-time.Second || len(tried) < c.tries {
					t.Errorf("%d tries, the last after %s, want until %s", len(tried), last, c.keep)
				}
				w.noWorkLeft()
				w.wantFailures(n, Failure{Channel: Email, At: event.InstantOf(tried[len(tried)-1]), Reason: ReasonLate})
			})
		})
	}
}

// wantFailures requires what paul sees of failures.
func (w *world) wantFailures(n *Notifier, want ...Failure) {
	w.t.Helper()
	s, err := n.Settings(w.t.Context(), w.paul)
	if err != nil || !slices.Equal(s.Failures, want) {
		w.t.Errorf("he sees the failures %+v, %v, want %+v", s.Failures, err, want)
	}
}

// TestANearCourierIsNoNewsTenMinutesLater: what could not be told in time is not told.
func TestANearCourierIsNoNewsTenMinutesLater(t *testing.T) {
	for _, down := range []time.Duration{9 * time.Minute, 11 * time.Minute} {
		t.Run(down.String(), func(t *testing.T) {
			bubble(t, func(t *testing.T) {
				w := newWorld(t)
				d, n := w.process(w.store)
				w.choose(n, w.anna, Quiet{}, Choice{Question, nil})
				w.choose(n, w.paul, Quiet{}, Choice{Question, nil})
				w.promise(d)
				w.do(d, w.courier(), site.Approach{AccessPoint: w.place, ETA: event.InstantOf(time.Now().Add(40 * time.Minute))})
				pass(30*time.Minute + down) // nobody works meanwhile
				defer w.run(d)()
				pass(time.Hour)
				if down < 10*time.Minute {
					w.wantTitles("anna by push", "Livreur proche\u00a0: vers 12:40")
					m := w.box.read(t, "anna by push")[0]
					if m.link != "https://loquet.example/home/deliveries/home-d11" || m.block != m.link+"/block" || m.blockLabel != "Bloquer" || m.left != event.Minute {
						t.Errorf("%+v", m)
					}
				} else {
					w.wantTitles("anna by push")
				}
				w.noWorkLeft()
			})
		})
	}
}

// TestWhatIsRefusedForGoodIsKeptForThePerson, is not sent again, and goes with the next message that is taken.
func TestWhatIsRefusedForGoodIsKeptForThePerson(t *testing.T) {
	bubble(t, func(t *testing.T) {
		w := newWorld(t)
		d, n := w.process(w.store)
		tries := 0
		w.box.failBy(func(to target, _ message) (error, bool) {
			if nameOf(to) != "paul by email" {
				return nil, false
			}
			tries++
			return refusal{reason: ReasonRefused, detail: "550 5.1.1"}, false
		})
		defer w.run(d)()
		w.breakIn(d)
		pass(time.Hour)
		if tries != 1 {
			t.Errorf("tried %d times", tries)
		}
		s, err := n.Settings(t.Context(), w.paul)
		if err != nil || len(s.Failures) != 1 || s.Failures[0].Detail != "550 5.1.1" ||
			s.Failures[0].Text(phrase.English) != "The mail server refuses your address for good. Look whether it is spelt right, or give another." {
			t.Errorf("he sees %+v, %v", s.Failures, err)
		}
		w.wantTitles("anna by email", brokenIn)
		w.box.failBy(nil)
		w.put(event.AlarmEnded{Visit: "home-v9"})
		pass(time.Minute)
		w.wantFailures(n)
		w.noWorkLeft()
		if log := w.log.String(); !strings.Contains(log, "550 5.1.1") || strings.Contains(log, "paul") {
			t.Errorf("the log says %s", log)
		}
	})
}

// TestAFailureIsForgotten after thirty days.
func TestAFailureIsForgotten(t *testing.T) {
	bubble(t, func(t *testing.T) {
		w := newWorld(t)
		d, n := w.process(w.store)
		w.box.failBy(func(target, message) (error, bool) { return refusal{reason: ReasonRefused}, false })
		end := w.run(d)
		w.breakIn(d)
		pass(time.Minute)
		end()
		w.wantFailures(n, Failure{Channel: Email, At: event.InstantOf(time.Now().Add(-time.Minute)), Reason: ReasonRefused})
		pass(31 * 24 * time.Hour)
		w.wantFailures(n)
	})
}

// TestAnAlarmReachesWhomNothingChosenReaches: it goes by e-mail.
func TestAnAlarmReachesWhomNothingChosenReaches(t *testing.T) {
	for name, c := range map[string]struct {
		chosen []Channel
		fails  func(to target, m message) (error, bool)
		want   []string
	}{
		"nothing chosen":               {nil, nil, []string{overAjar}},
		"a channel without an address": {[]Channel{SMS, Push}, nil, []string{overAjar}},
		"e-mail":                       {[]Channel{Email}, nil, []string{overAjar}},
	} {
		t.Run(name, func(t *testing.T) {
			bubble(t, func(t *testing.T) {
				w := newWorld(t)
				d, n := w.process(w.store)
				w.choose(n, w.paul, Quiet{}, Choice{Alarm, c.chosen}, Choice{Foreign, nil})
				w.box.failBy(c.fails)
				defer w.run(d)()
				w.breakIn(d)
				w.put(event.AlarmEnded{Visit: "home-v9"})
				pass(time.Hour)
				w.wantTitles("paul by email", c.want...)
				w.noWorkLeft()
			})
		})
	}
}

// TestAnAlarmWhoseChannelsAreDown goes by e-mail after two minutes, once, and by them when they are back.
func TestAnAlarmWhoseChannelsAreDown(t *testing.T) {
	bubble(t, func(t *testing.T) {
		w := newWorld(t)
		d, n := w.process(w.store)
		w.choose(n, w.anna, Quiet{}, Choice{Alarm, []Channel{Push}})
		began := time.Now()
		w.box.failBy(func(to target, _ message) (error, bool) {
			if to.channel == Push && time.Since(began) < time.Hour {
				return trouble{err: errors.New("503")}, false
			}
			return nil, false
		})
		defer w.run(d)()
		w.put(event.AlarmEnded{Visit: "home-v9"})
		pass(time.Minute)
		w.wantTitles("anna by email")
		pass(4 * time.Minute)
		w.wantTitles("anna by email", overAjar)
		pass(2 * time.Hour)
		w.wantTitles("anna by email", overAjar)
		w.wantTitles("anna by push", overAjar)
		w.noWorkLeft()
	})
}

// TestAnAlarmWhoseChannelsAllRefuse goes by e-mail, but not while one of them may still take it.
func TestAnAlarmWhoseChannelsAllRefuse(t *testing.T) {
	bubble(t, func(t *testing.T) {
		w := newWorld(t)
		d, n := w.process(w.store)
		w.choose(n, w.anna, Quiet{}, Choice{Alarm, []Channel{SMS, Push}})
		began := time.Now()
		w.box.failBy(func(to target, _ message) (error, bool) {
			switch {
			case to.channel == SMS:
				return refusal{reason: ReasonRefused, detail: "422"}, false
			case to.channel == Push && time.Since(began) < 30*time.Second:
				return trouble{err: errors.New("503")}, false
			case to.channel == Push:
				return refusal{reason: ReasonExpired, detail: "410"}, false
			}
			return nil, false
		})
		defer w.run(d)()
		w.put(event.AlarmEnded{Visit: "home-v9"})
		pass(10 * time.Second)
		w.wantTitles("anna by email")
		pass(10 * time.Minute)
		w.wantTitles("anna by email", overAjar)
		s, err := n.Settings(t.Context(), w.anna)
		if err != nil || len(s.Devices) != 0 || len(s.Failures) != 2 {
			t.Errorf("she sees %+v, %v", s, err)
		}
		w.noWorkLeft()
	})
}

// TestTheSameRefusalIsToldOnce, however often a courier tries; and never twice at the same time.
func TestTheSameRefusalIsToldOnce(t *testing.T) {
	bubble(t, func(t *testing.T) {
		w := newWorld(t)
		d, n := w.process(w.store)
		w.choose(n, w.paul, Quiet{}, Choice{Question, nil})
		under := 0
		w.box.failBy(func(to target, m message) (error, bool) {
			if m.topic == Refused && nameOf(to) == "paul by email" {
				if under++; under > 1 {
					t.Error("two at the same time")
				}
				pass(3 * time.Second)
				under--
			}
			return nil, false
		})
		defer w.run(d)()
		w.promise(d)
		v := the[event.VisitBegun](w, w.do(d, w.courier(), site.Approach{AccessPoint: w.place})).Visit
		s, err := d.Load(t.Context(), "home")
		if err != nil {
			t.Fatal(err)
		}
		for range 5 {
			w.do(d, w.courier(), site.Scan{Visit: v, Parcel: s.Deliveries[0].Parcels[0].Code})
			pass(time.Second)
		}
		pass(time.Minute)
		if refusals := w.titles("paul by email"); len(refusals) != 1 {
			t.Errorf("he reads %q", refusals)
		}
		w.noWorkLeft()
	})
}

// TestWhoLeftHearsNothing, and nothing is left of them.
func TestWhoLeftHearsNothing(t *testing.T) {
	bubble(t, func(t *testing.T) {
		w := newWorld(t)
		d, n := w.process(w.store)
		w.subscribe(n, w.paul, "paul")
		w.choose(n, w.paul, Quiet{}, Choice{Alarm, nil})
		w.box.failBy(func(to target, _ message) (error, bool) {
			if to.channel == Email {
				return refusal{reason: ReasonRefused}, false
			}
			return nil, false
		})
		if _, err := n.SendTest(t.Context(), w.paul, Push); err != nil {
			t.Fatal(err)
		}
		end := w.run(d)
		w.breakIn(d)
		pass(time.Minute)
		w.do(d, member(w.anna.ID()), site.RemoveMember{Member: w.paul.ID()})
		w.box.failBy(nil)
		w.put(event.AlarmEnded{Visit: "home-v9"})
		pass(time.Minute)
		w.wantTitles("paul by email")
		w.wantTitles("paul by push", "Votre essai", brokenIn)
		for range 2 {
			if err := n.Forget(t.Context(), []event.MemberID{w.paul.ID()}); err != nil {
				t.Fatal(err)
			}
		}
		end()
		for kind, want := range map[string]int{kindPerson: 1, kindFailure: 0, kindTrial: 0} {
			records, err := w.store.List(t.Context(), kind, "", 100)
			if err != nil || len(records) != want {
				t.Errorf("%d of %s are left, %v", len(records), kind, err)
			}
		}
		if _, err := n.Settings(t.Context(), w.paul); !errors.Is(err, ErrMember) {
			t.Errorf("his settings: %v", err)
		}
	})
}

// TestNothingPersonalLiesOpen in the register.
func TestNothingPersonalLiesOpen(t *testing.T) {
	bubble(t, func(t *testing.T) {
		w := newWorld(t)
		d, n := w.process(w.store)
		w.box.failBy(func(target, message) (error, bool) { return refusal{reason: ReasonRefused, detail: "550 anna"}, false })
		if _, err := n.SendTest(t.Context(), w.anna, SMS); err != nil {
			t.Fatal(err)
		}
		defer w.run(d)()
		w.breakIn(d)
		pass(time.Minute)
		for _, kind := range []string{kindPerson, kindFailure, kindTrial, kindSent} {
			records, err := w.store.List(t.Context(), kind, "", 100)
			if err != nil || len(records) == 0 {
				t.Errorf("no %s: %v", kind, err)
			}
			for _, r := range records {
				for _, personal := range []string{"+336", "push.example", "anna", "paul", "550"} {
					if strings.Contains(string(r.Data)+r.ID, personal) {
						t.Errorf("%s %s holds %q", kind, r.ID, personal)
					}
				}
			}
		}
	})
}

// TestWhatWasSentIsForgottenInTime.
func TestWhatWasSentIsForgottenInTime(t *testing.T) {
	bubble(t, func(t *testing.T) {
		w := newWorld(t)
		d, _ := w.process(w.store)
		defer w.run(d)()
		w.breakIn(d)
		pass(3 * 24 * time.Hour)
		if records, err := w.store.List(t.Context(), kindSent, "", 100); err != nil || len(records) != 3 {
			t.Errorf("%d notes, %v", len(records), err)
		}
		pass(3 * time.Hour)
		if records, err := w.store.List(t.Context(), kindSent, "", 100); err != nil || len(records) != 0 {
			t.Errorf("%d notes are left, %v", len(records), err)
		}
	})
}

// TestWorkThatCantBeRead is left for the release that wrote it.
func TestWorkThatCantBeRead(t *testing.T) {
	bubble(t, func(t *testing.T) {
		w := newWorld(t)
		_, n := w.process(w.store)
		for _, data := range []string{"", "{", `{"event":{"kind":"no.such"}}`} {
			if err := n.Notify(t.Context(), store.Work{ID: "home-1-notify", Site: "home", Data: []byte(data)}); err == nil {
				t.Errorf("%q was taken", data)
			}
		}
	})
}

// TestAPermissionTakenBackIsAQuestionToTheOthers, unless somebody has given it again by then.
func TestAPermissionTakenBackIsAQuestionToTheOthers(t *testing.T) {
	for _, again := range []bool{false, true} {
		bubble(t, func(t *testing.T) {
			w := newWorld(t)
			d, n := w.process(w.store)
			w.choose(n, w.anna, Quiet{}, Choice{Question, []Channel{Email}})
			w.choose(n, w.paul, Quiet{}, Choice{Question, []Channel{Email}})
			id := w.promise(d)
			w.do(d, member(w.anna.ID()), site.ConsentTo{Delivery: id})
			defer w.run(d)()
			synctest.Wait()
			w.do(d, member(w.paul.ID()), site.WithdrawFrom{Delivery: id})
			if pass(30 * time.Second); again {
				w.do(d, member(w.paul.ID()), site.ConsentTo{Delivery: id})
			}
			pass(time.Minute)
			synctest.Wait()
			w.wantTitles("paul by email")
			if again {
				w.wantTitles("anna by email")
				return
			}
			w.wantTitles("anna by email", "Cette livraison peut-elle avoir lieu\u00a0?")
		})
	}
}
