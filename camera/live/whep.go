package live

import (
	"context"
	"errors"
	"io"
	"mime"
	"net/http"
	"strings"
	"sync"
	"time"

	"github.com/pion/interceptor"
	"github.com/pion/interceptor/pkg/nack"
	"github.com/pion/sdp/v3"
	"github.com/pion/webrtc/v4"

	"github.com/loquet/loquet/camera"
)

// WHEP serves the address to which a page posts its offer (draft-ietf-wish-whep, section 4.2). The answer is complete:
// there is no trickle ICE.
func (s *Server) WHEP(w http.ResponseWriter, r *http.Request, v View) {
	if r.Method != http.MethodPost {
		refuseMethod(w, http.MethodPost)
		return
	}
	body, err := readBody(w, r)
	if err != nil {
		s.fail(w, v, err)
		return
	}
	id, answer, err := s.answer(r.Context(), v, body)
	if err != nil {
		s.fail(w, v, err)
		return
	}
	w.Header().Set("Content-Type", "application/sdp")
	w.Header().Set("Location", strings.TrimSuffix(v.Sessions, "/")+"/"+id)
	w.Header().Set("ETag", `"`+id+`"`)
	w.Header().Set("Cache-Control", "no-store")
	w.WriteHeader(http.StatusCreated)
	_, _ = io.WriteString(w, answer) // a viewer that went away is noticed when it does not connect
}

func readBody(w http.ResponseWriter, r *http.Request) ([]byte, error) {
	if kind, _, err := mime.ParseMediaType(r.Header.Get("Content-Type")); err != nil || kind != "application/sdp" {
		return nil, errType
	}
	body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, maxOffer))
	if tooLong := new(http.MaxBytesError); errors.As(err, &tooLong) {
		return nil, errSize
	}
	if err != nil {
		return nil, ErrOffer
	}
	return body, nil
}

// fail answers with the error if it is one for viewers, and logs it otherwise.
func (s *Server) fail(w http.ResponseWriter, v View, err error) {
	told := new(Error)
	if !errors.As(err, &told) {
		s.log.Error("a live view could not be opened", "camera", v.Camera, "error", err)
		told = errInternal
	}
	told.write(w)
}

// answer opens a look by WebRTC, which goes on after the request has ended.
func (s *Server) answer(ctx context.Context, v View, body []byte) (id, answer string, err error) {
	look, err := s.looks.reserve(v, WHEP)
	if err != nil {
		return "", "", err
	}
	peer, answer, err := s.connect(ctx, v, body)
	if err != nil {
		s.looks.end(look.look.ID, WhyFailed)
		return "", "", err
	}
	if !s.looks.begin(look, func() { s.wait.Go(func() { s.show(look, peer, v.Ring) }) }) {
		return "", "", errors.Join(ErrEnded, peer.close())
	}
	return look.look.ID, answer, nil
}

func (s *Server) connect(ctx context.Context, v View, body []byte) (*peer, string, error) {
	format, err := s.suits(ctx, v.Ring)
	if err != nil {
		return nil, "", err
	}
	offer, err := readOffer(body, format)
	if err != nil {
		return nil, "", err
	}
	p, err := newPeer(s.settings, offer)
	if err != nil {
		return nil, "", err
	}
	answer, err := p.answer(ctx, offer)
	if err != nil {
		return nil, "", errors.Join(err, p.close())
	}
	return p, answer, nil
}

// suits waits for a picture, and says whether browsers take it by WebRTC.
func (s *Server) suits(ctx context.Context, ring *camera.Ring) (*camera.Format, error) {
	reader := ring.Subscribe(camera.FromLastKey, 1)
	defer reader.Close()
	group, err := s.firstGroup(ctx, reader)
	if err != nil {
		return nil, err
	}
	if group[0].Format.Codec != camera.H264 || reordered(group) {
		return nil, ErrUseHLS
	}
	return group[0].Format, nil
}

// firstGroup waits for the first unit of a reader, and takes those that are there with it.
func (s *Server) firstGroup(ctx context.Context, reader *camera.Reader) (camera.Group, error) {
	ctx, cancel := context.WithTimeout(ctx, s.times.first)
	defer cancel()
	select {
	case <-ctx.Done():
		return nil, ErrNoPicture
	case item, ok := <-reader.C:
		if !ok {
			return nil, ErrNoPicture
		}
		group := append(camera.Group{item.Unit}, backlog(reader)...)
		if time.Since(group[len(group)-1].At) > s.times.silent {
			return nil, ErrNoPicture
		}
		return group, nil
	}
}

// backlog is what a reader can take without waiting.
func backlog(reader *camera.Reader) camera.Group {
	var group camera.Group
	for {
		select {
		case item, ok := <-reader.C:
			if !ok {
				return group
			}
			group = append(group, item.Unit)
		default:
			return group
		}
	}
}

// reordered says whether pictures are shown in another order than they are sent: B-frames, which WebRTC can't carry.
func reordered(group camera.Group) bool {
	for i, u := range group[1:] {
		if before := group[i]; u.Format == before.Format && u.PTS < before.PTS {
			return true
		}
	}
	return false
}

