package main

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"time"

	zombiezen "zombiezen.com/go/sqlite"
	"zombiezen.com/go/sqlite/sqlitex"

	"github.com/loquet/loquet/event"
	"github.com/loquet/loquet/store/sqlite"
)

// largeAgainstSmall compares the same hot sites in a small file and among many finished deliveries.
func largeAgainstSmall(c config) error {
	sites := c.deliveries / c.perSite
	if sites < c.sites {
		return fmt.Errorf("%d deliveries make %d sites, fewer than the %d hot ones", c.deliveries, sites, c.sites)
	}
	path := filepath.Join(c.dir, "large.db")
	start := time.Now()
	if err := fill(path, c, sites); err != nil {
		return fmt.Errorf("fill: %w", err)
	}
	info, err := os.Stat(path)
	if err != nil {
		return err
	}
	fmt.Printf("%d finished deliveries of %d events at %d sites (%.1f GB, filled in %s), against a file with the hot sites alone\n\n",
		c.deliveries, c.perVisit, sites, float64(info.Size())/1e9, time.Since(start).Round(time.Second))
	small, err := openEngine(filepath.Join(c.dir, "small.db"), siteNames(0, c.sites, 1), c.state)
	if err != nil {
		return err
	}
	defer small.s.Close()
	large, err := openEngine(path, siteNames(0, c.sites, sites/c.sites), c.state)
	if err != nil {
		return err
	}
	defer large.s.Close()
	if err := checkFilled(large, c); err != nil {
		return err
	}
	return interleave(c, []turn{
		{"small file, 512 callers", func(d time.Duration) (float64, error) { return small.turn(512, d, false) }},
		{"large file, 512 callers", func(d time.Duration) (float64, error) { return large.turn(512, d, false) }},
	})
}

// fill makes the tables with the engine, then writes finished deliveries in bulk and without syncs: in each of
// perSite rounds, every site has one delivery. It only uses what the schema says.
func fill(path string, c config, sites int) error {
	s, err := sqlite.Open(path)
	if err != nil {
		return err
	}
	if err := s.Close(); err != nil {
		return err
	}
	conn, err := zombiezen.OpenConn(path, zombiezen.OpenReadWrite)
	if err != nil {
		return err
	}
	err = sqlitex.ExecuteTransient(conn, "PRAGMA synchronous = OFF", nil)
	if err == nil {
		err = sqlitex.ExecuteTransient(conn, "PRAGMA journal_mode = OFF", nil)
	}
	if err == nil {
		err = fillSites(conn, c, sites)
	}
	for round := 0; round < c.perSite && err == nil; round++ {
		err = fillEvents(conn, c, sites, round)
	}
	return errors.Join(err, conn.Close())
}

func fillSites(conn *zombiezen.Conn, c config, sites int) (err error) {
	defer sqlitex.Save(conn)(&err)
	stmt := conn.Prep("INSERT INTO sites (num, site, version, deadline, runs, state) VALUES (?, ?, ?, 0, ?, zeroblob(?))")
	for i := range sites {
		stmt.BindInt64(1, int64(i+1))
		stmt.BindText(2, string(siteName(i)))
		stmt.BindInt64(3, int64(c.perSite*c.perVisit))
		stmt.BindBytes(4, filledRuns(c, sites, i))
		stmt.BindInt64(5, int64(c.state))
		if _, err := stmt.Step(); err != nil {
			return err
		}
		if err := stmt.Reset(); err != nil {
			return err
		}
	}
	return nil
}

// filledRuns is the list of a site's runs, as package sqlite encodes it: in round r, site i has the rows from
// (r*sites+i)*events+1 on.
func filledRuns(c config, sites, i int) []byte {
	b := binary.AppendUvarint(nil, 1)
	b = binary.AppendUvarint(b, uint64(i*c.perVisit+1))
	b = binary.AppendUvarint(b, uint64(c.perVisit))
	for range c.perSite - 1 {
		b = binary.AppendUvarint(b, uint64((sites-1)*c.perVisit))
		b = binary.AppendUvarint(b, uint64(c.perVisit))
	}
	return b
}

func fillEvents(conn *zombiezen.Conn, c config, sites, round int) (err error) {
	defer sqlitex.Save(conn)(&err)
	return sqlitex.Execute(conn, `WITH RECURSIVE k(i) AS (VALUES (0) UNION ALL SELECT i + 1 FROM k WHERE i < ?1 * ?2 - 1)
		INSERT INTO events (n, site, seq, data) SELECT ?3 * ?1 * ?2 + i + 1, i / ?2 + 1, ?3 * ?2 + i % ?2 + 1, zeroblob(?4) FROM k`,
		&sqlitex.ExecOptions{Args: []any{sites, c.perVisit, round, eventBytes}})
}

// checkFilled requires that the engine reads the filled journals.
func checkFilled(e *engine, c config) error {
	for _, site := range []event.SiteID{e.hot[0], e.hot[len(e.hot)/2], e.hot[len(e.hot)-1]} {
		events, err := e.s.Events(context.Background(), site, 0, 1<<20)
		if err != nil {
			return err
		}
		if want := c.perSite*c.perVisit + 3; len(events) != want {
			return fmt.Errorf("%s has %d events, want %d", site, len(events), want)
		}
	}
	return nil
}
