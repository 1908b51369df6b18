// SPDX-License-Identifier: Apache-2.0
// Structure of a book: look-ups by name and the checks that hold for every market and account wherever they
// come from (store, import, wire, journal). A rule's own conditions are rule->validate, not here. Pure
// functions; any thread.
#ifndef TRIPLINE_ACCOUNTS_BOOK_H
#define TRIPLINE_ACCOUNTS_BOOK_H

#include <stddef.h>
#include <string.h>

#include "accounts/account.h"
#include "base/err.h"

enum {
    DECIMALS_MAX = 18,    // of prices, sizes and cash
    MARKET_PPM = 1000000, // one, in parts per million
    MARKET_BPS = 10000,   // one, in basis points
    LB_BPS_MAX = 20000,   // liquidation bonus of 100 %
    STALE_MS_MAX = 7 * 24 * 3600 * 1000,
    SPREAD_PPM_MAX = 10 * MARKET_PPM,
};

// Index of the asset or instrument called `name`, or -1.
int market_asset(const struct market *m, const char *name);
int market_instrument(const struct market *m, const char *name);

// Names of markets are printable ASCII without blanks, commas, quotes and semicolons (they are written in CSV
// and on command lines), 1..NAME_LEN-1 characters. Names of accounts may be empty and hold any printable
// bytes.
bool name_is_symbol(const char *name);
bool name_is_text(const char *name);
// A settlement currency: 1..CURRENCY_LEN-1 upper-case ASCII letters or digits.
bool name_is_currency(const char *name);

// 0, or -1 with *e naming the part that is wrong. asset_check and instrument_check look at one entry,
// market_check at all of them and at names used twice. instrument_check also compares with the market's other
// perpetuals: one currency has one quantum.
int asset_check(const struct market *m, unsigned i, struct err *e);
int instrument_check(const struct market *m, unsigned i, struct err *e);
int market_check(const struct market *m, struct err *e);
// Is `next` the same market with other parameters of its instruments? Assets, and the instruments' names,
// kinds, prices, units and currencies, must not differ, and it must pass market_check. 0, or -1 with *e set.
int market_follows(const struct market *m, const struct market *next, struct err *e);
// Is every account of the book, each valid with the parameters before, valid with those of `next` too, which
// follows the book's market and differs from it in the marked instruments? By what accounts have or had of
// them at most: O(instruments), whatever the book's size. False: an account has to be asked (always in the
// array form, and when so much is held that the parameters may matter). Rules of rule_at() only.
bool market_within(const struct book *b, const struct market *next, const bool *changed);
// Do two instruments differ in what was told of them? What market_now and market_window made does not count.
bool instrument_differs(const struct instrument *a, const struct instrument *b);
// m may be NULL (wire): then instruments are only bounded by MARKET_INSTRUMENTS_MAX and not compared with the
// positions that they hold.
int account_check(const struct market *m, const struct account *a, struct err *e);
// account_check and the rule's own validation.
int account_validate(const struct market *m, const struct account *a, struct err *e);
// Cash, and the quote balances of perpetuals under a rule that has them (USE_QUOTE, rule->holding), in cash
// quanta.
i256 account_cash(const struct market *m, const struct account *a);

// Access to the accounts of a book however it keeps them. book_account gives account i, either in place or
// unpacked into *scratch: valid until scratch is used again or the account changes. i < n_accounts. Of an
// unpacked account the positions beyond n_positions are not set.
const struct account *book_account(const struct book *b, size_t i, struct account *scratch);
// The same without a scratch, for the one thread that takes a flagged account from one stage to the next,
// each of which looks at it: unpacked once. Good until another account is viewed or this one changes.
const struct account *book_view(const struct book *b, size_t i);
// Account i will be wanted soon: up to so many cache lines of it are fetched. Decides nothing.
void book_fetch(const struct book *b, size_t i, int lines);
// Do accounts of the book, of now or before, have a rule with any of these bits of enum rule_use?
bool book_uses(const struct book *b, unsigned uses);
uint32_t book_id(const struct book *b, size_t i);
// Index of the account with this id, SIZE_MAX when there is none. O(log n).
size_t book_find(const struct book *b, uint32_t id);
// New state of account i (same id). 0, or -1 with *e set, the old state kept. In the packed form it is
// written in place when it fits, else into a free slot, and allocates (2 MiB) only when no room is left of
// what book_reserve has set aside.
int book_put(struct book *b, size_t i, const struct account *a, struct err *e);

// Packed books. book_packed makes *b an empty one, whose records may take arena_max bytes (0: 32 GiB);
// book_reserve gives it room for n accounts in all and `spare` bytes for states that become larger; book_add
// appends an account, whose id must be above all others, while that room lasts, and allocates no more than
// book_put. 0, or -1 with *e set and the book as it was.
int book_packed(struct book *b, size_t arena_max, struct err *e);
int book_reserve(struct book *b, size_t n, size_t spare, struct err *e);
int book_add(struct book *b, const struct account *a, struct err *e);
// book_add, after room for an eighth more accounts has been reserved where there is none left. For loading.
int book_append(struct book *b, const struct account *a, struct err *e);
// How many accounts book_add goes up to; n_accounts in the array form.
size_t book_room(const struct book *b);
// Bytes of memory that the accounts take.
size_t book_bytes(const struct book *b);

// The other form, in place: what works on arrays alone takes at most `max` accounts of 5 kB each. 0, or -1
// with *e set and *b as it was. Nothing happens to a book that has the form already.
enum { ARRAY_ACCOUNTS_MAX = 1000000 }; // a usual `max`: 5.2 GB
int book_unpack(struct book *b, size_t max, struct err *e);
int book_pack(struct book *b, struct err *e);

// *to = *from without the unused positions, which are most of a struct account.
static inline void account_copy(struct account *to, const struct account *from)
{
    memcpy(to, from, offsetof(struct account, position) + from->n_positions * sizeof from->position[0]);
}

#endif
