// SPDX-License-Identifier: Apache-2.0
// Accounts, positions and instruments in SQLite; import from CSV and JSON; encoding for journal and wire.
// Not for the hot path. Single thread per store.
#ifndef TRIPLINE_ACCOUNTS_STORE_H
#define TRIPLINE_ACCOUNTS_STORE_H

#include "accounts/account.h"
#include "accounts/progress.h"

// Reads a whole store into memory, into a packed book with a little room to spare, and validates every
// account against its rule. 0 or -1 with *e set (then *out is empty). progress may be NULL here and below;
// stopped by it, nothing has changed.
int store_load(const char *path, struct book *out, struct err *e);
int store_load_with(const char *path, struct book *out, const struct progress *progress, struct err *e);
// Creates or replaces the content of a store in one transaction.
int store_save(const char *path, const struct book *b, struct err *e);
// Imports instruments and accounts from a file (.csv or .json, documented in docs/accounts.md) into the store
// in one transaction: all or nothing; errors name file, line and reason. Returns accounts imported, or -1.
// Memory: the packed book of store and file together, and 12 to 28 bytes an account of the file; JSON is read
// as a whole.
int store_import(const char *path, const char *file, struct err *e);
int store_import_with(const char *path, const char *file, const struct progress *progress, struct err *e);

// Reads a store account by account, whatever its size, in little memory: market() once, then account() for
// each, ids ascending. Both may be NULL; what they are given is theirs until they return. Not 0 from one of
// them (with *e set) ends it.
struct store_visitor {
    int (*market)(void *ctx, const struct market *m, struct err *e);
    int (*account)(void *ctx, const struct account *a, struct err *e);
    void *ctx;
    bool validate; // against each account's rule
    const struct progress *progress;
};
int store_visit(const char *path, const struct store_visitor *v, struct err *e);

// Writes a store account by account, in one transaction: store_create, store_add (ids ascending),
// store_close. With commit false the store is left as it was, and a file that was not there before is gone
// again. *m must live until the end.
struct store_writer;
struct store_writer *store_create(const char *path, const struct market *m, struct err *e);
int store_add(struct store_writer *w, const struct account *a, struct err *e);
int store_close(struct store_writer *w, bool commit, struct err *e); // w may be NULL

// A price that a generated market starts from.
enum gen_kind {
    GEN_LINEAR = 1,  // perpetual margined in its quote currency
    GEN_INVERSE = 2, // perpetual sized in quote, margined in its base currency
    GEN_INDEX = 3,   // index that prices a lending reserve: btc_usd, eth_usd, sol_usdc or sol_usd, usdc_usd;
                     // the generator has no reserve for other indexes and leaves them out
};
struct gen_price {
    char name[NAME_LEN]; // the venue's name of the instrument or index
    uint8_t kind;        // enum gen_kind
    int64_t price_e12;   // > 0, in 10^-12 units of quote currency (so at most 9.2 million)
};

struct gen_options {
    uint64_t seed;
    uint32_t accounts;
    // Start prices, which are also the choice of instruments; NULL: gen_default_prices().
    const struct gen_price *prices;
    size_t n_prices;
    const char *lending; // rule of the borrowers; NULL: "aave-3.5"
    const char *perp;    // rule of those who hold linear perpetuals; NULL: "perp-linear-1"
    uint32_t near_ppm;   // share of accounts that 0.05 % to 3 % of market move liquidates; the others are
                         // spread wider
    uint32_t guard_ppm;  // mark against index, written into the perpetuals' assets; 0 = no guard
    uint64_t
        rates_at; // reserves have interest rates and perpetuals funding, told at this second; 0 = neither
};
enum { GEN_NEAR_PPM = 120000, GEN_GUARD_PPM = 100000 }; // usual values of the two

// The instruments and start prices of `tripline gen`.
const struct gen_price *gen_default_prices(size_t *n);
// Seeded synthetic book: perp-linear, perp-inverse and aave accounts (60 : 20 : 20 where the prices allow all
// three), each account in one settlement currency, ids 1..accounts, log-normal sizes, leverage 1 to 40. No
// account is liquidatable at the start prices, nor while they stay within 0.03 % of them. Same options, same
// book, on every platform. 0, or -1 with *e set. The whole of it as an array, 5 kB an account:
int accounts_generate(const struct gen_options *o, struct book *out, struct err *e);
// or one account after the other: book_gen_open gives the market, book_gen_next the next account (options'
// accounts of them; *a is cleared and filled). book_gen_open gives NULL with *e set, book_gen_next 0, or -1
// with *e set.
struct book_gen;
struct book_gen *book_gen_open(const struct gen_options *o, struct err *e);
const struct market *book_gen_market(const struct book_gen *g);
int book_gen_next(struct book_gen *g, struct account *a, struct err *e);
void book_gen_close(struct book_gen *g);

// Compact little-endian encoding with a version byte. encode: bytes written, 0 when it does not fit.
// decode: bytes consumed, or 0 when malformed (nothing trusted).
enum { ACCOUNT_BYTES_MAX = 12288, MARKET_BYTES_MAX = 512 * 1024 };
// The version bytes: high nibble the kind, low nibble the version (2: with currencies; 3: with what moves
// with time and assets' spreads; 4: with further eMode categories; each used where there is some, so that
// older bytes stay the bytes of their states; 5: with the first terms; 6: with any). Of accounts 4: with what
// a rule remembers; 5: with open orders.
enum {
    CODEC_ACCOUNT = 0xA5,
    CODEC_ACCOUNT_4 = 0xA4,
    CODEC_ACCOUNT_3 = 0xA3,
    CODEC_ACCOUNT_2 = 0xA2,
    CODEC_MARKET = 0xB6,
    CODEC_MARKET_5 = 0xB5,
    CODEC_MARKET_4 = 0xB4,
    CODEC_MARKET_3 = 0xB3,
    CODEC_MARKET_2 = 0xB2,
};
bool codec_known(uint8_t version); // one of them; else another version of tripline wrote it
size_t account_encode(const struct account *a, uint8_t *buf, size_t size);
size_t account_decode(const uint8_t *buf, size_t len, struct account *a);
size_t market_encode(const struct market *m, uint8_t *buf, size_t size);
size_t market_decode(const uint8_t *buf, size_t len, struct market *m);

#endif
