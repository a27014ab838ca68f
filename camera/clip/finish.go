package clip

import (
	"context"
	"errors"
	"fmt"

	"github.com/loquet/loquet/camera"
)

// powerCut is how many fragments a power cut may leave unwritten or torn at a file's end: engines write through every
// two seconds, and a slow disk may need several times that.
const powerCut = 16

// Finish ends a clip whose recording was killed or failed. It keeps all fragments up to the first that is torn or, near
// the end, does not decrypt. With damage elsewhere, or with another clip's key, it changes nothing: [ErrDamaged]. A
// clip without a single picture is erased: [ErrEmpty].
func Finish(ctx context.Context, shelf Shelf, id ID, key Key) (Summary, error) {
	w, e, err := reload(ctx, shelf, id, key)
	if errors.Is(err, ErrEmpty) {
		return Summary{}, errors.Join(err, shelf.Erase(ctx, id))
	}
	if err != nil {
		return Summary{}, err
	}
	keep := w.layout.whole()
	if e != nil {
		// Only the name was missing: it was killed between writing the end and saying that it is finished.
		keep = w.layout.end.end() + trailerSize
	}
	if w.file, err = shelf.Resume(ctx, id, keep); err != nil {
		return Summary{}, err
	}
	if e != nil {
		return e.summary, errors.Join(w.file.Finish(ctx), w.file.Close())
	}
	summary, err := w.finish(ctx, false)
	return summary, errors.Join(err, w.file.Close())
}

// reload reads back what a writer knew, or the end that it wrote.
func reload(ctx context.Context, shelf Shelf, id ID, key Key) (w *writer, e *ending, err error) {
	s, err := newSealer(id, key)
	if err != nil {
		return nil, nil, err
	}
	blob, err := shelf.Open(ctx, id)
	if err != nil {
		return nil, nil, err
	}
	defer func() { err = errors.Join(err, blob.Close()) }()
	l, e, err := load(blob, blob.Size(), s)
	if err != nil {
		return nil, nil, err
	}
	w = &writer{sealer: s, layout: *l}
	if e != nil {
		return w, e, nil
	}
	return w, nil, w.replay(blob)
}

// replay takes in the records of the layout, and cuts it at the first that is not whole.
func (w *writer) replay(blob Blob) error {
	init, err := readRecord(blob, w.layout.records[0], w.sealer, kindInit, 0)
	if err != nil {
		return err
	}
	w.init = init
	if w.codec, err = recordedCodec(init); err != nil {
		return err
	}
	for seq := 1; seq < len(w.layout.records); seq++ {
		plain, err := readRecord(blob, w.layout.records[seq], w.sealer, kindPart, uint32(seq))
		var p part
		if err == nil {
			err = p.unmarshal(plain)
		}
		if errors.Is(err, ErrDamaged) && len(w.layout.records)-seq <= powerCut {
			w.layout.records = w.layout.records[:seq]
			break
		}
		if err != nil {
			return err
		}
		w.table.add(&p, len(plain))
	}
	if len(w.table.samples) == 0 {
		return ErrEmpty
	}
	return nil
}

func recordedCodec(init []byte) (camera.Codec, error) {
	stsd := find(init, "moov", "trak", "mdia", "minf", "stbl", "stsd")
	if len(stsd) < 16 {
		return "", fmt.Errorf("%w: its configuration can't be read", ErrDamaged)
	}
	switch name := string(stsd[12:16]); name {
	case "avc1":
		return camera.H264, nil
	case "hvc1":
		return camera.H265, nil
	default:
		return "", fmt.Errorf("%w: it holds %q", ErrDamaged, name)
	}
}
