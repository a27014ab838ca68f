package demo

import (
	"time"

	"github.com/loquet/loquet/device/fakecloud"
	"github.com/loquet/loquet/event"
)

// awhile is a rule for scenes that wait for an alarm of a car, whose maker's cloud is asked every few seconds.
const awhile = 10 * time.Second

func sceneTrunk(p *play) {
	d, anna, v := p.atTheCar()
	anna.finds(v)
	anna.scan(v, d.parcels[0]).granted()
	anna.load(v, trunk)
}

func sceneCabinTooLarge(p *play) {
	p.home.rules(map[string]any{"planB": []map[string]any{{"kind": event.FallbackAccessPoint, "accessPoint": p.home.places[cabin]}}})
	d, anna, v := p.atTheCar()
	anna.tooLarge(v, d)
	anna.planB(d, false)
	d.place = p.home.places[cabin]
	v = anna.approach(d)
	p.awaitFound("")
	anna.scan(v, d.parcels[0]).granted()
	anna.load(v, cabin)
}

// sceneCarMoved: Camille went to lunch with it, and it stands around another corner now.
func sceneCarMoved(p *play) {
	p.drives("drives to lunch, and parks around another corner", -90, 150, time.Minute)
	d, anna, v := p.atTheCar()
	p.awaitBody("the household is asked where it stands", event.SpotAsked{}.Kind())
	p.say("customer", "answers: in front of the bakery")
	p.home.describe(trunk, "In front of the bakery.", false)
	anna.scan(v, d.parcels[0]).granted()
	anna.load(v, trunk)
}

// sceneCarTooFar: nobody chose a plan B, so that the parcel comes to the reference address.
func sceneCarTooFar(p *play) {
	p.drives("takes the car to the other end of the town", 2600, -3100, time.Minute)
	d, anna, v := p.onTheWay(trunk)
	anna.turnsAway(d, v, event.CarTooFar)
}

func sceneCarUnderground(p *play) {
	p.home.planB("neighbour", "Mr Petit, door 3")
	p.say("customer", "says: level -2, where nothing reaches it")
	p.quirk("nothing reaches it any more", fakecloud.Quirks{Offline: true})
	p.home.describe(trunk, "Level -2.", true)
	p.awaitFound(event.CarIndoors)
	d, anna := p.promised(trunk)
	anna.tryApproach(d).refused(event.CarIndoors)
	anna.atHouse()
	anna.planB(d, false)
}

func sceneCarAsleep(p *play) {
	p.quirk("has not been driven for days, and sleeps", fakecloud.Quirks{Asleep: true})
	d, anna, v := p.onTheWay(trunk)
	p.awaitFound(event.CarAsleep)
	anna.scan(v, d.parcels[0]).refused(event.CarAsleep)
	p.say("customer", "unlocks and locks it once: that wakes it")
	p.quirk("is awake", fakecloud.Quirks{})
	anna.insists(v)
	anna.load(v, trunk)
}

func sceneCarStalePosition(p *play) {
	p.home.planB("neighbour", "Mr Petit, door 3")
	p.drives("has not driven for four days, and nothing was heard since", 120, 60, 4*24*time.Hour)
	d, anna, v := p.onTheWay(trunk)
	anna.turnsAway(d, v, event.CarPositionOld)
}

// sceneTrunkWindowPassed waits as long as the handle is free: the car frees it, and nobody else can shorten that.
func sceneTrunkWindowPassed(p *play) {
	d, anna, v := p.atTheCar()
	anna.scan(v, d.parcels[0]).granted()
	p.awaitFree(p.car())
	p.say(anna.name, "is on the telephone")
	p.awaitShutAgain()
	p.awaitOutcome(event.NotDone)
	anna.insists(v)
	anna.load(v, trunk)
}

func sceneTrunkLeftAjar(p *play) {
	p.home.hurry(awhile)
	d, anna, v := p.atTheCar()
	anna.scan(v, d.parcels[0]).granted()
	anna.opens(trunk)
	anna.deposit(v)
	p.say("car", "the trunk falls to, and does not shut")
	anna.leave(v).refused(event.NotSecured)
	p.awaitAlarm(event.AlarmNotClosed, event.AlarmCourier)
	anna.shuts(v, trunk)
	anna.leave(v).granted()
}

func sceneCarWontLock(p *play) {
	p.home.hurry(awhile)
	d, anna, v := p.atTheCar()
	anna.scan(v, d.parcels[0]).granted()
	anna.opens(trunk)
	anna.deposit(v)
	p.quirk("locks stick", fakecloud.Quirks{Jam: true})
	p.say("car", "the trunk is shut")
	p.must(p.car().PullShut())
	anna.tellClose(v)
	anna.leave(v).refused(event.NotSecured)
	p.awaitAlarm(event.AlarmNotLocked, event.AlarmOperator)
	p.say("customer", "comes, and locks it with the key")
	p.quirk("locks again", fakecloud.Quirks{})
	p.car().HandLock()
	p.awaitSecured(trunk)
	anna.leave(v).granted()
}

func sceneCarCloudDown(p *play) {
	p.home.hurry(awhile)
	p.breaks("is down", fakecloud.Trouble{Kind: fakecloud.TroubleDown})
	d, anna, v := p.onTheWay(trunk)
	p.awaitFound(event.CarUnreachable)
	anna.scan(v, d.parcels[0]).refused(event.CarUnreachable)
	p.mends()
	anna.insists(v)
	anna.opens(trunk)
	p.breaks("is down again, while the car stands open", fakecloud.Trouble{Kind: fakecloud.TroubleDown})
	anna.deposit(v)
	p.say("car", "the trunk is shut")
	p.must(p.car().PullShut())
	anna.tellClose(v)
	anna.leave(v).refused(event.NotSecured)
	p.awaitLevel(event.AlarmCourier)
	p.mends()
	p.awaitSecured(trunk)
	anna.leave(v).granted()
}

func sceneCarRateLimited(p *play) {
	p.breaks("asks us to wait for 20 seconds", fakecloud.Trouble{Kind: fakecloud.TroubleTooMany, Length: 20 * time.Second})
	d, anna, v := p.onTheWay(trunk)
	p.awaitFound(event.CarBusy)
	anna.scan(v, d.parcels[0]).refused(event.CarBusy)
	p.mends()
	anna.insists(v)
	anna.load(v, trunk)
}

func sceneConsentRevoked(p *play) {
	p.home.planB("neighbour", "Mr Petit, door 3")
	d, anna := p.promised(trunk)
	p.say("customer", "withdraws the consent on the maker's own page")
	p.stage.makers.revoke(p.car())
	anna.turnsAway(d, anna.approach(d), event.CarRevoked)
}
