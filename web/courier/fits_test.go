package courier

import (
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"testing"

	"github.com/loquet/loquet/phrase"
)

// Every screen fits a small phone, in both languages and both lights: nothing is cut, nothing scrolls sideways, and what
// is to be tapped is large enough. With LOQUET_SHOTS set to a folder, it leaves pictures there.
func TestEveryScreenFits(t *testing.T) {
	if testing.Short() {
		t.Skip("a browser takes its time")
	}
	for _, program := range []string{"node", "npm", "chromium"} {
		if _, err := exec.LookPath(program); err != nil {
			t.Skipf("%s is not installed: scripts/need.sh installs it", program)
		}
	}
	mux := http.NewServeMux()
	mux.Handle("/assets/", kit(t).Assets())
	var names []string
	for _, lang := range []phrase.Lang{phrase.English, phrase.French} {
		for name, v := range pages(lang) {
			page := whole(t, lang, v)
			path := "/" + name + "-" + string(lang)
			names = append(names, path[1:])
			mux.HandleFunc("GET "+path, func(w http.ResponseWriter, _ *http.Request) {
				w.Header().Set("Content-Type", "text/html; charset=utf-8")
				_, _ = w.Write([]byte(page))
			})
		}
	}
	server := httptest.NewServer(mux)
	t.Cleanup(server.Close)
	list, err := json.Marshal(names)
	if err != nil {
		t.Fatal(err)
	}
	install(t)
	cmd := exec.Command("node", "testdata/fits.mjs")
	cmd.Env = append(os.Environ(), "URL="+server.URL, "FOLDER="+t.TempDir(), "PAGES="+string(list))
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Errorf("%v\n%s", err, out)
	}
}
