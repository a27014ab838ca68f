package sqlite

import (
	"maps"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"unsafe"

	"modernc.org/libc"
	lib "modernc.org/sqlite/lib"
)

// A disk is the layer between SQLite and the files of one folder. It knows what was synced and what was only
// written, so that it can tell what a power cut would leave, and it can fail. It sits in front of SQLite's own
// layer: everything is really written too.
type disk struct {
	dir string

	mu    sync.Mutex
	files map[string]*image
	// fault says what a call is to fail with; 0 for not at all. op is "write", "sync" or "truncate".
	fault func(op, name string) int32
	// readOnly makes every file open for reading only, as on a disk that was mounted so.
	readOnly bool
}

// image is one file: what would survive for certain, and what may or may not.
type image struct {
	durable []byte
	pending []change
}

// change is a write, or a truncation when data is nil.
type change struct {
	offset int64
	data   []byte
}

const diskVFS = "loquet-test-disk"

var (
	registerDisk sync.Once
	ownVFS       *lib.Tsqlite3_vfs
	disks        sync.Map // folder → *disk
	opened       sync.Map // pointer to SQLite's file → *openFile
	replaced     sync.Map // pointer to SQLite's own methods → pointer to ours
)

type openFile struct {
	disk *disk
	name string
	own  *lib.Tsqlite3_io_methods
}

// newDisk makes a folder whose files go through the layer.
func newDisk(t testing.TB) *disk {
	registerDisk.Do(registerVFS)
	d := &disk{dir: t.TempDir(), files: map[string]*image{}}
	disks.Store(d.dir, d)
	t.Cleanup(func() { disks.Delete(d.dir) })
	return d
}

func (d *disk) path() string { return filepath.Join(d.dir, "store.db") }

// setFault changes how the disk fails, at any time.
func (d *disk) setFault(f func(op, name string) int32) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.fault = f
}

