-- A site as it stands. A rowid table, because its rows are wide: in a clustered text key (WITHOUT ROWID) all that
-- exceeds a quarter of a page would go to overflow pages, and each decision would write two pages instead of one.
-- runs says where the site's latest events are (see runs.go); state stands last, so that the rest is read without it.
CREATE TABLE sites (
    num      INTEGER PRIMARY KEY,
    site     TEXT    NOT NULL UNIQUE,
    version  INTEGER NOT NULL,
    deadline INTEGER NOT NULL,
    runs     BLOB    NOT NULL,
    state    BLOB    NOT NULL
) STRICT;

-- Maintained by SQLite with the row itself, so that a stale deadline can't exist.
CREATE INDEX sites_deadline ON sites (deadline, site) WHERE deadline <> 0;

-- The journals, in order of writing: every append goes to the last page, however many sites and events there are.
-- (site, seq) is unique because the version of the site is checked before each append; an index that says so
-- would touch one cold page per event.
CREATE TABLE events (
    n    INTEGER PRIMARY KEY,
    site INTEGER NOT NULL REFERENCES sites (num),
    seq  INTEGER NOT NULL,
    data BLOB    NOT NULL
) STRICT;

-- Where a site's older events are: one row for many decisions. last is the last sequence that the row tells of.
CREATE TABLE runs (
    site INTEGER NOT NULL REFERENCES sites (num),
    last INTEGER NOT NULL,
    runs BLOB    NOT NULL,
    PRIMARY KEY (site, last)
) STRICT, WITHOUT ROWID;

-- A rowid table: new work goes to the last page, and only two narrow indexes are touched elsewhere.
CREATE TABLE work (
    n        INTEGER PRIMARY KEY,
    id       TEXT    NOT NULL UNIQUE,
    kind     TEXT    NOT NULL,
    due      INTEGER NOT NULL,
    attempts INTEGER NOT NULL,
    site     TEXT    NOT NULL,
    data     BLOB    NOT NULL
) STRICT;

CREATE INDEX work_due ON work (kind, due, id);

CREATE TABLE projection (
    part TEXT NOT NULL,
    key  TEXT NOT NULL,
    data BLOB NOT NULL,
    PRIMARY KEY (part, key)
) STRICT, WITHOUT ROWID;

CREATE TABLE personal (
    site     TEXT    NOT NULL,
    name     TEXT    NOT NULL,
    erase_at INTEGER NOT NULL,
    sealed   BLOB    NOT NULL,
    PRIMARY KEY (site, name)
) STRICT, WITHOUT ROWID;

CREATE INDEX personal_erase ON personal (erase_at) WHERE erase_at <> 0;

CREATE TABLE remembered (
    key    TEXT    NOT NULL PRIMARY KEY,
    digest TEXT    NOT NULL,
    until  INTEGER NOT NULL,
    answer BLOB    NOT NULL
) STRICT, WITHOUT ROWID;

CREATE INDEX remembered_until ON remembered (until) WHERE until <> 0;

CREATE TABLE register (
    kind    TEXT    NOT NULL,
    id      TEXT    NOT NULL,
    version INTEGER NOT NULL,
    until   INTEGER NOT NULL,
    data    BLOB    NOT NULL,
    PRIMARY KEY (kind, id)
) STRICT, WITHOUT ROWID;

CREATE INDEX register_until ON register (until) WHERE until <> 0;

-- One row that is written only to find out whether the file can be written.
CREATE TABLE pulse (
    id INTEGER PRIMARY KEY CHECK (id = 1),
    n  INTEGER NOT NULL
) STRICT;

INSERT INTO pulse (id, n) VALUES (1, 0);
