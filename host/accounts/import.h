// SPDX-License-Identifier: Apache-2.0
// Inside of the import: a file's format (CSV, JSON) is turned into records of named texts, and records into
// the market and accounts. Only import*.c and their tests; import_text() also the command that
// pushes accounts. One thread per import.
#ifndef TRIPLINE_ACCOUNTS_IMPORT_H
#define TRIPLINE_ACCOUNTS_IMPORT_H

#include <sys/types.h>

#include "accounts/account.h"
#include "accounts/json.h"
#include "accounts/packed.h"
#include "accounts/progress.h"

enum record_kind {
    RECORD_ASSET,
    RECORD_INSTRUMENT,
    RECORD_TIER,
    RECORD_EMODE,
    RECORD_SHOCK,
    RECORD_ACCOUNT,
    RECORD_POSITION,
    RECORD_KINDS
};
enum { RECORD_FIELDS_MAX = 64 };

struct record {
    unsigned line;
    unsigned n;
    struct {
        const char *key;
        const char *text; // "" counts as absent
    } field[RECORD_FIELDS_MAX];
};

// Fields of accounts and positions, which may come by the million: by number, without a search. NULL: absent.
enum {
    TEXT_ID,
    TEXT_NAME,
    TEXT_RULE,
    TEXT_CURRENCY,
    TEXT_CASH,
    TEXT_CASH_DECIMALS,
    TEXT_EMODE,
    TEXT_STATE,
    ACCOUNT_TEXTS
};
enum {
    TEXT_INSTRUMENT,
    TEXT_SIZE,
    TEXT_ENTRY,
    TEXT_SUPPLY,
    TEXT_DEBT,
    TEXT_COLLATERAL,
    TEXT_FUNDING,
    TEXT_ORDERS,
    TEXT_BIDS,
    TEXT_ASKS,
    POSITION_TEXTS
};
extern const char *const ACCOUNT_KEYS[ACCOUNT_TEXTS], *const POSITION_KEYS[POSITION_TEXTS];
struct fields {
    unsigned line;
    uint64_t at;                      // where the line begins in the file; CSV only
    const char *text[POSITION_TEXTS]; // of either kind; there are more of a position
};

// The account whose rows are being read, with the texts of the row that named it first.
enum { TEXT_KEPT = 200 }; // longer ones are no numbers, names or symbols
struct staged {
    struct account account;
    struct fields first; // points into kept
    char kept[ACCOUNT_TEXTS][TEXT_KEPT];
    size_t number; // in this import; SIZE_MAX: not stored yet
};

// One import under way. Accounts go into `out` behind those of the store, in the order of the file; one of
// them at a time is unpacked (`current`). Rows of an account need not stand together: a later one takes it
// out again.
struct import {
    const char *file;
    const char *label; // the file's name in messages: the end of it when it is very long
    struct err *e;
    const struct progress *progress;
    struct market market; // the store's, with the file's changes
    unsigned n_old_assets, n_old_instruments;
    unsigned asset_line[MARKET_ASSETS_MAX]; // where this file defined it; 0: not in this file
    unsigned instrument_line[MARKET_INSTRUMENTS_MAX];
    unsigned scenario_line[SCENARIOS_MAX];
    uint16_t recent[64]; // by a hash of its name: the instrument met last

    struct packed *out;
    size_t n_base;    // accounts of the store
    size_t n_staged;  // of the file
    bool open;        // `current` is in use
    bool unsorted;    // the file's ids do not ascend
    uint32_t highest; // id in the file
    struct staged current;
    struct account old, new; // scratch of the merge
    unsigned *line;          // by number: its first row, and
    uint64_t *at;            // where that begins
    size_t room;             // of these two
    uint32_t *slot;          // when unsorted: hash of ids, number + 1, 0 empty
    size_t n_slots;          // a power of two
    size_t *pending;         // not complete when their rows ended: perhaps more follow
    size_t n_pending, pending_room;
    // The texts of an earlier row again (CSV; texts valid until the next call). NULL: rows of an account
    // stand together.
    int (*again)(struct import *im, uint64_t at, unsigned line, struct fields *f);
    void *source;
};

