/*
 * A layer under SQLite that hands a transaction's frames to the kernel in one write.
 *
 * SQLite writes each page of a commit to the WAL in two calls, 24 bytes of frame header and the page; with
 * commits of three or four small pages those calls are most of what recording a result costs. Frames are
 * kept here until the one that carries the commit mark is complete, then written at once. Errors keep their
 * meaning: the commit learns of them before it publishes its frames to readers.
 */
#ifndef RUNG_STORE_WALFILE_H
#define RUNG_STORE_WALFILE_H

struct rung_walfile;

/* Registers the layer over SQLite's default one; its name goes to sqlite3_open_v2. Release after
 * sqlite3_close. */
struct rung_walfile *rung_walfile_create(void);
const char *rung_walfile_name(const struct rung_walfile *layer);
void rung_walfile_release(struct rung_walfile *layer); /* NULL is allowed */

#endif
