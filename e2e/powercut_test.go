package e2e

import (
	"errors"
	"io"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strconv"
	"testing"
	"time"

	"github.com/loquet/loquet/app/record"
)

// TestPowerCut cuts the power at random points of visits: what was not synced is lost, in part or wholly. What
// the witness and the courier were told must still be there, and no visit is lost.
func TestPowerCut(t *testing.T) {
	t.Parallel()
	const cutsAtEachHome = 4
	houses := []house{frontDoor, garage, flat}
	s := newStreet(t, houses...)
	for i := range houses {
		t.Run(strconv.Itoa(i), func(t *testing.T) {
			t.Parallel()
			in := s.settleOnForgetful(t, i)
			random := rand.New(rand.NewPCG(uint64(i), uint64(time.Now().UnixNano())))
			for range cutsAtEachHome {
				in.visitUnderPowerCut(random)
			}
		})
	}
}

// TestPowerCutWithoutSyncs shows that the test above can fail: on a disk that lies about its syncs, what the
// courier was told is gone.
func TestPowerCutWithoutSyncs(t *testing.T) {
	t.Parallel()
	in := newStreet(t, frontDoor).settleOnForgetful(t, 0, noSyncVariable+"=1")
	v := in.newVisit()
	in.server.kill()
	in.must(in.cutPower())
	if err := in.server.start(); err != nil {
		return // what is left is no store any more
	}
	if events, err := in.journal(in.home.site, v.from-1); err == nil && len(events) > 0 {
		t.Fatal("nothing was lost although nothing was synced: the power cut is none")
	}
}

// settleOnForgetful is settle on a disk that loses what was not synced.
func (s *street) settleOnForgetful(t *testing.T, number int, more ...string) *installation {
	t.Helper()
	program, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	in := s.build(t, number, program)
	in.server.env = append(more, mirrorVariable+"="+in.mirror())
	in.must(in.server.start())
	in.moveIn()
	return in
}

func (in *installation) mirror() string { return filepath.Join(in.dir, "mirror") }

// visitUnderPowerCut makes one visit, and cuts the power once in it.
func (in *installation) visitUnderPowerCut(random *rand.Rand) {
	in.Helper()
	v := in.newVisit()
	failed := make(chan error, 1)
	go func() { failed <- v.powerCut(time.Duration(random.IntN(600)) * time.Millisecond) }()
	err := v.walk()
	if cut := <-failed; cut != nil {
		in.Fatal(cut)
	}
	if err != nil {
		v.note("given up: %v", err)
		v.takeOver()
	}
	in.settled(v)
	switch how := in.judge(true).end(v); how {
	case endSecured:
	case endLost:
		in.Errorf("a visit is lost\n%s", v.story())
	default:
		in.Logf("after a power cut the visit ended as: %s\n%s", how, v.story())
	}
}

// powerCut cuts the power after a while, unless the visit is over by then.
func (v *visit) powerCut(after time.Duration) error {
	select {
	case <-time.After(after):
	case <-v.ctx.Done():
		return nil
	}
	v.in.server.kill()
	v.in.wire.cut()
	if err := v.in.cutPower(); err != nil {
		return err
	}
	return v.in.server.start()
}

// cutPower replaces the dead server's files by what the disk kept of them. The log of what was sent is not synced:
// any part of its end may be gone.
func (in *installation) cutPower() error {
	in.file.close()
	left, err := filepath.Glob(filepath.Join(in.data, record.StoreName+"*"))
	if err != nil {
		return err
	}
	for _, path := range left {
		if err := os.Remove(path); err != nil {
			return err
		}
	}
	kept, err := filepath.Glob(filepath.Join(in.mirror(), record.StoreName+"*"))
	if err != nil || len(kept) == 0 {
		return errors.Join(err, errors.New("the disk kept nothing"))
	}
	for _, path := range kept {
		if err := copyFile(path, filepath.Join(in.data, filepath.Base(path))); err != nil {
			return err
		}
	}
	return tear(filepath.Join(in.data, record.SentName))
}

func copyFile(from, to string) error {
	in, err := os.Open(from)
	if err != nil {
		return err
	}
	defer in.Close()
	out, err := os.OpenFile(to, os.O_WRONLY|os.O_CREATE|os.O_TRUNC, 0o600)
	if err != nil {
		return err
	}
	_, err = io.Copy(out, in)
	return errors.Join(err, out.Close())
}

// tear loses a random part of a file's end.
func tear(path string) error {
	info, err := os.Stat(path)
	if errors.Is(err, os.ErrNotExist) || err == nil && info.Size() == 0 {
		return nil
	}
	if err != nil {
		return err
	}
	return os.Truncate(path, rand.Int64N(info.Size()+1))
}
