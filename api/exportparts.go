package api

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"maps"
	"net/http"
	"slices"
	"strconv"
	"strings"

	"github.com/loquet/loquet/auth"
	"github.com/loquet/loquet/dispatch"
	"github.com/loquet/loquet/event"
	"github.com/loquet/loquet/photo"
	"github.com/loquet/loquet/phrase"
	"github.com/loquet/loquet/site"
	"github.com/loquet/loquet/store"
)

// exportReadme says what an archive holds.
var exportReadme = map[phrase.Lang]string{
	phrase.English: `Everything that this Loquet server keeps about your household.

home.json         how your home stands now: address, members, doors, places, rules, consents, deliveries, cameras
journal.jsonl     everything that happened, one event a line, as it is stored; it holds no name and no address
deliveries.jsonl  every delivery ever, and the numbers of its parcels as long as they are kept
openings.jsonl    every opening of your doors, by Loquet and by others
looks.jsonl       who of the operator's staff, or of a shop, looked at personal values
alarms.jsonl      what the operator says that alarms came from
sessions.json     where you are signed in
films.json        what was filmed of visits and is kept; the films are in films/
photos/           the photos that couriers took, and those of your cars
others/           what other parts of the server keep about you, such as your address for mail
`,
	phrase.French: `Tout ce que ce serveur Loquet conserve sur votre foyer.

home.json         l'état actuel : adresse, membres, portes, lieux, règles, accords, livraisons, caméras
journal.jsonl     tout ce qui s'est passé, un événement par ligne, tel qu'il est conservé, sans nom ni adresse
deliveries.jsonl  toutes les livraisons, et les numéros des colis tant qu'ils sont conservés
openings.jsonl    toutes les ouvertures de vos portes, par Loquet et par d'autres
looks.jsonl       qui, chez l'exploitant ou un commerçant, a regardé des données personnelles
alarms.jsonl      l'origine des alertes selon l'exploitant
sessions.json     où vous êtes connecté
films.json        ce qui a été filmé des visites et conservé ; les films sont dans films/
photos/           les photos prises par les livreurs, et celles de vos voitures
others/           ce que d'autres parties du serveur conservent, comme votre adresse de courriel
`,
}

const filmsFolder = "films/"

func isFilm(name string) bool { return strings.HasPrefix(name, filmsFolder) }

// parts are the files of the archive, and about how large it will be.
func (x *export) parts() (parts []part, expected int64) {
	parts = []part{
		{"README.txt", func(w io.Writer) error {
			_, err := io.WriteString(w, exportReadme[callOf(x.ctx).lang])
			return err
		}},
		{"home.json", asJSON(func() (any, error) {
			home, err := x.api.GetHome(x.ctx, x.member, nil)
			if err != nil {
				return nil, err
			}
			return home.Body, nil
		})},
		{"journal.jsonl", x.journal},
		{"deliveries.jsonl", x.deliveries},
		{"openings.jsonl", x.openings},
		{"looks.jsonl", x.looks},
		{"alarms.jsonl", x.alarms},
		{"sessions.json", asJSON(x.sessions)},
		{"films.json", asJSON(func() (any, error) { return x.clips(), nil })},
	}
	parts = append(parts, x.photos()...)
	parts = append(parts, x.others()...)
	for _, c := range x.clips() {
		for _, f := range c.Files {
			if x.films {
				parts, expected = append(parts, x.filmPart(c.ID, f.Number)), expected+f.Bytes
			}
		}
	}
	const packedEvent, around = 120, 20_000
	return parts, expected + around + packedEvent*int64(x.site.Seq)
}

func (x *export) clips() []Clip {
	clips := []Clip{}
	for _, c := range x.site.Clips {
		if !c.Erasing && c.Finished {
			clips = append(clips, clipShown(c))
		}
	}
	return clips
}

func (x *export) journal(w io.Writer) (err error) {
	read := x.api.eachEvent(x.ctx, x.site.Site, 0, func(e event.Event) bool {
		err = line(w, e)
		return err == nil
	})
	return errors.Join(read, err)
}

// exportedSession is a session of the member who asks.
type exportedSession struct {
	Browser string        `json:"browser,omitempty"`
	Way     auth.Way      `json:"way"`
	Begun   event.Instant `json:"begun"`
	Seen    event.Instant `json:"seen"`
	Until   event.Instant `json:"until"`
}

func (x *export) sessions() (any, error) {
	all, err := x.api.Sessions.List(x.ctx, x.member)
	shown := []exportedSession{}
	for _, s := range all {
		shown = append(shown, exportedSession{s.Browser, s.Way, s.BegunAt, s.SeenAt, s.Until})
	}
	return shown, err
}

// eachRow reads every row of a partition.
func (x *export) eachRow(partition string, visit func(store.Row) error) error {
	for after := ""; ; {
		rows, err := x.api.Store.Rows(x.ctx, partition, after, 200)
		if err != nil || len(rows) == 0 {
			return err
		}
		for _, row := range rows {
			if after = row.Key; err == nil {
				err = visit(row)
			}
		}
		if err != nil {
			return err
		}
	}
}

// exportedDelivery is a delivery with its parcels' numbers.
type exportedDelivery struct {
	Delivery
	Codes []string `json:"codes,omitempty"`
}

func (x *export) deliveries(w io.Writer) error {
	return x.eachRow(dispatch.SiteDeliveries(x.site.Site), func(row store.Row) error {
		summary, err := summaryOf(row)
		if err != nil {
			return err
		}
		kept, _, err := unseal[codes](x.ctx, x.api, x.site.Site, parcelsName(summary.Delivery))
		if err != nil {
			return err
		}
		one := exportedDelivery{Delivery: summaryShown(summary)}
		for _, c := range kept {
			one.Codes = append(one.Codes, c.Code)
		}
		return line(w, one)
	})
}

