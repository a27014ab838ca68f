package live

import (
	_ "embed"
	"errors"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/pion/ice/v4"
	"github.com/pion/rtp"
	"github.com/pion/webrtc/v4"
)

// small is six seconds of ffmpeg's moving test picture: 320x180, baseline, a key picture every 50.
//
//go:embed testdata/small.h264
var small []byte

// stage is a server with one camera, and HTTP in front of it.
type stage struct {
	*httptest.Server
	live *Server
	film *filming
	mu   sync.Mutex
	told []Look
	over chan Look // each look that ended
}

func newStage(t *testing.T, film *filming, c Config, hurry ...func(*times)) *stage {
	t.Helper()
	st := &stage{film: film, over: make(chan Look, 100)}
	c.Began = func(l Look) {
		st.mu.Lock()
		defer st.mu.Unlock()
		st.told = append(st.told, l)
	}
	c.Ended = func(l Look) { st.over <- l }
	st.live = listen(t, c, hurry...)
	mux := http.NewServeMux()
	mux.HandleFunc("/whep", func(w http.ResponseWriter, r *http.Request) { st.live.WHEP(w, r, st.view()) })
	mux.HandleFunc("/hls/{file}", func(w http.ResponseWriter, r *http.Request) { st.live.HLS(w, r, st.view()) })
	mux.HandleFunc("/session/{id}", func(w http.ResponseWriter, r *http.Request) { st.live.Session(w, r, r.PathValue("id")) })
	st.Server = httptest.NewServer(mux)
	t.Cleanup(st.Close)
	return st
}

func (st *stage) view() View {
	return View{Camera: "door", By: "ada", Ring: st.film.ring, Sessions: "/session/"}
}

func (st *stage) begun() []Look {
	st.mu.Lock()
	defer st.mu.Unlock()
	return append([]Look(nil), st.told...)
}

// ended waits for the end of a look.
func (st *stage) ended(t *testing.T) Look {
	t.Helper()
	return receive(t, st.over, "the end of a look")
}

func receive[T any](t *testing.T, c <-chan T, what string) T {
	t.Helper()
	select {
	case v, ok := <-c:
		if !ok {
			t.Fatalf("%s: the channel was closed", what)
		}
		return v
	case <-time.After(time.Minute):
		t.Fatalf("%s did not come", what)
		panic("unreachable")
	}
}

func (st *stage) do(t *testing.T, method, path, kind, body string) (*http.Response, string) {
	t.Helper()
	r, err := http.NewRequestWithContext(t.Context(), method, st.URL+path, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	if kind != "" {
		r.Header.Set("Content-Type", kind)
	}
	answer, err := st.Client().Do(r)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = answer.Body.Close() }()
	text, err := io.ReadAll(answer.Body)
	if err != nil {
		t.Fatal(err)
	}
	return answer, string(text)
}

func (st *stage) get(t *testing.T, path string) (*http.Response, string) {
	t.Helper()
	return st.do(t, http.MethodGet, path, "", "")
}

// viewer is a browser's side of WHEP, by pion.
type viewer struct {
	conn    *webrtc.PeerConnection
	packets chan *rtp.Packet
	closed  chan struct{}
	socket  *net.UDPConn
}

func newViewer(t *testing.T) *viewer {
	t.Helper()
	engine := webrtc.SettingEngine{LoggerFactory: quiet}
	engine.SetIncludeLoopbackCandidate(true)
	engine.SetICEMulticastDNSMode(ice.MulticastDNSModeDisabled)
	socket, err := net.ListenUDP("udp", &net.UDPAddr{IP: net.IPv4(127, 0, 0, 1)})
	if err != nil {
		t.Fatal(err)
	}
	udp := ice.NewUDPMuxDefault(ice.UDPMuxParams{UDPConn: socket, Logger: quiet.NewLogger("")})
	engine.SetICEUDPMux(udp)
	engine.SetNetworkTypes([]webrtc.NetworkType{webrtc.NetworkTypeUDP4, webrtc.NetworkTypeTCP4})
	media := &webrtc.MediaEngine{}
	if err := media.RegisterDefaultCodecs(); err != nil {
		t.Fatal(err)
	}
	extension := webrtc.RTPHeaderExtensionCapability{URI: playoutDelay}
	if err := media.RegisterHeaderExtension(extension, webrtc.RTPCodecTypeVideo); err != nil {
		t.Fatal(err)
	}
	conn, err := webrtc.NewAPI(webrtc.WithSettingEngine(engine), webrtc.WithMediaEngine(media)).NewPeerConnection(webrtc.Configuration{})
	if err != nil {
		t.Fatal(err)
	}
	v := &viewer{conn: conn, socket: socket, packets: make(chan *rtp.Packet, 10_000), closed: make(chan struct{})}
	closed := onceClosed(v.closed)
	conn.OnConnectionStateChange(func(state webrtc.PeerConnectionState) {
		if state == webrtc.PeerConnectionStateClosed || state == webrtc.PeerConnectionStateFailed {
			closed()
		}
	})
	conn.OnTrack(v.receive)
	t.Cleanup(func() { _ = errors.Join(conn.GracefulClose(), udp.Close()) })
	return v
}

