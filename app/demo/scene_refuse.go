package demo

import (
	"time"

	"github.com/loquet/loquet/event"
)

func sceneWrongParcel(p *play) {
	d, anna, v := p.onTheWay("front-door")
	anna.scan(v, strangeParcel).refused(event.WrongParcel)
	anna.scan(v, d.parcels[0]).granted()
	anna.finish(v, "front-door")
}

func sceneWrongCourier(p *play) {
	d := p.booked("front-door")
	anna, ben := p.bringer(), p.courier("Ben")
	p.assign(d, anna)
	ben.tryApproach(d).refused(event.WrongCourier)
}

func sceneWrongPlace(p *play) {
	d, anna, v := p.onTheWay("front-door")
	anna.stand(2000)
	anna.scan(v, d.parcels[0]).refused(event.WrongPlace)
}

func sceneTooEarly(p *play) {
	d := p.bookedFor("front-door", time.Hour, 3*time.Hour)
	anna := p.bringer()
	p.assign(d, anna)
	v := anna.approach(d)
	anna.scan(v, d.parcels[0]).refused(event.TooEarly)
}

func sceneTooLate(p *play) {
	d := p.bookedFor("front-door", -time.Hour, soon)
	anna := p.bringer()
	p.assign(d, anna)
	p.wait("the window passes", d.until)
	anna.tryApproach(d).refused(event.TooLate)
}

func sceneLockOffline(p *play) {
	d, anna, v := p.onTheWay("front-door")
	p.door("front-door").offline()
	p.await("the lock is known to be unreachable", func(e event.Event) bool {
		o, ok := e.Body.(event.BarrierObserved)
		return ok && o.Observation.Reach == event.ReachOffline
	})
	anna.scan(v, d.parcels[0]).refused(event.DeviceOffline)
	anna.planB(d, false)
}
