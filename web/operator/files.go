package operator

import (
	"errors"
	"io"
	"net/http"
	"slices"
	"strconv"
	"time"

	"github.com/loquet/loquet/api"
	"github.com/loquet/loquet/auth"
	"github.com/loquet/loquet/event"
	"github.com/loquet/loquet/store"
	"github.com/loquet/loquet/web/ui"
)

// filesView is where a file of bookings is chosen, and those of the last week are found again.
type filesView struct {
	*person
	flash *flash
	files []head
	wrong []ui.Wrong
}

// fileView is one file, line by line.
type fileView struct {
	*person
	file
	flash   *flash
	running bool
}

func filePath(id string) string { return "/operator/import/" + id }

// files is the page of the form.
func (p *person) files() { p.filesWith(nil) }

func (p *person) filesWith(wrong []ui.Wrong) {
	list, err := p.imports.list(p.ctx())
	if err != nil {
		p.unreadable(err)
		return
	}
	one := ui.Page{Title: p.say("import"), Step: "import", Here: "/operator/import", Main: filesPage(&filesView{p, p.flash(), list, wrong})}
	if len(wrong) > 0 {
		one.Title, one.Step, one.Status = p.say("error")+" "+one.Title, "import-wrong", http.StatusUnprocessableEntity
	}
	p.show(one)
}

// unreadable answers when what is kept of files can't be read.
func (p *person) unreadable(err error) {
	if errors.Is(err, store.ErrNotFound) {
		p.Kit.NotFound(p.w, p.r)
		return
	}
	p.Kit.Broke(p.ctx(), "a file of bookings can't be read", err)
	p.fail("unread", http.StatusServiceUnavailable)
}

// takeFile reads a file and has every line checked. Nothing is booked by that.
func (p *person) takeFile() {
	ui.AllowBody(p.w, p.r, csvMostBytes+64<<10)
	data, name, err := p.sentFile()
	if err != nil {
		p.filesWith([]ui.Wrong{{Field: "file", Text: p.say("csv.large")}})
		return
	}
	lines, err := readCSV(data)
	var bad *csvError
	if errors.As(err, &bad) {
		p.filesWith([]ui.Wrong{{Field: "file", Text: p.say("csv."+bad.key, "what", bad.what)}})
		return
	}
	id, err := p.imports.draw()
	if err != nil {
		p.unreadable(err)
		return
	}
	f := file{head: head{ID: id, Name: name, By: p.staff.ID(), At: event.InstantOf(p.Now()), Stage: stageChecking}}
	for _, line := range lines {
		f.Lines = append(f.Lines, fileLine{csvLine: line})
	}
	if err := p.imports.save(p.ctx(), &f); err != nil {
		p.unreadable(err)
		return
	}
	p.imports.start(f, p.worker())
	http.Redirect(p.w, p.r, filePath(id), http.StatusSeeOther)
}

// sentFile is what the form brought: a file, or lines that were pasted.
func (p *person) sentFile() (data []byte, name string, err error) {
	if err := p.r.ParseMultipartForm(csvMostBytes); err != nil && !errors.Is(err, http.ErrNotMultipart) {
		return nil, "", err
	}
	if sent, header, err := p.r.FormFile("file"); err == nil {
		defer sent.Close()
		data, err = io.ReadAll(io.LimitReader(sent, csvMostBytes+1))
		if err != nil || len(data) > 0 {
			return data, shortened(header.Filename), err
		}
	}
	return []byte(p.r.PostFormValue("lines")), p.say("import.pasted"), nil
}

func (p *person) worker() work {
	return work{asker{p.Console, p.staff.Client(), p.lang(), fileTurns}, auth.TokenIn(p.r, auth.StaffCookie), p.staff.Role()}
}

func (p *person) fileID() string { return p.r.PathValue("import") }

// oneFile is the page of a file: its progress, what is wrong with which line, and what became of each.
func (p *person) oneFile() {
	v, err := p.fileView()
	if err != nil {
		p.unreadable(err)
		return
	}
	p.show(ui.Page{Title: v.title(), Place: v.Name, Step: string(v.Stage), Live: filePath(v.ID) + "/live", Here: filePath(v.ID), Main: filePage(v)})
}

