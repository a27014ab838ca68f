package main

import (
	"bufio"
	"context"
	"fmt"
	"net"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"time"

	"github.com/bluenviron/gortsplib/v5"
	"github.com/bluenviron/gortsplib/v5/pkg/base"
	"github.com/bluenviron/gortsplib/v5/pkg/description"
	"github.com/bluenviron/gortsplib/v5/pkg/format"
	"github.com/bluenviron/mediacommon/v2/pkg/codecs/h264"
)

// makeFilm has ffmpeg make a film whose key pictures all differ, at 2 Mbit/s.
func makeFilm(ctx context.Context, path string, lasts time.Duration) error {
	seconds := strconv.Itoa(int(lasts.Seconds()))
	out, err := exec.CommandContext(ctx, "ffmpeg", "-v", "error", "-f", "lavfi", "-i", "testsrc2=size=1280x720:rate=25,noise=alls=6:allf=t",
		"-t", seconds, "-c:v", "libx264", "-preset", "ultrafast", "-tune", "zerolatency", "-bf", "0", "-g", "50", "-keyint_min", "50", "-sc_threshold", "0",
		"-b:v", "2M", "-maxrate", "2M", "-bufsize", "1M", "-pix_fmt", "yuv420p", "-x264-params", "aud=1:sliced-threads=0:slices=1",
		"-f", "h264", path).CombinedOutput()
	if err != nil {
		return fmt.Errorf("ffmpeg can't make the film: %w: %s", err, out)
	}
	return nil
}

// startFeed runs this program as the cameras, and returns their address.
func startFeed(ctx context.Context, film string) (address string, end func(), err error) {
	self, err := os.Executable()
	if err != nil {
		return "", nil, err
	}
	cmd := exec.CommandContext(ctx, self, "-feed", "-film", film)
	cmd.Stderr = os.Stderr
	out, err := cmd.StdoutPipe()
	if err != nil {
		return "", nil, err
	}
	if err := cmd.Start(); err != nil {
		return "", nil, err
	}
	end = func() {
		_ = cmd.Process.Kill()
		_ = cmd.Wait()
	}
	lines := bufio.NewScanner(out)
	if !lines.Scan() {
		end()
		return "", nil, fmt.Errorf("the cameras did not start")
	}
	return lines.Text(), end, nil
}

// cameras is an RTSP server whose one film everybody sees.
type cameras struct{ stream *gortsplib.ServerStream }

// OnDescribe implements gortsplib.ServerHandlerOnDescribe.
//
//nolint:unparam // the library asks for this form
func (c *cameras) OnDescribe(*gortsplib.ServerHandlerOnDescribeCtx) (*base.Response, *gortsplib.ServerStream, error) {
	return &base.Response{StatusCode: base.StatusOK}, c.stream, nil
}

// OnSetup implements gortsplib.ServerHandlerOnSetup.
//
//nolint:unparam // the library asks for this form
func (c *cameras) OnSetup(*gortsplib.ServerHandlerOnSetupCtx) (*base.Response, *gortsplib.ServerStream, error) {
	return &base.Response{StatusCode: base.StatusOK}, c.stream, nil
}

// OnPlay implements gortsplib.ServerHandlerOnPlay.
//
//nolint:unparam // the library asks for this form
func (c *cameras) OnPlay(*gortsplib.ServerHandlerOnPlayCtx) (*base.Response, error) {
	return &base.Response{StatusCode: base.StatusOK}, nil
}

// feed sends the film until it ends or the process is killed.
func feed(_ context.Context, path string) error {
	units, forma, err := readFilm(path)
	if err != nil {
		return err
	}
	c := &cameras{}
	var at net.Addr
	server := &gortsplib.Server{Handler: c, RTSPAddress: "127.0.0.1:0", WriteQueueSize: 1024,
		Listen: func(network, address string) (net.Listener, error) {
			l, err := net.Listen(network, address)
			if err == nil {
				at = l.Addr()
			}
			return l, err
		}}
	if err := server.Start(); err != nil {
		return err
	}
	defer server.Close()
	media := &description.Media{Type: description.MediaTypeVideo, Formats: []format.Format{forma}}
	c.stream = &gortsplib.ServerStream{Server: server, Desc: &description.Session{Medias: []*description.Media{media}}}
	if err := c.stream.Initialize(); err != nil {
		return err
	}
	fmt.Printf("rtsp://%s/film\n", at)
	return c.play(media, forma, units)
}

func (c *cameras) play(media *description.Media, forma *format.H264, units [][][]byte) error {
	rtp, err := forma.CreateEncoder()
	if err != nil {
		return err
	}
	began := time.Now()
	for i, unit := range units {
		<-time.After(time.Until(began.Add(time.Duration(i) * time.Second / 25)))
		packets, err := rtp.Encode(unit)
		if err != nil {
			return err
		}
		for _, p := range packets {
			p.Timestamp = uint32(i * 90_000 / 25) // #nosec G115 -- it wraps around, as it should
			if err := c.stream.WritePacketRTP(media, p); err != nil {
				return err
			}
		}
	}
	return fmt.Errorf("the film is over")
}

// readFilm reads the film's units, which are told apart by their delimiters.
func readFilm(path string) (units [][][]byte, forma *format.H264, err error) {
	data, err := os.ReadFile(path)
	if err != nil {
		return nil, nil, err
	}
	forma = &format.H264{PayloadTyp: 96, PacketizationMode: 1}
	delimiter := string([]byte{0, 0, 0, 1, byte(h264.NALUTypeAccessUnitDelimiter)})
	for _, part := range strings.Split(string(data), delimiter)[1:] {
		var unit h264.AnnexB
		if err := unit.Unmarshal([]byte(delimiter + part)); err != nil {
			return nil, nil, err
		}
		for _, nalu := range unit {
			kind := h264.NALUType(nalu[0] & 0x1F)
			if kind == h264.NALUTypeSPS {
				forma.SPS = nalu
			}
			if kind == h264.NALUTypePPS {
				forma.PPS = nalu
			}
		}
		units = append(units, unit)
	}
	return units, forma, nil
}
