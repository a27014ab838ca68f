package operator

import (
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
)

// A map of streets is one file that the operator puts into the data folder. PMTiles is read by ranges: the browser
// fetches the few pieces that it shows, from this server.

// tilesShown says which map there is; none when URL is "".
type tilesShown struct {
	URL string `json:"url"`
	// Vector tiles are drawn in the page's own colours, pictures as they are.
	Vector      bool   `json:"vector"`
	Attribution string `json:"attribution,omitempty"`
}

const (
	tilesExt  = ".pmtiles"
	tilesPath = "/operator/map/"
	// headerSize, and where in it the type of the tiles stands: PMTiles version 3, section 3.
	headerSize = 127
	typeAt     = 99
	typeVector = 1
)

var errNoTiles = errors.New("operator: not a PMTiles file of version 3")

// tilesFile is the first map of the folder, in order of name; "" without one.
func (c *Console) tilesFile() string {
	if c.Tiles == "" {
		return ""
	}
	entries, err := os.ReadDir(c.Tiles)
	if err != nil {
		return "" // there is no such folder: nobody put a map there
	}
	var names []string
	for _, e := range entries {
		if e.Type().IsRegular() && strings.HasSuffix(e.Name(), tilesExt) {
			names = append(names, e.Name())
		}
	}
	slices.Sort(names)
	if len(names) == 0 {
		return ""
	}
	return names[0]
}

// tiles says which map there is.
func (p *person) tiles() {
	var shown tilesShown
	if name := p.tilesFile(); name != "" {
		header, err := tilesHeader(filepath.Join(p.Console.Tiles, name))
		if err != nil {
			p.Log.Warn("the map in the data folder can't be used", "file", name, "error", err)
		} else {
			shown = tilesShown{URL: tilesPath + name, Vector: header[typeAt] == typeVector}
		}
	}
	p.w.Header().Set("Content-Type", "application/json")
	_ = json.NewEncoder(p.w).Encode(shown) //nolint:errchkjson // who went away needs no answer
}

func tilesHeader(path string) ([]byte, error) {
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

// tilesOf serves ranges of the map that there is, and of nothing else.
func (p *person) tilesOf() {
	name := p.tilesFile()
	if name == "" || p.r.PathValue("name") != name {
		http.NotFound(p.w, p.r)
		return
	}
	f, err := os.Open(filepath.Join(p.Console.Tiles, name))
	if err != nil {
		http.NotFound(p.w, p.r)
		return
	}
	defer f.Close()
	info, err := f.Stat()
	if err != nil {
		http.NotFound(p.w, p.r)
		return
	}
	p.w.Header().Set("Content-Type", "application/octet-stream")
	p.w.Header().Set("Cache-Control", "private, max-age=86400")
	http.ServeContent(p.w, p.r, "", info.ModTime(), f)
}
