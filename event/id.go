package event

import (
	"fmt"
	"strconv"
	"strings"
)

// SiteID names a site: lower-case letters and digits, 1 to 32 of them. It never contains '-', because every
// identifier that belongs to a site is "<site>-<letter><sequence>".
type SiteID string

// Identifiers that embed their site. The sequence is that of the event that created the thing, so that an
// observation, a permit or a due item finds its journal without an index.
type (
	// MemberID names a person who decides at a site ("<site>-m<seq>").
	MemberID string
	// BarrierID names one thing to be opened ("<site>-b<seq>").
	BarrierID string
	// AccessPointID names a place where a parcel may be left ("<site>-a<seq>").
	AccessPointID string
	// ConsentID names a standing consent ("<site>-k<seq>").
	ConsentID string
	// DeliveryID names a delivery ("<site>-d<seq>").
	DeliveryID string
	// VisitID names a visit ("<site>-v<seq>").
	VisitID string
	// PermitID names the right to open one barrier once ("<site>-p<seq>").
	PermitID string
	// CameraID names a camera of the site ("<site>-c<seq>").
	CameraID string
	// ClipID names what was kept of one visit's pictures ("<site>-f<seq>", for film).
	ClipID string
	// LeaseID names a borrowed barrier; its site is the borrower's ("<site>-l<seq>").
	LeaseID string
)

// Identifiers from outside the journals.
type (
	// DeviceID names a device in the installation's register of devices.
	DeviceID string
	// CourierID names a courier, a person or a robot.
	CourierID string
	// KeyID is the RFC 7638 thumbprint (SHA-256, base64url) of a courier's device key.
	KeyID string
	// MerchantID names a shop that books deliveries.
	MerchantID string
	// CarrierID names the company whose couriers deliver.
	CarrierID string
)

// Commitment is a salted one-way value that stands in for a personal value: it can be compared with another
// of the same site, never read back. Hexadecimal, made by package vault.
type Commitment string

// NewID makes the identifier of the thing that event seq of the site created.
func NewID[T ~string](site SiteID, letter byte, seq uint64) T {
	return T(string(site) + "-" + string(letter) + strconv.FormatUint(seq, 10))
}

// SiteOf returns the site that an identifier embeds, or "" when it embeds none.
func SiteOf[T ~string](id T) SiteID {
	site, _, found := strings.Cut(string(id), "-")
	if !found {
		return ""
	}
	return SiteID(site)
}

// SeqOf returns the sequence that an identifier embeds, or 0 when it embeds none.
func SeqOf[T ~string](id T) uint64 {
	_, rest, found := strings.Cut(string(id), "-")
	if !found || len(rest) < 2 {
		return 0
	}
	seq, err := strconv.ParseUint(rest[1:], 10, 63)
	if err != nil {
		return 0
	}
	return seq
}

// CheckSiteID says what is wrong with a site's identifier, or nil.
func CheckSiteID(id SiteID) error {
	if len(id) == 0 || len(id) > 32 {
		return fmt.Errorf("a site identifier has 1 to 32 characters, not %d", len(id))
	}
	for _, r := range id {
		if (r < 'a' || r > 'z') && (r < '0' || r > '9') {
			return fmt.Errorf("a site identifier has only lower-case letters and digits, not %q", r)
		}
	}
	return nil
}

// CheckID says what is wrong with an identifier that embeds its site, or nil. The letter is the kind's.
func CheckID[T ~string](id T, letter byte) error {
	site, rest, found := strings.Cut(string(id), "-")
	if !found || CheckSiteID(SiteID(site)) != nil || len(rest) < 2 || rest[0] != letter {
		return fmt.Errorf("%q is not an identifier of the form site-%c1", trim(string(id)), letter)
	}
	seq, err := strconv.ParseUint(rest[1:], 10, 63)
	if err != nil || seq == 0 || NewID[T](SiteID(site), letter, seq) != id {
		return fmt.Errorf("%q is not an identifier of the form site-%c1", trim(string(id)), letter)
	}
	return nil
}

// trim keeps a hostile identifier from filling an error message.
func trim(s string) string {
	const most = 64
	if len(s) <= most {
		return s
	}
	return s[:most] + "…"
}
