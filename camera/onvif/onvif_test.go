package onvif

import (
	"context"
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/loquet/loquet/camera"
	"go.uber.org/goleak"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// device answers as the ONVIF specifications print it (Core Specification, 8.3 and 8.5; Media Service, 5.2 and 5.15;
// the shape of a fault: Core, 5.8). Its clock is an hour ahead, and its router gives it another address.
type device struct {
	*httptest.Server
	password string
	answers  map[string]string // by the name of the request, instead of the usual ones
	asked    []string
}

const (
	start = `<?xml version="1.0" encoding="utf-8"?><SOAP-ENV:Envelope xmlns:SOAP-ENV="http://www.w3.org/2003/05/soap-envelope" ` +
		`xmlns:tt="http://www.onvif.org/ver10/schema" xmlns:tds="http://www.onvif.org/ver10/device/wsdl" ` +
		`xmlns:trt="http://www.onvif.org/ver10/media/wsdl" xmlns:ter="http://www.onvif.org/ver10/error"><SOAP-ENV:Body>`
	end          = `</SOAP-ENV:Body></SOAP-ENV:Envelope>`
	unauthorized = `<SOAP-ENV:Fault><SOAP-ENV:Code><SOAP-ENV:Value>SOAP-ENV:Sender</SOAP-ENV:Value><SOAP-ENV:Subcode>` +
		`<SOAP-ENV:Value>ter:NotAuthorized</SOAP-ENV:Value></SOAP-ENV:Subcode></SOAP-ENV:Code><SOAP-ENV:Reason>` +
		`<SOAP-ENV:Text xml:lang="en">The action requested requires authorization</SOAP-ENV:Text></SOAP-ENV:Reason></SOAP-ENV:Fault>`
	profiles = `<trt:GetProfilesResponse><trt:Profiles token="main &amp; first" fixed="true"><tt:Name>Main</tt:Name>` +
		`<tt:VideoSourceConfiguration token="vs"><tt:Name>Source</tt:Name></tt:VideoSourceConfiguration>` +
		`<tt:VideoEncoderConfiguration token="ve"><tt:Name>Encoder</tt:Name><tt:Encoding>H264</tt:Encoding>` +
		`<tt:Resolution><tt:Width>1920</tt:Width><tt:Height>1080</tt:Height></tt:Resolution><tt:Quality>4</tt:Quality>` +
		`<tt:RateControl><tt:FrameRateLimit>25</tt:FrameRateLimit><tt:BitrateLimit>4096</tt:BitrateLimit></tt:RateControl>` +
		`</tt:VideoEncoderConfiguration></trt:Profiles>` +
		`<trt:Profiles token="sound"><tt:Name>Sound</tt:Name></trt:Profiles>` +
		`<trt:Profiles token="sub"><tt:Name>Sub</tt:Name><tt:VideoEncoderConfiguration><tt:Encoding>JPEG</tt:Encoding>` +
		`</tt:VideoEncoderConfiguration></trt:Profiles></trt:GetProfilesResponse>`
)

func newDevice(t *testing.T) *device {
	d := &device{password: "hunter22 <&>", answers: map[string]string{}}
	d.Server = httptest.NewServer(d)
	t.Cleanup(d.Close)
	return d
}

func (d *device) client(t *testing.T) *Client {
	t.Helper()
	c, err := New(d.URL+"/onvif/device_service", "admin", "hunter22 <&>")
	if err != nil {
		t.Fatal(err)
	}
	return c
}

func (d *device) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	body, _ := io.ReadAll(r.Body)
	text := string(body)
	method := between(text, "<s:Body><", " ")
	d.asked = append(d.asked, r.URL.Path+" "+method)
	w.Header().Set("Content-Type", "application/soap+xml; charset=utf-8")
	if method != "GetSystemDateAndTime" && !d.authorized(text) {
		w.WriteHeader(http.StatusBadRequest)
		_, _ = io.WriteString(w, start+unauthorized+end)
		return
	}
	answer, ok := d.answers[method]
	if !ok {
		answer = d.usual(method, between(text, "<ProfileToken>", "<"))
	}
	_, _ = io.WriteString(w, start+answer+end)
}

