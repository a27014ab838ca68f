package e2e

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"unsafe"

	"modernc.org/libc"
	lib "modernc.org/sqlite/lib"

	"github.com/loquet/loquet/app"
)

// disk is a layer in front of SQLite's own layer over files: everything is really written too, so that the
// process reads what it wrote. The mirror is what would survive.
type disk struct {
	mirror string
	// noSync makes the disk lie: a sync does nothing.
	noSync bool
	own    *lib.Tsqlite3_vfs

	mu     sync.Mutex
	images map[string]*image
}

// image is one file in the mirror, with the writes that no sync has made certain yet.
type image struct {
	file    *os.File
	pending []change
}

// change is a write, or a truncation when data is nil.
type change struct {
	offset int64
	data   []byte
}

// openFile is what SQLite has open.
type openFile struct {
	own   *lib.Tsqlite3_io_methods
	image *image
}

// under is the disk of this process: SQLite's functions are called without a place for one.
var under *disk

// files and methods are keyed by SQLite's own pointers.
var files, methods sync.Map

// Environment of a server over a disk that forgets: the folder of what would survive, and whether syncs are lies.
const (
	mirrorVariable = "LOQUET_E2E_MIRROR"
	noSyncVariable = "LOQUET_E2E_NO_SYNC"
)

// serveOnForgetful is loquet over a disk that can lose its power: killed at any moment, it leaves in the mirror what
// the disk would then hold, which is all that was synced and some of the rest.
func serveOnForgetful(mirror string, args []string) int {
	if err := forget(mirror, os.Getenv(noSyncVariable) != ""); err != nil {
		fmt.Fprintln(os.Stderr, "a disk that forgets:", err)
		return 2
	}
	return app.Main(args)
}

// forget puts the layer in front of SQLite's default one, for the whole process and for good.
func forget(mirror string, noSync bool) error {
	if err := os.MkdirAll(mirror, 0o700); err != nil {
		return err
	}
	tls := libc.NewTLS()
	under = &disk{mirror: mirror, noSync: noSync, own: at[lib.Tsqlite3_vfs](lib.Xsqlite3_vfs_find(tls, 0)), images: make(map[string]*image)}
	vfs := at[lib.Tsqlite3_vfs](libc.Xmalloc(tls, libc.Tsize_t(unsafe.Sizeof(lib.Tsqlite3_vfs{}))))
	*vfs = *under.own
	name, err := libc.CString("forgetful")
	if err != nil {
		return err
	}
	vfs.FzName, vfs.FpNext = name, 0
	vfs.FxOpen, vfs.FxDelete = pointer(openOn), pointer(deleteOn)
	if rc := lib.Xsqlite3_vfs_register(tls, uintptr(unsafe.Pointer(vfs)), 1); rc != lib.SQLITE_OK {
		return errors.New("SQLite refuses the layer")
	}
	return nil
}

// open finds the image of a file. What the file holds already is certain.
func (d *disk) open(path string) (*image, error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	name := filepath.Base(path)
	if d.images[name] != nil {
		return d.images[name], nil
	}
	data, err := os.ReadFile(path)
	if err != nil && !errors.Is(err, os.ErrNotExist) {
		return nil, err
	}
	file, err := os.OpenFile(filepath.Join(d.mirror, name), os.O_RDWR|os.O_CREATE|os.O_TRUNC, 0o600)
	if err != nil {
		return nil, err
	}
	d.images[name] = &image{file: file}
	_, err = file.Write(data)
	return d.images[name], err
}

func (d *disk) remove(path string) {
	d.mu.Lock()
	defer d.mu.Unlock()
	name := filepath.Base(path)
	if i := d.images[name]; i != nil {
		_ = i.file.Close() // it is removed
		_ = os.Remove(i.file.Name())
		delete(d.images, name)
	}
}

// note keeps a write in mind. Some reach the disk long before a sync, whole or torn.
func (d *disk) note(i *image, c change) {
	d.mu.Lock()
	defer d.mu.Unlock()
	i.pending = append(i.pending, c)
	if rand.IntN(3) == 0 {
		i.apply(c.torn())
	}
}

// sync makes all writes certain, in their order.
func (d *disk) sync(i *image) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.noSync {
		return
	}
	for _, c := range i.pending {
		i.apply(c)
	}
	i.pending = nil
}

