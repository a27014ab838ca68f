package demo

import (
	"time"

	"github.com/loquet/loquet/event"
)

// sceneHome is the main job.
func sceneHome(p *play) {
	d, anna := p.promised("front-door")
	anna.deliver(d)
}

func sceneGarage(p *play) {
	anna, v := p.admitted("garage")
	anna.deposit(v)
	anna.tellClose(v)
	p.awaitSecured("garage")
	anna.leave(v).granted()
}

func sceneTwoBarriers(p *play) {
	d, anna, v := p.onTheWay("front-door")
	anna.scan(v, d.parcels[0]).granted()
	p.awaitOpened("lobby")
	lobby, flat := p.door("lobby"), p.door("front-door")
	lobby.push()
	lobby.pullShut()
	anna.open(v).granted()
	p.awaitOpened("front-door")
	flat.push()
	anna.deposit(v)
	flat.pullShut()
	anna.tellClose(v)
	p.awaitSecured("front-door")
	p.awaitSecured("lobby")
	anna.leave(v).granted()
}

func sceneCode(p *play) {
	d, anna, v := p.onTheWay("front-door")
	anna.scan(v, d.parcels[0]).granted()
	p.awaitOutcome(event.Done)
	code := anna.askCode(v, "front-door")
	front := p.door("front-door")
	front.typeCode(code)
	p.awaitBody("the device forgets the code", event.CodeRemoved{}.Kind())
	front.push()
	anna.deposit(v)
	front.pullShut()
	anna.tellClose(v)
	p.awaitSecured("front-door")
	front.typeCodeAgain(code)
	anna.leave(v).granted()
}

func sceneSharedVisit(p *play) {
	first, second := p.booked("front-door"), p.bookedBy("books", "front-door")
	anna := p.bringer()
	p.assign(first, anna)
	p.assign(second, anna)
	v := anna.approach(first)
	anna.scan(v, first.parcels[0]).granted()
	anna.scan(v, second.parcels[0]).granted()
	anna.finish(v, "front-door")
}

func sceneTwoCouriers(p *play) {
	first, second := p.booked("front-door"), p.bookedBy("books", "front-door")
	anna, ben := p.bringer(), p.courier("Ben")
	p.assign(first, anna)
	p.assign(second, ben)
	a, b := anna.approach(first), ben.approach(second)
	anna.scan(a, first.parcels[0]).granted()
	p.awaitOpened("front-door")
	ben.scan(b, second.parcels[0]).refused(event.BarrierBusy)
	anna.finish(a, "front-door")
	ben.open(b).granted()
	ben.finish(b, "front-door")
}

func scenePlanB(p *play) {
	p.home.planB("neighbour", "Mr Petit, door 3", "neighbour", "Ms Roy, door 5")
	d, anna, v := p.onTheWay("front-door")
	p.home.withdrawConsent(d)
	anna.scan(v, d.parcels[0]).refused(event.NoConsent)
	anna.planB(d, true)
	anna.planB(d, false)
}

func sceneDoubleScan(p *play) {
	d, anna, v := p.onTheWay("front-door")
	anna.scanTwice(v, d.parcels[0])
	anna.finish(v, "front-door")
}

func sceneBlockBefore(p *play) {
	d, anna, v := p.onTheWay("front-door")
	p.home.block(d, event.BlockWon)
	anna.scan(v, d.parcels[0]).refusedAny(event.Blocked, event.AlreadyEnded)
	anna.planB(d, false)
}

func sceneBlockAfter(p *play) {
	d, anna, v := p.onTheWay("front-door")
	anna.scan(v, d.parcels[0]).granted()
	p.home.block(d, event.BlockTooLate)
	anna.finish(v, "front-door")
}

func sceneUnprovable(p *play) {
	anna, v := p.admitted("side-door")
	side := p.door("side-door")
	side.push()
	anna.deposit(v)
	side.pullShut()
	anna.leave(v).granted()
}

func sceneResident(p *play) {
	anna, v := p.admitted("front-door")
	front := p.door("front-door")
	front.push()
	anna.deposit(v)
	p.home.takeOver(v)
	front.pullShut()
	p.awaitBody("the resident has taken over", event.VisitTakenOver{}.Kind())
	p.awaitBody("the visit ends", event.VisitEnded{}.Kind())
}

func sceneForeign(p *play) {
	d := p.booked("front-door")
	p.assign(d, p.bringer())
	p.door("front-door").foreign("key")
	p.awaitBody("the household is told", event.ForeignOpening{}.Kind())
}

// soon is a rule for scenes that wait for an alarm.
const soon = 2 * time.Second