func between(text, a, b string) string {
	_, text, _ = strings.Cut(text, a)
	text, _, _ = strings.Cut(text, b)
	return text
}

func (d *device) clock() time.Time { return time.Now().UTC().Add(time.Hour) }

// authorized checks a UsernameToken as its profile says, with a window of 5 s.
func (d *device) authorized(text string) bool {
	created := between(text, "utility-1.0.xsd\">", "<")
	at, err := time.Parse(time.RFC3339Nano, created)
	nonce, _ := base64.StdEncoding.DecodeString(between(text, "#Base64Binary\">", "<"))
	return err == nil && at.Sub(d.clock()).Abs() < 5*time.Second && between(text, "<Username>", "<") == "admin" &&
		between(text, "#PasswordDigest\">", "<") == digest(nonce, created, d.password)
}

func (d *device) usual(method, profile string) string {
	switch method {
	case "GetSystemDateAndTime":
		at := d.clock()
		return fmt.Sprintf(`<tds:GetSystemDateAndTimeResponse><tds:SystemDateAndTime><tt:DateTimeType>NTP</tt:DateTimeType>`+
			`<tt:DaylightSavings>false</tt:DaylightSavings><tt:UTCDateTime><tt:Time><tt:Hour>%d</tt:Hour><tt:Minute>%d</tt:Minute>`+
			`<tt:Second>%d</tt:Second></tt:Time><tt:Date><tt:Year>%d</tt:Year><tt:Month>%d</tt:Month><tt:Day>%d</tt:Day></tt:Date>`+
			`</tt:UTCDateTime></tds:SystemDateAndTime></tds:GetSystemDateAndTimeResponse>`,
			at.Hour(), at.Minute(), at.Second(), at.Year(), at.Month(), at.Day())
	case "GetCapabilities":
		_, port, _ := net.SplitHostPort(strings.TrimPrefix(d.URL, "http://"))
		return `<tds:GetCapabilitiesResponse><tds:Capabilities><tt:Media><tt:XAddr>http://10.0.0.9:` + port + `/onvif/media</tt:XAddr>` +
			`</tt:Media></tds:Capabilities></tds:GetCapabilitiesResponse>`
	case "GetProfiles":
		return profiles
	case "GetStreamUri":
		return `<trt:GetStreamUriResponse><trt:MediaUri><tt:Uri>rtsp://root:toor@10.0.0.9:8554/` + strings.Fields(profile)[0] +
			`?a=1</tt:Uri><tt:InvalidAfterConnect>false</tt:InvalidAfterConnect></trt:MediaUri></trt:GetStreamUriResponse>`
	case "GetSnapshotUri":
		return `<trt:GetSnapshotUriResponse><trt:MediaUri><tt:Uri>http://10.0.0.9/snap.jpg</tt:Uri></trt:MediaUri></trt:GetSnapshotUriResponse>`
	}
	return ""
}

