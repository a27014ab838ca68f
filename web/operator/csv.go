package operator

import (
	"bytes"
	"cmp"
	"encoding/csv"
	"errors"
	"fmt"
	"io"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/loquet/loquet/event"
)

// Columns of a file of bookings. Those that are required come first; their order in the file is its own.
var csvColumns = []string{"reference", "site", "merchant", "carrier", "date", "from", "to", "parcels", "size", "access_point", "courier", "do_not_ring",
	"keep_cold", "whole"}

// csvRequired is how many of the columns a file must have.
const csvRequired = 8

// What a file may be.
const (
	csvMostBytes = 1 << 20
	csvMostLines = 2000
)

// csvLine is one line of a file of bookings, as it was written.
type csvLine struct {
	// Number counts from 1 with the heading, as spreadsheets do.
	Number int `json:"number"`
	// Booking is what it asks for.
	Booking csvBooking `json:"booking"`
	// Wrong names what can't be read in it, as the key of a sentence, and Field the column.
	Wrong string `json:"wrong,omitempty"`
	Field string `json:"field,omitempty"`
}

// csvBooking is a booking in the local time of its site.
type csvBooking struct {
	Reference   string              `json:"reference"`
	Site        event.SiteID        `json:"site"`
	Merchant    event.MerchantID    `json:"merchant"`
	Carrier     event.CarrierID     `json:"carrier"`
	Date        string              `json:"date"`
	From        string              `json:"from"`
	To          string              `json:"to"`
	Parcels     []string            `json:"parcels"`
	Size        event.Size          `json:"size"`
	AccessPoint event.AccessPointID `json:"accessPoint,omitempty"`
	Courier     event.CourierID     `json:"courier,omitempty"`
	DoNotRing   bool                `json:"doNotRing,omitempty"`
	KeepCold    bool                `json:"keepCold,omitempty"`
	Whole       bool                `json:"whole,omitempty"`
}

// csvError is why a whole file can't be read: the key of a sentence, and what stands in it.
type csvError struct{ key, what string }

func (e *csvError) Error() string { return "operator: a file of bookings: " + e.key + " " + e.what }

// readCSV reads a file of bookings: UTF-8, a heading, columns parted by commas or semicolons. Errors: *csvError.
func readCSV(data []byte) ([]csvLine, error) {
	data = bytes.TrimPrefix(data, []byte("\xef\xbb\xbf"))
	switch {
	case len(data) > csvMostBytes:
		return nil, &csvError{key: "large"}
	case !utf8.Valid(data):
		return nil, &csvError{key: "encoding"}
	case bytes.IndexByte(data, 0) >= 0:
		return nil, &csvError{key: "encoding"}
	}
	r := csv.NewReader(bytes.NewReader(data))
	r.FieldsPerRecord = -1
	r.TrimLeadingSpace = true
	if heading, _, _ := bytes.Cut(data, []byte("\n")); bytes.Count(heading, []byte(";")) > bytes.Count(heading, []byte(",")) {
		r.Comma = ';'
	}
	heading, err := r.Read()
	if errors.Is(err, io.EOF) {
		return nil, &csvError{key: "empty"}
	}
	if err != nil {
		return nil, &csvError{key: "broken", what: "1"}
	}
	at, err := columnsOf(heading)
	if err != nil {
		return nil, err
	}
	return readLines(r, at)
}

// columnsOf finds the columns by the heading.
func columnsOf(heading []string) (map[string]int, error) {
	at := map[string]int{}
	for i, name := range heading {
		name = strings.ToLower(strings.TrimSpace(name))
		if name == "" {
			continue
		}
		if _, twice := at[name]; twice {
			return nil, &csvError{key: "twice", what: name}
		}
		if !slices.Contains(csvColumns, name) {
			return nil, &csvError{key: "unknown", what: shortened(name)}
		}
		at[name] = i
	}
	for _, name := range csvColumns[:csvRequired] {
		if _, ok := at[name]; !ok {
			return nil, &csvError{key: "missing", what: name}
		}
	}
	return at, nil
}

// shortened is what a file said, no longer than a sentence bears.
func shortened(s string) string {
	if r := []rune(s); len(r) > 40 {
		return string(r[:40]) + "…"
	}
	return s
}

func readLines(r *csv.Reader, at map[string]int) ([]csvLine, error) {
	var lines []csvLine
	for {
		record, err := r.Read()
		var bad *csv.ParseError
		switch {
		case errors.Is(err, io.EOF) && len(lines) == 0:
			return nil, &csvError{key: "empty"}
		case errors.Is(err, io.EOF):
			return markRepeated(lines), nil
		case errors.As(err, &bad):
			return nil, &csvError{key: "broken", what: strconv.Itoa(bad.StartLine)}
		case err != nil:
			return nil, &csvError{key: "broken"}
		case blank(record):
			continue
		case len(lines) == csvMostLines:
			return nil, &csvError{key: "many"}
		}
		number, _ := r.FieldPos(0)
		lines = append(lines, lineOf(number, func(name string) string {
			if i, ok := at[name]; ok && i < len(record) {
				return strings.TrimSpace(record[i])
			}
			return ""
		}))
	}
}

