package demo

import (
	"github.com/loquet/loquet/device/virtual"
	"github.com/loquet/loquet/event"
)

func sceneUnlockUnknown(p *play) {
	d, anna, v := p.onTheWay("front-door")
	front := p.door("front-door")
	front.fault("takes orders and does nothing", virtual.Faults{Deaf: true})
	anna.scan(v, d.parcels[0]).granted()
	p.awaitOutcome(event.Unknown)
	anna.open(v).refused(event.OutcomePending)
	front.fault("works again", virtual.Faults{})
	p.awaitOutcome(event.NotDone)
	anna.open(v).granted()
	anna.finish(v, "front-door")
}

func sceneJammed(p *play) {
	anna, v := p.admitted("front-door")
	front := p.door("front-door")
	front.push()
	anna.deposit(v)
	front.fault("will jam", virtual.Faults{Jam: true})
	front.pullShut()
	anna.tellClose(v)
	p.awaitAlarm(event.AlarmJammed, event.AlarmCourier)
	anna.leave(v).refused(event.NotSecured)
	front.fault("is free again", virtual.Faults{})
	p.awaitSecured("front-door")
	anna.leave(v).granted()
}

func sceneAjar(p *play) {
	anna, v := p.admitted("front-door")
	front := p.door("front-door")
	front.push()
	anna.deposit(v)
	front.handLock("turns the key in the open door")
	p.awaitAlarm(event.AlarmAjar, event.AlarmCourier)
	anna.leave(v).refused(event.NotSecured)
	anna.reopen(v, "front-door").granted()
	p.awaitOutcome(event.Done)
	anna.goOut(v, "front-door")
}

func sceneNeverClosed(p *play) {
	p.home.hurry(soon)
	anna, v := p.admitted("front-door")
	p.door("front-door").push()
	anna.deposit(v)
	anna.leave(v).refused(event.NotSecured)
	p.awaitAlarm(event.AlarmNotClosed, event.AlarmCourier)
	p.awaitAlarm(event.AlarmNotClosed, event.AlarmCustomer)
	p.awaitAlarm(event.AlarmNotClosed, event.AlarmOperator)
}

func sceneDwell(p *play) {
	p.home.hurry(soon)
	anna, v := p.admitted("front-door")
	p.door("front-door").push()
	p.awaitAlarm(event.AlarmNotClosed, event.AlarmCourier)
	anna.deposit(v)
	anna.goOut(v, "front-door")
}

func sceneReplay(p *play) {
	anna, v := p.admitted("front-door")
	front := p.door("front-door")
	front.push()
	front.replay("LOCKED")
	anna.eavesdropped()
	anna.leave(v).refused(event.NotSecured)
	anna.deposit(v)
	anna.goOut(v, "front-door")
}

func sceneCrashAfterIntent(p *play) {
	d, anna, v := p.onTheWay("front-door")
	p.crashAtOrder(true, func() { anna.scanIntoTheVoid(v, d.parcels[0]) })
	p.awaitOutcome(event.Unknown)
	p.awaitOutcome(event.NotDone)
	anna.open(v).granted()
	anna.finish(v, "front-door")
}

func sceneCrashAfterCommand(p *play) {
	d, anna, v := p.onTheWay("front-door")
	p.crashAtOrder(false, func() { anna.scanIntoTheVoid(v, d.parcels[0]) })
	anna.open(v).refusedAny(event.OutcomePending, event.AlreadyOpened)
	p.door("front-door").push()
	anna.deposit(v)
	anna.goOut(v, "front-door")
}
