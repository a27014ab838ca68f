package maps

import (
	"encoding/json"
	"errors"
	"io"
	"log/slog"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
)

// Streets is a map of streets: one file that the operator puts into a folder. PMTiles is read by ranges: the browser
// fetches the few pieces that it shows, from this server. Safe for concurrent use.
type Streets struct {
	// Folder is where the file may be; "" for nowhere.
	Folder string
	// Path is where Tell is served; the file is served below it.
	Path string
	Log  *slog.Logger
}

// shown says which map there is; none when URL is "".
type shown struct {
	URL string `json:"url"`
	// Vector tiles are drawn in the page's own colours, pictures as they are.
	Vector bool `json:"vector"`
}

const (
	extension = ".pmtiles"
	// headerSize, and where in it the type of the tiles stands: PMTiles version 3, section 3.
	headerSize = 127
	typeAt     = 99
	typeVector = 1
)

var errNoTiles = errors.New("maps: not a PMTiles file of version 3")

// file is the first map of the folder, in order of name; "" without one.
func (s Streets) file() string {
	if s.Folder == "" {
		return ""
	}
	entries, err := os.ReadDir(s.Folder)
	if err != nil {
		return "" // there is no such folder: nobody put a map there
	}
	var names []string
	for _, e := range entries {
		if e.Type().IsRegular() && strings.HasSuffix(e.Name(), extension) {
			names = append(names, e.Name())
		}
	}
	slices.Sort(names)
	if len(names) == 0 {
		return ""
	}
	return names[0]
}

// Tell says which map there is.
func (s Streets) Tell(w http.ResponseWriter, _ *http.Request) {
	var told shown
	if name := s.file(); name != "" {
		header, err := headerOf(filepath.Join(s.Folder, name))
		if err != nil {
			s.Log.Warn("the map in the data folder can't be used", "file", name, "error", err)
		} else {
			told = shown{URL: s.Path + "/" + name, Vector: header[typeAt] == typeVector}
		}
	}
	w.Header().Set("Content-Type", "application/json")
	_ = json.NewEncoder(w).Encode(told) //nolint:errchkjson // who went away needs no answer
}

func headerOf(path string) ([]byte, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	header := make([]byte, headerSize)
	if _, err := io.ReadFull(f, header); err != nil {
		return nil, err
	}
	if string(header[:7]) != "PMTiles" || header[7] != 3 {
		return nil, errNoTiles
	}
	return header, nil
}

// Serve serves ranges of the map that there is, by the name of its file, and nothing else.
func (s Streets) Serve(w http.ResponseWriter, r *http.Request, name string) {
	if name == "" || name != s.file() {
		http.NotFound(w, r)
		return
	}
	f, err := os.Open(filepath.Join(s.Folder, name))
	if err != nil {
		http.NotFound(w, r)
		return
	}
	defer f.Close()
	info, err := f.Stat()
	if err != nil {
		http.NotFound(w, r)
		return
	}
	w.Header().Set("Content-Type", "application/octet-stream")
	w.Header().Set("Cache-Control", "private, max-age=86400")
	http.ServeContent(w, r, "", info.ModTime(), f)
}
