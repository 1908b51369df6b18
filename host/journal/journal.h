// SPDX-License-Identifier: Apache-2.0
// Append-only journal: every outside input and every output of a run, in order, so that replay is exact (P6).
// One thread puts; a writer thread group-commits (write, then fdatasync); any thread may ask what is durable.
// The LSN of a record is the file offset just past it. LSNs grow, with gaps where the writer puts marks of
// its own. A record is durable, that is it survives power loss, once journal_durable() >= its LSN; it
// survives a crash of the process alone once its write is done, which is a little earlier; what was still in
// the ring is lost. File layout, the torn-tail rule and these promises in full: docs/journal.md.
#ifndef TRIPLINE_JOURNAL_JOURNAL_H
#define TRIPLINE_JOURNAL_JOURNAL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"

// Values 1..254 may be used; the journal does not interpret them. 0 and 255 are its own.
enum journal_type {
    J_HEADER = 1,   // versions, device geometry, configuration (text)
    J_MARKET = 2,   // encoded market: at the start; later: instruments' new parameters (input)
    J_ACCOUNT = 3,  // encoded account (start of run, or state from the venue on recovery)
    J_FRAME = 4,    // u64 ts_ns, frame bytes              (input)
    J_CLOCK = 5,    // u64 ns                               (input)
    J_CONTROL = 6,  // u8 what: kill switch on/off          (input)
    J_REPLY = 7,    // gateway reply                        (input)
    J_COMMANDS = 8, // beats submitted to the device       (output)
    J_EVENT = 9,    // event beat, stamps zeroed            (output)
    J_READY = 10,   // ready order: key and bytes           (output)
    J_ORDER = 11,   // order handed to the gateway          (output)
    J_RESTORE = 12, // u32 account id, epoch, revision: keys given out before this session (input)
    J_NOTE = 13,    // counters and text for the report
    J_END = 14,     // clean end, totals
    J_SPENT = 15,   // i64 value handed over before this session, 1e-8 units (input)
    J_POLICY = 16,  // the oracle's policy file (text); none when there was no file
    J_READ = 17,    // u64 ns: every frame that came before has been taken (input)
    J_IDLE = 18,    // u32 accounts: time between packets used to move boxes (input)
    J_TOLD = 19,    // prices told by a chain's oracle, or what it is about to say (oracle/told.h) (input)
    J_EXITS = 20,   // ways out of tokens, price of gas (exec/exit/exits.h) (input)
    J_UNWORTH = 21, // why an account that may be liquidated got no order (exec/desk.h) (output)
    J_STAGE = 22,   // an account's stage of liquidation after a transition (exec/stages.h) (output)
    J_STAGED = 23,  // the same of before this session (input)
    J_AUCTION = 24, // an auction has begun, or changed (exec/auction.h) (input)
    J_BID = 25,     // order to take from an auction, or to reset it (exec/auction.h) (output)
    J_BUDGET = 26,  // i64 paid in auctions before this session, 1e-8 units (input)

    J_MARGIN_CALL = 27, // an account has gone below a warning level, or back (run/calls.h) (output)
    J_CALLED = 28,      // the deepest level that it was below before this session (input)
};

enum {
    JOURNAL_RECORD_MAX = 1 << 20, // payload bytes of one record
    JOURNAL_RING_MIN = 1 << 12,
    JOURNAL_RING_DEFAULT = 1 << 24,
};

struct journal; // writer
// Creates (must not exist; mode 0600) or, with append, opens an existing journal, makes what it holds
// durable (its name too, which may be new), cuts a torn tail and goes on after it. Refuses a journal that is
// damaged before its tail, one that another writer has open (in this process or another), and what is no
// regular file. Starts the writer thread. The lock lives in the file description, which a forked child keeps
// until it executes: fork helpers first. Recovery opens with append and reads then: only so is what it reads
// durable.
int journal_open(const char *path, bool append, struct journal **out, struct err *e);
// The same with a ring of ring_bytes: a power of two, at least JOURNAL_RING_MIN. A record must fit in it.
int journal_open_ring(const char *path, bool append, size_t ring_bytes, struct journal **out, struct err *e);
// Hot path: copies the record into the ring and returns its LSN. No lock, allocation or system call; spins
// (and counts) when the ring is full. Returns 0 when the journal has failed (see journal_failed) and drops it
// then; a record longer than JOURNAL_RECORD_MAX or the ring makes it fail, as a hole in the journal would be
// no journal.
uint64_t journal_put(struct journal *j, enum journal_type type, const void *data, size_t len);
// Two-part record: header and body without the caller having to join them.
uint64_t journal_put2(struct journal *j, enum journal_type type, const void *a, size_t na, const void *b,
                      size_t nb);
uint64_t journal_durable(const struct journal *j);
uint64_t journal_cut(const struct journal *j); // bytes of a torn tail that journal_open cut off
// True once a write failed (disk full, I/O error) and for good: nothing that is not yet durable will be. e
// may be NULL.
bool journal_failed(const struct journal *j, struct err *e);
uint64_t journal_full_waits(const struct journal *j); // puts that found the ring full and had to wait
// Waits until all put so far is durable. -1 when the journal has failed.
int journal_sync(struct journal *j, struct err *e);
// Syncs, ends with a mark that vouches for all before it, joins the writer and frees j whatever happens; NULL
// is allowed. -1 when the journal has failed. Called by the thread that puts.
int journal_close(struct journal *j, struct err *e);

struct journal_record {
    uint8_t type;
    uint32_t len;
    const uint8_t *data; // valid until the next call
    uint64_t lsn;
};
struct journal_reader;
// Takes no lock: a journal may be read while it is written.
int journal_reader_open(const char *path, struct journal_reader **out, struct err *e);
// 1 with a record; 0 at the end (also at a torn tail: see journal_reader_torn); -1 on corruption before the
// tail or a failed read, with the file offset in e. After 0 it looks again, so that a growing journal can be
// followed.
int journal_next(struct journal_reader *r, struct journal_record *rec, struct err *e);
uint64_t
journal_reader_torn(const struct journal_reader *r); // bytes after the last whole record, as of the last 0
uint64_t journal_reader_end(const struct journal_reader *r); // offset just past the last whole record read
void journal_reader_close(struct journal_reader *r);         // NULL is allowed

#endif
