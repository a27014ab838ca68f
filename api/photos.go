package api

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"net/http"

	"github.com/loquet/loquet/auth"
	"github.com/loquet/loquet/dispatch"
	"github.com/loquet/loquet/event"
	"github.com/loquet/loquet/photo"
	"github.com/loquet/loquet/site"
	"github.com/loquet/loquet/store"
	"github.com/loquet/loquet/vault"
)

// PhotoTaken is a photo that was taken in: what the deposit, or plan B, names it by.
type PhotoTaken struct {
	Photo  string `json:"photo" doc:"Its digest. It differs from that of what was sent where more than a picture was in it"`
	Width  int    `json:"width"`
	Height int    `json:"height"`
	// EraseAt is when it is erased, as clips are.
	EraseAt event.Instant `json:"eraseAt" format:"date-time"`
}

// PhotoVisitInput is a picture of where the parcels were put down.
type PhotoVisitInput struct {
	VisitPath
	RawBody []byte `contentType:"image/jpeg" doc:"JPEG or WebP, at most 200 KB and 4096 pixels a side"`
}

// PhotoDeliveryInput is a picture of where plan B left the parcels.
type PhotoDeliveryInput struct {
	DeliveryPath
	RawBody []byte `contentType:"image/jpeg" doc:"JPEG or WebP, at most 200 KB and 4096 pixels a side"`
}

// PhotoTakenOutput is a PhotoTaken.
type PhotoTakenOutput struct{ Body PhotoTaken }

func (a *API) registerPhotos() {
	const bare = "Where and when it was taken, and with what, is not kept with it. Name it by its digest in the request that says where the parcels are."
	send := func(path, id, summary string) route {
		return route{method: http.MethodPost, path: "/v1/courier/" + path + "/photo", id: id, summary: summary, about: bare, tag: "Courier"}
	}
	forCourier(a, send("visits/{visit}", "photoVisit", "Send the photo of a deposit"), a.PhotoVisit)
	forCourier(a, send("deliveries/{delivery}", "photoDelivery", "Send the photo of plan B"), a.PhotoDelivery)
	show := func(path, id, summary, about string) route {
		return route{method: http.MethodGet, path: path + "/photo", id: id, summary: summary, about: about, tag: "Camera", media: "image/jpeg",
			scope: auth.PicturesRead}
	}
	forMember(a, show("/v1/home/visits/{visit}", "getDepositPhoto", "Look at the photo of a deposit", ""), a.GetDepositPhoto)
	forMember(a, show("/v1/home/deliveries/{delivery}", "getPlanBPhoto", "Look at the photo of plan B", ""), a.GetPlanBPhoto)
	erase := func(path, id, summary string) route {
		return route{method: http.MethodDelete, path: "/v1/home/" + path + "/photo", id: id, summary: summary, tag: "Camera", status: http.StatusNoContent}
	}
	forMember(a, erase("visits/{visit}", "eraseDepositPhoto", "Erase the photo of a deposit"), a.EraseDepositPhoto)
	forMember(a, erase("deliveries/{delivery}", "erasePlanBPhoto", "Erase the photo of plan B"), a.ErasePlanBPhoto)
	const only = "Only where the household lets the operator see pictures. Looking is recorded."
	forClient(a, show("/v1/visits/{visit}", "getDepositPhotoAsOperator", "Look at the photo of a deposit", only), a.GetDepositPhotoAsOperator)
	forClient(a, show("/v1/deliveries/{delivery}", "getPlanBPhotoAsOperator", "Look at the photo of plan B", only), a.GetPlanBPhotoAsOperator)
}

func photoName(c event.Commitment) string { return "photo/" + string(c) }

// PhotoVisit is the operation photoVisit: send the photo of a deposit.
func (a *API) PhotoVisit(ctx context.Context, c auth.Courier, in *PhotoVisitInput) (*PhotoTakenOutput, error) {
	if event.CheckID(in.Visit, 'v') != nil {
		return nil, notFound("visit")
	}
	s, err := a.Dispatch.Load(ctx, event.SiteOf(in.Visit))
	if err != nil {
		return nil, err
	}
	v, ok := s.Visit(in.Visit)
	switch {
	case !ok || v.Courier != c.ID() || v.Key != c.Signed().Key:
		return nil, notFound("visit")
	case !opened(v):
		return nil, problem(http.StatusConflict, "conflict", "Nothing was opened in this visit. The photo was not kept. Send it once the parcels are down.")
	}
	return a.taken(ctx, s, string(v.ID), in.RawBody)
}