func TestStreams(t *testing.T) {
	d := newDevice(t)
	streams, err := d.client(t).Streams(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	want := []Stream{
		{"main & first", "Main", "H264", 1920, 1080, 25, "rtsp://127.0.0.1:8554/main?a=1"},
		{"sub", "Sub", "JPEG", 0, 0, 0, "rtsp://127.0.0.1:8554/sub?a=1"},
	}
	if len(streams) != 2 || streams[0] != want[0] || streams[1] != want[1] {
		t.Errorf("%+v", streams)
	}
	asked := strings.Join(d.asked, ", ")
	if asked != "/onvif/device_service GetSystemDateAndTime, /onvif/device_service GetCapabilities, /onvif/media GetProfiles, "+
		"/onvif/media GetStreamUri, /onvif/media GetStreamUri" {
		t.Error(asked)
	}
}

func TestSnapshot(t *testing.T) {
	if address, err := newDevice(t).client(t).Snapshot(t.Context(), "sub"); err != nil || address != "http://127.0.0.1/snap.jpg" {
		t.Errorf("%q, %v", address, err)
	}
}

func TestRefusals(t *testing.T) {
	soap := func(code string) string { return strings.Replace(unauthorized, "NotAuthorized", code, 1) }
	for name, c := range map[string]struct {
		change func(*device)
		why    camera.Why
	}{
		"wrong password": {func(d *device) { d.password = "another" }, camera.WrongPassword},
		"another fault":  {func(d *device) { d.answers["GetProfiles"] = soap("ActionNotSupported") }, camera.Broken},
		"no pictures":    {func(d *device) { d.answers["GetProfiles"] = `<trt:GetProfilesResponse/>` }, camera.NoVideo},
		"nothing":        {func(d *device) { d.answers["GetStreamUri"] = "" }, camera.Broken},
		"no media":       {func(d *device) { d.answers["GetCapabilities"] = "" }, camera.Broken},
		"another scheme": {func(d *device) {
			d.answers["GetStreamUri"] = strings.ReplaceAll(d.usual("GetStreamUri", "x"), "rtsp:", "file:")
		}, camera.Broken},
		"not XML":            {func(d *device) { d.answers["GetProfiles"] = "<<<" }, camera.Broken},
		"entities":           {func(d *device) { d.answers["GetProfiles"] = strings.ReplaceAll(profiles, "Main", "&lol9;") }, camera.Broken},
		"endless":            {func(d *device) { d.answers["GetProfiles"] = strings.Repeat(" ", maxAnswer) }, camera.Broken},
		"deep":               {func(d *device) { d.answers["GetProfiles"] = strings.Repeat("<a>", 100_000) }, camera.Broken},
		"numbers that don't": {func(d *device) { d.answers["GetProfiles"] = strings.ReplaceAll(profiles, "1920", "wide") }, camera.Broken},
		"gone":               {func(d *device) { d.Close() }, camera.NoAnswer},
	} {
		t.Run(name, func(t *testing.T) {
			d := newDevice(t)
			client := d.client(t)
			c.change(d)
			_, err := client.Streams(t.Context())
			var fault *camera.Fault
			if !errors.As(err, &fault) || fault.Why != c.why {
				t.Errorf("%v, wanted %q", err, c.why)
			} else if strings.Contains(err.Error(), "hunter22") || strings.Contains(err.Error(), "admin") {
				t.Error(err)
			}
		})
	}
}

func TestStatusCodes(t *testing.T) {
	for status, why := range map[int]camera.Why{401: camera.WrongPassword, 302: camera.Broken, 500: camera.Broken} {
		s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Location", "http://127.0.0.1:1/inner")
			w.WriteHeader(status)
			_, _ = io.WriteString(w, start+end)
		}))
		c, err := New(s.URL, "", "")
		if err != nil {
			t.Fatal(err)
		}
		var fault *camera.Fault
		if _, err := c.Streams(t.Context()); !errors.As(err, &fault) || fault.Why != why {
			t.Errorf("%d: %v", status, err)
		}
		s.Close()
	}
}

func TestAddresses(t *testing.T) {
	for _, bad := range []string{"", "192.0.2.7", "ftp://192.0.2.7/", "http:///x", "http://admin:hunter22@192.0.2.7/", "http://[::1"} {
		if _, err := New(bad, "", ""); err == nil || strings.Contains(err.Error(), "hunter22") {
			t.Errorf("%q: %v", bad, err)
		}
	}
	c, err := New("http://[2001:db8::7]:8080/onvif", "", "")
	if err != nil {
		t.Fatal(err)
	}
	if u, err := c.same(" rtsp://10.0.0.9/x ", "rtsp"); err != nil || u.String() != "rtsp://[2001:db8::7]/x" {
		t.Errorf("%v, %v", u, err)
	}
}

// TestDigest is the example of ONVIF's Application Programmer's Guide, 6.1.1.3.
func TestDigest(t *testing.T) {
	nonce, err := base64.StdEncoding.DecodeString("LKqI6G/AikKCQrN0zqZFlg==")
	if err != nil {
		t.Fatal(err)
	}
	if got := digest(nonce, "2010-09-16T07:50:45Z", "userpassword"); got != "tuOSpGlFlIXsozq4HFNeeGeFLEI=" {
		t.Error(got)
	}
}

