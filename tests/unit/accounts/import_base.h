// SPDX-License-Identifier: Apache-2.0
// What the tests of imports share: the files of tests/data/accounts as a book, files to import, fingerprints.
#ifndef TRIPLINE_TEST_IMPORT_BASE_H
#define TRIPLINE_TEST_IMPORT_BASE_H

#include <check.h>
#include <stdlib.h>

#include "accounts/book_random.h"
#include "accounts/import.h"

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
