package customer

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/loquet/loquet/api"
	"github.com/loquet/loquet/event"
	"github.com/loquet/loquet/phrase"
	"github.com/loquet/loquet/web/ui"
)

// recordingsView is U10: what was kept of visits, the latest first.
type recordingsView struct {
	*household
	flash *flash
	films []filmed
}

// filmed is one recording with what its visit was.
type filmed struct {
	api.Clip
	visit api.Visit
}

// recording is one recording with everything that happened in it.
type recording struct {
	*household
	filmed
	story *story
}

func (p *person) recordings() {
	v, problem := p.recordingsView(begunVisits{})
	if problem != nil {
		p.refuse(problem)
		return
	}
	p.show(v.household, ui.Page{Title: p.say("clips.title"), Place: v.Address, Live: "/home/recordings/live", Here: "/home/recordings", Main: recordingsPage(v)})
}

func (p *person) recordingsLive() {
	known := begunVisits{}
	p.live(func(p *person) (ui.Frame, error) {
		v, problem := p.recordingsView(known)
		if problem != nil {
			return ui.Frame{}, problem
		}
		return ui.Frame{Title: p.say("clips.title"), Place: v.Address, Main: recordingsPage(v), Open: v.filmed()}, nil
	})
}

// begunVisits are what visits began as, which never changes: a stream asks once for each.
type begunVisits map[event.VisitID]api.Visit

func (p *person) recordingsView(known begunVisits) (*recordingsView, *api.Problem) {
	h, problem := p.household()
	if problem != nil {
		return nil, problem
	}
	out, problem := read(p, p.API.ListClips, &struct{}{})
	if problem != nil {
		return nil, problem
	}
	v := &recordingsView{household: h, flash: p.flash()}
	for _, c := range slices.Backward(out.Body.Clips) {
		one := filmed{Clip: c}
		if one.visit, problem = p.begunVisit(h, c.Visit, known); problem != nil {
			return nil, problem
		}
		v.films = append(v.films, one)
	}
	return v, nil
}

// begunVisit is what a visit began as. It counts for one's limit as every question does, which the block shares.
func (p *person) begunVisit(h *household, id event.VisitID, known begunVisits) (api.Visit, *api.Problem) {
	if v, ok := h.underWay(id); ok {
		return v, nil
	}
	if v, ok := known[id]; ok {
		return v, nil
	}
	events, problem := p.eventsAfter(before(event.SeqOf(id)), 1)
	for _, e := range events {
		if b, ok := e.Body.(event.VisitBegun); ok && b.Visit == id {
			known[id] = api.Visit{ID: id, AccessPoint: b.AccessPoint, Rehearsal: b.Member, Courier: b.Courier, Begun: e.At}
			return known[id], nil
		}
	}
	return api.Visit{ID: id}, problem
}

// kept says that there is something to look at: the visit is over, and a film was made.
func (f filmed) kept() bool { return f.EraseAt != 0 && len(f.Files) > 0 }

// length is how long the films last together.
func (f filmed) length() time.Duration {
	var sum time.Duration
	for _, file := range f.Files {
		sum += file.To.Since(file.From).Duration()
	}
	return sum
}

// clipID is the recording that the address names, if it can be one of the household's.
func (p *person) clipID() (event.ClipID, bool) {
	id := event.ClipID(p.r.PathValue("clip"))
	return id, event.CheckID(id, 'f') == nil && event.SiteOf(id) == p.member.Site()
}

// recordingOf finds the recording, or answers for it and returns nil.
func (p *person) recordingOf() *recording {
	id, ok := p.clipID()
	if !ok {
		p.Kit.NotFound(p.w, p.r)
		return nil
	}
	v, problem := p.recordingView(id)
	if problem != nil {
		p.refuse(problem)
		return nil
	}
	return v
}

// recordingView asks for one clip and its visit, and for no other.
func (p *person) recordingView(id event.ClipID) (*recording, *api.Problem) {
	h, problem := p.household()
	if problem != nil {
		return nil, problem
	}
	clips, problem := read(p, p.API.ListClips, &struct{}{})
	if problem != nil {
		return nil, problem
	}
	clip, ok := found(clips.Body.Clips, func(c api.Clip) bool { return c.ID == id })
	if !ok {
		return nil, &api.Problem{Status: http.StatusNotFound, Code: "not-found"}
	}
	visit, problem := read(p, p.API.GetHomeVisit, &api.VisitPath{Visit: clip.Visit})
	if problem != nil {
		return nil, problem
	}
	told := visitStory(clip.Visit)
	for _, e := range visit.Body.Events {
		if err := told.take(e); err != nil {
			return nil, p.unreadable(err)
		}
	}
	return &recording{household: h, filmed: filmed{clip, visit.Body.Visit}, story: told}, nil
}

