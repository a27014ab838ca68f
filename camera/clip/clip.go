package clip

import (
	"context"
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/loquet/loquet/camera"
	"github.com/loquet/loquet/event"
)

// ID names one clip, that is one file of what was kept of a visit ("<site>-f<seq>-<number>", see [FileID]): lower-case
// letters, digits and '-', at most 128 of them. It embeds its site as every identifier of a site's does.
type ID string

// FileID names the n-th file, from 0, of what is kept of a visit.
func FileID(c event.ClipID, n int) ID { return ID(fmt.Sprintf("%s-%d", c, n)) }

// file splits what FileID made.
func (id ID) file() (c event.ClipID, n int, ok bool) {
	at := strings.LastIndexByte(string(id), '-')
	if at < 0 {
		return "", 0, false
	}
	n, err := strconv.Atoi(string(id[at+1:]))
	return event.ClipID(id[:at]), n, err == nil && n >= 0
}

// NextFile is the number of the file that follows those that [Files] returned.
func NextFile(files []Info) int {
	if len(files) == 0 {
		return 0
	}
	_, last, _ := files[len(files)-1].ID.file()
	return last + 1
}

// Files returns the files of what was kept of a visit, in their order.
func Files(ctx context.Context, shelf Shelf, c event.ClipID) ([]Info, error) {
	all, err := shelf.List(ctx, event.SiteOf(c))
	if err != nil {
		return nil, err
	}
	files := slices.DeleteFunc(all, func(i Info) bool {
		of, _, ok := i.ID.file()
		return !ok || of != c
	})
	slices.SortFunc(files, func(a, b Info) int {
		_, first, _ := a.ID.file()
		_, second, _ := b.ID.file()
		return first - second
	})
	return files, nil
}

var idPattern = regexp.MustCompile(`^[a-z0-9]{1,32}-[a-z0-9-]{1,95}$`)

// Site is the household that the clip belongs to.
func (id ID) Site() event.SiteID { return event.SiteOf(id) }

// Check returns an error unless the id can be a clip's name.
func (id ID) Check() error {
	if !idPattern.MatchString(string(id)) {
		return fmt.Errorf("%q can't name a clip", string(id))
	}
	return nil
}

// Key encrypts the clips of one visit and their posters. It is used for nothing else.
type Key [32]byte

// Entry is what is known of a clip without its key. It holds nothing personal.
type Entry struct {
	ID     ID             `json:"id"`
	Camera event.CameraID `json:"camera"`
	// Begun is when the recording was prepared, and EraseAt from when on nothing of the clip may be left.
	Begun   time.Time `json:"begun"`
	EraseAt time.Time `json:"erase_at"`
}

// Check returns an error unless the entry can be stored.
func (e Entry) Check() error {
	if e.EraseAt.IsZero() {
		return fmt.Errorf("clip %s has no time at which it is erased", e.ID)
	}
	return e.ID.Check()
}

// Summary describes a finished clip.
type Summary struct {
	Codec  camera.Codec `json:"codec"`
	Width  int          `json:"width"`
	Height int          `json:"height"`
	// Duration of the film, and how many pictures it has.
	Duration time.Duration `json:"duration"`
	Frames   int           `json:"frames"`
	// From and To are when the first and the last picture were received, by our clock.
	From time.Time `json:"from"`
	To   time.Time `json:"to"`
	// Size in bytes and SHA256 (hexadecimal) of the film as it is downloaded.
	Size   int64  `json:"size"`
	SHA256 string `json:"sha256"`
	// Whole: the recorder ended it in order. Else it was killed or failed, and the film's end may be missing.
	Whole bool `json:"whole"`
}

// Errors of this package, its engines included. Test for them with [errors.Is].
var (
	// ErrNotFound: there is no such clip, or no poster of it.
	ErrNotFound = errors.New("there is no such clip")
	// ErrExists: a clip of that name was made already.
	ErrExists = errors.New("the clip exists already")
	// ErrInUse: the clip is being recorded, or another process has the folder.
	ErrInUse = errors.New("in use")
	// ErrFull: no room is left. What was recorded before stays readable.
	ErrFull = errors.New("no room is left for recordings")
	// ErrDamaged: the file is not what was recorded, or the key is not this clip's. Nothing of the damaged part is
	// ever returned.
	ErrDamaged = errors.New("the clip is damaged, or the key is not its own")
	// ErrEmpty: nothing was recorded yet.
	ErrEmpty = errors.New("the clip has no picture")
)
