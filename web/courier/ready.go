package courier

import (
	"slices"

	"github.com/loquet/loquet/api"
	"github.com/loquet/loquet/event"
	"github.com/loquet/loquet/web/ui"
)

// readiness is one line of what must be so before the door can open.
type readiness struct {
	icon, name, word string
	state            ui.State
}

// readinesses are the lines of C3: the camera, each barrier, and what the household was asked.
func (s at) readinesses() []readiness {
	var lines []readiness
	if s.visit == nil || s.visit.Ready == nil {
		return nil
	}
	if car, ok := s.carReadiness(); ok {
		lines = append(lines, car)
	}
	if camera := s.visit.Ready.Camera; camera != nil {
		lines = append(lines, s.cameraReadiness(*camera))
	}
	for i, b := range s.visit.Ready.Barriers {
		line := readiness{icon: "door", state: ui.Neutral, word: s.t("ready.lock")}
		if i < len(s.visit.Steps) {
			line.icon, line.name = ui.IconOf(s.visit.Steps[i].Is), s.visit.Steps[i].Name
		}
		switch {
		case b.Ready:
		case b.Reach == event.ReachOffline:
			line.state, line.word = ui.Refused, s.t("ready.lock.offline")
		default:
			line.state, line.word = ui.Unknown, s.t("ready.lock.unknown")
		}
		lines = append(lines, line)
	}
	return append(lines, s.questionReadiness()...)
}

func (s at) cameraReadiness(c api.CameraReady) readiness {
	line := readiness{"camera", s.t("camera"), s.t("camera.live"), ui.Neutral}
	picture := s.visit.Picture
	switch {
	case c.Ready:
	case picture != nil && picture.Fault == event.PictureProving:
		line.word, line.state = s.t("camera.proving"), ui.Underway
	default:
		line.word, line.state = s.t("camera.none"), ui.Refused
	}
	return line
}

// questionReadiness is what the household answered: of each delivery the latest round of a question, and of several
// deliveries what hinders most, since each of them must be allowed in.
func (s at) questionReadiness() []readiness {
	var lines []readiness
	at := map[event.Question]int{}
	for _, d := range s.deliveries() {
		latest := map[event.Question]api.Question{}
		for _, q := range d.Questions {
			latest[q.Question] = q
		}
		for _, q := range d.Questions {
			line := s.answered(latest[q.Question])
			i, had := at[q.Question]
			switch {
			case !had:
				at[q.Question] = len(lines)
				lines = append(lines, line)
			case hinders(line) > hinders(lines[i]):
				lines[i] = line
			}
		}
	}
	return lines
}

func hinders(r readiness) int {
	return slices.Index([]ui.State{ui.Neutral, ui.Unknown, ui.Refused}, r.state)
}

func (s at) answered(q api.Question) readiness {
	line := readiness{icon: "person", name: s.t("question." + string(q.Question)), state: ui.Unknown, word: s.t("question.open")}
	at := ui.ClockIn(s.lang, q.At.Time(), s.now, s.zone)
	switch {
	case q.Answered && q.Yes:
		line.state, line.word = ui.Neutral, s.t("question.yes", "time", at)
	case q.Answered:
		line.state, line.word = ui.Refused, s.t("question.no", "time", at)
	}
	return line
}

// hindered is the first line that keeps the door shut as things stand; ok is false when none does.
func (s at) hindered() (line readiness, ok bool) {
	for _, line := range s.readinesses() {
		if line.state == ui.Refused {
			return line, true
		}
	}
	return readiness{}, false
}

// ready says whether nothing known stands against opening.
func (s at) ready() bool {
	for _, line := range s.readinesses() {
		if line.state != ui.Neutral {
			return false
		}
	}
	return true
}

// readySaid is read out once, when everything is ready, or when something is not.
func (s at) readySaid() string {
	if line, hindered := s.hindered(); hindered {
		return line.name + ": " + line.word
	}
	if s.ready() {
		return s.t("ready.all")
	}
	return ""
}
