// SPDX-License-Identifier: Apache-2.0
// libFuzzer target: import of CSV and JSON on top of a generated book. What is accepted must be a book that
// every check holds for, and its export must be read again.
//   clang -fsanitize=fuzzer,address,undefined -Ihost tests/fuzz/fuzz_import.c <accounts and base sources>
//   -lsqlite3
//   ./fuzz_import -max_len=8192 -dict=tests/fuzz/fuzz_import.dict CORPUS tests/data/accounts
// An input that begins with { or [ (a BOM aside) is taken for JSON, every other for CSV.
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "accounts/book.h"
#include "accounts/export.h"
#include "accounts/import.h"
#include "accounts/store.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define HOLDS(x)                                                                                             \
    do {                                                                                                     \
        if (!(x)) {                                                                                          \
            fprintf(stderr, "%s:%d: %s does not hold: %s\n", __FILE__, __LINE__, #x, e.msg);                 \
            abort();                                                                                         \
        }                                                                                                    \
    } while (0)

static struct book base;
static struct book none;

static void make_base(void)
{
    struct gen_options o = {.seed = 1, .accounts = 3};
    struct err e = {""};
    HOLDS(accounts_generate(&o, &base, &e) == 0);
}

// Exports the book and imports it into an empty one: every account must come back.
static void export_import(const struct book *b)
{
    char *text = NULL;
    size_t len = 0;
    struct book *out = malloc(sizeof *out);
    struct err e = {""};
    FILE *f = open_memstream(&text, &len);
    HOLDS(f && out && book_export(b, f) == 0 && fclose(f) == 0);
    HOLDS(import_text("export.json", text, len, &none, out, &e) == (int)b->n_accounts);
    HOLDS(out->n_accounts == b->n_accounts);
    for (size_t i = 0; i < b->n_accounts; i++)
        HOLDS(out->account[i].cash == b->account[i].cash &&
              strcmp(out->account[i].currency, b->account[i].currency) == 0 &&
              out->account[i].n_positions == b->account[i].n_positions);
    book_free(out);
    free(out);
    free(text);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct err e = {""};
    if (!base.account)
        make_base();
    size_t skip = size >= 3 && memcmp(data, "\xEF\xBB\xBF", 3) == 0 ? 3 : 0;
    bool json = size > skip && (data[skip] == '{' || data[skip] == '[');
    char *text = malloc(size + 1); // the one spare byte that import_text may write
    struct book *out = malloc(sizeof *out);
    HOLDS(text && out);
    memcpy(text, data, size);
    int n = import_text(json ? "in.json" : "in.csv", text, size, &base, out, &e);
    if (n >= 0) {
        HOLDS(market_check(&out->market, &e) == 0);
        for (size_t i = 0; i < out->n_accounts; i++)
            HOLDS(account_validate(&out->market, &out->account[i], &e) == 0 &&
                  (i == 0 || out->account[i].id > out->account[i - 1].id));
        export_import(out);
        book_free(out);
    } else {
        HOLDS(out->account == NULL && strstr(e.msg, json ? "in.json" : "in.csv"));
    }
    free(text);
    free(out);
    return 0;
}
