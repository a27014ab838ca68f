// Package sendlog keeps the connectors' log of what may have been sent: one file, one JSON object a line.
//
// It isn't synced to the disk: a line says "this may have been sent", and the store, which is synced, says what
// was intended. Losing the last lines in a power cut therefore loses no truth; the audit calls such a permit
// "intended, and not known to be sent".
package sendlog

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"sync"

	"github.com/loquet/loquet/event"
)

// Log is a device.Log on an append-only file. It is safe for concurrent use, and several processes may append
// to one file: each line is one write in append mode.
type Log struct {
	mu   sync.Mutex
	file *os.File
	torn bool // the last write failed half-way, so that the next line must start a new one
}

// Open opens the log for appending, and creates it (mode 0600) where there is none. A torn last line, left by
// a crash, is ended, so that it can't swallow the next.
func Open(path string) (*Log, error) {
	file, err := os.OpenFile(path, os.O_CREATE|os.O_RDWR|os.O_APPEND, 0o600)
	if err != nil {
		return nil, fmt.Errorf("open the log of what was sent: %w", err)
	}
	torn, err := endsTorn(file)
	if err != nil {
		return nil, errors.Join(fmt.Errorf("look at the log of what was sent: %w", err), file.Close())
	}
	return &Log{file: file, torn: torn}, nil
}

// Record appends one line with a single write. After an error nothing may be sent for it.
func (l *Log) Record(s event.Sent) error {
	line, err := json.Marshal(s)
	if err != nil {
		return fmt.Errorf("encode what is sent: %w", err)
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.torn {
		line = append([]byte{'\n'}, line...)
	}
	n, err := l.file.Write(append(line, '\n'))
	if err != nil {
		l.torn = l.torn || n > 0
		return fmt.Errorf("write down what is sent: %w", err)
	}
	l.torn = false
	return nil
}

// Close closes the file; Record then fails.
func (l *Log) Close() error {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.file.Close()
}

// Read returns the lines of a log in the order in which they were written. A missing file is an empty log. A
// line that a crash tore is skipped where it stands: it was never acknowledged, so nothing was sent for it.
// Torn means cut short: any other line that is not a valid one is an error.
func Read(path string) ([]event.Sent, error) {
	content, err := os.ReadFile(path)
	if errors.Is(err, os.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("read the log of what was sent: %w", err)
	}
	return parse(content)
}

func parse(content []byte) ([]event.Sent, error) {
	var all []event.Sent
	for number := 1; len(content) > 0; number++ {
		line, rest, _ := bytes.Cut(content, []byte{'\n'})
		content = rest
		sent, err := parseLine(line)
		switch {
		case err == nil:
			all = append(all, sent)
		case errors.Is(err, io.ErrUnexpectedEOF) || len(line) == 0:
			// Cut short by a crash or a full disk: Record had not returned nil for it.
		default:
			return nil, fmt.Errorf("line %d of the log of what was sent: %w", number, err)
		}
	}
	return all, nil
}

func parseLine(line []byte) (event.Sent, error) {
	var sent event.Sent
	if err := event.Strict(line, &sent); err != nil {
		return event.Sent{}, err
	}
	if sent.Device == "" || sent.Act == "" {
		return event.Sent{}, errors.New("the device or the act is missing")
	}
	return sent, nil
}

func endsTorn(file *os.File) (bool, error) {
	info, err := file.Stat()
	if err != nil || info.Size() == 0 {
		return false, err
	}
	last := make([]byte, 1)
	_, err = file.ReadAt(last, info.Size()-1)
	return last[0] != '\n', err
}
