package operator

import (
	"errors"
	"slices"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"github.com/loquet/loquet/event"
)

const csvHeading = "reference,site,merchant,carrier,date,from,to,parcels\n"

func TestReadingAFileOfBookings(t *testing.T) {
	for name, file := range map[string]string{
		"commas":          csvHeading + "A-1,lys9,grocer,swift,2027-03-01,14:00,18:00,340123450000000017\n",
		"semicolons":      strings.ReplaceAll(csvHeading, ",", ";") + "A-1;lys9;grocer;swift;2027-03-01;14:00;18:00;340123450000000017\n",
		"a mark of order": "\xef\xbb\xbf" + csvHeading + "A-1,lys9,grocer,swift,2027-03-01,14:00,18:00,340123450000000017\n",
		"Windows' lines":  strings.ReplaceAll(csvHeading+"A-1,lys9,grocer,swift,2027-03-01,14:00,18:00,340123450000000017\n", "\n", "\r\n"),
		"another order":   "parcels,To,FROM,date,carrier,merchant,site,reference\n340123450000000017,18:00,14:00,2027-03-01,swift,grocer,lys9,A-1\n",
		"spaces":          csvHeading + "  A-1 , lys9, grocer , swift, 2027-03-01, 14:00, 18:00,  340123450000000017 \n\n",
	} {
		lines, err := readCSV([]byte(file))
		if err != nil || len(lines) != 1 {
			t.Errorf("%s: %v, %v", name, lines, err)
			continue
		}
		want := csvBooking{Reference: "A-1", Site: "lys9", Merchant: "grocer", Carrier: "swift", Date: "2027-03-01", From: "14:00", To: "18:00",
			Parcels: []string{"340123450000000017"}, Size: event.SizeMedium}
		if b := lines[0].Booking; lines[0].Wrong != "" || lines[0].Number != 2 || !slices.Equal(b.Parcels, want.Parcels) || b.Reference != want.Reference ||
			b.Site != want.Site || b.From != want.From || b.To != want.To || b.Size != want.Size || b.Carrier != want.Carrier {
			t.Errorf("%s: %+v", name, lines[0])
		}
	}
}

func TestWhatIsWrongInALine(t *testing.T) {
	heading := "reference,site,merchant,carrier,date,from,to,parcels,size,access_point,do_not_ring\n"
	for line, want := range map[string]string{
		"A-1,lys9,grocer,swift,2027-03-01,14:00,18:00,123,,,":                 "",
		"A-1,lys9,grocer,swift,2027-03-01,14:00,18:00,123 456|789,small,,oui": "",
		",lys9,grocer,swift,2027-03-01,14:00,18:00,123,,,":                    "reference reference",
		"a b,lys9,grocer,swift,2027-03-01,14:00,18:00,123,,,":                 "reference reference",
		"A-1,Lys 9,grocer,swift,2027-03-01,14:00,18:00,123,,,":                "site site",
		"A-1,lys9,,swift,2027-03-01,14:00,18:00,123,,,":                       "merchant named",
		"A-1,lys9,grocer,,2027-03-01,14:00,18:00,123,,,":                      "carrier named",
		"A-1,lys9,grocer,swift,01/03/2027,14:00,18:00,123,,,":                 "date date",
		"A-1,lys9,grocer,swift,2027-02-30,14:00,18:00,123,,,":                 "date date",
		"A-1,lys9,grocer,swift,2027-03-01,2pm,18:00,123,,,":                   "from time",
		"A-1,lys9,grocer,swift,2027-03-01,14:00,24:00,123,,,":                 "to time",
		"A-1,lys9,grocer,swift,2027-03-01,14:00,18:00,,,,":                    "parcels parcels",
		"A-1,lys9,grocer,swift,2027-03-01,14:00,18:00,123,huge,,":             "size size",
		"A-1,lys9,grocer,swift,2027-03-01,14:00,18:00,123,,front,":            "access_point place",
		"A-1,lys9,grocer,swift,2027-03-01,14:00,18:00,123,,,perhaps":          "do_not_ring yesno",
	} {
		lines, err := readCSV([]byte(heading + line + "\n"))
		if err != nil {
			t.Errorf("%s: %v", line, err)
			continue
		}
		if got := strings.TrimSpace(lines[0].Field + " " + lines[0].Wrong); got != want {
			t.Errorf("%s: %q, not %q", line, got, want)
		}
		if key := "csv.wrong." + strings.SplitN(lines[0].Wrong, " ", 2)[0]; lines[0].Wrong != "" && !words.Has(key) {
			t.Errorf("no words for %s", key)
		}
	}
}

