package clip

import (
	"context"
	"io"
	"time"

	"github.com/loquet/loquet/event"
)

// Shelf stores sealed clips and their posters, and erases them. It never sees a key or a picture. It is safe for use
// by several goroutines; package cliptest holds what every engine must pass.
//
// An error that is one of this package's is told apart with [errors.Is]; any other means that the call may or may not
// have had its effect, and that it can be made again.
type Shelf interface {
	// Create makes an empty, unfinished clip. When it returns, the entry survives a kill and a power cut, so that
	// what is written later can never outlive its time. [ErrExists], [ErrFull].
	Create(ctx context.Context, entry Entry) (File, error)
	// Resume opens an unfinished clip that nobody is recording, cuts it to its first keep bytes, and goes on behind
	// them. [ErrNotFound] (also if it is finished), [ErrInUse].
	Resume(ctx context.Context, id ID, keep int64) (File, error)
	// Open opens a clip for reading, finished or not. What was opened stays readable until it is closed, unless it is
	// erased. The context ends the opening and, where reading goes over a network, the reading. [ErrNotFound].
	Open(ctx context.Context, id ID) (Blob, error)

	// Stat says what is known of a clip. [ErrNotFound].
	Stat(ctx context.Context, id ID) (Info, error)
	// List returns the clips of a site in the order of their ids; those of all sites for "".
	List(ctx context.Context, site event.SiteID) ([]Info, error)
	// Unfinished returns the clips that were recorded here and neither finished nor are being recorded: those of a
	// process that was killed, or that a full disk ended. [Finish] ends them.
	Unfinished(ctx context.Context) ([]Info, error)
	// Keep changes when a clip is erased, for one that is not being recorded. [ErrNotFound].
	Keep(ctx context.Context, id ID, eraseAt time.Time) error

	// SetPoster puts a clip's poster, sealed, in place of any other. [ErrNotFound], [ErrFull].
	SetPoster(ctx context.Context, id ID, sealed []byte) error
	// Poster returns it. [ErrNotFound].
	Poster(ctx context.Context, id ID) ([]byte, error)

	// Erase removes everything of a clip, also while it is recorded or read. That there is none is no error. When it
	// returns nil, nothing of the clip is found again, also after a power cut.
	Erase(ctx context.Context, id ID) error
	// Sweep erases the clips whose time has come, and what an erasing left that was killed. It goes on after a clip
	// that it can't erase, and returns how many it erased and what failed.
	Sweep(ctx context.Context, now time.Time) (int, error)

	// Room is how many more bytes can be recorded here.
	Room(ctx context.Context) (int64, error)
	// Close ends the shelf's own work. Files still open can't be written any more.
	Close() error
}

// File is a clip that is being written, by one goroutine.
type File interface {
	// Write appends. What it returns without error survives a kill of this process. [ErrFull].
	io.Writer
	// ReadAt reads what was written.
	io.ReaderAt
	// Synced returns the time up to which everything written survives a power cut as well; zero before the first
	// such time.
	Synced() time.Time
	// Finish makes what was written survive everything, marks the clip as finished and closes it. [ErrFull].
	Finish(ctx context.Context) error
	// Close leaves the clip unfinished. After Finish it does nothing.
	io.Closer
}

// Info is what a shelf knows of a clip.
type Info struct {
	Entry
	// Size in bytes of the sealed file.
	Size     int64
	Finished bool
	Poster   bool
}