// markRepeated says which lines have no number of the merchant's own, or that of a line before: under one number nothing
// is booked twice, in one file neither.
func markRepeated(lines []csvLine) []csvLine {
	first := map[string]int{}
	for i := range lines {
		line := &lines[i]
		own := string(line.Booking.Merchant) + "\x00" + line.Booking.Reference
		n, again := first[own]
		switch {
		case line.Booking.Reference == "":
			line.Field, line.Wrong = "reference", "reference"
		case !again:
			first[own] = line.Number
		case line.Wrong == "":
			line.Field, line.Wrong = "reference", fmt.Sprintf("again %d", n)
		}
	}
	return lines
}

func blank(record []string) bool {
	return !slices.ContainsFunc(record, func(s string) bool { return strings.TrimSpace(s) != "" })
}

// lineOf reads one line; the first thing that is wrong is said. A number of the merchant's own may be left out.
func lineOf(number int, field func(string) string) csvLine {
	line := csvLine{Number: number, Booking: csvBooking{Reference: field("reference"), Site: event.SiteID(field("site")),
		Merchant: event.MerchantID(field("merchant")), Carrier: event.CarrierID(field("carrier")), Date: field("date"), From: field("from"),
		To: field("to"), Parcels: parcelsIn(field("parcels")), Size: cmp.Or(event.Size(strings.ToLower(field("size"))), event.SizeMedium),
		AccessPoint: event.AccessPointID(field("access_point")), Courier: event.CourierID(field("courier"))}}
	if line.Field = line.Booking.readFlags(field); line.Field != "" {
		line.Wrong = "yesno"
		return line
	}
	line.Field, line.Wrong = line.Booking.wrong()
	return line
}

// readFlags reads what is yes or no, and names the last that is neither.
func (b *csvBooking) readFlags(field func(string) string) (unread string) {
	for _, flag := range []struct {
		name string
		into *bool
	}{{"do_not_ring", &b.DoNotRing}, {"keep_cold", &b.KeepCold}, {"whole", &b.Whole}} {
		yes, ok := yesOrNo(field(flag.name))
		if *flag.into = yes; !ok {
			unread = flag.name
		}
	}
	return unread
}

// wrong is the first field that can't be, and the key of the sentence that says why; both "" when all can.
func (b csvBooking) wrong() (field, key string) {
	switch {
	case b.Reference != "" && !ownNumber.MatchString(b.Reference):
		return "reference", "reference"
	case event.CheckSiteID(b.Site) != nil:
		return "site", "site"
	case b.Merchant == "" || len(b.Merchant) > 100:
		return "merchant", "named"
	case b.Carrier == "" || len(b.Carrier) > 100:
		return "carrier", "named"
	case !parses(time.DateOnly, b.Date):
		return "date", "date"
	case !parses("15:04", b.From):
		return "from", "time"
	case !parses("15:04", b.To):
		return "to", "time"
	case len(b.Parcels) == 0 || len(b.Parcels) > 50:
		return "parcels", "parcels"
	case !b.Size.Known():
		return "size", "size"
	case b.AccessPoint != "" && event.CheckID(b.AccessPoint, 'a') != nil:
		return "access_point", "place"
	}
	return "", ""
}

// parcelsIn are the codes of one line: parted by spaces, or by | where a code has a space in it.
func parcelsIn(s string) []string {
	parted := strings.Fields(s)
	if strings.Contains(s, "|") {
		parted = strings.Split(s, "|")
	}
	var codes []string
	for _, code := range parted {
		if code = strings.TrimSpace(code); code != "" {
			codes = append(codes, code)
		}
	}
	return codes
}

func parses(layout, s string) bool {
	_, err := time.Parse(layout, s)
	return err == nil
}

// yesOrNo reads a flag in either language; nothing is no.
func yesOrNo(s string) (yes, ok bool) {
	switch strings.ToLower(s) {
	case "yes", "y", "oui", "o", "true", "1", "x":
		return true, true
	case "", "no", "n", "non", "false", "0":
		return false, true
	}
	return false, false
}

// window is when a booking is for, in its site's own time. A window that ends where it begins, or before, ends on the
// next day.
func (b csvBooking) window(zone *time.Location) (from, to time.Time, err error) {
	if from, err = time.ParseInLocation("2006-01-02 15:04", b.Date+" "+b.From, zone); err != nil {
		return from, to, err
	}
	if to, err = time.ParseInLocation("2006-01-02 15:04", b.Date+" "+b.To, zone); err != nil {
		return from, to, err
	}
	if !to.After(from) {
		to = to.AddDate(0, 0, 1)
	}
	return from, to, nil
}