func TestAFileThatCannotBeRead(t *testing.T) {
	line := "A-1,lys9,grocer,swift,2027-03-01,14:00,18:00,123\n"
	for name, c := range map[string]struct{ file, key, what string }{
		"nothing":          {"", "empty", ""},
		"only a heading":   {csvHeading, "empty", ""},
		"only blank lines": {csvHeading + "\n , ,\n", "empty", ""},
		"no site":          {"reference,merchant,carrier,date,from,to,parcels\n" + line, "missing", "site"},
		"another column":   {strings.Replace(csvHeading, "site", "site,colour", 1) + line, "unknown", "colour"},
		"a column twice":   {strings.Replace(csvHeading, "site", "site,Site", 1) + line, "twice", "site"},
		"an open quote":    {csvHeading + line + `"A-2,lys9` + "\n", "broken", "3"},
		"another encoding": {csvHeading + "A-1,lys9,\xe9picier,swift,2027-03-01,14:00,18:00,123\n", "encoding", ""},
		"a spreadsheet":    {"PK\x03\x04\x00\x00", "encoding", ""},
		"too large":        {csvHeading + strings.Repeat(" ", csvMostBytes), "large", ""},
		"too many":         {csvHeading + manyLines(csvMostLines+1), "many", ""},
	} {
		_, err := readCSV([]byte(c.file))
		var bad *csvError
		if !errors.As(err, &bad) || bad.key != c.key || bad.what != c.what {
			t.Errorf("%s: %v", name, err)
			continue
		}
		if !words.Has("csv." + bad.key) {
			t.Errorf("no words for csv.%s", bad.key)
		}
	}
	if lines, err := readCSV([]byte(csvHeading + manyLines(csvMostLines))); err != nil || len(lines) != csvMostLines {
		t.Errorf("%d lines, %v", len(lines), err)
	}
}

func manyLines(n int) string {
	var b strings.Builder
	for i := range n {
		b.WriteString("A-" + count(i) + ",lys9,grocer,swift,2027-03-01,14:00,18:00,123\n")
	}
	return b.String()
}

func TestAReferenceTwiceInOneFile(t *testing.T) {
	line := "A-1,lys9,grocer,swift,2027-03-01,14:00,18:00,123\n"
	lines, err := readCSV([]byte(csvHeading + line + strings.Replace(line, "grocer", "butcher", 1) + line))
	if err != nil || lines[0].Wrong != "" || lines[1].Wrong != "" || lines[2].Wrong != "again 2" {
		t.Errorf("%+v %v", lines, err)
	}
}

// A window is in the time of its site, over the change of clocks too.
func TestWindowsInLocalTime(t *testing.T) {
	zone, err := time.LoadLocation("Europe/Paris")
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct{ date, from, to, wantFrom, wantTo string }{
		{"2027-03-01", "14:00", "18:00", "2027-03-01T13:00:00Z", "2027-03-01T17:00:00Z"},
		{"2027-07-01", "14:00", "18:00", "2027-07-01T12:00:00Z", "2027-07-01T16:00:00Z"},
		{"2027-03-27", "22:00", "06:00", "2027-03-27T21:00:00Z", "2027-03-28T04:00:00Z"},
	} {
		from, to, err := csvBooking{Date: c.date, From: c.from, To: c.to}.window(zone)
		if err != nil || from.UTC().Format(time.RFC3339) != c.wantFrom || to.UTC().Format(time.RFC3339) != c.wantTo {
			t.Errorf("%v: %v to %v, %v", c, from.UTC(), to.UTC(), err)
		}
	}
}

// Whatever a file holds: it is read or refused in words, and what is read says of each line whether it can be.
func FuzzReadCSV(f *testing.F) {
	for _, seed := range []string{"", csvHeading, csvHeading + "A-1,lys9,grocer,swift,2027-03-01,14:00,18:00,123\n",
		strings.ReplaceAll(csvHeading, ",", ";") + `"A;1";lys9;;swift;2027-03-01;14:00;18:00;"1|2 3"` + "\n", csvHeading + `"`, "\xef\xbb\xbf;\r\n"} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		lines, err := readCSV(data)
		var bad *csvError
		if err != nil && (!errors.As(err, &bad) || !words.Has("csv."+bad.key)) {
			t.Fatalf("refused without words: %v", err)
		}
		for _, line := range lines {
			if line.Wrong == "" && (event.CheckSiteID(line.Booking.Site) != nil || len(line.Booking.Parcels) == 0 || !line.Booking.Size.Known()) {
				t.Fatalf("taken as it is: %+v", line)
			}
			if line.Wrong != "" && (line.Field == "" || !words.Has("csv.wrong."+strings.SplitN(line.Wrong, " ", 2)[0])) {
				t.Fatalf("wrong without words: %+v", line)
			}
			if _, _, err := line.Booking.window(time.UTC); line.Wrong == "" && err != nil {
				t.Fatalf("no window: %+v", line)
			}
			if !utf8.ValidString(line.Booking.Reference) {
				t.Fatalf("not text: %q", line.Booking.Reference)
			}
		}
	})
}