// cut returns what a power cut at this moment could leave: all that was synced, and of the rest any part,
// some of it torn; without random, all of the rest. The result is a new folder.
func (d *disk) cut(t testing.TB, random *rand.Rand) string {
	d.mu.Lock()
	defer d.mu.Unlock()
	dir := t.TempDir()
	for _, name := range slices.Sorted(maps.Keys(d.files)) {
		data := slices.Clone(d.files[name].durable)
		for _, c := range d.files[name].pending {
			if random == nil {
				data = c.apply(data)
			} else if random.IntN(2) == 0 {
				data = c.torn(random).apply(data)
			}
		}
		if err := os.WriteFile(filepath.Join(dir, name), data, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return dir
}

func (c change) torn(random *rand.Rand) change {
	if len(c.data) > 512 && random.IntN(4) == 0 {
		c.data = c.data[:512*(1+random.IntN(len(c.data)/512))]
	}
	return c
}

func (c change) apply(data []byte) []byte {
	if c.data == nil {
		return data[:min(int(c.offset), len(data))]
	}
	if end := int(c.offset) + len(c.data); end > len(data) {
		data = append(data, make([]byte, end-len(data))...)
	}
	copy(data[c.offset:], c.data)
	return data
}

func (d *disk) open(name string) *image {
	if d.files[name] == nil {
		data, _ := os.ReadFile(filepath.Join(d.dir, name)) // a file that is not there yet is empty
		d.files[name] = &image{durable: data}
	}
	return d.files[name]
}

// do notes one call, or returns the code that it is to fail with.
func (f *openFile) do(op string, note func(i *image)) int32 {
	f.disk.mu.Lock()
	defer f.disk.mu.Unlock()
	if fault := f.disk.fault; fault != nil {
		if code := fault(op, f.name); code != 0 {
			return code
		}
	}
	note(f.disk.open(f.name))
	return lib.SQLITE_OK
}

func (i *image) sync() {
	for _, c := range i.pending {
		i.durable = c.apply(i.durable)
	}
	i.pending = nil
}

// registerVFS puts the layer in front of SQLite's default one. SQLite keeps both for good.
func registerVFS() {
	tls := libc.NewTLS()
	own := lib.Xsqlite3_vfs_find(tls, 0)
	ownVFS = at[lib.Tsqlite3_vfs](own)
	vfs := at[lib.Tsqlite3_vfs](libc.Xmalloc(tls, libc.Tsize_t(unsafe.Sizeof(lib.Tsqlite3_vfs{}))))
	*vfs = *ownVFS
	name, err := libc.CString(diskVFS)
	if err != nil {
		panic(err)
	}
	vfs.FzName, vfs.FpNext = name, 0
	vfs.FxOpen, vfs.FxDelete = cFunc(diskOpen), cFunc(diskDelete)
	lib.Xsqlite3_vfs_register(tls, uintptr(unsafe.Pointer(vfs)), 0)
}

// cFunc makes a declared function callable from transpiled C: the representation of a Go function value.
func cFunc[T any](f T) uintptr { return *(*uintptr)(unsafe.Pointer(&struct{ f T }{f})) }

// at is what a C pointer points to.
func at[T any](p uintptr) *T { return *(**T)(unsafe.Pointer(&p)) }

// goFunc is the inverse of cFunc.
func goFunc[T any](p uintptr) T { return *(*T)(unsafe.Pointer(&struct{ p uintptr }{p})) }

func diskOpen(tls *libc.TLS, vfs, zName, file uintptr, flags int32, outFlags uintptr) int32 {
	path := libc.GoString(zName)
	found, ok := disks.Load(filepath.Dir(path))
	if ok && found.(*disk).readOnly {
		flags = flags&^(lib.SQLITE_OPEN_READWRITE|lib.SQLITE_OPEN_CREATE) | lib.SQLITE_OPEN_READONLY
	}
	rc := goFunc[func(*libc.TLS, uintptr, uintptr, uintptr, int32, uintptr) int32](ownVFS.FxOpen)(tls, vfs, zName, file, flags, outFlags)
	if rc != lib.SQLITE_OK || !ok {
		return rc
	}
	d, name := found.(*disk), filepath.Base(path)
	d.mu.Lock()
	defer d.mu.Unlock()
	d.open(name)
	f := at[lib.Tsqlite3_file](file)
	opened.Store(file, &openFile{d, name, at[lib.Tsqlite3_io_methods](f.FpMethods)})
	f.FpMethods = methodsFor(tls, f.FpMethods)
	return rc
}

// methodsFor returns SQLite's own methods with ours in place of some. Files with and without locks have different ones.
func methodsFor(tls *libc.TLS, own uintptr) uintptr {
	if ours, ok := replaced.Load(own); ok {
		return ours.(uintptr)
	}
	ours := libc.Xmalloc(tls, libc.Tsize_t(unsafe.Sizeof(lib.Tsqlite3_io_methods{})))
	m := at[lib.Tsqlite3_io_methods](ours)
	*m = *at[lib.Tsqlite3_io_methods](own)
	m.FxClose, m.FxWrite, m.FxTruncate, m.FxSync = cFunc(diskClose), cFunc(diskWrite), cFunc(diskTruncate), cFunc(diskSync)
	actual, _ := replaced.LoadOrStore(own, ours)
	return actual.(uintptr)
}

func fileOf(file uintptr) *openFile {
	f, _ := opened.Load(file)
	return f.(*openFile)
}

func diskWrite(tls *libc.TLS, file, buf uintptr, amount int32, offset int64) int32 {
	data := slices.Clone(unsafe.Slice(at[byte](buf), amount))
	f := fileOf(file)
	if rc := f.do("write", func(i *image) { i.pending = append(i.pending, change{offset, data}) }); rc != lib.SQLITE_OK {
		return rc
	}
	return goFunc[func(*libc.TLS, uintptr, uintptr, int32, int64) int32](f.own.FxWrite)(tls, file, buf, amount, offset)
}

func diskTruncate(tls *libc.TLS, file uintptr, size int64) int32 {
	f := fileOf(file)
	if rc := f.do("truncate", func(i *image) { i.pending = append(i.pending, change{size, nil}) }); rc != lib.SQLITE_OK {
		return rc
	}
	return goFunc[func(*libc.TLS, uintptr, int64) int32](f.own.FxTruncate)(tls, file, size)
}

// diskSync spares the real sync: what matters is that it was asked for.
func diskSync(_ *libc.TLS, file uintptr, _ int32) int32 {
	return fileOf(file).do("sync", (*image).sync)
}

func diskClose(tls *libc.TLS, file uintptr) int32 {
	f := fileOf(file)
	opened.Delete(file)
	return goFunc[func(*libc.TLS, uintptr) int32](f.own.FxClose)(tls, file)
}

func diskDelete(tls *libc.TLS, vfs, zName uintptr, syncDir int32) int32 {
	path := libc.GoString(zName)
	if found, ok := disks.Load(filepath.Dir(path)); ok && !strings.HasSuffix(path, "-shm") {
		d := found.(*disk)
		d.mu.Lock()
		delete(d.files, filepath.Base(path))
		d.mu.Unlock()
	}
	return goFunc[func(*libc.TLS, uintptr, uintptr, int32) int32](ownVFS.FxDelete)(tls, vfs, zName, syncDir)
}
