package e2e

import (
	"bytes"
	"encoding/json"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"github.com/rogpeppe/go-internal/testscript"
	"zombiezen.com/go/sqlite"
	"zombiezen.com/go/sqlite/sqlitex"

	"github.com/loquet/loquet/app/record"
)

// TestScripts runs the scripts of testdata: what somebody at a terminal types, and what the program answers. Each
// finds the program as loquet, and the folder good with the records of one visit.
func TestScripts(t *testing.T) {
	t.Parallel()
	good := visited(t)
	testscript.Run(t, testscript.Params{
		Dir:                 "testdata",
		RequireExplicitExec: true,
		RequireUniqueNames:  true,
		Setup: func(env *testscript.Env) error {
			env.Setenv("PATH", filepath.Dir(loquet)+string(os.PathListSeparator)+env.Getenv("PATH"))
			env.Setenv("TMPDIR", env.WorkDir)
			return exec.Command("cp", "-rp", good, filepath.Join(env.WorkDir, "good")).Run() // with its modes
		},
		Cmds: map[string]func(*testscript.TestScript, bool, []string){"exits": exits, "alter": alter, "lastline": lastLine},
	})
}

// visited makes a data folder with the records of one visit, whose server has ended.
func visited(t *testing.T) string {
	t.Helper()
	in := newStreet(t, frontDoor).settle(t, 0)
	in.newVisit().finish()
	in.file.close()
	if code, err := in.server.stop(); err != nil || code != 0 {
		t.Fatalf("the server ended with %d, %v", code, err)
	}
	return in.data
}

// exits CODE PROGRAM ARGUMENT… requires an exit code.
func exits(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) < 2 {
		ts.Fatalf("usage: exits CODE PROGRAM ARGUMENT…")
	}
	code := 0
	var failed *exec.ExitError
	if err := ts.Exec(args[1], args[2:]...); errors.As(err, &failed) {
		code = failed.ExitCode()
	} else {
		ts.Check(err)
	}
	if strconv.Itoa(code) != args[0] {
		ts.Fatalf("the exit code is %d", code)
	}
}

// alter DIR SQL changes the store behind Loquet's back.
func alter(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 2 {
		ts.Fatalf("usage: alter DIR SQL")
	}
	conn, err := sqlite.OpenConn(filepath.Join(ts.MkAbs(args[0]), record.StoreName), sqlite.OpenReadWrite)
	ts.Check(err)
	defer conn.Close()
	ts.Check(sqlitex.ExecuteTransient(conn, args[1], nil))
	if conn.Changes() == 0 {
		ts.Fatalf("nothing was changed")
	}
}

// lastline FILE JSON requires that each line is a JSON object, and the last one this.
func lastLine(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 2 {
		ts.Fatalf("usage: lastline FILE JSON")
	}
	lines := strings.Split(strings.TrimSuffix(ts.ReadFile(args[0]), "\n"), "\n")
	for _, line := range lines {
		if !strings.HasPrefix(line, "{") || !json.Valid([]byte(line)) {
			ts.Fatalf("this line is no JSON object: %s", line)
		}
	}
	var last, want bytes.Buffer
	ts.Check(json.Compact(&last, []byte(lines[len(lines)-1])))
	ts.Check(json.Compact(&want, []byte(args[1])))
	if last.String() != want.String() {
		ts.Fatalf("the last line is %s", &last)
	}
}
