package app

import (
	"errors"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"time"
)

var errZone = errors.New("--zone is not a time zone of the IANA database, such as Europe/Paris")

// officeZone is the zone that the operator's office lives by: the one that was named, or the machine's own. It has a
// name in the IANA database, unlike time.Local, so that it can be told to others; where the machine's has none it is
// UTC, and the log says so.
func officeZone(named string, log *slog.Logger) (*time.Location, error) {
	if named != "" {
		zone := firstZone(named)
		if zone == nil {
			return nil, errZone
		}
		return zone, nil
	}
	zone := firstZone(os.Getenv("TZ"), linkedZone("/etc/localtime"))
	if zone == nil {
		zone = time.UTC
		warnOfUTC(log, time.Now())
	}
	log.Info("the office's time zone", "zone", zone.String())
	return zone, nil
}

// firstZone is the first zone that there is among the names; nil without one.
func firstZone(names ...string) *time.Location {
	for _, name := range names {
		if zone, err := time.LoadLocation(name); err == nil && name != "" && name != "Local" {
			return zone
		}
	}
	return nil
}

// warnOfUTC warns when the machine's own clock, whose zone has no name, is another than UTC today or in half a year.
func warnOfUTC(log *slog.Logger, now time.Time) {
	for _, at := range []time.Time{now, now.AddDate(0, 6, 0)} {
		if name, away := at.Zone(); away != 0 {
			log.Warn("the machine's time zone has no name that we can find: days begin at midnight UTC until --zone says which it is",
				"machine", name, "offset", (time.Duration(away) * time.Second).String())
			return
		}
	}
}

// linkedZone reads the zone's name off the link by which systems choose it: /usr/share/zoneinfo/Europe/Paris.
func linkedZone(path string) string {
	target, err := filepath.EvalSymlinks(path)
	if err != nil {
		return ""
	}
	_, name, _ := strings.Cut(filepath.ToSlash(target), "/zoneinfo/")
	return name
}
