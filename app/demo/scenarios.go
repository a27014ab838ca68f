package demo

import (
	"github.com/loquet/loquet/device/virtual"
)

// Scenario is one delivery, or two, and how it must end.
type Scenario struct {
	Name  string
	Title string
	props
	// camera films the last of them.
	camera cameraUse
	scene  func(*play)
	// state, openings and secured are how it must end.
	state    string
	openings int
	secured  bool
}

// props are what the household has; each is enrolled by hand before the scene begins.
type props struct {
	// devices stand in the virtual home.
	devices []virtual.Device
	// car stands somewhere near; nil when there is none.
	car *auto
}

// cameraUse says whether a camera films the way in, and whether the household asks for its picture.
type cameraUse int

const (
	noCamera cameraUse = iota
	cameraOptional
	cameraRequired
)

func lock(name string) virtual.Device {
	return virtual.Device{Name: name, Kind: virtual.Lock, Timestamps: true}
}
func door() props                     { return doors(lock("front-door")) }
func doors(d ...virtual.Device) props { return props{devices: d} }
func one(k virtual.Kind, name string) props {
	return doors(virtual.Device{Name: name, Kind: k, Timestamps: true})
}
func parked(a auto) props { return props{car: &a} }

// Scenarios lists every scenario, in the order in which they are best read.
func Scenarios() []Scenario {
	return []Scenario{
		{"home", "A parcel behind the front door, while nobody is home.", door(), noCamera, sceneHome, "delivered", 1, true},
		{"garage", "Into the garage: the door closes by order, and its contact proves it.", one(virtual.Garage, "garage"), noCamera, sceneGarage, "delivered", 1, true},
		{"two-barriers", "Through the building's lobby, which is lent for one visit, into the flat.", doors(lock("lobby"), lock("front-door")), noCamera, sceneTwoBarriers, "delivered", 2, true},
		{"one-time-code", "A keypad takes a code that works once, and is read back as gone.", one(virtual.ZigbeeLock, "front-door"), noCamera, sceneCode, "delivered", 1, true},
		{"shared-visit", "Two shops, one courier, one visit, one opening.", door(), noCamera, sceneSharedVisit, "delivered", 1, true},
		{"two-couriers", "A second courier waits until the door is proven shut.", door(), noCamera, sceneTwoCouriers, "delivered", 2, true},
		{"plan-b", "Nobody may enter today: the neighbour takes it, the second one asked.", door(), noCamera, scenePlanB, "diverted", 0, false},
		{"wrong-parcel", "A parcel for another address opens nothing; the right one does.", door(), noCamera, sceneWrongParcel, "delivered", 1, true},
		{"wrong-courier", "Somebody else's courier, with the right parcel.", door(), noCamera, sceneWrongCourier, "assigned", 0, false},
		{"wrong-place", "The right courier, two kilometres away.", door(), noCamera, sceneWrongPlace, "visiting", 0, false},
		{"too-early", "An hour before the window.", door(), noCamera, sceneTooEarly, "visiting", 0, false},
		{"too-late", "The window has passed.", door(), noCamera, sceneTooLate, "assigned", 0, false},
		{"double-scan", "The same parcel scanned twice at the same instant.", door(), noCamera, sceneDoubleScan, "delivered", 1, true},
		{"block-before", "The customer blocks before the scan.", door(), noCamera, sceneBlockBefore, "returned", 0, false},
		{"block-after", "The customer blocks a moment after the order went out.", door(), noCamera, sceneBlockAfter, "delivered", 1, true},
		{"lock-offline", "The lock's battery is dead.", door(), noCamera, sceneLockOffline, "returned", 0, false},
		{"unlock-unknown", "The lock takes the order and does not say what it did.", door(), noCamera, sceneUnlockUnknown, "delivered", 2, true},
		{"jammed", "The bolt jams when it should lock; an alarm stands until it is freed.", door(), noCamera, sceneJammed, "delivered", 1, true},
		{"ajar", "The bolt says locked while the contact says open.", door(), noCamera, sceneAjar, "delivered", 2, true},
		{"never-closed", "The courier walks away from an open door.", door(), noCamera, sceneNeverClosed, "visiting", 1, false},
		{"dwell-too-long", "Inside for too long.", door(), noCamera, sceneDwell, "delivered", 1, true},
		{"resident-comes-home", "The resident comes home and takes charge of the open door.", door(), noCamera, sceneResident, "delivered", 1, false},
		{"unprovable", "A door without a sensor: its owner accepted that nothing can prove it shut.", one(virtual.LobbyDoor, "side-door"), noCamera, sceneUnprovable, "delivered", 1, false},
		{"replayed-message", "An old report and an old request are played again.", door(), noCamera, sceneReplay, "delivered", 1, true},
		{"foreign-opening", "Somebody opens the door, and it was not Loquet.", door(), noCamera, sceneForeign, "assigned", 0, false},
		{"crash-after-intent", "The server dies between its decision and the wire.", door(), noCamera, sceneCrashAfterIntent, "delivered", 2, true},
		{"crash-after-command", "The server dies just after the order went out.", door(), noCamera, sceneCrashAfterCommand, "delivered", 1, true},
		{"camera-home", "Filmed from the approach until the door is shut; watched, then erased.", door(), cameraRequired, sceneCameraHome, "delivered", 1, true},
		{"camera-frozen", "The camera freezes before the scan: nothing opens until it lives again.", door(), cameraRequired, sceneCameraFrozen, "delivered", 1, true},
		{"camera-lost-during-visit", "The camera is jammed while the door stands open: an alarm at once.", door(), cameraRequired, sceneCameraLost, "delivered", 1, true},
		{"camera-loop", "Somebody plays an old film to the server: it is found out.", door(), cameraRequired, sceneCameraLoop, "visiting", 0, false},
		{"no-camera-required", "The household asks for no picture, and its camera has no power.", door(), cameraOptional, sceneNoCameraRequired, "delivered", 1, true},
		{"trunk", "Into the trunk of a parked Volvo: its handle is free for two minutes, and the car itself says that it is shut again.", parked(aVolvo()), noCamera, sceneTrunk, "delivered", 1, true},
		{"cabin-too-large", "It does not fit into the trunk: the cabin, which the household allowed.", parked(aChevrolet(trunk, cabin)), noCamera, sceneCabinTooLarge, "delivered", 1, true},
		{"car-moved", "The car has moved since its spot was described: asked again, and found where it says to be.", parked(aVolvo()), noCamera, sceneCarMoved, "delivered", 1, true},
		{"car-too-far", "The car is in another part of the town: plan B, at the reference address.", parked(aVolvo()), noCamera, sceneCarTooFar, "diverted", 0, false},
		{"car-underground", "In an underground garage nothing reaches it: refused before the way is made.", parked(aVolvo()), noCamera, sceneCarUnderground, "diverted", 0, false},
		{"car-asleep", "The car sleeps, and takes no orders until somebody wakes it.", parked(aVolvo()), noCamera, sceneCarAsleep, "delivered", 1, true},
		{"car-stale-position", "Where the car stood four days ago is not where it is.", parked(aVolvo()), noCamera, sceneCarStalePosition, "diverted", 0, false},
		{"trunk-window-passed", "The handle was free for two minutes, and nobody came: once more, when the car says that it is shut.", parked(aVolvo()), noCamera, sceneTrunkWindowPassed, "delivered", 2, true},
		{"trunk-left-ajar", "The trunk is left ajar: nobody leaves before the car itself says that it is closed and locked.", parked(aVolvo()), noCamera, sceneTrunkLeftAjar, "delivered", 1, true},
		{"car-wont-lock", "The locks stick; the car is told to lock again and again, and the alarm climbs.", parked(aChevrolet(trunk)), noCamera, sceneCarWontLock, "delivered", 1, true},
		{"car-cloud-down", "The maker's cloud is down: first on the way, then while the car stands open.", parked(aChevrolet(trunk)), noCamera, sceneCarCloudDown, "delivered", 1, true},
		{"car-rate-limited", "The maker asks us to wait, and is obeyed to the second.", parked(aVolvo()), noCamera, sceneCarRateLimited, "delivered", 1, true},
		{"consent-revoked", "The owner withdrew the consent on the maker's own page: nothing opens any more.", parked(aVolvo()), noCamera, sceneConsentRevoked, "diverted", 0, false},
	}
}
