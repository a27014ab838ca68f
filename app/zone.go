package app

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"time"
)

var errZone = errors.New("--zone is not a time zone of the IANA database, such as Europe/Paris")

// officeZone is the zone that the operator's office lives by: the one that was named, or the machine's own. It has a
// name in the IANA database, unlike time.Local, so that it can be told to others.
func officeZone(named string) (*time.Location, error) {
	if named != "" {
		zone, err := time.LoadLocation(named)
		if err != nil || named == "Local" {
			return nil, errZone
		}
		return zone, nil
	}
	for _, name := range []string{os.Getenv("TZ"), linkedZone("/etc/localtime")} {
		if zone, err := time.LoadLocation(name); err == nil && name != "" && name != "Local" {
			return zone, nil
		}
	}
	return time.UTC, nil
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
