// SPDX-License-Identifier: Apache-2.0
// How fast large books are made, written, read and changed, and what memory they take. Measured, not tested:
// nothing fails here but the program itself.
//   accounts_bench DIR ACCOUNTS [unpack]
// Files are made in DIR and removed. With `unpack` only the last part runs, on a generated book (for
// callgrind).
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include "accounts/book.h"
#include "accounts/export.h"
#include "accounts/import.h"
#include "accounts/store.h"
#include "base/clock.h"
#include "base/prng.h"

enum { PATH = 4096, SEED = 1, TOUCHES = 2000000 };

static char store[PATH], copy[PATH], csv[PATH], market[PATH];
static size_t accounts;
static struct err e;

static void die(const char *what)
{
    fprintf(stderr, "accounts_bench: %s: %s\n", what, e.msg);
    exit(1);
}

struct span {
    uint64_t wall_ns;
    struct rusage use;
};

static struct span begin(void)
{
    struct span s;
    getrusage(RUSAGE_SELF, &s.use);
    s.wall_ns = clock_system_ns();
    return s;
}

static double cpu_of(const struct rusage *u)
{
    return (double)(u->ru_utime.tv_sec + u->ru_stime.tv_sec) +
           (double)(u->ru_utime.tv_usec + u->ru_stime.tv_usec) / 1e6;
}

static void end(const struct span *s, const char *what, double n, const char *unit)
{
    struct rusage use;
    uint64_t now = clock_system_ns();
    getrusage(RUSAGE_SELF, &use);
    double wall = (double)(now - s->wall_ns) / 1e9, cpu = cpu_of(&use) - cpu_of(&s->use);
    printf("%-28s %9.2f s %9.2f s CPU %12.0f %s a second of CPU\n", what, wall, cpu, n / cpu, unit);
    (void)fflush(stdout);
}

static double size_of(const char *path)
{
    struct stat st;
    return stat(path, &st) ? 0 : (double)st.st_size;
}

static struct book_gen *generator(void)
{
    const struct gen_options o = {.seed = SEED, .accounts = (uint32_t)accounts, .near_ppm = GEN_NEAR_PPM};
    struct book_gen *g = book_gen_open(&o, &e);
    if (!g)
        die("generator");
    return g;
}

static void generate(struct store_writer *w, struct book_gen *g, struct book *b)
{
    struct account a;
    for (size_t i = 0; i < accounts; i++)
        if (book_gen_next(g, &a, &e) || (w && store_add(w, &a, &e)) || (b && book_append(b, &a, &e)))
            die("generator");
}

static void make_store(void)
{
    struct book_gen *g = generator();
    struct span s = begin();
    generate(NULL, g, NULL);
    end(&s, "generate", (double)accounts, "accounts");
    book_gen_close(g);
    g = generator();
    s = begin();
    struct store_writer *w = store_create(store, book_gen_market(g), &e);
    if (!w)
        die(store);
    generate(w, g, NULL);
    if (store_close(w, true, &e))
        die(store);
    end(&s, "generate into a store", (double)accounts, "accounts");
    book_gen_close(g);
}

static void load(struct book *b)
{
    struct span s = begin();
    if (store_load(store, b, &e))
        die(store);
    end(&s, "load a store", (double)accounts, "accounts");
    size_t used, all = packed_bytes(b->packed, &used), positions = 0;
    struct account a;
    for (size_t i = 0; i < b->n_accounts; i++)
        positions += book_account(b, i, &a)->n_positions;
    double n = (double)b->n_accounts;
    printf(
        "%-28s %9.1f bytes an account in memory (%.1f in use), %.0f in the file; %.2f positions an account\n",
        "", (double)all / n, (double)used / n, size_of(store) / n, (double)positions / n);
}

static void export_book(const struct book *b, const char *path, enum export_form form)
{
    struct exporter x;
    struct account a;
    FILE *f = fopen(path, "w");
    if (!f)
        die(path);
    export_begin(&x, f, form, &b->market);
    for (size_t i = 0; form == EXPORT_CSV && i < b->n_accounts; i++)
        export_account(&x, book_account(b, i, &a));
    if (export_end(&x) || fclose(f))
        die(path);
}