func (p *person) oneFileLive() {
	p.live(func(p *person) (ui.Frame, error) {
		v, err := p.fileView()
		if err != nil {
			return ui.Frame{}, err
		}
		f := ui.Frame{Title: v.title(), Place: v.Name, Step: string(v.Stage), Main: filePage(v), Say: v.said()}
		if v.running {
			f.Next = 500 * time.Millisecond
		}
		return f, nil
	})
}

func (p *person) fileView() (*fileView, error) {
	f, running, err := p.imports.find(p.ctx(), p.fileID())
	return &fileView{p, f, p.flash(), running}, err
}

// bookFile books every line that can be, or goes on with what stands still.
func (p *person) bookFile() {
	f, running, err := p.imports.find(p.ctx(), p.fileID())
	if err != nil {
		p.unreadable(err)
		return
	}
	if !running && f.Stage != stageDone {
		if f.Stage == stageChecked {
			f.Stage = stageBooking
		}
		if err := p.imports.save(p.ctx(), &f); err != nil {
			p.unreadable(err)
			return
		}
		p.imports.start(f, p.worker())
	}
	http.Redirect(p.w, p.r, filePath(f.ID), http.StatusSeeOther)
}

// fileLabels prints the labels of what a file booked, a hundred deliveries at once.
func (p *person) fileLabels() {
	f, _, err := p.imports.find(p.ctx(), p.fileID())
	if err != nil {
		p.unreadable(err)
		return
	}
	from, _ := strconv.Atoi(p.r.URL.Query().Get("from"))
	ids := f.delivered()
	if from < 0 || from >= len(ids) {
		p.Kit.NotFound(p.w, p.r)
		return
	}
	in := &api.PrintLabelsInput{Body: api.PrintLabels{Deliveries: ids[from:min(from+labelsAtOnce, len(ids))]}}
	out, problem := read(p, p.API.PrintLabels, in)
	if problem != nil {
		p.refuse(problem)
		return
	}
	p.file(out.Type, out.Name, out.Body)
}

// labelsAtOnce is how many deliveries' labels are printed in one file.
const labelsAtOnce = 100

// delivered are the deliveries that a file's lines are.
func (f file) delivered() []event.DeliveryID {
	var ids []event.DeliveryID
	for _, l := range f.Lines {
		if l.Delivery != "" {
			ids = append(ids, l.Delivery)
		}
	}
	return ids
}

// title is how far the file is.
func (v *fileView) title() string {
	if v.stopped() {
		return v.say("import.stopped")
	}
	return v.say("import." + string(v.Stage))
}

// stopped says whether it stands still in the middle.
func (v *fileView) stopped() bool {
	return !v.running && (v.Stage == stageChecking || v.Stage == stageBooking)
}

// said is what a screen reader hears of the progress: every quarter, and the end.
func (v *fileView) said() string {
	done, total := v.progressed()
	if !v.running || total == 0 {
		return v.title()
	}
	return v.say("import.progress", "n", strconv.Itoa(done*4/total*25))
}

// left is about how long it will go on: twenty lines a second, with what each takes.
func (v *fileView) left() string {
	done, total := v.progressed()
	seconds := (total - done + 19) / 20
	return ui.Span(time.Duration(seconds) * time.Second)
}

// troubled are the lines that need somebody.
func (f file) troubled() []fileLine {
	return slices.DeleteFunc(slices.Clone(f.Lines), func(l fileLine) bool { return l.Wrong == "" })
}

// outcomes in the order in which they are counted on the page.
var outcomes = []outcome{lineReady, lineBooked, lineAlready, lineWrong, lineFailed}

// mostFileLines is how many lines are shown of each kind; more would not be read.
const mostFileLines = 200

// csvExample is a file of one line.
const csvExample = "reference,site,merchant,carrier,date,from,to,parcels,size\n" +
	"A-4471,3kf9x2m7q1za,grocer,swift,2027-03-01,14:00,18:00,340123450000000017 340123450000000024,small"

func outcomeLook(o outcome) ui.State {
	if o == lineWrong || o == lineFailed {
		return ui.Refused
	}
	return ui.Neutral
}

func outcomeKey(o outcome) string {
	if o == lineWaits {
		return "line.waits"
	}
	return "line." + string(o)
}
