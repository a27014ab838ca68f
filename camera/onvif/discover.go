package onvif

import (
	"context"
	"crypto/rand"
	"encoding/xml"
	"fmt"
	"net"
	"net/url"
	"strings"
	"time"
)

// Multicast is where devices listen for a probe (WS-Discovery 1.0, 2.4).
const Multicast = "239.255.255.250:3702"

const (
	// maxDevices are found at most, in maxDatagrams answers of at most maxDatagram bytes: anybody may answer.
	maxDevices   = 256
	maxDatagrams = 4096
	maxDatagram  = 16 << 10
	maxText      = 200
)

// Device is one that answered a probe.
type Device struct {
	// Address of its device service, for New.
	Address string
	// Name and Hardware, as the device says, in ASCII or escaped; empty if it does not.
	Name, Hardware string
}

// Probe asks at an address, usually Multicast, which cameras there are, and collects answers until ctx ends, which
// needs a deadline. That is no error. An answer counts only for the host that it came from.
func Probe(ctx context.Context, address string) ([]Device, error) {
	deadline, ok := ctx.Deadline()
	if !ok {
		return nil, fmt.Errorf("a probe needs a deadline")
	}
	to, err := net.ResolveUDPAddr("udp4", address)
	if err != nil {
		return nil, fmt.Errorf("probe: %w", err)
	}
	conn, err := (&net.ListenConfig{}).ListenPacket(ctx, "udp4", ":0")
	if err != nil {
		return nil, fmt.Errorf("probe: %w", err)
	}
	defer func() { _ = conn.Close() }()
	_ = conn.SetDeadline(deadline)
	stop := context.AfterFunc(ctx, func() { _ = conn.SetDeadline(time.Unix(1, 0)) })
	defer stop()
	id := messageID()
	if _, err := conn.WriteTo([]byte(probe(id)), to); err != nil {
		return nil, fmt.Errorf("probe: %w", err)
	}
	return collect(conn, id), nil
}

func collect(conn net.PacketConn, id string) []Device {
	var devices []Device
	known, buf := map[string]bool{}, make([]byte, maxDatagram)
	for range maxDatagrams {
		n, from, err := conn.ReadFrom(buf)
		if err != nil {
			return devices
		}
		for _, d := range answers(buf[:n], id, from.(*net.UDPAddr).IP) {
			if !known[d.Address] && len(devices) < maxDevices {
				known[d.Address] = true
				devices = append(devices, d)
			}
		}
	}
	return devices
}

// answers reads a datagram from a host.
func answers(datagram []byte, id string, from net.IP) []Device {
	var found struct {
		RelatesTo string `xml:"Header>RelatesTo"`
		Matches   []struct {
			Scopes string `xml:"Scopes"`
			XAddrs string `xml:"XAddrs"`
		} `xml:"Body>ProbeMatches>ProbeMatch"`
	}
	if xml.Unmarshal(datagram, &found) != nil || strings.TrimSpace(found.RelatesTo) != id {
		return nil
	}
	var devices []Device
	for _, m := range found.Matches {
		for address := range strings.FieldsSeq(m.XAddrs) {
			u, err := url.Parse(address)
			if err != nil || u.Scheme != "http" && u.Scheme != "https" || u.User != nil || !from.Equal(net.ParseIP(u.Hostname())) {
				continue
			}
			devices = append(devices, Device{Address: u.String(), Name: scope(m.Scopes, "name"), Hardware: scope(m.Scopes, "hardware")})
			break
		}
	}
	return devices
}

// scope returns what a device says about itself (ONVIF Core, 7.3.2.2): onvif://www.onvif.org/name/Front%20door.
func scope(scopes, what string) string {
	for s := range strings.FieldsSeq(scopes) {
		value, ok := strings.CutPrefix(s, "onvif://www.onvif.org/"+what+"/")
		if !ok {
			continue
		}
		if plain, err := url.PathUnescape(value); err == nil {
			value = plain
		}
		return strings.Trim(fmt.Sprintf("%+q", value[:min(len(value), maxText)]), `"`)
	}
	return ""
}

func messageID() string {
	var b [16]byte
	_, _ = rand.Read(b[:]) // never fails
	b[6], b[8] = b[6]&0x0f|0x40, b[8]&0x3f|0x80
	return fmt.Sprintf("urn:uuid:%x-%x-%x-%x-%x", b[:4], b[4:6], b[6:8], b[8:10], b[10:])
}

func probe(id string) string {
	return `<?xml version="1.0" encoding="UTF-8"?><s:Envelope xmlns:s="http://www.w3.org/2003/05/soap-envelope" ` +
		`xmlns:a="http://schemas.xmlsoap.org/ws/2004/08/addressing"><s:Header>` +
		`<a:Action s:mustUnderstand="1">http://schemas.xmlsoap.org/ws/2005/04/discovery/Probe</a:Action>` +
		`<a:MessageID>` + id + `</a:MessageID>` +
		`<a:ReplyTo><a:Address>http://schemas.xmlsoap.org/ws/2004/08/addressing/role/anonymous</a:Address></a:ReplyTo>` +
		`<a:To s:mustUnderstand="1">urn:schemas-xmlsoap-org:ws:2005:04:discovery</a:To></s:Header><s:Body>` +
		`<Probe xmlns="http://schemas.xmlsoap.org/ws/2005/04/discovery">` +
		`<d:Types xmlns:d="http://schemas.xmlsoap.org/ws/2005/04/discovery" xmlns:dn="http://www.onvif.org/ver10/network/wsdl">` +
		`dn:NetworkVideoTransmitter</d:Types></Probe></s:Body></s:Envelope>`
}