static ssize_t read_file(void *ctx, uint64_t at, char *to, size_t n)
{
    FILE *f = ctx;
    return pread(fileno(f), to, n, (off_t)at);
}

static void import(const struct book *b)
{
    struct span s = begin();
    export_book(b, csv, EXPORT_CSV);
    end(&s, "export as CSV", (double)accounts, "accounts");
    printf("%-28s %9.1f bytes an account in the file\n", "", size_of(csv) / (double)accounts);
    export_book(b, market, EXPORT_MARKET);
    struct book *into = calloc(1, sizeof *into);
    FILE *f = fopen(csv, "r");
    if (!into || !f || book_packed(into, 0, &e))
        die(csv);
    into->market = b->market;
    const struct import_source src = {read_file, f, 0};
    s = begin();
    if (import_file(csv, &src, into, NULL, &e) < 0)
        die(csv);
    end(&s, "CSV into memory", (double)accounts, "accounts");
    book_free(into);
    free(into);
    (void)fclose(f);
    s = begin();
    if (store_import(copy, market, &e) < 0 || store_import(copy, csv, &e) < 0)
        die(csv);
    end(&s, "CSV into a store", (double)accounts, "accounts");
}

static void touch(struct book *b)
{
    struct prng r;
    struct account a;
    uint64_t sum = 0;
    prng_seed(&r, SEED);
    struct span s = begin();
    for (size_t i = 0, at = 0; i < TOUCHES; i++, at = at + 1 < b->n_accounts ? at + 1 : 0)
        sum += book_account(b, at, &a)->n_positions;
    end(&s, "unpack in order", TOUCHES, "accounts");
    s = begin();
    for (size_t i = 0; i < TOUCHES; i++)
        sum += book_account(b, (size_t)prng_below(&r, b->n_accounts), &a)->n_positions;
    end(&s, "unpack at random", TOUCHES, "accounts");
    s = begin();
    for (size_t i = 0; i < TOUCHES; i++) {
        size_t at = (size_t)prng_below(&r, b->n_accounts);
        (void)book_account(b, at, &a);
        a.cash += (i128)prng_below(&r, 1000000);
        a.epoch++;
        if (book_put(b, at, &a, &e))
            die("put");
    }
    end(&s, "unpack, change, put", TOUCHES, "accounts");
    s = begin();
    for (size_t i = 0; i < TOUCHES; i++)
        sum += book_find(b, 1 + (uint32_t)prng_below(&r, b->n_accounts));
    end(&s, "find by id", TOUCHES, "accounts");
    if (sum == 0)
        die("nothing was unpacked");
}

int main(int argc, char **argv)
{
    struct book *b = calloc(1, sizeof *b);
    char *rest = NULL;
    bool only = argc == 4 && strcmp(argv[3], "unpack") == 0;
    accounts = argc >= 3 ? strtoul(argv[2], &rest, 10) : 0;
    if (!b || accounts == 0 || accounts > UINT32_MAX || *rest || (argc != 3 && !only)) {
        fputs("usage: accounts_bench DIR ACCOUNTS [unpack]\n", stderr);
        return 2;
    }
    const char *const name[] = {"bench.db", "copy.db", "bench.csv", "market.json"};
    char *const path[] = {store, copy, csv, market};
    for (size_t i = 0; i < sizeof path / sizeof *path; i++) {
        (void)snprintf(path[i], PATH, "%s/%s", argv[1], name[i]);
        (void)unlink(path[i]);
    }
    if (only) {
        struct book_gen *g = generator();
        if (book_packed(b, 0, &e))
            die("book");
        generate(NULL, g, b);
        book_gen_close(g);
    } else {
        printf("%zu accounts, seed %d\n", accounts, SEED);
        make_store();
        load(b);
        import(b);
    }
    touch(b);
    book_free(b);
    free(b);
    for (size_t i = 0; i < sizeof path / sizeof *path; i++)
        (void)unlink(path[i]);
    struct rusage use;
    getrusage(RUSAGE_SELF, &use);
    printf("%-28s %9.0f MiB at most in this process\n", "", (double)use.ru_maxrss / 1024);
    return 0;
}