func (v *viewer) receive(track *webrtc.TrackRemote, _ *webrtc.RTPReceiver) {
	for {
		packet, _, err := track.ReadRTP()
		if err != nil {
			return
		}
		v.packets <- packet
	}
}

// offer makes a complete offer to receive video, and sound as well if asked for.
func (v *viewer) offer(t *testing.T, sound bool) string {
	t.Helper()
	kinds := []webrtc.RTPCodecType{webrtc.RTPCodecTypeVideo}
	if sound {
		kinds = []webrtc.RTPCodecType{webrtc.RTPCodecTypeAudio, webrtc.RTPCodecTypeVideo}
	}
	for _, kind := range kinds {
		if _, err := v.conn.AddTransceiverFromKind(kind, webrtc.RTPTransceiverInit{Direction: webrtc.RTPTransceiverDirectionRecvonly}); err != nil {
			t.Fatal(err)
		}
	}
	offer, err := v.conn.CreateOffer(nil)
	if err != nil {
		t.Fatal(err)
	}
	gathered := webrtc.GatheringCompletePromise(v.conn)
	if err := v.conn.SetLocalDescription(offer); err != nil {
		t.Fatal(err)
	}
	<-gathered
	return v.conn.LocalDescription().SDP
}

// watch opens a look, and returns its address.
func (v *viewer) watch(t *testing.T, st *stage) string {
	t.Helper()
	answer, text := st.do(t, http.MethodPost, "/whep", "application/sdp", v.offer(t, false))
	if answer.StatusCode != http.StatusCreated {
		t.Fatalf("%s: %s", answer.Status, text)
	}
	v.accept(t, text)
	return answer.Header.Get("Location")
}

func (v *viewer) accept(t *testing.T, answer string) {
	t.Helper()
	if err := v.conn.SetRemoteDescription(webrtc.SessionDescription{Type: webrtc.SDPTypeAnswer, SDP: answer}); err != nil {
		t.Fatal(err)
	}
}

// unit is one received picture.
type unit struct {
	at    uint32
	kinds []byte // of its NAL units, in order
	size  int    // the largest payload of a packet
}

// next collects the packets of the next picture.
func (v *viewer) next(t *testing.T) unit {
	t.Helper()
	var u unit
	for {
		packet := receive(t, v.packets, "a packet")
		u.at, u.size = packet.Timestamp, max(u.size, len(packet.Payload))
		u.kinds = append(u.kinds, kinds(packet.Payload)...)
		if packet.Marker {
			return u
		}
	}
}

// kinds are the types of the NAL units that begin in a payload (RFC 6184, sections 5.6 to 5.8).
func kinds(payload []byte) []byte {
	switch kind := payload[0] & 0x1f; kind {
	case 24: // STAP-A
		var all []byte
		for rest := payload[1:]; len(rest) > 2; rest = rest[2+int(rest[0])<<8+int(rest[1]):] {
			all = append(all, rest[2]&0x1f)
		}
		return all
	case 28: // FU-A
		if payload[1]&0x80 == 0 {
			return nil
		}
		return []byte{payload[1] & 0x1f}
	default:
		return []byte{kind}
	}
}

// vanish closes the sockets without a word to the other side.
func (v *viewer) vanish(t *testing.T) {
	t.Helper()
	if err := v.socket.Close(); err != nil {
		t.Fatal(err)
	}
}
