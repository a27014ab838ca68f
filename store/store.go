// Package store keeps the journals, and what must happen because of them.
//
// A site's events, its folded state, its next deadline, the due work and the rows that pages read are written
// in one durable commit or not at all. The store never looks inside a state, an event or a row. Engines are
// packages of their own; storetest is the one suite that each of them passes.
package store

import (
	"context"
	"errors"

	"github.com/loquet/loquet/event"
)

// Errors that callers tell apart; engines wrap them. Internal details stay in the wrapped error, for the logs.
var (
	// ErrConflict: the site's version is no longer the one that was decided on. Nothing was written: load,
	// decide and try again.
	ErrConflict = errors.New("the site has moved on since it was read")
	// ErrUncertain: the commit may or may not have happened. Load again before believing either.
	ErrUncertain = errors.New("it is not known whether the commit happened")
	// ErrFull: no room on the disk, or it can't be written. Nothing was written.
	ErrFull = errors.New("the store can't be written")
	// ErrNotFound: there is no such record, value or site.
	ErrNotFound = errors.New("not found")
	// ErrExists: a record, value or idempotency key that must be new is already there.
	ErrExists = errors.New("already there")
	// ErrClosed: the store was closed.
	ErrClosed = errors.New("the store is closed")
)

// Snapshot is a site as it stands.
type Snapshot struct {
	// Version is the sequence of the site's last event; 0 when the site has none.
	Version uint64
	// State is the folded state that was stored with it; nil at version 0.
	State []byte
}

// Entry is one encoded event.
type Entry struct {
	Seq  uint64
	Data []byte
}

// Work is something that must happen because of a decision: at least once, and so idempotent, unless its kind
// says that it only asks. The identifier makes it unique: while it is there, a second of that identifier is ignored.
type Work struct {
	// ID is "<site>-<…>".
	ID   string
	Site event.SiteID
	// Kind names who does it.
	Kind string
	// Due is when it is first to be done; of claimed work, when this claim fell due.
	Due event.Instant
	// Data is the kind's own encoding.
	Data []byte
	// Attempts is how often it was claimed, this time included. Set by Claim.
	Attempts int
}

// Row is one line of a projection, kept in order of Key within its Partition. Nil Data deletes it.
type Row struct {
	Partition string
	Key       string
	Data      []byte
}

// Value is a sealed personal value of a site, erased at EraseAt (0: with the site). Nil Sealed deletes it.
type Value struct {
	Name    string
	Sealed  []byte
	EraseAt event.Instant
}

// Remembered is the answer to a request with an idempotency key, written with what the request did.
type Remembered struct {
	// Key is unique per caller and key; Digest is that of the request.
	Key    string
	Digest string
	Answer []byte
	// Until is when it may be forgotten.
	Until event.Instant
}

// Append is everything that one decision writes.
type Append struct {
	Site event.SiteID
	// Version is the version that was decided on. The events are numbered from Version+1 on.
	Version uint64
	Events  []Entry
	State   []byte
	// Deadline is when the site must be decided upon again; 0 for never.
	Deadline event.Instant
	Work     []Work
	Rows     []Row
	Values   []Value
	// Remember is nil without an idempotency key.
	Remember *Remembered
}

// Due is a site whose deadline has come.
type Due struct {
	Site event.SiteID
	At   event.Instant
}

