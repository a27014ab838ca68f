package app

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/url"
	"sync"
	"time"

	"github.com/loquet/loquet/api"
	"github.com/loquet/loquet/camera"
	"github.com/loquet/loquet/camera/onvif"
	"github.com/loquet/loquet/camera/rtsp"
	"github.com/loquet/loquet/camera/studio"
	"github.com/loquet/loquet/event"
	"github.com/loquet/loquet/phrase"
)

type cameraCommand struct {
	Check checkCommand `cmd:"" help:"Look at a camera as a visit would, and say whether it is good enough, and why not."`
	Find  findCommand  `cmd:"" help:"Find cameras on this network that speak ONVIF, and the addresses of their streams."`
}

type findCommand struct {
	User         string        `help:"Name at the cameras, to be told their streams."`
	PasswordFile string        `help:"File with its password." name:"password-file" type:"path"`
	For          time.Duration `help:"How long to listen for answers." default:"3s"`
}

// Run finds cameras.
func (c *findCommand) Run(env environment) error {
	password, err := secretOf(c.PasswordFile)
	if err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(env.ctx, c.For)
	defer cancel()
	devices, err := onvif.Probe(ctx, onvif.Multicast)
	if err != nil {
		return fmt.Errorf("this network can't be asked: %w", err)
	}
	if len(devices) == 0 {
		fmt.Fprintln(env.out, "No camera answered. Some have ONVIF switched off; their address can be given by hand all the same.")
	}
	for _, d := range devices {
		fmt.Fprintf(env.out, "%s  %s %s\n", d.Address, d.Name, d.Hardware)
		c.printStreams(env, d, password)
	}
	return nil
}

// streamsWithin is how long one camera may take to list its streams.
const streamsWithin = 10 * time.Second

func (c *findCommand) printStreams(env environment, d onvif.Device, password string) {
	ctx, cancel := context.WithTimeout(env.ctx, streamsWithin)
	defer cancel()
	device, err := onvif.New(d.Address, c.User, password)
	if err != nil {
		fmt.Fprintf(env.out, "  it gives no address that can be asked\n")
		return
	}
	streams, err := device.Streams(ctx)
	if err != nil {
		fmt.Fprintf(env.out, "  it does not list its streams: --user and --password-file may help\n")
		return
	}
	for _, s := range streams {
		fmt.Fprintf(env.out, "  %s  %s %s, %d × %d\n", s.Address, s.Name, s.Codec, s.Width, s.Height)
	}
}

// findCameras asks this network for cameras, and each for its streams, in the words of the API.
func findCameras(ctx context.Context, length time.Duration, user, password string) ([]api.FoundCamera, error) {
	probing, cancel := context.WithTimeout(ctx, length)
	defer cancel()
	devices, err := onvif.Probe(probing, onvif.Multicast)
	if err != nil {
		return nil, err
	}
	found := make([]api.FoundCamera, len(devices))
	var asking sync.WaitGroup
	for i, d := range devices {
		found[i] = api.FoundCamera{Name: d.Name, Hardware: d.Hardware, Host: shownAddress(d.Address)}
		asking.Go(func() { found[i].Streams = streamsOf(ctx, d, user, password) })
	}
	asking.Wait()
	return found, nil
}

// streamsOf are the streams that a camera lists; none when it does not.
func streamsOf(ctx context.Context, d onvif.Device, user, password string) []api.FoundStream {
	ctx, cancel := context.WithTimeout(ctx, streamsWithin)
	defer cancel()
	device, err := onvif.New(d.Address, user, password)
	if err != nil {
		return nil
	}
	streams, err := device.Streams(ctx)
	if err != nil {
		return nil
	}
	var listed []api.FoundStream
	for _, s := range streams {
		listed = append(listed, api.FoundStream{Address: s.Address, Name: s.Name, Codec: s.Codec, Width: s.Width, Height: s.Height})
	}
	return listed
}

type checkCommand struct {
	Address string `arg:"" help:"Such as rtsp://name:password@192.168.1.20:554/stream1."`
}

// Run checks a camera.
func (c *checkCommand) Run(env environment) error {
	source, err := rtsp.New(c.Address, rtsp.DefaultTimeouts)
	if err != nil {
		return errors.New("the address must look like rtsp://name:password@192.168.1.20:554/stream1")
	}
	fmt.Fprintf(env.out, "\n  Looking at %s; a proof takes some seconds.\n\n", shownAddress(c.Address))
	report := studio.Examine(env.ctx, source)
	printReport(env.out, report)
	if report.Picture.Fault != "" {
		return errReported
	}
	return nil
}

// shownAddress leaves out what may be secret.
func shownAddress(address string) string {
	u, err := url.Parse(address)
	if err != nil {
		return "the camera"
	}
	return u.Host
}

// examined are the things that a proof asks, in the order in which it can tell, with the faults that each may have.
var examined = []struct {
	asks   string
	faults []event.PictureFault
}{
	{"answers, and takes the password", []event.PictureFault{event.PictureUnreached, event.PictureRefused}},
	{"sends pictures that can be judged and kept", []event.PictureFault{event.PictureFormat}},
	{"its pictures come at once and as fast as time passes", []event.PictureFault{event.PictureStale, event.PictureClock}},
	{"is not frozen", []event.PictureFault{event.PictureFrozen}},
	{"is not a loop", []event.PictureFault{event.PictureLoop}},
	{"enough was seen to be sure", []event.PictureFault{event.PictureProving}},
}

func printReport(out io.Writer, r camera.Report) {
	for _, x := range examined {
		for _, f := range x.faults {
			if f == r.Picture.Fault {
				words := phrase.English.Picture(f)
				fmt.Fprintf(out, "  no   %s\n\n  Not good enough. %s\n", x.asks, words.Text())
				return
			}
		}
		fmt.Fprintf(out, "  yes  %s\n", x.asks)
	}
	fmt.Fprintf(out, "\n  Good enough for visits: %s, %d × %d, %.0f pictures a second, a key picture every %.1f s.\n",
		codecName(r.Codec), r.Width, r.Height, r.Rate, r.KeyEvery)
	if !r.WebRTC {
		fmt.Fprint(out, "  Browsers will see it some seconds late: only H.264 without B-frames is shown at once.\n")
	}
	if r.KeyEvery > 4 {
		fmt.Fprint(out, "  A proof takes three key pictures: a shorter key-frame interval makes it faster.\n")
	}
}

func codecName(c camera.Codec) string {
	return map[camera.Codec]string{camera.H264: "H.264", camera.H265: "H.265"}[c]
}
