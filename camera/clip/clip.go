package clip

import (
	"errors"
	"fmt"
	"regexp"
	"time"

	"github.com/loquet/loquet/camera"
	"github.com/loquet/loquet/event"
)

// ID names a clip: "<site>-<rest>", of lower-case letters, digits and '-', at most 128 of them. It embeds its site
// as every identifier of a site's does, and is a file's name.
type ID string

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

// Key encrypts one clip and its poster. It is used for nothing else.
type Key [32]byte

// Entry is what is known of a clip without its key. It holds nothing personal.
type Entry struct {
	ID     ID             `json:"id"`
	Camera event.DeviceID `json:"camera"`
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
	Codec         camera.Codec `json:"codec"`
	Width, Height int
	// Duration of the film, and how many pictures it has.
	Duration time.Duration
	Frames   int
	// From and To are when the first picture was received, and when the last one ended, by our clock.
	From, To time.Time
	// Size in bytes and SHA256 (hexadecimal) of the film as it is downloaded.
	Size   int64
	SHA256 string
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