// PhotoDelivery is the operation photoDelivery: send the photo of plan B.
func (a *API) PhotoDelivery(ctx context.Context, c auth.Courier, in *PhotoDeliveryInput) (*PhotoTakenOutput, error) {
	if event.CheckID(in.Delivery, 'd') != nil {
		return nil, notFound("delivery")
	}
	s, err := a.Dispatch.Load(ctx, event.SiteOf(in.Delivery))
	if err != nil {
		return nil, err
	}
	d, ok := s.Delivery(in.Delivery)
	if !ok || d.Courier != c.ID() || d.Key != c.Signed().Key {
		return nil, notFound("delivery")
	}
	return a.taken(ctx, s, string(d.ID), in.RawBody)
}

// taken seals what is a picture in a file, under the site's key, until clips of now would be erased.
func (a *API) taken(ctx context.Context, s site.State, of string, file []byte) (*PhotoTakenOutput, error) {
	p, err := photo.Read(file)
	if err != nil {
		return nil, ofPhoto(err)
	}
	if err := a.limits.photos.Allow(of); err != nil {
		return nil, err
	}
	sum := sha256.Sum256(p.Data)
	shown := PhotoTaken{Photo: hex.EncodeToString(sum[:]), Width: p.Width, Height: p.Height, EraseAt: event.InstantOf(a.Now()).Add(s.KeepClips())}
	commitment, err := a.Vault.Commit(ctx, s.Site, photoPurpose, shown.Photo)
	if err != nil {
		return nil, err
	}
	sealed, err := a.Vault.Seal(ctx, s.Site, photoName(commitment), p.Data)
	if err != nil {
		return nil, err
	}
	return &PhotoTakenOutput{shown}, a.keepValue(ctx, s.Site, store.Value{Name: photoName(commitment), Sealed: sealed, EraseAt: shown.EraseAt})
}

// keepValue writes a value, or erases one, beside what a site decides: nothing.
func (a *API) keepValue(ctx context.Context, at event.SiteID, v store.Value) error {
	write := func(dispatch.Result) (dispatch.Attachments, error) {
		return dispatch.Attachments{Values: []store.Value{v}}, nil
	}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), decideWithin)
	defer cancel()
	facts := site.Facts{Actor: event.Actor{Kind: event.ActorSystem}}
	_, err := a.Dispatch.Do(ctx, at, site.Command{Facts: facts, Do: site.Tick{}}, write)
	return err
}

func ofPhoto(err error) error {
	var no *photo.Error
	if !errors.As(err, &no) {
		return err
	}
	what := map[photo.Problem]string{
		photo.TooLarge:   "The photo has more than 200 KB.",
		photo.WrongSize:  "The photo has more than 4096 pixels a side.",
		photo.Animated:   "The photo moves.",
		photo.Unfinished: "The photo did not arrive whole.",
	}[no.Problem]
	if what == "" {
		what = "The file is no photo in JPEG or WebP."
	}
	return problem(http.StatusUnprocessableEntity, "photo", what+" It was not kept. Take it again.").about("body", string(no.Problem)).because(err)
}

// photoSaid is the commitment of the last photo that a story names, of a deposit or of plan B.
func photoSaid(t *tale) (c event.Commitment) {
	for _, e := range t.events {
		switch b := e.Body.(type) {
		case event.DepositRecorded:
			if b.Photo != "" && string(b.Visit) == t.of {
				c = b.Photo
			}
		case event.PlanBFollowed:
			if b.Photo != "" && string(b.Delivery) == t.of {
				c = b.Photo
			}
		}
	}
	return c
}

// photoOf is the photo of a visit's deposit, or of a delivery's plan B.
func (a *API) photoOf(ctx context.Context, at event.SiteID, of string) (name string, err error) {
	if event.SiteOf(of) != at || event.CheckID(event.VisitID(of), 'v') != nil && event.CheckID(event.DeliveryID(of), 'd') != nil {
		return "", notFound("photo")
	}
	t, err := a.taleOf(ctx, of)
	if err != nil {
		return "", err
	}
	c := photoSaid(t)
	if c == "" {
		return "", notFound("photo")
	}
	return photoName(c), nil
}

