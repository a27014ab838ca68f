package live

import (
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/pion/sdp/v3"

	"github.com/loquet/loquet/camera"
)

func newRecorder() *httptest.ResponseRecorder { return httptest.NewRecorder() }

func newGet(t testing.TB, path string) *http.Request {
	return httptest.NewRequestWithContext(t.Context(), http.MethodGet, path, nil)
}

// browsers' offers, as they were sent: see testdata/offers.
func browserOffer(t testing.TB, name string) []byte {
	t.Helper()
	text, err := os.ReadFile(filepath.Join("testdata", "offers", name+".sdp"))
	if err != nil {
		t.Fatal(err)
	}
	return text
}

func sps(idc, flags byte) *camera.Format {
	return &camera.Format{Codec: camera.H264, SPS: []byte{0x67, idc, flags, 31}}
}

// TestChosenProfile: the camera's own where the browser offers it, else the nearest that includes it.
func TestChosenProfile(t *testing.T) {
	for _, c := range []struct {
		camera *camera.Format
		want   string
	}{
		{sps(66, 0xc0), "42e01f"}, {sps(66, 0), "42001f"}, {sps(77, 0x40), "4d001f"}, {sps(77, 0x80), "42e01f"},
		{sps(100, 0), "f4001f"}, {sps(88, 0), "f4001f"}, {&camera.Format{SPS: []byte{0x67}}, "f4001f"},
	} {
		o, err := readOffer(browserOffer(t, "chromium-156"), c.camera)
		if err != nil {
			t.Fatal(err)
		}
		if got := parameter(o.fmtp, "profile-level-id"); got != c.want || parameter(o.fmtp, "packetization-mode") != "1" {
			t.Errorf("camera %x: %s", c.camera.SPS, o.fmtp)
		}
	}
}

func TestNearestProfile(t *testing.T) {
	all := []profile{constrainedBaseline, baseline, main, high}
	for _, c := range []struct {
		want    profile
		offered []profile
		chosen  profile
	}{
		{main, all, main}, {main, []profile{high, constrainedBaseline}, high}, {high, []profile{constrainedBaseline, main}, main},
		{baseline, []profile{high, main}, main}, {otherProfile, all, high}, {constrainedBaseline, []profile{otherProfile, high}, high},
		{high, []profile{otherProfile}, otherProfile},
	} {
		var offers []h264Offer
		for _, p := range c.offered {
			offers = append(offers, h264Offer{profile: p})
		}
		if got, found := choose(offers, c.want); !found || got.profile != c.chosen {
			t.Errorf("%d of %v: %d", c.want, c.offered, got.profile)
		}
	}
}

// TestReduced: an offer can't have the server look names up or call on any number of addresses.
func TestReduced(t *testing.T) {
	var candidates strings.Builder
	for i := range 100 {
		fmt.Fprintf(&candidates, "a=candidate:%d 1 udp 2113937151 198.51.100.%d 5000 typ host\r\n", i, i)
	}
	text := strings.TrimRight(string(browserOffer(t, "chromium-156")), "\r\n") + "\r\n" +
		"a=candidate:1 1 udp 2113937151 5d8b2b0e-0000.LOCAL 5000 typ host\r\na=candidate:short\r\n" + candidates.String()
	o, err := readOffer([]byte(text), sps(66, 0xc0))
	if err != nil {
		t.Fatal(err)
	}
	var d sdp.SessionDescription
	if err := d.Unmarshal([]byte(o.sdp)); err != nil {
		t.Fatal(err)
	}
	n := strings.Count(o.sdp, "a=candidate")
	if n != maxCandidates || strings.Contains(strings.ToLower(o.sdp), ".local") || strings.Contains(o.sdp, "VP8") {
		t.Errorf("%d candidates in:\n%s", n, o.sdp)
	}
	if got := d.MediaDescriptions[0].MediaName.Formats; len(got) != 1 || got[0] != fmt.Sprint(o.payload) {
		t.Errorf("payload types %v", got)
	}
}

func TestBadOffers(t *testing.T) {
	good := string(browserOffer(t, "chromium-156"))
	_, section, _ := strings.Cut(good, "m=video")
	for name, c := range map[string]struct {
		text string
		err  error
	}{
		"not encrypted": {strings.ReplaceAll(good, "UDP/TLS/RTP/SAVPF", "RTP/AVP"), ErrOffer},
		"data":          {good + "m=application 9 UDP/DTLS/SCTP webrtc-datachannel\r\nc=IN IP4 0.0.0.0\r\n", ErrOffer},
		"two pictures":  {good + "m=video" + section, ErrOffer},
		"turned off":    {strings.Replace(good, "m=video 9", "m=video 0", 1), ErrOffer},
		"many sections": {good + strings.Repeat("m=audio 9 UDP/TLS/RTP/SAVPF 0\r\nc=IN IP4 0.0.0.0\r\n", 10), ErrOffer},
		"mode 0 only":   {strings.ReplaceAll(good, "packetization-mode=1", "packetization-mode=0"), ErrNoCodec},
	} {
		if _, err := readOffer([]byte(c.text), sps(66, 0xc0)); !errors.Is(err, c.err) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// FuzzOffer: any offer is answered or refused, none is a fault of the server, and none leaves a look behind.
func FuzzOffer(f *testing.F) {
	film := parse(f, small).filled(60)
	s := listen(f, Config{})
	view := View{Camera: "door", Ring: film.ring, Sessions: "/session"}
	good := string(browserOffer(f, "chromium-156"))
	f.Add(good)
	f.Add("")
	f.Add("v=0\r\no=- 0 0 IN IP4 0.0.0.0\r\ns=-\r\nt=0 0\r\nm=video 9 UDP/TLS/RTP/SAVPF 96\r\na=rtpmap:96 H264/90000\r\na=fmtp:96 packetization-mode=1\r\n")
	f.Add(strings.ReplaceAll(good, "a=mid:0", "a=mid:"))
	f.Add(strings.ReplaceAll(good, "a=setup:actpass", "a=setup:passive"))
	f.Add(strings.ReplaceAll(good, "a=extmap:", "a=extmap:99999999"))
	f.Add(strings.ReplaceAll(good, "profile-level-id=", "profile-level-id=zz"))
	f.Fuzz(func(t *testing.T, text string) {
		film.put(film.at[len(film.at)-1].Add(frame)) // the picture stays fresh
		r := httptest.NewRequestWithContext(t.Context(), http.MethodPost, "/whep", strings.NewReader(text))
		r.Header.Set("Content-Type", "application/sdp")
		w := newRecorder()
		s.WHEP(w, r, view)
		switch {
		case w.Code == http.StatusCreated:
			var d sdp.SessionDescription
			if err := d.Unmarshal(w.Body.Bytes()); err != nil {
				t.Errorf("the answer can't be read: %v", err)
			}
			s.EndWhere(func(Look) bool { return true }, "test")
		case w.Code < 400 || w.Code >= 500:
			t.Errorf("%d %s", w.Code, w.Body)
		}
		if n := len(s.Looks()); n != 0 {
			t.Errorf("%d looks are left", n)
		}
	})
}
