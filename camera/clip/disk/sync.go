package disk

import (
	"sync"
	"time"
)

// syncEvery is how much of a recording a power cut may take.
const syncEvery = 2 * time.Second

// syncer writes the open files through to the disk, again and again.
type syncer struct {
	folder string
	mu     sync.Mutex
	files  map[*file]bool
	stop   chan struct{}
	done   chan struct{}
}

func newSyncer(folder string) *syncer {
	s := &syncer{folder: folder, files: map[*file]bool{}, stop: make(chan struct{}), done: make(chan struct{})}
	go s.run()
	return s
}

func (s *syncer) run() {
	defer close(s.done)
	tick := time.NewTicker(syncEvery)
	defer tick.Stop()
	for {
		select {
		case <-tick.C:
			s.round()
		case <-s.stop:
			s.round()
			return
		}
	}
}

// round syncs what grew: all at once, or one by one to find out which file it is that can't be synced.
func (s *syncer) round() {
	var grown []*file
	begun := time.Now()
	for _, f := range s.all() {
		if f.settle() {
			grown = append(grown, f)
		}
	}
	if len(grown) == 0 {
		return
	}
	together := syncFolder(s.folder)
	for _, f := range grown {
		err := together
		if err != nil {
			err = f.File.Sync()
		}
		f.settled(begun, err)
	}
}

func (s *syncer) all() []*file {
	s.mu.Lock()
	defer s.mu.Unlock()
	files := make([]*file, 0, len(s.files))
	for f := range s.files {
		files = append(files, f)
	}
	return files
}

func (s *syncer) add(f *file) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.files[f] = true
}

func (s *syncer) remove(f *file) {
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(s.files, f)
}

func (s *syncer) close() {
	close(s.stop)
	<-s.done
}