// match is what a device answers to a probe (ONVIF Core Specification, 7.3; WS-Discovery 1.0, 5.3).
func match(relates, addresses string) string {
	return `<?xml version="1.0"?><e:Envelope xmlns:e="http://www.w3.org/2003/05/soap-envelope" ` +
		`xmlns:w="http://schemas.xmlsoap.org/ws/2004/08/addressing" xmlns:d="http://schemas.xmlsoap.org/ws/2005/04/discovery">` +
		`<e:Header><w:MessageID>urn:uuid:1</w:MessageID><w:RelatesTo>` + relates + `</w:RelatesTo></e:Header><e:Body><d:ProbeMatches>` +
		`<d:ProbeMatch><d:Scopes>onvif://www.onvif.org/type/video_encoder onvif://www.onvif.org/hardware/D1-554 ` +
		`onvif://www.onvif.org/name/Front%20door%0A</d:Scopes><d:XAddrs>` + addresses + `</d:XAddrs></d:ProbeMatch>` +
		`</d:ProbeMatches></e:Body></e:Envelope>`
}

// responder answers a probe with some datagrams.
func responder(t *testing.T, answers func(id string) []string) string {
	t.Helper()
	conn, err := (&net.ListenConfig{}).ListenPacket(t.Context(), "udp4", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	done := make(chan struct{})
	go func() {
		defer close(done)
		buf := make([]byte, 64<<10)
		n, from, err := conn.ReadFrom(buf)
		if err != nil {
			return
		}
		for _, a := range answers(between(string(buf[:n]), "<a:MessageID>", "<")) {
			_, _ = conn.WriteTo([]byte(a), from)
		}
	}()
	t.Cleanup(func() { _ = conn.Close(); <-done })
	return conn.LocalAddr().String()
}

func TestProbe(t *testing.T) {
	address := responder(t, func(id string) []string {
		return []string{
			match("urn:uuid:another", "http://127.0.0.1/other"),
			match(id, "http://192.0.2.1/elsewhere"), // not where it comes from
			match(id, "http://name.example/elsewhere http://[fe80::1]/onvif http://127.0.0.1:8080/onvif/device_service"),
			match(id, "http://127.0.0.1:8080/onvif/device_service"), // again
			"<<<", "", strings.Repeat("x", 60_000),
			match(id, "javascript:alert(1)"),
			match(id, "http://127.0.0.1:8081/onvif"),
		}
	})
	ctx, cancel := context.WithTimeout(t.Context(), 300*time.Millisecond)
	defer cancel()
	got, err := Probe(ctx, address)
	if err != nil || len(got) != 2 || got[0] != (Device{"http://127.0.0.1:8080/onvif/device_service", `Front door\n`, "D1-554"}) ||
		got[1].Address != "http://127.0.0.1:8081/onvif" {
		t.Errorf("%+v, %v", got, err)
	}
}

func TestProbeEndsWithItsContext(t *testing.T) {
	address := responder(t, func(string) []string { return nil })
	if _, err := Probe(t.Context(), address); err == nil {
		t.Error("a probe without a deadline")
	}
	ctx, cancel := context.WithTimeout(t.Context(), time.Hour)
	time.AfterFunc(50*time.Millisecond, cancel)
	if got, err := Probe(ctx, address); err != nil || len(got) != 0 {
		t.Errorf("%+v, %v", got, err)
	}
}

func FuzzAnswers(f *testing.F) {
	f.Add([]byte(match("id", "http://127.0.0.1/x")))
	f.Add([]byte(start + profiles + end))
	f.Add([]byte(start + unauthorized + end))
	f.Fuzz(func(t *testing.T, data []byte) {
		for _, d := range answers(data, "id", net.IPv4(127, 0, 0, 1)) {
			if !strings.Contains(d.Address, "127.0.0.1") || strings.ContainsAny(d.Name+d.Hardware, "\n\x1b") || len(d.Name) > 10*maxText {
				t.Errorf("%+v", d)
			}
		}
		var p struct {
			Profiles []profile `xml:"Body>GetProfilesResponse>Profiles"`
		}
		var fault *camera.Fault
		if err := understood(data, 200, &p); err != nil && !errors.As(err, &fault) {
			t.Errorf("%T", err)
		}
	})
}
