// SPDX-License-Identifier: Apache-2.0
// Accounts in little memory: some 80 bytes each where struct account takes 5 kB. An account is a record of
// 8-byte words in an arena (one header word, then cash, epoch, name and positions, each integer in as many
// bytes as it needs), found by an index of ids and places. The form is private to the process; codec.c has
// the one for files and wires. Behind struct book, see book.h: only access.c and import*.c use this.
//
// Memory comes in chunks of 2 MiB, and the index by packed_reserve. packed_put allocates only when neither a
// free slot nor the last chunk has room (one chunk then); packed_get never. A slot keeps its size when a
// smaller state is put into it; one that a larger state has left is cut up and used again.
// Ownership: packed_new to packed_free. One thread.
#ifndef TRIPLINE_ACCOUNTS_PACKED_H
#define TRIPLINE_ACCOUNTS_PACKED_H

#include "accounts/account.h"
#include "base/err.h"

struct packed;

// An empty one. arena_max: most bytes that records may take, rounded down to words; 0: as many as can be
// addressed (32 GiB).
struct packed *packed_new(size_t arena_max, struct err *e);
void packed_free(struct packed *p);

size_t packed_count(const struct packed *p);
size_t packed_room(const struct packed *p); // accounts that the index has room for
uint32_t packed_id(const struct packed *p, size_t i);
const void *packed_at(const struct packed *p, size_t i); // its record, to be prefetched only
// First account in [from, to) whose id is not below `id`; ids must ascend there.
size_t packed_lower(const struct packed *p, size_t from, size_t to, uint32_t id);
// Bytes allocated for records and index, and of these, bytes of records in use.
size_t packed_bytes(const struct packed *p, size_t *used);

// Rules that accounts have or had: the i-th, NULL past the end.
const struct rule *packed_rule(const struct packed *p, unsigned i);
// By instrument, the most of it that any account has or had.
const struct reach *packed_reach(const struct packed *p);

// Room in the index for n accounts in all, and for `spare` bytes of records more than there are now. 0, or -1
// with *e set.
int packed_reserve(struct packed *p, size_t n, size_t spare, struct err *e);
// Appends an account, whatever its id is. 0, or -1 with *e set: no room in the index or for the record, or it
// is not an account (no rule, more than ACCOUNT_POSITIONS_MAX positions, an instrument beyond
// MARKET_INSTRUMENTS_MAX).
int packed_add(struct packed *p, const struct account *a, struct err *e);
// Account i into *out; positions beyond out->n_positions are left as they are.
void packed_get(const struct packed *p, size_t i, struct account *out);
// The same in memory of p's own: good until another account is viewed or this one changes. Not unpacked again
// while it is asked for again and again.
const struct account *packed_view(struct packed *p, size_t i);
// New state of account i, in place where it fits. 0, or -1 with *e set, the old state kept.
int packed_put(struct packed *p, size_t i, const struct account *a, struct err *e);

// Sorts [from, count) by id; no id twice.
void packed_sort(struct packed *p, size_t from);
// [0, from) and [from, count) each ascend: one ascending list of them. Of two accounts with one id the later
// one stays, after both(ctx, old, new) has been asked, which may put the new one and ends everything when it
// is not 0. 0, or -1 (with *e set when out of memory): then only packed_free is left to do.
int packed_merge(struct packed *p, size_t from, int (*both)(void *ctx, size_t old, size_t new), void *ctx,
                 struct err *e);

#endif
