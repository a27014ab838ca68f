package app_test

import (
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"golang.org/x/tools/go/packages"
)

const modulePath = "github.com/loquet/loquet"

// rule is something that the architecture promises.
type rule struct {
	name  string
	why   string
	check func(house) []finding
}

// finding is one place that breaks a rule.
type finding struct {
	at   string // file:line below the root
	what string
}

// house is the module's own packages, parsed and type-checked without their tests.
type house struct {
	root     string
	fset     *token.FileSet
	packages []*pkg
}

// pkg is one package of the house.
type pkg struct {
	path    string // below the module: "device/mqtt"
	files   []*ast.File
	types   *packages.Package
	imports []imported
	broken  []packages.Error
}

// imported is one line of import. Its path is below the module ("event") for a package of ours (see own), and
// as written for all others.
type imported struct {
	path string
	own  bool
	test bool // from a _test.go file
	at   string
}

// loadHouse reads the module at root. Packages outside the module come as compiled, which go vet and the build
// have done before; so reading them costs little.
func loadHouse(t *testing.T, root string) house {
	t.Helper()
	h := house{root: root, fset: token.NewFileSet()}
	loaded, err := packages.Load(&packages.Config{
		Mode: packages.LoadSyntax | packages.NeedModule,
		Dir:  root,
		Fset: h.fset,
	}, "./...")
	if err != nil {
		t.Fatalf("loading %s: %v", root, err)
	}
	for _, p := range loaded {
		h.packages = append(h.packages, h.read(t, p))
	}
	if len(h.packages) == 0 {
		t.Fatalf("no packages in %s: the rules would hold for nothing", root)
	}
	return h
}

func (h house) read(t *testing.T, loaded *packages.Package) *pkg {
	t.Helper()
	path, _ := below(loaded.PkgPath)
	p := &pkg{path: path, files: loaded.Syntax, types: loaded, broken: loaded.Errors}
	for _, f := range p.files {
		p.imports = append(p.imports, h.importsOf(f, false)...)
	}
	tests, err := filepath.Glob(filepath.Join(h.root, path, "*_test.go"))
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range tests {
		f, err := parser.ParseFile(h.fset, name, nil, parser.ImportsOnly)
		if err != nil {
			t.Fatal(err)
		}
		p.imports = append(p.imports, h.importsOf(f, true)...)
	}
	return p
}

func (h house) importsOf(f *ast.File, test bool) []imported {
	var list []imported
	for _, spec := range f.Imports {
		written, err := strconv.Unquote(spec.Path.Value)
		if err != nil {
			continue // the package does not compile, and that is reported
		}
		path, own := below(written)
		list = append(list, imported{path: path, own: own, test: test, at: h.at(spec.Pos())})
	}
	return list
}

// at says where in the house a position is.
func (h house) at(pos token.Pos) string {
	p := h.fset.Position(pos)
	name, err := filepath.Rel(h.root, p.Filename)
	if err != nil {
		name = p.Filename
	}
	return fmt.Sprintf("%s:%d", filepath.ToSlash(name), p.Line)
}

// find returns a package of the house, or nil while it does not exist.
func (h house) find(path string) *pkg {
	for _, p := range h.packages {
		if p.path == path {
			return p
		}
	}
	return nil
}

// below cuts the module's path off a package's path, and says whether the package is one of ours.
func below(path string) (string, bool) {
	rest, own := strings.CutPrefix(path, modulePath+"/")
	return rest, own
}

// within says whether a package is tree or below it.
func within(path, tree string) bool {
	return path == tree || strings.HasPrefix(path, tree+"/")
}

// withinAny says whether a package is in one of the trees.
func withinAny(path string, trees []string) bool {
	for _, tree := range trees {
		if within(path, tree) {
			return true
		}
	}
	return false
}
