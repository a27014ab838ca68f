package api

import (
	"context"
	"net/http"
	"strconv"
	"time"

	"github.com/loquet/loquet/auth"
	"github.com/loquet/loquet/dispatch"
	"github.com/loquet/loquet/event"
	"github.com/loquet/loquet/parcel"
)

// FileOutput is a file.
type FileOutput struct {
	Type string `header:"Content-Type"`
	Name string `header:"Content-Disposition"`
	Body []byte
}

// GetLabelPDF is the operation getLabelPDF: print its labels.
func (a *API) GetLabelPDF(ctx context.Context, c auth.Client, in *DeliveryPath) (*FileOutput, error) {
	labels, err := a.labels(ctx, c, in.Delivery)
	if err != nil {
		return nil, err
	}
	printed, err := parcel.PDF(labels...)
	return &FileOutput{"application/pdf", `inline; filename="` + string(in.Delivery) + `.pdf"`, printed}, err
}

// GetLabelPNGInput is what GetLabelPNG takes.
type GetLabelPNGInput struct {
	DeliveryPath
	Number int `query:"parcel" minimum:"1" maximum:"50" default:"1" doc:"Which parcel of the delivery, counted from 1"`
}

// GetLabelPNG is the operation getLabelPNG: print one label.
func (a *API) GetLabelPNG(ctx context.Context, c auth.Client, in *GetLabelPNGInput) (*FileOutput, error) {
	labels, err := a.labels(ctx, c, in.Delivery)
	if err != nil {
		return nil, err
	}
	if in.Number > len(labels) {
		return nil, notFound("parcel")
	}
	printed, err := labels[in.Number-1].PNG()
	name := string(in.Delivery) + "-" + strconv.Itoa(in.Number)
	return &FileOutput{"image/png", `inline; filename="` + name + `.png"`, printed}, err
}

// labels are a delivery's, while the codes are kept. They bear no address: whoever prints them has it.
func (a *API) labels(ctx context.Context, c auth.Client, id event.DeliveryID) ([]parcel.Label, error) {
	s, err := a.summary(ctx, c, id)
	if err != nil {
		return nil, err
	}
	kept, known, err := unseal[codes](ctx, a, s.Site, parcelsName(id))
	if err != nil {
		return nil, err
	}
	if !known {
		return nil, problem(http.StatusGone, "erased", "The parcels' codes were erased, as is done some days after the window. No label can be printed any more.")
	}
	state, err := a.Dispatch.Load(ctx, s.Site)
	if err != nil {
		return nil, err
	}
	zone, err := time.LoadLocation(state.Zone)
	if err != nil {
		return nil, err
	}
	labels := make([]parcel.Label, len(kept))
	for i, k := range kept {
		if err := labels[i].Code.UnmarshalText([]byte(k.Code)); err != nil {
			return nil, err
		}
		labels[i].Title, labels[i].Rows = string(s.Carrier), labelRows(s, zone, i+1)
	}
	return labels, nil
}

func labelRows(s dispatch.Summary, zone *time.Location, number int) []parcel.Row {
	from, to := s.Window.From.Time().In(zone), s.Window.To.Time().In(zone)
	return []parcel.Row{
		{Name: "From", Value: string(s.Merchant)},
		{Name: "Delivery", Value: string(s.Delivery)},
		{Name: "Window", Value: from.Format("2 Jan 15:04") + " – " + to.Format("2 Jan 15:04")},
		{Name: "Parcel", Value: strconv.Itoa(number) + " / " + strconv.Itoa(s.Parcels)},
	}
}

// PrintLabels names the deliveries whose labels are to be printed.
type PrintLabels struct {
	Deliveries []event.DeliveryID `json:"deliveries" minItems:"1" maxItems:"100"`
}

// PrintLabelsInput is what PrintLabels takes.
type PrintLabelsInput struct{ Body PrintLabels }

// PrintLabels is the operation printLabels: print the labels of several deliveries.
func (a *API) PrintLabels(ctx context.Context, c auth.Client, in *PrintLabelsInput) (*FileOutput, error) {
	var all []parcel.Label
	for _, id := range in.Body.Deliveries {
		labels, err := a.labels(ctx, c, id)
		if err != nil {
			return nil, err
		}
		all = append(all, labels...)
	}
	printed, err := parcel.PDF(all...)
	return &FileOutput{"application/pdf", `inline; filename="labels.pdf"`, printed}, err
}
