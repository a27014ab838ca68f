package app

import (
	"context"
	"crypto/rand"
	"net/http"
	"time"

	"github.com/loquet/loquet/auth"
	"github.com/loquet/loquet/camera/live"
	"github.com/loquet/loquet/event"
	"github.com/loquet/loquet/vault"
	"github.com/loquet/loquet/web/courier"
	"github.com/loquet/loquet/web/customer"
	"github.com/loquet/loquet/web/operator"
	"github.com/loquet/loquet/web/sign"
	"github.com/loquet/loquet/web/ui"
)

// mapsName is the folder in the data folder where the operator may put a map, as one .pmtiles file.
const mapsName = "maps"

// exportsName is the folder in the data folder where households' exports wait to be fetched. Nothing in it can be read
// once this process has ended.
const exportsName = "exports"

// buildPages makes the web apps: every one adds its files to the kit before the first address of a file is given out.
func (s *server) buildPages(who *people, secrets *vault.Vault) (err error) {
	s.kit, err = ui.New(ui.Options{Public: s.config.PublicURL, Log: s.log, Now: time.Now, Random: rand.Reader, Chosen: s.chosen(who), Demo: s.config.Demo})
	if err != nil {
		return err
	}
	s.home, err = customer.New(customer.Deps{API: s.api, Sessions: who.sessions, Dispatch: s.dispatcher, Kit: s.kit, Now: time.Now, Log: s.log,
		Player: live.Player(), Links: s.mailing(who), Notifier: s.notifier, Phone: s.config.Phone, Folder: s.config.file(exportsName), Tiles: s.config.file(mapsName)})
	if err != nil {
		return err
	}
	zone, err := officeZone(s.config.Zone, s.log)
	if err != nil {
		return err
	}
	s.console, err = operator.New(operator.Deps{API: s.api, Staffs: who.staffs, Links: s.mailing(who), Couriers: who.couriers, Dispatch: s.dispatcher, Register: s.store, Vault: secrets,
		Kit: s.kit, Now: time.Now, Random: rand.Reader, Log: s.log, Zone: zone, Tiles: s.config.file(mapsName), Player: live.Player()})
	if err != nil {
		return err
	}
	phone, err := courier.New(courier.Deps{API: s.api, Couriers: who.couriers, Dispatch: s.dispatcher, Kit: s.kit, Now: time.Now, Log: s.log,
		Phone: s.config.Phone})
	if err != nil {
		return err
	}
	entrance, err := s.buildEntrance(who, zone)
	if err != nil {
		return err
	}
	mux := http.NewServeMux()
	for _, pattern := range sign.Patterns() {
		mux.Handle(pattern, entrance)
	}
	mux.Handle("/home/", s.home)
	mux.Handle("/courier/", phone)
	mux.Handle("/operator/", s.console)
	s.pages = s.kit.Guard(mux)
	return nil
}

// forget erases what others keep of members who left.
func (s *server) forget(ctx context.Context, members []event.MemberID) error {
	s.home.Forget(members)
	return s.notifier.Forget(ctx, members)
}

// mailing is what mails links, nil where no mail is sent.
func (s *server) mailing(who *people) *auth.Links {
	if s.mail == nil {
		return nil
	}
	return who.links
}

// mountPages serves the pages beside the API, which has every address that is not theirs.
func (s *server) mountPages(mux *http.ServeMux) {
	mux.Handle("/assets/", s.kit.Assets())
	for _, path := range append(sign.Patterns(), "/home/", "/courier/", "/operator/", "/choose") {
		mux.Handle(path, s.pages)
	}
}
