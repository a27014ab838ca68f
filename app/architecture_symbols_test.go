package app_test

import (
	"fmt"
	"go/ast"
	"go/types"
	"slices"
)

// core is what decides.
var core = []string{"event", "site"}

// pure is what the core may import beside its own packages: packages that only compute. One that can do more may
// join, with what it can do more added to impure.
var pure = []string{
	"bytes", "cmp", "crypto/hmac", "crypto/sha256", "crypto/subtle", "encoding", "encoding/base32", "encoding/base64",
	"encoding/binary", "encoding/hex", "encoding/json", "errors", "fmt", "hash", "io", "iter", "maps", "math",
	"math/bits", "reflect", "regexp", "slices", "sort", "strconv", "strings", "time", "unicode", "unicode/utf8",
}

// impure is what else the pure packages can do, by package; a method with its type's name before it.
var impure = map[string][]string{
	"time": {
		"Now", "Since", "Until", // the clock
		"After", "AfterFunc", "NewTimer", "NewTicker", "Tick", "Sleep", // waiting
		"Local", "Time.Local", "LoadLocation", // the machine's zone and its zone files
	},
	"fmt": {"Print", "Printf", "Println", "Scan", "Scanf", "Scanln"}, // the process's own streams
}

// impureBuiltins write to the process's error stream.
var impureBuiltins = []string{"print", "println"}

func impureImports(h house) []finding {
	var found []finding
	for _, p := range h.coreOnly() {
		for _, i := range p.imports {
			if !i.own && !i.test && !slices.Contains(pure, i.path) {
				found = append(found, finding{i.at, fmt.Sprintf("%s imports %s", p.path, i.path)})
			}
		}
	}
	return found
}

func impureSymbols(h house) []finding {
	var found []finding
	for _, p := range h.coreOnly() {
		found = append(found, h.uses(p, impureUse)...)
		for _, f := range p.files {
			found = append(found, h.goroutines(p, f)...)
		}
	}
	return found
}

func impureUse(o types.Object) string {
	if _, builtin := o.(*types.Builtin); builtin && slices.Contains(impureBuiltins, o.Name()) {
		return "uses " + o.Name()
	}
	if o.Pkg() == nil || !slices.Contains(impure[o.Pkg().Path()], qualified(o)) {
		return ""
	}
	return fmt.Sprintf("uses %s.%s", o.Pkg().Path(), qualified(o))
}

// qualified is an object's name, after that of its type if it is a method.
func qualified(o types.Object) string {
	f, is := o.(*types.Func)
	if !is || f.Signature().Recv() == nil {
		return o.Name()
	}
	recv := f.Signature().Recv().Type()
	if p, is := recv.(*types.Pointer); is {
		recv = p.Elem()
	}
	if named, is := recv.(*types.Named); is {
		return named.Obj().Name() + "." + o.Name()
	}
	return o.Name()
}

// goroutines finds what leaves an order to the scheduler.
func (h house) goroutines(p *pkg, f *ast.File) []finding {
	var found []finding
	ast.Inspect(f, func(n ast.Node) bool {
		switch n.(type) {
		case *ast.GoStmt, *ast.SelectStmt:
			found = append(found, finding{h.at(n.Pos()), p.path + " leaves an order to chance (go, select)"})
		}
		return true
	})
	return found
}

// strayOpenings finds, outside unlock and the connectors' suite, every mention of the methods that open or set a
// code: called, taken as a value or as an expression; through the interface, an interface of somebody's own, a
// type parameter or a connector's concrete type. All of these have the method's name and its signature.
func strayOpenings(h house) []finding {
	device := h.find("device")
	if device == nil {
		return nil
	}
	var found []finding
	for capability, method := range map[string]string{"Opener": "Open", "Coder": "SetCode"} {
		opens := interfaceMethod(device.types.Types, capability, method)
		if opens == nil {
			at := finding{h.at(device.files[0].Package), fmt.Sprintf("device.%s.%s is gone: name in strayOpenings what opens now", capability, method)}
			found = append(found, at)
			continue
		}
		found = append(found, h.mentions(opens, capability)...)
	}
	return found
}

// mentions finds every mention of a method with the name and the signature of the one that opens.
func (h house) mentions(opens *types.Func, capability string) []finding {
	var found []finding
	for _, p := range h.packages {
		if within(p.path, "unlock") || within(p.path, "device/devicetest") {
			continue
		}
		found = append(found, h.uses(p, func(o types.Object) string {
			f, is := o.(*types.Func)
			if !is || f.Name() != opens.Name() || !types.Identical(f.Signature(), opens.Signature()) {
				return ""
			}
			return fmt.Sprintf("uses device.%s's %s", capability, f.Name())
		})...)
	}
	return found
}

func interfaceMethod(in *types.Package, capability, method string) *types.Func {
	o := in.Scope().Lookup(capability)
	if o == nil {
		return nil
	}
	i, is := o.Type().Underlying().(*types.Interface)
	if !is {
		return nil
	}
	for m := range i.Methods() {
		if m.Name() == method {
			return m
		}
	}
	return nil
}

// uses asks about every object that a package's source names; an answer is a finding.
func (h house) uses(p *pkg, ask func(types.Object) string) []finding {
	var found []finding
	for id, o := range p.types.TypesInfo.Uses {
		if what := ask(o); what != "" {
			found = append(found, finding{h.at(id.Pos()), p.path + " " + what})
		}
	}
	slices.SortFunc(found, func(a, b finding) int { return slices.Compare([]string{a.at, a.what}, []string{b.at, b.what}) })
	return found
}

// coreOnly is the packages that must be pure.
func (h house) coreOnly() []*pkg {
	return slices.DeleteFunc(slices.Clone(h.packages), func(p *pkg) bool { return !withinAny(p.path, core) })
}