// peer is the connection to one viewer.
type peer struct {
	conn      *webrtc.PeerConnection
	track     *webrtc.TrackLocalStaticRTP
	sender    *webrtc.RTPSender
	payload   uint8
	connected chan struct{} // closed when pictures can be sent
	gone      chan struct{} // closed when the connection is lost or ended
}

// playoutDelay is an RTP header extension: with both of its values 0, a browser shows each picture as soon as it is
// decoded instead of evening out their distances.
const playoutDelay = "http://www.webrtc.org/experiments/rtp-hdrext/playout-delay"

var feedback = []webrtc.RTCPFeedback{{Type: "nack"}, {Type: "nack", Parameter: "pli"}, {Type: "ccm", Parameter: "fir"}}

func newPeer(settings webrtc.SettingEngine, o offer) (*peer, error) {
	p := &peer{payload: o.payload, connected: make(chan struct{}), gone: make(chan struct{})}
	h264 := webrtc.RTPCodecCapability{MimeType: webrtc.MimeTypeH264, ClockRate: 90000, SDPFmtpLine: o.fmtp, RTCPFeedback: feedback}
	api, err := newAPI(settings, webrtc.RTPCodecParameters{RTPCodecCapability: h264, PayloadType: webrtc.PayloadType(o.payload)})
	if err != nil {
		return nil, err
	}
	if p.track, err = webrtc.NewTrackLocalStaticRTP(h264, "video", "loquet"); err != nil {
		return nil, err
	}
	if p.conn, err = api.NewPeerConnection(webrtc.Configuration{}); err != nil {
		return nil, err
	}
	p.follow()
	if p.sender, err = p.conn.AddTrack(p.track); err != nil {
		return nil, errors.Join(err, p.close())
	}
	return p, nil
}

// newAPI knows one codec, and sends lost packets again.
func newAPI(settings webrtc.SettingEngine, codec webrtc.RTPCodecParameters) (*webrtc.API, error) {
	media, chain := &webrtc.MediaEngine{}, &interceptor.Registry{}
	if err := media.RegisterCodec(codec, webrtc.RTPCodecTypeVideo); err != nil {
		return nil, err
	}
	extension := webrtc.RTPHeaderExtensionCapability{URI: playoutDelay}
	if err := media.RegisterHeaderExtension(extension, webrtc.RTPCodecTypeVideo, webrtc.RTPTransceiverDirectionSendonly); err != nil {
		return nil, err
	}
	again, err := nack.NewResponderInterceptor(nack.ResponderSize(1024), nack.WithResponderLoggerFactory(quiet))
	if err != nil {
		return nil, err
	}
	chain.Add(again)
	return webrtc.NewAPI(webrtc.WithSettingEngine(settings), webrtc.WithMediaEngine(media), webrtc.WithInterceptorRegistry(chain)), nil
}

// follow turns the states of the connection into two events that each happen once at most.
func (p *peer) follow() {
	connected, gone := onceClosed(p.connected), onceClosed(p.gone)
	p.conn.OnConnectionStateChange(func(state webrtc.PeerConnectionState) {
		switch state {
		case webrtc.PeerConnectionStateConnected:
			connected()
		case webrtc.PeerConnectionStateFailed, webrtc.PeerConnectionStateClosed:
			gone()
		default: // on its way; a connection that is interrupted may come back
		}
	})
}

// answer accepts the offer and waits until all candidates are known, which takes no time without STUN.
func (p *peer) answer(ctx context.Context, o offer) (string, error) {
	if err := p.conn.SetRemoteDescription(webrtc.SessionDescription{Type: webrtc.SDPTypeOffer, SDP: o.sdp}); err != nil {
		return "", ErrOffer
	}
	answer, err := p.conn.CreateAnswer(nil)
	if err != nil {
		return "", ErrOffer
	}
	if !sends(answer) {
		return "", ErrOffer
	}
	gathered := webrtc.GatheringCompletePromise(p.conn)
	if err := p.conn.SetLocalDescription(answer); err != nil {
		return "", ErrOffer
	}
	ctx, cancel := context.WithTimeout(ctx, gathering)
	defer cancel()
	select {
	case <-gathered:
		return p.conn.LocalDescription().SDP, nil
	case <-ctx.Done():
		return "", ErrOffer // an offer can be such that nothing is gathered
	}
}

// gathering may take this long. It takes no time, as no other server is asked.
const gathering = 2 * time.Second

// sends says whether an answer truly holds the picture.
func sends(answer webrtc.SessionDescription) bool {
	d, err := answer.Unmarshal()
	if err != nil {
		return false
	}
	for _, m := range d.MediaDescriptions {
		if _, ok := m.Attribute(sdp.AttrKeySendOnly); ok && m.MediaName.Media == "video" && m.MediaName.Port.Value != 0 {
			return true
		}
	}
	return false
}

func (p *peer) close() error { return p.conn.GracefulClose() }

func onceClosed(c chan struct{}) func() { return sync.OnceFunc(func() { close(c) }) }
