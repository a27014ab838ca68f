package customer

// page is what answers a request of a signed-in member.
type page func(*person)

// pages are every address of the app but the service worker's.
var pages = map[string]page{
	// U1: home.
	"GET /home/{$}":  (*person).home,
	"GET /home/live": (*person).homeLive,

	// U2 and U3: one delivery, and the block.
	"GET /home/deliveries/{delivery}":            (*person).delivery,
	"GET /home/deliveries/{delivery}/live":       (*person).deliveryLive,
	"GET /home/deliveries/{delivery}/block":      (*person).askBlock,
	"POST /home/deliveries/{delivery}/block":     (*person).block,
	"POST /home/deliveries/{delivery}/consent":   (*person).consentTo,
	"POST /home/deliveries/{delivery}/withdraw":  (*person).withdrawFrom,
	"POST /home/deliveries/{delivery}/answer":    (*person).answer,
	"POST /home/deliveries/{delivery}/cancel":    (*person).cancel,
	"POST /home/deliveries/{delivery}/take-over": (*person).takeOver,

	// U4: places and their doors.
	"GET /home/places":                     (*person).places,
	"GET /home/places/new":                 (*person).newPlace,
	"GET /home/places/new/device":          (*person).newDevice,
	"GET /home/places/new/device/live":     (*person).newDeviceLive,
	"POST /home/places/new/device":         (*person).takeDevice,
	"GET /home/places/new/typed":           (*person).typedDevice,
	"GET /home/places/new/proof":           (*person).proof,
	"POST /home/places/new/barrier":        (*person).addBarrier,
	"GET /home/barriers/{barrier}":         (*person).byHand,
	"GET /home/barriers/{barrier}/live":    (*person).byHandLive,
	"POST /home/barriers/{barrier}/retire": (*person).retireBarrier,
	"GET /home/places/new/where":           (*person).where,
	"POST /home/places":                    (*person).addPlace,
	"GET /home/places/new/who":             (*person).who,
	"GET /home/places/{place}":             (*person).place,
	"GET /home/places/{place}/live":        (*person).placeLive,
	"POST /home/places/{place}/remove":     (*person).retirePlace,

	// A place that is a car: what it looks like, and where it stands.
	"GET /home/places/{place}/car":                (*person).myCar,
	"POST /home/places/{place}/car":               (*person).describeCar,
	"POST /home/places/{place}/car/spot":          (*person).describeSpot,
	"GET /home/places/{place}/car/picture":        (*person).carPicture,
	"POST /home/places/{place}/car/picture":       (*person).sendCarPicture,
	"POST /home/places/{place}/car/picture/erase": (*person).eraseCarPicture,

	// U6: cars, up to the place that one is.
	"GET /home/cars":                         (*person).cars,
	"GET /home/cars/new":                     (*person).newCar,
	"POST /home/cars/new":                    (*person).checkCar,
	"POST /home/cars/authorise":              (*person).authorise,
	"GET " + CarsBackPath:                    (*person).carsBack,
	"GET /home/cars/{maker}":                 (*person).vehicles,
	"POST /home/cars/{maker}/withdraw":       (*person).withdrawCars,
	"POST /home/cars/{maker}/{vehicle}":      (*person).chooseCar,
	"POST /home/cars/{maker}/{vehicle}/part": (*person).partCar,
	"POST /home/cars/places":                 (*person).addCarPlace,

	// The map of streets, for the maps on these pages.
	"GET /home/map":        (*person).tellStreets,
	"GET /home/map/{name}": (*person).serveStreets,

	// U5: cameras.
	"GET /home/cameras/new":              (*person).newCamera,
	"POST /home/cameras/find":            (*person).findCameras,
	"POST /home/cameras":                 (*person).addCamera,
	"GET /home/cameras/{camera}":         (*person).camera,
	"POST /home/cameras/{camera}/check":  (*person).checkCamera,
	"POST /home/cameras/{camera}/remove": (*person).retireCamera,

	// U7: the rehearsal.
	"GET /home/places/{place}/rehearsal":        (*person).rehearsal,
	"GET /home/places/{place}/rehearsal/live":   (*person).rehearsalLive,
	"POST /home/places/{place}/rehearsal":       (*person).begin,
	"POST /home/places/{place}/rehearsal/open":  (*person).openNext,
	"POST /home/places/{place}/rehearsal/code":  (*person).showCode,
	"POST /home/places/{place}/rehearsal/close": (*person).closeAll,

	// U8: rules and consents.
	"GET /home/rules":                        (*person).rules,
	"GET /home/rules/live":                   (*person).rulesLive,
	"POST /home/rules":                       (*person).setRules,
	"POST /home/rules/plan-b":                (*person).planB,
	"GET /home/consents/new":                 (*person).consentForm,
	"POST /home/consents":                    (*person).giveConsent,
	"POST /home/consents/{consent}/withdraw": (*person).withdrawConsent,

	// Doors that other homes' visits may pass through.
	"GET /home/lending":      (*person).lending,
	"GET /home/lending/live": (*person).lendingLive,
	"POST /home/lending":     (*person).lend,
	"POST /home/lending/end": (*person).endLending,

	// U9: every opening, and receipts.
	"GET /home/history":                     (*person).history,
	"GET /home/history/live":                (*person).historyLive,
	"GET /home/visits/{visit}/receipt.json": (*person).receiptFile,
	"GET /home/visits/{visit}":              (*person).visit,

	// U10: recordings.
	"GET /home/recordings":                              (*person).recordings,
	"GET /home/recordings/live":                         (*person).recordingsLive,
	"GET /home/recordings/{clip}":                       (*person).recording,
	"GET /home/recordings/{clip}/{number}/captions.vtt": (*person).captions,
	"POST /home/recordings/{clip}/erase":                (*person).eraseClip,

	// U11: notifications.
	"GET /home/notifications":                          (*person).notifications,
	"GET /home/notifications/live":                     (*person).notificationsLive,
	"POST /home/notifications":                         (*person).setNotifications,
	"POST /home/notifications/phone":                   (*person).setPhone,
	"POST /home/notifications/test":                    (*person).sendTest,
	"POST /home/notifications/devices":                 (*person).subscribe,
	"POST /home/notifications/devices/{device}/remove": (*person).unsubscribe,

	// U12: the household and its data.
	"GET /home/household":                          (*person).members,
	"POST /home/household/members":                 (*person).addMember,
	"POST /home/household/members/{member}/remove": (*person).removeMember,
	"GET /home/household/export":                   (*person).exportPage,
	"GET /home/household/export/live":              (*person).exportLive,
	"GET /home/household/export/file":              (*person).exportFile,
	"POST /home/household/export":                  (*person).makeExport,
	"GET /home/household/leave":                    (*person).leave,
	"POST /home/household/leave":                   (*person).moveOut,
}
