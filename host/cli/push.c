// SPDX-License-Identifier: Apache-2.0
#include "cli/push.h"

#include <errno.h>
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "accounts/book.h"
#include "accounts/import.h"
#include "accounts/store.h"
#include "exec/paper/paper.h"

static const char HELP[] =
    "usage: tripline accounts push --socket PATH [--db STORE] FILE\n"
    "\n"
    "Gives the paper venue new states of accounts, as their owners would: deposits, withdrawals, trades. "
    "FILE "
    "is as\n"
    "for import, accounts only, each with all it has (no positions: closed). The venue checks each, stores "
    "it "
    "under the\n"
    "account's next epoch and tells the keeper. An account that is new needs an id above all others. Ends at "
    "the first\n"
    "that the venue refuses; those before it are set.\n"
    "  --socket PATH   the venue's, DIR/venue.sock of a run\n"
    "  --db STORE      the store with the venue's instruments (default tripline.db)\n"
    "  -h, --help      this text\n"
    "Exit status: 0 done, 1 failed, 2 wrong usage.\n";

enum { FILE_MAX = 1 << 30, CONNECT_MS = 2000, EXIT_USAGE = 2 };

static int usage(const char *why)
{
    fprintf(stderr, "tripline accounts: push: %s\nsee `tripline accounts push --help`\n", why);
    return EXIT_USAGE;
}

static char *read_all(const char *path, size_t *len, struct err *e)
{
    FILE *f = fopen(path, "re");
    char *text = NULL;
    size_t room = 0, n = 0;
    *len = 0;
    while (f && !feof(f) && !ferror(f) && *len < FILE_MAX) {
        if (*len == room) {
            char *p = realloc(text, room = room ? 2 * room : 1 << 16);
            if (!p)
                break;
            text = p;
        }
        n = fread(text + *len, 1, room - *len, f);
        *len += n;
    }
    bool whole = f && feof(f) && !ferror(f);
    if (!whole)
        err_set(e, "%s: %s", path, !f || ferror(f) ? strerror(errno) : "too large");
    if (f)
        (void)fclose(f);
    if (whole)
        return text;
    free(text);
    return NULL;
}

static int take_market(void *ctx, const struct market *m, struct err *e)
{
    (void)e;
    ((struct book *)ctx)->market = *m;
    return 0;
}

static int only_accounts(const char *file, const struct market *was, const struct market *is, struct err *e)
{
    struct err why;
    bool same = market_follows(was, is, &why) == 0;
    for (unsigned i = 0; same && i < was->n_instruments; i++)
        same = !instrument_differs(&was->instrument[i], &is->instrument[i]);
    return same ? 0 : err_set(e, "%s: accounts only: the venue keeps its assets and instruments", file);
}

static int read_accounts(const char *db, const char *file, struct book *base, struct book *out, struct err *e)
{
    const struct store_visitor v = {.market = take_market, .ctx = base};
    size_t len;
    if (store_visit(db, &v, e) != 0)
        return -1;
    char *text = read_all(file, &len, e);
    if (!text)
        return -1;
    int rc = import_text(file, text, len, base, out, e) < 0 ? -1 : 0;
    free(text);
    return rc == 0 ? only_accounts(file, &base->market, &out->market, e) : -1;
}

static int push(const char *socket, const char *file, const struct book *b, struct err *e)
{
    struct err why = {""};
    uint32_t epoch;
    int fd = owner_open(socket, CONNECT_MS, e), rc = fd < 0 ? -1 : 0;
    size_t n = 0;
    for (; rc == 0 && n < b->n_accounts; n += rc == 0) {
        rc = owner_set(fd, &b->account[n], &epoch, &why);
        if (rc != 0)
            err_set(e, "%s: account %u: %.300s", file, b->account[n].id, why.msg);
    }
    if (fd >= 0)
        close(fd);
    printf("%zu of %zu accounts set\n", n, b->n_accounts);
    return rc;
}

int cmd_push(int argc, char **argv)
{
    static const struct option options[] = {{"socket", required_argument, NULL, 's'},
                                            {"db", required_argument, NULL, 'd'},
                                            {"help", no_argument, NULL, 'h'},
                                            {0}};
    static struct book base, book;
    const char *socket = NULL, *db = "tripline.db";
    struct err e;
    optind = 1;
    for (int c; (c = getopt_long(argc, argv, "h", options, NULL)) != -1;) {
        if (c == 'h') {
            fputs(HELP, stdout);
            return EXIT_SUCCESS;
        }
        if (c == '?')
            return usage("wrong options");
        *(c == 's' ? &socket : &db) = optarg;
    }
    if (!socket || optind + 1 != argc)
        return usage("--socket PATH and one file are needed");
    int rc = read_accounts(db, argv[optind], &base, &book, &e);
    if (rc == 0)
        rc = push(socket, argv[optind], &book, &e);
    if (rc != 0)
        fprintf(stderr, "tripline accounts: %s\n", e.msg);
    book_free(&book);
    return rc == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
