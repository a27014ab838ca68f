package site_test

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	crand "crypto/rand"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"math/rand/v2"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"

	"github.com/loquet/loquet/audit"
	"github.com/loquet/loquet/auth"
	"github.com/loquet/loquet/auth/proof"
	"github.com/loquet/loquet/event"
)

// Core and audit share only the events. Here they meet: what was decided keeps the laws as the auditor reads them,
// so that the two can't disagree unnoticed.

// TestTheAuditAgreesWithEveryScript. The scripts tell what a lobby says in the borrower's journal only, where the
// lender's has it first: the audit must find that, and nothing else.
func TestTheAuditAgreesWithEveryScript(t *testing.T) {
	files, err := filepath.Glob("testdata/*.txt")
	if err != nil || len(files) == 0 {
		t.Fatalf("no scripts: %v", err)
	}
	for _, file := range files {
		t.Run(strings.TrimSuffix(filepath.Base(file), ".txt"), func(t *testing.T) {
			logs := map[event.SiteID][]event.Event{}
			for id, scene := range play(t, read(t, file)).sites {
				logs[id] = scene.log
			}
			for _, v := range violations(t, logs) {
				if !strings.HasSuffix(v, "of tower-b3 that its owner never had") {
					t.Errorf("core and audit disagree: %s", v)
				}
			}
		})
	}
}

// TestTheAuditAgreesWithTheWorld, in which anything may happen. Its ticks may come late, and so may its alarms.
func TestTheAuditAgreesWithTheWorld(t *testing.T) {
	for seed := range uint64(24) {
		t.Run(fmt.Sprint(seed), func(t *testing.T) {
			w := newWorld(t, rand.New(rand.NewPCG(seed, 0)).IntN)
			for range 400 {
				w.live()
			}
			logs := map[event.SiteID][]event.Event{}
			for id, j := range w.sites {
				logs[id] = j.log
			}
			for _, v := range violations(t, logs) {
				t.Errorf("core and audit disagree: %s", v)
			}
		})
	}
}

// violations are what the audit finds in the journals of sites.
func violations(t *testing.T, logs map[event.SiteID][]event.Event) (found []string) {
	t.Helper()
	phones := phones{}
	report, err := audit.Check(func(yield func(audit.Journal, error) bool) {
		for id, log := range logs {
			if !yield(audit.Journal{Site: id, Events: phones.genuine(t, log)}, nil) {
				return
			}
		}
	}, nil, audit.Options{Late: 1000 * event.Day})
	if err != nil {
		t.Fatal(err)
	}
	for _, l := range report.Laws {
		for _, v := range l.Violations {
			found = append(found, fmt.Sprintf("law %d, %s #%d: %s", l.Number, v.Site, v.Seq, v.What))
		}
	}
	return found
}

// phones are the couriers' devices, by what the scripts call their keys.
type phones map[event.KeyID]phone

type phone struct {
	private *ecdsa.PrivateKey
	public  string
	key     event.KeyID
	signed  map[event.Signed]event.Signed
}

func (p phones) of(t *testing.T, name event.KeyID) phone {
	t.Helper()
	if found, ok := p[name]; ok {
		return found
	}
	private, err := ecdsa.GenerateKey(elliptic.P256(), crand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	public, key, err := proof.KeyFrom(&private.PublicKey)
	if err != nil {
		t.Fatal(err)
	}
	p[name] = phone{private, public, key, map[event.Signed]event.Signed{}}
	return p[name]
}

// sign makes the proof that a script only names. The same name at another time is another proof.
func (p phone) sign(t *testing.T, named event.Signed) event.Signed {
	t.Helper()
	if done, ok := p.signed[named]; ok {
		return done
	}
	done := event.Signed{Key: p.key, ID: "the-proof-called-" + named.ID, IssuedAt: named.IssuedAt / 1000 * 1000}
	var err error
	done.JWS, err = auth.Prove(p.private, "POST", "https://loquet.example/courier/requests", nil, done.IssuedAt.Time(), done.ID)
	if err != nil {
		t.Fatal(err)
	}
	p.signed[named] = done
	return done
}

// genuine are the events with real keys, proofs and commitments where scripts have names for them.
func (p phones) genuine(t *testing.T, log []event.Event) []event.Event {
	t.Helper()
	log = slices.Clone(log)
	for i, e := range log {
		body := reflect.New(reflect.TypeOf(e.Body)).Elem()
		body.Set(reflect.ValueOf(e.Body))
		p.fill(t, body)
		log[i].Body = body.Interface().(event.Body)
		if c, finished := e.Body.(event.ClipFinished); finished {
			log[i].Body = withFiles(c, log[:i])
		}
	}
	return log
}

// withFiles are files of a clip that say what the media service would say, where scripts only count them: the time from
// the first asking to film to the end of the visit, in equal parts.
func withFiles(c event.ClipFinished, before []event.Event) event.ClipFinished {
	var visit event.VisitID
	var film event.Span
	for _, e := range before {
		switch b := e.Body.(type) {
		case event.FilmingAsked:
			if b.Clip == c.Clip && visit == "" {
				visit, film.From = b.Visit, e.At
			}
		case event.VisitEnded:
			if b.Visit == visit {
				film.To = e.At
			}
		}
	}
	files := make([]event.ClipFile, len(c.Files))
	part := film.To.Since(film.From) / event.Millis(max(len(files), 1))
	for i := range files {
		sum := sha256.Sum256(fmt.Append(nil, c.Clip, i))
		from := film.From.Add(part * event.Millis(i))
		files[i] = event.ClipFile{SHA256: hex.EncodeToString(sum[:]), Bytes: 1 << 20, From: from, To: from.Add(part), Whole: true}
	}
	c.Files = files
	return c
}

func (p phones) fill(t *testing.T, v reflect.Value) {
	t.Helper()
	switch named := v.Interface().(type) {
	case event.CourierAssigned:
		named.Key, named.PublicKey = p.of(t, named.Key).key, p.of(t, named.Key).public
		v.Set(reflect.ValueOf(named))
		return
	case event.Signed:
		if named.ID != "" {
			v.Set(reflect.ValueOf(p.of(t, named.Key).sign(t, named)))
		}
		return
	case event.KeyID:
		if named != "" {
			v.SetString(string(p.of(t, named).key))
		}
	case event.Commitment:
		if named != "" {
			sum := sha256.Sum256([]byte(named))
			v.SetString(hex.EncodeToString(sum[:]))
		}
	}
	switch v.Kind() {
	case reflect.Struct:
		for i := range v.NumField() {
			p.fill(t, v.Field(i))
		}
	case reflect.Slice:
		if v.Len() == 0 {
			return
		}
		v.Set(reflect.AppendSlice(reflect.MakeSlice(v.Type(), 0, v.Len()), v))
		for i := range v.Len() {
			p.fill(t, v.Index(i))
		}
	}
}
