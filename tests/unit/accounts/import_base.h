// SPDX-License-Identifier: Apache-2.0
// What the tests of imports share: the files of tests/data/accounts as a book, files to import, their
// headers, fingerprints.
#ifndef TRIPLINE_TEST_IMPORT_BASE_H
#define TRIPLINE_TEST_IMPORT_BASE_H

#include <check.h>
#include <stdlib.h>

#include "accounts/book_random.h"
#include "accounts/import.h"

// Headers of CSV files.
#define ACC   "account,name,rule,cash,emode,instrument,size,entry,supply,debt,collateral\n"
#define SHOCK "scenario,instrument,shock_ppm\n"
#define INS   "name,kind,asset,size_decimals,currency,cash_decimals,tiers,fee_ppm,penalty_ppm\n"
#define CUR   "account,rule,currency,cash,instrument,size,entry\n"

static struct book base; // what the files of tests/data/accounts give

static inline char *slurp(const char *name, size_t *len)
{
    char path[160];
    (void)snprintf(path, sizeof path, "tests/data/accounts/%s", name);
    FILE *f = fopen(path, "rb");
    ck_assert_msg(f != NULL, "%s: run from the project's root", path);
    char *text = malloc(1 << 16);
    *len = fread(text, 1, (1 << 16) - 1, f);
    fclose(f);
    return text;
}

static inline void take(const char *name, struct book *on)
{
    size_t len;
    char *text = slurp(name, &len);
    struct book *out = malloc(sizeof *out);
    struct err e = {""};
    ck_assert_msg(import_text(name, text, len, on, out, &e) >= 0, "%s", e.msg);
    book_free(on);
    *on = *out;
    free(out);
    free(text);
}

static inline void load_base(void)
{
    memset(&base, 0, sizeof base);
    take("assets.csv", &base);
    take("instruments.csv", &base);
    take("accounts.csv", &base);
}

static inline void free_base(void)
{
    book_free(&base);
}

// A text that ends where its memory ends, so that a read past it is found.
static inline int import_string(const char *name, const char *content, const struct book *on,
                                struct book *out, struct err *e)
{
    size_t len = strlen(content);
    char *text = malloc(len + 1);
    memcpy(text, content, len);
    int rc = import_text(name, text, len, on, out, e);
    free(text);
    return rc;
}

// A second inverse coin of the same decimals: what tells it from the first is its currency alone.
static inline void add_eth_inverse(struct market *m)
{
    unsigned a = m->n_assets, i = m->n_instruments;
    m->asset[a] = m->asset[0];
    m->asset[a + 1] = m->asset[1];
    m->asset[a + 1].base = (uint16_t)a;
    m->instrument[i] = m->instrument[0];
    m->instrument[i].asset = (uint16_t)a;
    m->instrument[i].inverse = (uint16_t)(a + 1);
    memcpy(m->instrument[i].currency, "ETH", 4);
    (void)snprintf(m->asset[a].name, NAME_LEN, "ETH-PERPETUAL");
    (void)snprintf(m->asset[a + 1].name, NAME_LEN, "1/ETH-PERPETUAL");
    (void)snprintf(m->instrument[i].name, NAME_LEN, "ETH-PERPETUAL");
    m->n_assets = (uint16_t)(a + 2);
    m->n_instruments = (uint16_t)(i + 1);
    struct err e = {""};
    ck_assert_msg(market_check(m, &e) == 0, "%s", e.msg);
}

static inline void write_text(const char *path, const char *text)
{
    FILE *f = fopen(path, "w");
    ck_assert_ptr_nonnull(f);
    fputs(text, f);
    fclose(f);
}

static inline uint64_t fingerprint(const char *path)
{
    uint64_t h = UINT64_C(14695981039346656037);
    FILE *f = fopen(path, "rb");
    ck_assert_ptr_nonnull(f);
    for (int c; (c = fgetc(f)) != EOF;)
        h = (h ^ (uint64_t)c) * UINT64_C(1099511628211);
    fclose(f);
    return h;
}

#endif