// Fields of a record. get_*: 0, or -1 with the error set; an absent field is an error when `required`, else
// *out is left as it was.
const char *record_text(const struct record *r, const char *key); // NULL when absent
int get_text(struct import *im, const struct record *r, const char *key, bool required, const char **out);
int get_symbol(struct import *im, const struct record *r, const char *key, char out[NAME_LEN]);
// Fills out with zeros behind the name.
int get_currency(struct import *im, const struct record *r, bool required, char out[CURRENCY_LEN]);
int get_uint(struct import *im, const struct record *r, const char *key, bool required, uint64_t max,
             uint64_t *out);
int get_decimal(struct import *im, const struct record *r, const char *key, bool required, unsigned decimals,
                i128 *out);

// Does a record of this kind have a field of this name?
bool record_knows(enum record_kind kind, const char *key);
// All of them, blank-separated, for messages.
const char *record_keys(enum record_kind kind);

// Sets the error "file:line: reason"; returns -1.
__attribute__((format(printf, 3, 4))) int import_error(struct import *im, unsigned line, const char *fmt,
                                                       ...);

// Each adds one record; 0, or -1 with the error set. Texts must live until the import has ended.
int import_asset(struct import *im, const struct record *r);
int import_instrument(struct import *im, const struct record *r); // returns its index
int import_tier(struct import *im, unsigned instrument, const struct record *r);
int import_emode(struct import *im, unsigned instrument, const struct record *r);
int import_instrument_end(struct import *im, unsigned instrument, unsigned line); // after its tiers
int import_shock(struct import *im, const struct record *r); // of one instrument in one scenario
// Begins an account or takes it up again, and gives it a position. `repeated`: the account may have been
// named before (CSV), with equal or empty fields; else twice is an error.
int import_account(struct import *im, const struct fields *f, bool repeated);
int import_position(struct import *im, const struct fields *f);
// After the last row: every account of the file is complete and valid, or an error.
int import_accounts_end(struct import *im);
void import_accounts_free(struct import *im);
// Both lists of accounts into one; those of the store must be valid with the file's market. Ends the import.
int import_merge(struct import *im);

// Where the file's bytes are: up to n of them from `at` on into `to`, 0 at the end, -1 on failure.
struct import_source {
    ssize_t (*read_at)(void *ctx, uint64_t at, char *to, size_t n);
    void *ctx;
    uint64_t size; // for the progress
};
int import_csv(struct import *im, const struct import_source *src);
int import_json(struct import *im, const char *text, size_t len, struct json_doc *doc);

// One text of a field, with the field's name in the error. Out of text_currency come zeros behind the name.
int import_decimal(struct import *im, unsigned line, const char *key, const char *text, unsigned decimals,
                   i128 *out);
int text_uint(struct import *im, unsigned line, const char *key, const char *text, uint64_t max,
              uint64_t *out);
int text_currency(struct import *im, unsigned line, const char *text, char out[CURRENCY_LEN]);

// Reads a file (format by the name's end: .csv or .json) on top of *b, a packed book: its market and accounts
// with the file's added or replaced, all validated. Returns accounts in the file, or -1: then *b holds
// nothing of use.
int import_file(const char *file, const struct import_source *src, struct book *b,
                const struct progress *progress, struct err *e);
// The same from memory, on top of *base, which is left alone, into *out, an array.
int import_text(const char *file, const char *text, size_t len, const struct book *base, struct book *out,
                struct err *e);
// import_text, and where the file defines each instrument of out's market: its line, 0 for those that are
// base's alone. For messages.
int import_text_lines(const char *file, const char *text, size_t len, const struct book *base,
                      struct book *out, unsigned line[MARKET_INSTRUMENTS_MAX], struct err *e);

#endif