func (x *export) openings(w io.Writer) error {
	names := newOpeners(x.api, x.site)
	for after := ""; ; {
		some, next, err := x.api.Dispatch.Openings(x.ctx, x.site.Site, after, 200)
		if err != nil {
			return err
		}
		for _, o := range some {
			one, err := names.shown(x.ctx, o)
			if err != nil {
				return err
			}
			if err := line(w, one); err != nil {
				return err
			}
		}
		if after = next; next == "" {
			return nil
		}
	}
}

func (x *export) looks(w io.Writer) error {
	return x.eachRow(looksAt(x.site.Site), func(row store.Row) error {
		var l Look
		if err := decodeRow(row, &l); err != nil {
			return err
		}
		return line(w, l)
	})
}

// alarms writes what the operator said of the home's alarms.
func (x *export) alarms(w io.Writer) (err error) {
	told := map[event.VisitID]bool{}
	read := x.api.eachEvent(x.ctx, x.site.Site, 0, func(e event.Event) bool {
		b, raised := e.Body.(event.AlarmRaised)
		if !raised || told[b.Visit] {
			return true
		}
		told[b.Visit] = true
		err = x.alarm(w, b.Visit)
		return err == nil
	})
	return errors.Join(read, err)
}

func (x *export) alarm(w io.Writer, v event.VisitID) error {
	said, known, err := x.api.causeOf(x.ctx, v)
	if err != nil || !known {
		return err
	}
	if said.Note, _, err = unseal[string](x.ctx, x.api, x.site.Site, noteName(v)); err != nil {
		return err
	}
	return line(w, said)
}

// photos are those that couriers took and that are kept, by the visit or the delivery that they are of.
func (x *export) photos() (parts []part) {
	taken := map[string]event.Commitment{}
	find := func(e event.Event) bool {
		switch b := e.Body.(type) {
		case event.DepositRecorded:
			taken[string(b.Visit)] = cmp.Or(b.Photo, taken[string(b.Visit)])
		case event.PlanBFollowed:
			taken[string(b.Delivery)] = cmp.Or(b.Photo, taken[string(b.Delivery)])
		}
		return true
	}
	if err := x.api.eachEvent(x.ctx, x.site.Site, 0, find); err != nil {
		return []part{failing("photos/", err)}
	}
	for _, of := range slices.Sorted(maps.Keys(taken)) {
		if taken[of] != "" {
			parts = append(parts, x.photo(of, photoName(taken[of]))...)
		}
	}
	for _, ap := range x.site.AccessPoints {
		if ap.IsVehicle() {
			parts = append(parts, x.photo("car-"+string(ap.ID), carPictureName(ap.ID))...)
		}
	}
	return parts
}

// photo is one photo, none if it was never sent or is erased.
func (x *export) photo(of, name string) []part {
	shown, err := x.api.photoKept(x.ctx, x.site.Site, name)
	var gone *Problem
	switch {
	case errors.As(err, &gone):
		return nil
	case err != nil:
		return []part{failing("photos/"+of, err)}
	}
	ending := map[string]string{photo.JPEG: ".jpg", photo.WebP: ".webp"}[shown.Type]
	return []part{{"photos/" + of + ending, func(w io.Writer) error {
		_, err := w.Write(shown.Body)
		return err
	}}}
}

// failing is a part that could not be made.
func failing(name string, err error) part {
	return part{name, func(io.Writer) error { return err }}
}

// others are what other rooms keep of the household.
func (x *export) others() (parts []part) {
	if x.api.Others == nil {
		return nil
	}
	kept, err := x.api.Others(x.ctx, x.member)
	if err != nil {
		return []part{failing("others/", err)}
	}
	for _, name := range slices.Sorted(maps.Keys(kept)) {
		parts = append(parts, part{"others/" + name + ".json", asJSON(func() (any, error) { return kept[name], nil })})
	}
	return parts
}

// filmPart is one file of a clip. Each clip is a look, recorded before it is read.
func (x *export) filmPart(id event.ClipID, number int) part {
	name := filmsFolder + string(id) + "-" + strconv.Itoa(number) + ".mp4"
	return part{name, func(w io.Writer) error {
		director, key, err := x.api.clip(x.ctx, x.member, id)
		var gone *Problem
		if errors.As(err, &gone) {
			return nil // erased meanwhile: the file stays empty
		}
		if err != nil {
			return err
		}
		if err := x.api.watched(x.ctx, byMember(x.member, site.WatchPicture{Clip: id})); err != nil {
			return err
		}
		r, err := http.NewRequestWithContext(context.WithoutCancel(x.ctx), http.MethodGet, "/", nil)
		if err != nil {
			return err
		}
		answer := &filmWriter{header: http.Header{}, to: w, status: http.StatusOK}
		director.Studio.ServeFile(answer, r, id, number-1, key)
		if answer.status != http.StatusOK {
			return fmt.Errorf("api: the media service answered %d", answer.status)
		}
		return answer.err
	}}
}

// filmWriter takes a film from the media service into an archive.
type filmWriter struct {
	header http.Header
	to     io.Writer
	status int
	err    error
}

func (f *filmWriter) Header() http.Header { return f.header }

func (f *filmWriter) WriteHeader(status int) { f.status = status }

func (f *filmWriter) Write(b []byte) (int, error) {
	if f.status != http.StatusOK {
		return len(b), nil
	}
	n, err := f.to.Write(b)
	f.err = errors.Join(f.err, err)
	return n, err
}
