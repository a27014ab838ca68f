package app_test

import (
	"fmt"
	"path"
	"slices"
	"strings"
)

// rings orders the packages from the innermost outwards. A package imports from its own ring and those further in;
// the first ring that names a package or a tree around it is its place.
var rings = [][]string{
	{"event"},
	{"site", "device", "camera", "store", "parcel", "photo", "phrase", "vin", "auth/proof", "outbound"},
	{"unlock", "ledger"},
	{"dispatch", "fleet", "vault", "notify", "auth", "audit"},
	{"film", "carlink"},
	{"client"},
	{"api"},
	{"web/ui"},
	{"web"},
	{"simulate"},
	{"app"},
	{"cmd", "e2e", "bench"},
}

// mayImport is what packages may import of ours; "x/*" is every package right below x with its tree. The longest
// match counts, and a package's own tree is always open to it. An "x/*" that may import a package of its own kind
// says that this one is shared by the implementations beside it, and is none itself.
var mayImport = map[string][]string{
	"event":    nil,
	"site":     {"event"},
	"device":   {"event"},
	"device/*": {"device", "event", "device/patience", "device/maker", "device/remotecar", "device/fakecloud", "vin"},
	// It plays a car in tests, and has the suite's words for what goes wrong.
	"device/tesla/teslatest": {"device/devicetest", "device", "event", "device/patience", "device/maker", "device/remotecar", "device/fakecloud", "vin"},
	"camera":                 {"event"},
	"camera/*":               {"camera", "event"},
	// The studio puts the parts together; it names no source and no engine.
	"camera/studio": {"camera", "camera/clip", "camera/live", "event"},
	"camera/clip/*": {"camera", "camera/clip", "event"},
	"store":         {"event"},
	"store/*":       {"store", "event"},
	"auth/proof":    {"event"},
	"audit":         {"event", "auth/proof"},
	"parcel":        nil,
	"vin":           {"event"},
	"photo":         nil,
	"outbound":      nil,
	"phrase":        {"event"},
	"vault":         {"event", "store"},
	"unlock":        {"device", "event", "store"},
	"cmd/loquet":    {"app"},
}

// forTests are packages that speak a suite's words, and are kept out of the product like the suite.
var forTests = []string{"device/tesla/teslatest"}

// interfaces have their implementations right below them.
var interfaces = []string{"device", "store", "camera/clip"}

func unplaced(h house) []finding {
	var found []finding
	for _, p := range h.packages {
		if ring(p.path) < 0 && len(p.files) > 0 {
			found = append(found, finding{h.at(p.files[0].Package), "no ring holds " + p.path})
		}
	}
	return found
}

func outwardImports(h house) []finding {
	return h.imports(func(p *pkg, i imported) string {
		if i.test || ring(i.path) <= ring(p.path) {
			return ""
		}
		return fmt.Sprintf("%s imports %s, which is further out", p.path, i.path)
	})
}

func unlistedImports(h house) []finding {
	return h.imports(func(p *pkg, i imported) string {
		tree, may, listed := permitted(p.path)
		if i.test || !listed || within(i.path, tree) || slices.Contains(may, i.path) {
			return ""
		}
		return fmt.Sprintf("%s imports %s, and may import of ours only %v", p.path, i.path, may)
	})
}

func importedImplementations(h house) []finding {
	return h.imports(func(p *pkg, i imported) string {
		impl := implementation(i.path)
		if i.test || impl == "" || isSuite(impl) || within(p.path, impl) || withinAny(p.path, []string{"app", "e2e", "bench"}) {
			return ""
		}
		return fmt.Sprintf("%s imports the implementation %s", p.path, i.path)
	})
}

func importedSuites(h house) []finding {
	return h.imports(func(p *pkg, i imported) string {
		suite := implementation(i.path)
		only := isSuite(suite) || withinAny(i.path, forTests)
		if i.test || !only || within(p.path, suite) || withinAny(p.path, forTests) {
			return ""
		}
		return fmt.Sprintf("%s imports the suite %s outside a test", p.path, i.path)
	})
}

// importedRooms: the web apps share web/ui, and none enters another's room.
func importedRooms(h house) []finding {
	return h.imports(func(p *pkg, i imported) string {
		mine, other := room(p.path), room(i.path)
		if mine == "" || other == "" || other == mine || other == "ui" {
			return ""
		}
		return fmt.Sprintf("%s imports %s: what both need belongs into web/ui", p.path, i.path)
	})
}

// room returns the web app that a package belongs to, or "".
func room(p string) string {
	rest, _ := strings.CutPrefix(p, "web/")
	if rest == p {
		return ""
	}
	name, _, _ := strings.Cut(rest, "/")
	return name
}

func importedApp(h house) []finding {
	return h.imports(func(p *pkg, i imported) string {
		if !within(i.path, "app") || withinAny(p.path, []string{"app", "cmd/loquet", "e2e"}) {
			return ""
		}
		return fmt.Sprintf("%s imports %s", p.path, i.path)
	})
}

// imports asks about every import of a package of ours; an answer is a finding.
func (h house) imports(ask func(*pkg, imported) string) []finding {
	var found []finding
	for _, p := range h.packages {
		for _, i := range p.imports {
			if !i.own {
				continue
			}
			if what := ask(p, i); what != "" {
				found = append(found, finding{i.at, what})
			}
		}
	}
	return found
}

// ring returns the place of a package, counted from the innermost, or -1.
func ring(p string) int {
	return slices.IndexFunc(rings, func(trees []string) bool { return withinAny(p, trees) })
}

// permitted finds the entry of mayImport for a package: the tree it is about, and what that may import.
func permitted(p string) (tree string, may []string, listed bool) {
	for tree = p; tree != "."; tree = path.Dir(tree) {
		for _, key := range []string{tree, path.Dir(tree) + "/*"} {
			if may, listed = mayImport[key]; listed {
				return tree, may, true
			}
		}
	}
	return "", nil, false
}

// implementation returns the implementation (or suite) that a package belongs to, or "".
func implementation(p string) string {
	for _, i := range interfaces {
		rest, is := strings.CutPrefix(p, i+"/")
		name, _, _ := strings.Cut(rest, "/")
		if impl := path.Join(i, name); is && !slices.Contains(mayImport[i+"/*"], impl) {
			return impl
		}
	}
	return ""
}

// isSuite says whether a package is a conformance suite, named after its interface like the standard library's.
func isSuite(p string) bool {
	return p != "" && path.Base(p) == path.Base(path.Dir(p))+"test"
}
