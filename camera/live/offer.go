package live

import (
	"slices"
	"strconv"
	"strings"

	"github.com/loquet/loquet/camera"
	"github.com/pion/sdp/v3"
)

// Bounds of an offer. Browsers send about 6 kB for one video section.
const (
	maxOffer      = 64 << 10 // bytes
	maxSections   = 4
	maxCandidates = 16
)

// offer is what a browser asks for, reduced to what is answered.
type offer struct {
	sdp string
	// payload and fmtp are the way of sending H.264 that was chosen from those offered.
	payload uint8
	fmtp    string
}

// readOffer checks an offer and chooses the H.264 profile in it that is nearest to the camera's. Names that would
// have to be looked up, and candidates beyond a few, are taken out, so that an offer can't make the server ask around.
func readOffer(body []byte, format *camera.Format) (offer, error) {
	var d sdp.SessionDescription
	if len(body) > maxOffer || d.Unmarshal(body) != nil || len(d.MediaDescriptions) > maxSections {
		return offer{}, ErrOffer
	}
	video, err := onlyVideo(&d)
	if err != nil {
		return offer{}, err
	}
	choice, found := choose(h264Offers(video), profileOf(format.SPS))
	if !found {
		return offer{}, ErrNoCodec
	}
	bound(&d)
	only(video, choice.payload)
	text, err := d.Marshal()
	if err != nil {
		return offer{}, ErrOffer
	}
	return offer{sdp: string(text), payload: choice.payload, fmtp: choice.fmtp}, nil
}

// onlyVideo finds the one section that takes video. Sections of sound may stand beside it; they are turned down.
func onlyVideo(d *sdp.SessionDescription) (*sdp.MediaDescription, error) {
	var video *sdp.MediaDescription
	for _, m := range d.MediaDescriptions {
		switch m.MediaName.Media {
		case "audio":
		case "video":
			if video != nil || !receives(m) || !secure(m) {
				return nil, ErrOffer
			}
			video = m
		default:
			return nil, ErrOffer
		}
	}
	if video == nil {
		return nil, ErrOffer
	}
	return video, nil
}

func receives(m *sdp.MediaDescription) bool {
	_, sends := m.Attribute(sdp.AttrKeySendOnly)
	_, none := m.Attribute(sdp.AttrKeyInactive)
	return !sends && !none && m.MediaName.Port.Value != 0
}

func secure(m *sdp.MediaDescription) bool {
	return slices.Contains([]string{"UDP/TLS/RTP/SAVPF", "TCP/TLS/RTP/SAVPF"}, strings.Join(m.MediaName.Protos, "/"))
}

// bound takes out what may not be followed: candidates that are names, and those beyond a few.
func bound(d *sdp.SessionDescription) {
	left := maxCandidates
	for _, m := range d.MediaDescriptions {
		m.Attributes = slices.DeleteFunc(m.Attributes, func(a sdp.Attribute) bool {
			if a.Key != sdp.AttrKeyCandidate {
				return false
			}
			fields := strings.Fields(a.Value)
			if left == 0 || len(fields) < 8 || strings.HasSuffix(strings.ToLower(fields[4]), ".local") {
				return true
			}
			left--
			return false
		})
	}
}

// only leaves one payload type in a section, so that the answer can't be another.
func only(m *sdp.MediaDescription, payload uint8) {
	number := strconv.Itoa(int(payload))
	m.MediaName.Formats = []string{number}
	m.Attributes = slices.DeleteFunc(m.Attributes, func(a sdp.Attribute) bool {
		of, _, _ := strings.Cut(a.Value, " ")
		return slices.Contains([]string{"rtpmap", "fmtp", "rtcp-fb"}, a.Key) && of != number && of != "*"
	})
}

// h264Offer is one payload type of an offer.
type h264Offer struct {
	payload uint8
	fmtp    string
	profile profile
}

// h264Offers are the payload types for H.264 in packetization mode 1, which is the one that can carry large pictures.
func h264Offers(m *sdp.MediaDescription) []h264Offer {
	var found []h264Offer
	for _, a := range m.Attributes {
		number, encoding, ok := strings.Cut(a.Value, " ")
		if a.Key != "rtpmap" || !ok || !strings.EqualFold(encoding, "H264/90000") {
			continue
		}
		payload, err := strconv.ParseUint(number, 10, 7)
		if err != nil || !slices.Contains(m.MediaName.Formats, number) {
			continue
		}
		fmtp := fmtpOf(m, number)
		if parameter(fmtp, "packetization-mode") == "1" {
			found = append(found, h264Offer{payload: uint8(payload), fmtp: fmtp, profile: profileNamed(parameter(fmtp, "profile-level-id"))})
		}
	}
	return found
}

func fmtpOf(m *sdp.MediaDescription, payload string) string {
	for _, a := range m.Attributes {
		if number, line, ok := strings.Cut(a.Value, " "); a.Key == "fmtp" && ok && number == payload {
			return line
		}
	}
	return ""
}

func parameter(fmtp, name string) string {
	for part := range strings.SplitSeq(fmtp, ";") {
		if key, value, _ := strings.Cut(strings.TrimSpace(part), "="); strings.EqualFold(key, name) {
			return value
		}
	}
	return ""
}

// profile of H.264, in the order of what a decoder must know: each can decode those before it, near enough.
type profile int

const (
	otherProfile profile = iota // none of those below
	constrainedBaseline
	baseline
	main
	high
	high444
)

// profileOf reads the profile from a sequence parameter set: profile_idc and the constraint flags.
func profileOf(sps []byte) profile {
	if len(sps) < 4 {
		return otherProfile
	}
	return profileFrom(sps[1], sps[2])
}

// profileNamed reads a profile-level-id (RFC 6184, section 8.1), whose default is baseline.
func profileNamed(id string) profile {
	if id == "" {
		return baseline
	}
	n, err := strconv.ParseUint(id, 16, 24)
	if err != nil || len(id) != 6 {
		return otherProfile
	}
	return profileFrom(byte(n>>16), byte(n>>8)) // 24 bits
}

// profileFrom follows table 5 of RFC 6184.
func profileFrom(idc, flags byte) profile {
	set1 := flags&0x40 != 0
	switch {
	case idc == 66 && set1, idc == 77 && flags&0x80 != 0:
		return constrainedBaseline
	case idc == 66:
		return baseline
	case idc == 77:
		return main
	case idc == 100:
		return high
	case idc == 244:
		return high444
	}
	return otherProfile
}

// choose takes the camera's own profile, else the nearest that includes it, else the largest offered: browsers
// announce less than what they decode, and a page that sees no picture falls back to HLS anyway.
func choose(offers []h264Offer, want profile) (h264Offer, bool) {
	if len(offers) == 0 {
		return h264Offer{}, false
	}
	if want == otherProfile {
		want = high444 // the largest
	}
	return slices.MinFunc(offers, func(a, b h264Offer) int { return distance(a.profile, want) - distance(b.profile, want) }), true
}

func distance(offered, want profile) int {
	if offered >= want {
		return int(offered - want)
	}
	return int(high444) + 1 + int(want-offered)
}