func (p *person) recording() {
	if v := p.recordingOf(); v != nil {
		p.show(v.household, ui.Page{Title: p.say("clips.one", "time", ui.Clock(p.ctx(), v.visit.Begun.Time(), v.zone)), Place: v.placeName(v.visit.AccessPoint),
			Modules: []string{"customer/js/film.mjs"}, Main: recordingPage(v)})
	}
}

// cue is a moment on a film's time bar.
type cue struct {
	moment
	// Offset is from the film's beginning.
	Offset time.Duration
}

// trailing is how long after its last picture a moment still belongs to a film: what ends a visit ends its film first.
const trailing = 5 * event.Second

// cues are the moments of a file of the recording: those that a viewer looks for.
func (v *recording) cues(f api.ClipFile) []cue {
	end := f.To
	if f.Number == len(v.Files) {
		end = end.Add(trailing)
	}
	var list []cue
	for _, m := range v.story.moments {
		if m.At < f.From || m.At > end || m.State == ui.Neutral && m.Kind != (event.DepositRecorded{}).Kind() {
			continue
		}
		list = append(list, cue{m, min(m.At, f.To).Since(f.From).Duration()})
	}
	return list
}

// captions are a file's moments as WebVTT (W3C Candidate Recommendation, 2019).
func (p *person) captions() {
	v := p.recordingOf()
	if v == nil {
		return
	}
	n, err := strconv.Atoi(p.r.PathValue("number"))
	file, ok := found(v.Files, func(f api.ClipFile) bool { return f.Number == n })
	if err != nil || !ok {
		p.Kit.NotFound(p.w, p.r)
		return
	}
	p.w.Header().Set("Content-Type", "text/vtt; charset=utf-8")
	writeCaptions(p.w, v.cues(file), file.To.Since(file.From).Duration())
}

// cueLasts is how long a caption is shown, if no other follows.
const cueLasts = 4 * time.Second

func writeCaptions(w io.Writer, cues []cue, length time.Duration) {
	fmt.Fprint(w, "WEBVTT\n")
	for i, c := range cues {
		end := min(c.Offset+cueLasts, max(length, c.Offset+time.Second))
		if i+1 < len(cues) && cues[i+1].Offset > c.Offset {
			end = min(end, cues[i+1].Offset)
		}
		fmt.Fprintf(w, "\n%s --> %s\n%s\n", offset(c.Offset), offset(end), vttText(c.Text))
	}
}

// offset is a time in a film: "00:01:02.345".
func offset(d time.Duration) string {
	ms := d.Milliseconds()
	return fmt.Sprintf("%02d:%02d:%02d.%03d", ms/3600000, ms/60000%60, ms/1000%60, ms%1000)
}

// broken says where the recording has holes, and why, as far as the journal knows.
func (v *recording) broken(ctx context.Context) []string {
	var said []string
	for i, f := range v.Files {
		if !f.Whole || i+1 < len(v.Files) {
			said = append(said, words.T(ctx, "clips.broken", "time", v.clockSeconds(ctx, f.To)))
		}
	}
	return said
}

// eraseClip erases a recording at once; what is left of it, its files and its key, goes with work of its own.
func (p *person) eraseClip() {
	id, ok := p.clipID()
	if !ok {
		p.Kit.NotFound(p.w, p.r)
		return
	}
	if _, problem := do(p, p.API.EraseClip, &api.ClipPath{Clip: id}); problem != nil {
		p.undone("/home/recordings", problem)
		return
	}
	p.done("/home/recordings", "erased")
}

func clipFile(id event.ClipID, number int) string {
	return "/v1/home/clips/" + string(id) + "/files/" + strconv.Itoa(number)
}

func clipPoster(id event.ClipID) string { return "/v1/home/clips/" + string(id) + "/poster" }

// vttText keeps what could be read as markup from being one.
func vttText(s string) string {
	return strings.NewReplacer("&", "&amp;", "<", "&lt;", ">", "&gt;", "\n", " ", "\r", " ").Replace(s)
}

func seconds(d time.Duration) string { return strconv.FormatFloat(d.Seconds(), 'f', 1, 64) }

// megabytes is a file's size in words.
func megabytes(lang phrase.Lang, bytes int64) string {
	said := comma(lang, strconv.FormatFloat(float64(bytes)/1e6, 'f', 1, 64))
	if lang == phrase.French {
		return said + "\u00a0Mo"
	}
	return said + "\u00a0MB"
}

// comma is the decimal sign of a number in French.
func comma(lang phrase.Lang, number string) string {
	if lang != phrase.French {
		return number
	}
	return strings.Replace(number, ".", ",", 1)
}

// keepDays is how long recordings are kept here.
func (h *household) keepDays() string {
	if h.Rules.KeepClips == 0 {
		return "7"
	}
	return decimalOf(h.Rules.KeepClips)
}