const sector = 512

func (c change) torn() change {
	if len(c.data) > sector && rand.IntN(4) == 0 {
		c.data = c.data[:sector*(1+rand.IntN(len(c.data)/sector))]
	}
	return c
}

// apply writes to the mirror. A mirror that can't be written would make the test worthless.
func (i *image) apply(c change) {
	var err error
	if c.data == nil {
		err = i.file.Truncate(c.offset)
	} else {
		_, err = i.file.WriteAt(c.data, c.offset)
	}
	if err != nil {
		panic("the mirror can't be written: " + err.Error())
	}
}

// at is what a C pointer points to.
func at[T any](p uintptr) *T { return *(**T)(unsafe.Pointer(&p)) }

// pointer makes a declared function callable from transpiled C: the representation of a Go function value.
func pointer[T any](f T) uintptr { return *(*uintptr)(unsafe.Pointer(&struct{ f T }{f})) }

// function is the inverse of pointer.
func function[T any](p uintptr) T { return *(*T)(unsafe.Pointer(&struct{ p uintptr }{p})) }

func fileOf(file uintptr) *openFile {
	f, _ := files.Load(file)
	return f.(*openFile)
}

func openOn(tls *libc.TLS, vfs, zName, file uintptr, flags int32, outFlags uintptr) int32 {
	rc := function[func(*libc.TLS, uintptr, uintptr, uintptr, int32, uintptr) int32](under.own.FxOpen)(tls, vfs, zName, file, flags, outFlags)
	if rc != lib.SQLITE_OK || zName == 0 {
		return rc
	}
	i, err := under.open(libc.GoString(zName))
	if err != nil {
		return lib.SQLITE_CANTOPEN
	}
	f := at[lib.Tsqlite3_file](file)
	files.Store(file, &openFile{at[lib.Tsqlite3_io_methods](f.FpMethods), i})
	f.FpMethods = methodsFor(tls, f.FpMethods)
	return rc
}

// methodsFor returns SQLite's own methods with ours in place of some. Files with and without locks have
// different ones.
func methodsFor(tls *libc.TLS, own uintptr) uintptr {
	if ours, ok := methods.Load(own); ok {
		return ours.(uintptr)
	}
	ours := libc.Xmalloc(tls, libc.Tsize_t(unsafe.Sizeof(lib.Tsqlite3_io_methods{})))
	m := at[lib.Tsqlite3_io_methods](ours)
	*m = *at[lib.Tsqlite3_io_methods](own)
	m.FxClose, m.FxWrite, m.FxTruncate, m.FxSync = pointer(closeOn), pointer(writeOn), pointer(truncateOn), pointer(syncOn)
	actual, _ := methods.LoadOrStore(own, ours)
	return actual.(uintptr)
}

func writeOn(tls *libc.TLS, file, buf uintptr, amount int32, offset int64) int32 {
	data := append([]byte(nil), unsafe.Slice(at[byte](buf), amount)...)
	f := fileOf(file)
	under.note(f.image, change{offset, data})
	return function[func(*libc.TLS, uintptr, uintptr, int32, int64) int32](f.own.FxWrite)(tls, file, buf, amount, offset)
}

func truncateOn(tls *libc.TLS, file uintptr, size int64) int32 {
	f := fileOf(file)
	under.note(f.image, change{size, nil})
	return function[func(*libc.TLS, uintptr, int64) int32](f.own.FxTruncate)(tls, file, size)
}

// syncOn spares the real sync: what matters is that it was asked for.
func syncOn(_ *libc.TLS, file uintptr, _ int32) int32 {
	under.sync(fileOf(file).image)
	return lib.SQLITE_OK
}

func closeOn(tls *libc.TLS, file uintptr) int32 {
	f := fileOf(file)
	files.Delete(file)
	return function[func(*libc.TLS, uintptr) int32](f.own.FxClose)(tls, file)
}

func deleteOn(tls *libc.TLS, vfs, zName uintptr, syncDir int32) int32 {
	if path := libc.GoString(zName); !strings.HasSuffix(path, "-shm") {
		under.remove(path)
	}
	return function[func(*libc.TLS, uintptr, uintptr, int32) int32](under.own.FxDelete)(tls, vfs, zName, syncDir)
}
