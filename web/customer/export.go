package customer

import (
	"context"
	"errors"
	"io"
	"net/http"
	"strconv"
	"time"

	"github.com/loquet/loquet/api"
	"github.com/loquet/loquet/notify"
	"github.com/loquet/loquet/web/ui"
)

// exportPath is where an export is begun, followed and fetched.
const exportPath = "/home/household/export"

// exportView is a household's data as one file: what is in it, and how far it is.
type exportView struct {
	*household
	export
	flash *flash
	// progress is of the one that is being written.
	progress api.ExportProgress
	// films is how large the recordings are that can be in it.
	films int64
	// mail is where it is told that it is ready; "" where nothing is mailed.
	mail string
}

func (p *person) exportView() (*exportView, *api.Problem) {
	h, problem := p.household()
	if problem != nil {
		return nil, problem
	}
	v := &exportView{household: h, flash: p.flash(), export: p.exports.of(p.member.ID())}
	clips, problem := read(p, p.API.ListClips, &struct{}{})
	if problem != nil {
		return nil, problem
	}
	for _, c := range clips.Body.Clips {
		for _, f := range c.Files {
			v.films += f.Bytes
		}
	}
	if v.stage == exportRunning {
		out, problem := read(p, p.API.ExportProgress, &struct{}{})
		if problem != nil {
			return nil, problem
		}
		v.progress = out.Body
	}
	v.mail, problem = p.mailbox()
	return v, problem
}

// mailbox is where the member is mailed; "" where nobody is.
func (p *person) mailbox() (string, *api.Problem) {
	if p.Notifier == nil {
		return "", nil
	}
	s, err := p.Notifier.Settings(p.ctx(), p.member)
	if err != nil {
		return "", p.unreadable(err)
	}
	for _, c := range s.Available {
		if c == notify.Email {
			return s.Email, nil
		}
	}
	return "", nil
}

func (p *person) exportPage() {
	v, problem := p.exportView()
	if problem != nil {
		p.refuse(problem)
		return
	}
	p.show(v.household, ui.Page{Title: p.say("export.title." + string(v.stage)), Place: v.Address, Step: string(v.stage), Live: exportPath + "/live", Here: exportPath,
		Say: v.said(p.ctx()), Main: exportPage(v)})
}

// exportEvery is how often a page looks how far an export is.
const exportEvery = time.Second

func (p *person) exportLive() {
	flash := p.flash()
	p.live(func(p *person) (ui.Frame, error) {
		v, problem := p.exportView()
		if problem != nil {
			return ui.Frame{}, problem
		}
		v.flash = flash
		frame := ui.Frame{Title: p.say("export.title." + string(v.stage)), Place: v.Address, Step: string(v.stage), Main: exportPage(v), Say: v.said(p.ctx())}
		if v.stage == exportRunning {
			frame.Next = exportEvery
		}
		return frame, nil
	})
}

// makeExport begins one; the page then says how far it is.
func (p *person) makeExport() {
	c, err := p.r.Cookie(cookieName)
	if err != nil {
		p.strange(p.w, p.r)
		return
	}
	ask := exportAsk{films: p.r.PostFormValue("films") == "yes", token: c.Value, lang: p.lang(), from: p.r.RemoteAddr}
	if err := p.exports.begin(p.member, ask); err != nil {
		p.goTo(exportPath, "not", "exports")
		return
	}
	http.Redirect(p.w, p.r, exportPath, http.StatusSeeOther)
}

// exportFile is the file, for whoever had it made.
func (p *person) exportFile() {
	one := p.exports.of(p.member.ID())
	if one.stage != exportReady {
		http.Redirect(p.w, p.r, exportPath, http.StatusSeeOther)
		return
	}
	p.w.Header().Set("Content-Type", "application/zip")
	p.w.Header().Set("Content-Disposition", `attachment; filename="loquet-`+string(p.member.Site())+`.zip"`)
	http.ServeContent(p.w, p.r, "", one.ready, io.NewSectionReader(one.file, 0, one.file.size))
}

// unmailed says that there is nowhere to mail to, which is no failure.
func unmailed(err error) bool {
	return errors.Is(err, notify.ErrUnavailable) || errors.Is(err, notify.ErrNoAddress) || errors.Is(err, notify.ErrMember)
}

// part is which of its files is being written.
func (v *exportView) part(ctx context.Context) string {
	if v.progress.Parts == 0 {
		return words.T(ctx, "export.waiting")
	}
	return words.T(ctx, "export.part", "n", count(v.progress.Part), "of", count(v.progress.Parts))
}

// percent is how far it is; never all of it before it is ready.
func (v *exportView) percent() int {
	if v.progress.Of <= 0 {
		return 0
	}
	return int(min(99, v.progress.Bytes*100/v.progress.Of))
}

// left is how long it will take from now on, by how long it took so far; 0 while nobody can say.
func (v *exportView) left() time.Duration {
	took := v.now.Sub(v.began)
	if v.percent() < 5 || took < 2*time.Second {
		return 0
	}
	return took * time.Duration(100-v.percent()) / time.Duration(v.percent())
}

// said is what is read out: each quarter, and that it is ready.
func (v *exportView) said(ctx context.Context) string {
	switch v.stage {
	case exportRunning:
		return words.T(ctx, "export.percent", "n", strconv.Itoa(v.percent()/25*25))
	case exportReady, exportFailed:
		return words.T(ctx, "export.title."+string(v.stage))
	default:
		return ""
	}
}
