// SPDX-License-Identifier: Apache-2.0
// Inside of the import: a file's format (CSV, JSON) is turned into records of named texts, and records into
// the market and accounts. Only import*.c and their tests. One thread per import.
#ifndef TRIPLINE_ACCOUNTS_IMPORT_H
#define TRIPLINE_ACCOUNTS_IMPORT_H

#include "accounts/account.h"
#include "accounts/json.h"
#include "base/err.h"

enum record_kind {
    RECORD_ASSET,
    RECORD_INSTRUMENT,
    RECORD_TIER,
    RECORD_ACCOUNT,
    RECORD_POSITION,
    RECORD_KINDS
};
enum { RECORD_FIELDS_MAX = 32 };

struct record {
    unsigned line;
    unsigned n;
    struct {
        const char *key;
        const char *text; // "" counts as absent
    } field[RECORD_FIELDS_MAX];
};

// An account as the file gives it: complete when the whole file is read.
struct staged {
    struct account account;
    unsigned line;
    const char *text[8]; // header fields by their place in the list of RECORD_ACCOUNT's names
};

// One import under way.
struct import {
    const char *file;
    const char *label; // the file's name in messages: the end of it when it is very long
    struct err *e;
    struct market market; // the store's, with the file's changes
    unsigned n_old_assets, n_old_instruments;
    unsigned asset_line[MARKET_ASSETS_MAX]; // where this file defined it; 0: not in this file
    unsigned instrument_line[MARKET_INSTRUMENTS_MAX];
    struct staged *staged;
    size_t n_staged, cap_staged;
    uint32_t *slot; // hash of account ids: index into staged + 1, 0 empty
    size_t n_slots; // a power of two
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
int import_instrument_end(struct import *im, unsigned instrument, unsigned line); // after its tiers
// Returns the account's number within this import. `repeated`: the account may have been named before (CSV),
// with equal or empty fields; else twice is an error.
int import_account(struct import *im, const struct record *r, bool repeated);
int import_position(struct import *im, unsigned account, const struct record *r);

// The formats. text[len] is writable. Staged texts point into `text` or into *doc, which the caller frees at
// the end.
int import_csv(struct import *im, char *text, size_t len);
int import_json(struct import *im, const char *text, size_t len, struct json_doc *doc);

// Decimal text of a field, with the field's name in the error.
int import_decimal(struct import *im, unsigned line, const char *key, const char *text, unsigned decimals,
                   i128 *out);

// Reads `text` (format by the name's end: .csv or .json) on top of *base, which is left alone, into *out:
// base's market and accounts with the file's added or replaced, all validated. Returns accounts in the file,
// or -1.
int import_text(const char *file, char *text, size_t len, const struct book *base, struct book *out,
                struct err *e);

#endif