func (a *API) photoShown(ctx context.Context, at event.SiteID, of string) (*FileOutput, error) {
	name, err := a.photoOf(ctx, at, of)
	if err != nil {
		return nil, err
	}
	return a.photoKept(ctx, at, name)
}

// photoKept opens a photo that was sealed.
func (a *API) photoKept(ctx context.Context, at event.SiteID, name string) (*FileOutput, error) {
	sealed, err := a.Store.Value(ctx, at, name)
	if errors.Is(err, store.ErrNotFound) {
		return nil, notFound("photo")
	}
	if err != nil {
		return nil, err
	}
	data, err := a.Vault.Open(ctx, at, name, sealed)
	if errors.Is(err, vault.ErrErased) {
		return nil, notFound("photo")
	}
	if err != nil {
		return nil, err
	}
	p, err := photo.Read(data)
	if err != nil {
		return nil, fmt.Errorf("api: a photo that was kept: %w", err)
	}
	return &FileOutput{p.Type, "inline", p.Data}, nil
}

// GetDepositPhoto is the operation getDepositPhoto: look at the photo of a deposit.
func (a *API) GetDepositPhoto(ctx context.Context, m auth.Member, in *VisitPath) (*FileOutput, error) {
	return a.homePhoto(ctx, m, string(in.Visit))
}

// GetPlanBPhoto is the operation getPlanBPhoto: look at the photo of plan B.
func (a *API) GetPlanBPhoto(ctx context.Context, m auth.Member, in *DeliveryPath) (*FileOutput, error) {
	return a.homePhoto(ctx, m, string(in.Delivery))
}

func (a *API) homePhoto(ctx context.Context, m auth.Member, of string) (*FileOutput, error) {
	s, err := a.household(ctx, m)
	if err != nil {
		return nil, err
	}
	return a.photoShown(ctx, s.Site, of)
}

// EraseDepositPhoto is the operation eraseDepositPhoto: erase the photo of a deposit.
func (a *API) EraseDepositPhoto(ctx context.Context, m auth.Member, in *VisitPath) (*struct{}, error) {
	return nil, a.erasePhoto(ctx, m, string(in.Visit))
}

// ErasePlanBPhoto is the operation erasePlanBPhoto: erase the photo of plan B.
func (a *API) ErasePlanBPhoto(ctx context.Context, m auth.Member, in *DeliveryPath) (*struct{}, error) {
	return nil, a.erasePhoto(ctx, m, string(in.Delivery))
}

func (a *API) erasePhoto(ctx context.Context, m auth.Member, of string) error {
	s, err := a.household(ctx, m)
	if err != nil {
		return err
	}
	name, err := a.photoOf(ctx, s.Site, of)
	if err != nil {
		return err
	}
	return a.keepValue(ctx, s.Site, store.Value{Name: name})
}

// GetDepositPhotoAsOperator is the operation getDepositPhotoAsOperator: look at the photo of a deposit.
func (a *API) GetDepositPhotoAsOperator(ctx context.Context, c auth.Client, in *VisitPath) (*FileOutput, error) {
	return a.operatorPhoto(ctx, c, string(in.Visit), "the photo of visit ")
}

// GetPlanBPhotoAsOperator is the operation getPlanBPhotoAsOperator: look at the photo of plan B.
func (a *API) GetPlanBPhotoAsOperator(ctx context.Context, c auth.Client, in *DeliveryPath) (*FileOutput, error) {
	return a.operatorPhoto(ctx, c, string(in.Delivery), "the photo of plan B of delivery ")
}

func (a *API) operatorPhoto(ctx context.Context, c auth.Client, of, what string) (*FileOutput, error) {
	if err := asOperator(c); err != nil {
		return nil, err
	}
	s, err := a.known(ctx, event.SiteOf(of))
	if err != nil {
		return nil, err
	}
	if !s.Rules.OperatorWatches {
		return nil, forbidden("The household does not let the operator see pictures.")
	}
	shown, err := a.photoShown(ctx, s.Site, of)
	if err != nil {
		return nil, err
	}
	return shown, a.look(ctx, c, s.Site, what+of)
}