// Journal is the truth. All methods are safe for concurrent use. After a commit whose fate is unknown, reads may
// answer ErrUncertain until it is known.
type Journal interface {
	// Load returns the site as of the last commit; version 0 when there is no such site.
	Load(ctx context.Context, site event.SiteID) (Snapshot, error)
	// Append commits all of a or nothing, and returns nil only once it is durable. An Append without events
	// keeps the version, and still requires it; a site without events has no state and no deadline. Errors:
	// ErrExists (Remember.Key is known), ErrConflict (the version moved on), ErrFull, ErrUncertain, ErrClosed,
	// and others for events that are not numbered from Version+1 on. A context that was cancelled before is only
	// that; one cancelled later does not undo a commit under way: then, too, the error is ErrUncertain, and the
	// memory of a must not be changed any more.
	Append(ctx context.Context, a Append) error
	// Events returns up to limit events of the site after the sequence, in order.
	Events(ctx context.Context, site event.SiteID, after uint64, limit int) ([]Entry, error)
	// Sites lists up to limit sites after the given one, in order of their identifiers.
	Sites(ctx context.Context, after event.SiteID, limit int) ([]event.SiteID, error)
	// Value returns a sealed personal value, or ErrNotFound.
	Value(ctx context.Context, site event.SiteID, name string) ([]byte, error)
	// Recall returns what was remembered under an idempotency key, or ErrNotFound.
	Recall(ctx context.Context, key string) (Remembered, error)
}

// Queue is the work that is due. All methods are safe for concurrent use, over several processes too.
type Queue interface {
	// Deadlines lists up to limit sites whose deadline is at or before now, earliest first. Deciding upon a
	// site moves its deadline; a stale entry is never returned.
	Deadlines(ctx context.Context, now event.Instant, limit int) ([]Due, error)
	// NextDeadline returns the earliest deadline of all, 0 if there is none.
	NextDeadline(ctx context.Context) (event.Instant, error)
	// Claim takes up to limit pieces of work of the given kinds that are due, earliest first, and hides each
	// until again; work that is neither finished nor postponed by then is due again. Where one process alone opens
	// the store, opening it releases every claim, because whoever made it is gone: the work is due when it was
	// before it was claimed, and Attempts stays. The next process may so repeat it at once.
	Claim(ctx context.Context, kinds []string, now, again event.Instant, limit int) ([]Work, error)
	// Finish removes the work. Finishing what is not there is not an error.
	Finish(ctx context.Context, id string) error
	// Postpone makes the work due at another time; what is not there stays so, without an error.
	Postpone(ctx context.Context, id string, due event.Instant) error
	// NextWork returns when the earliest piece of work of these kinds is due, 0 if there is none.
	NextWork(ctx context.Context, kinds []string) (event.Instant, error)
	// Sweep erases values past their time, and forgets remembered answers and records past theirs, a bounded
	// number at once; it returns how many it removed.
	Sweep(ctx context.Context, now event.Instant) (int, error)
}

// Projection reads rows.
type Projection interface {
	// Rows returns up to limit rows of the partition whose key is greater than after, in order of key.
	Rows(ctx context.Context, partition, after string, limit int) ([]Row, error)
	// Row returns one row, or ErrNotFound.
	Row(ctx context.Context, partition, key string) (Row, error)
}

// Record is one entry of a register: an installation's devices, couriers, keys and sessions.
type Record struct {
	// Kind and ID are the record's name.
	Kind string
	ID   string
	// Version counts its changes from 1.
	Version uint64
	Data    []byte
	// Until is when it may be swept; 0 for never.
	Until event.Instant
}

// Register keeps what does not belong to one site. Every change is a compare-and-set. Safe for concurrent use.
type Register interface {
	// Get returns the record, or ErrNotFound.
	Get(ctx context.Context, kind, id string) (Record, error)
	// Put writes the record durably if its stored version is r.Version (0: there is none), and returns the
	// new version. Errors: ErrConflict, ErrFull, ErrUncertain.
	Put(ctx context.Context, r Record) (uint64, error)
	// Delete removes the record if its stored version is the given one. Errors: as Put, and ErrNotFound.
	Delete(ctx context.Context, kind, id string, version uint64) error
	// List returns up to limit records of the kind with an ID greater than after, in order of ID.
	List(ctx context.Context, kind, after string, limit int) ([]Record, error)
}

// Store is all of it, in one engine.
type Store interface {
	Journal
	Queue
	Projection
	Register
	// Check returns nil if the store can be read and written now.
	Check(ctx context.Context) error
	// Close ends it; work under way is committed first.
	Close() error
}
