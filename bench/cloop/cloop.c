// The limit that the store is measured against: a bare loop in C on libsqlite3 that makes the store's decision on
// the store's own tables, with the store's own settings, in batches with a savepoint each. No queue, no callers,
// no checks, one thread. It is told its rounds on standard input, so that the driver can interleave them with its own.
//
//   cloop FILE SCHEMA.sql SITES STATE_BYTES BATCH
//
// Each line of input is a number of seconds; the answer is a line with decisions per second. A decision reads the
// site's row, appends 3 events of 300 bytes, updates the row and inserts one piece of work of 200 bytes.
#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

enum { EVENTS = 3, EVENT_BYTES = 300, WORK_BYTES = 200, RUNS_BYTES = 150, LOG_PAGES = 32768 };

static sqlite3 *db;
static sqlite3_stmt *find, *event, *update, *work;
static char payload[1 << 20];

static void die(const char *what) {
	fprintf(stderr, "cloop: %s: %s\n", what, db ? sqlite3_errmsg(db) : "");
	exit(1);
}

static void run(const char *sql) {
	if (sqlite3_exec(db, sql, NULL, NULL, NULL) != SQLITE_OK) die(sql);
}

static sqlite3_stmt *prepare(const char *sql) {
	sqlite3_stmt *stmt;
	if (sqlite3_prepare_v3(db, sql, -1, SQLITE_PREPARE_PERSISTENT, &stmt, NULL) != SQLITE_OK) die(sql);
	return stmt;
}

static void step(sqlite3_stmt *stmt) {
	if (sqlite3_step(stmt) != SQLITE_DONE) die(sqlite3_sql(stmt));
	sqlite3_reset(stmt);
}

static double now(void) {
	struct timespec t;
	clock_gettime(CLOCK_MONOTONIC, &t);
	return t.tv_sec + t.tv_nsec / 1e9;
}

static void site_name(char *name, size_t size, long site) { snprintf(name, size, "site%012ld", site); }

static void read_schema(const char *path) {
	static char sql[1 << 16];
	FILE *f = fopen(path, "r");
	if (!f || fread(sql, 1, sizeof sql - 1, f) == 0) die(path);
	fclose(f);
	run("BEGIN");
	run(sql);
	run("COMMIT");
}

static void settings(void) {
	run("PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL; PRAGMA secure_delete = ON; PRAGMA temp_store = MEMORY;"
	    "PRAGMA cell_size_check = ON; PRAGMA trusted_schema = OFF; PRAGMA cache_size = -65536;");
	// The store copies its log into the file beside the writer; one thread has to do it in between.
	sqlite3_wal_autocheckpoint(db, LOG_PAGES);
}

static void fill(long sites, int state_bytes) {
	sqlite3_stmt *add = prepare("INSERT INTO sites (site, version, deadline, runs, state) VALUES (?, 0, 0, zeroblob(150), ?)");
	char name[32];
	run("BEGIN");
	for (long i = 0; i < sites; i++) {
		site_name(name, sizeof name, i);
		sqlite3_bind_text(add, 1, name, -1, SQLITE_STATIC);
		sqlite3_bind_blob(add, 2, payload, state_bytes, SQLITE_STATIC);
		step(add);
	}
	run("COMMIT");
	sqlite3_finalize(add);
}

static void decide(long sites, int state_bytes, long id) {
	char name[32], work_id[64];
	site_name(name, sizeof name, random() % sites);
	sqlite3_bind_text(find, 1, name, -1, SQLITE_STATIC);
	if (sqlite3_step(find) != SQLITE_ROW) die("find");
	sqlite3_int64 num = sqlite3_column_int64(find, 0), version = sqlite3_column_int64(find, 1);
	memcpy(payload, sqlite3_column_blob(find, 3), sqlite3_column_bytes(find, 3));
	memcpy(payload, sqlite3_column_blob(find, 4), sqlite3_column_bytes(find, 4));
	sqlite3_reset(find);
	for (int i = 0; i < EVENTS; i++) {
		sqlite3_bind_int64(event, 1, num);
		sqlite3_bind_int64(event, 2, version + 1 + i);
		sqlite3_bind_blob(event, 3, payload, EVENT_BYTES, SQLITE_STATIC);
		step(event);
	}
	sqlite3_bind_int64(update, 1, version + EVENTS);
	sqlite3_bind_blob(update, 2, payload, RUNS_BYTES, SQLITE_STATIC);
	sqlite3_bind_blob(update, 3, payload, state_bytes, SQLITE_STATIC);
	sqlite3_bind_int64(update, 4, num);
	step(update);
	snprintf(work_id, sizeof work_id, "%s-w%ld", name, id);
	sqlite3_bind_text(work, 1, work_id, -1, SQLITE_STATIC);
	sqlite3_bind_int64(work, 2, 1800000000000 + id);
	sqlite3_bind_text(work, 3, name, -1, SQLITE_STATIC);
	sqlite3_bind_blob(work, 4, payload, WORK_BYTES, SQLITE_STATIC);
	step(work);
}

static double measure(double seconds, long sites, int state_bytes, int batch) {
	static long id;
	sqlite3_stmt *begin = prepare("BEGIN IMMEDIATE"), *commit = prepare("COMMIT");
	sqlite3_stmt *save = prepare("SAVEPOINT d"), *release = prepare("RELEASE d");
	long done = 0;
	double start = now();
	while (now() - start < seconds) {
		step(begin);
		for (int i = 0; i < batch; i++, done++) {
			step(save);
			decide(sites, state_bytes, ++id);
			step(release);
		}
		step(commit);
	}
	double rate = done / (now() - start);
	sqlite3_finalize(begin), sqlite3_finalize(commit), sqlite3_finalize(save), sqlite3_finalize(release);
	return rate;
}

int main(int argc, char **argv) {
	if (argc != 6) die("usage: cloop FILE SCHEMA.sql SITES STATE_BYTES BATCH");
	long sites = atol(argv[3]);
	int state_bytes = atoi(argv[4]), batch = atoi(argv[5]);
	memset(payload, 'x', sizeof payload);
	if (sqlite3_open(argv[1], &db) != SQLITE_OK) die(argv[1]);
	settings();
	read_schema(argv[2]);
	fill(sites, state_bytes);
	find = prepare("SELECT num, version, deadline, runs, state FROM sites WHERE site = ?");
	event = prepare("INSERT INTO events (site, seq, data) VALUES (?, ?, ?)");
	update = prepare("UPDATE sites SET version = ?, runs = ?, state = ? WHERE num = ?");
	work = prepare("INSERT INTO work (id, kind, due, attempts, site, data) VALUES (?, 'notify', ?, 0, ?, ?) ON CONFLICT (id) DO NOTHING");
	printf("sqlite %s\n", sqlite3_libversion());
	fflush(stdout);
	double seconds;
	while (scanf("%lf", &seconds) == 1) {
		run("DELETE FROM work; PRAGMA wal_checkpoint(TRUNCATE);");
		printf("%.1f\n", measure(seconds, sites, state_bytes, batch));
		fflush(stdout);
	}
	return sqlite3_close_v2(db) == SQLITE_OK ? 0 : 1;
}
