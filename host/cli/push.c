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
#include "exec/paper/paper.h"

static const char HELP[] =
    "usage: tripline accounts push --socket PATH FILE\n"
    "\n"
    "Gives the paper venue new states of accounts, as their owners would (deposits, withdrawals, trades), "
    "and "
    "new\n"
    "parameters of its instruments, as the venue itself would. FILE is as for import: accounts, each with "
    "all "
    "it has\n"
    "(no positions: closed), and instruments that the venue has, each with all its fields. Instruments come "
    "first, all\n"
    "together: every account of the venue has to be valid with them. Then the accounts, one after the other. "
    "The venue\n"
    "checks what it gets, stores an account under its next epoch, and tells the keeper all in this order. An "
    "account\n"
    "that is new needs an id above all others. Ends at the first that the venue refuses; those before it are "
    "set.\n"
    "  --socket PATH   the venue's, DIR/venue.sock of a run\n"
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

// What is pushed: the venue's market with the file's instruments, and the file's accounts.
struct pushed {
    const char *file;
    struct book base, book;
    uint32_t version; // of the venue's parameters
    unsigned line[MARKET_INSTRUMENTS_MAX];
};

static int only_parameters(const struct pushed *p, struct err *e)
{
    const struct market *was = &p->base.market, *is = &p->book.market;
    struct err why;
    unsigned i = was->n_instruments;
    if (is->n_instruments > i)
        return err_set(e, "%s:%u: instrument %s: the venue has none of this name, and takes no new ones",
                       p->file, p->line[i], is->instrument[i].name);
    if (market_follows(was, is, &why) != 0)
        return err_set(e, "%s: %.300s", p->file, why.msg);
    return is->n_scenarios == was->n_scenarios &&
                   memcmp(is->scenario, was->scenario, sizeof is->scenario) == 0
               ? 0
               : err_set(e, "%s: the venue's scenarios cannot change", p->file);
}

static int read_pushed(struct pushed *p, struct err *e)
{
    size_t len;
    char *text = read_all(p->file, &len, e);
    if (!text)
        return -1;
    int rc = import_text_lines(p->file, text, len, &p->base, &p->book, p->line, e) < 0 ? -1 : 0;
    free(text);
    return rc == 0 ? only_parameters(p, e) : -1;
}

// The line of the instrument that the venue's reason names; 0: none of the file's. One name may be part of
// another: the longest counts.
static unsigned line_of(const struct pushed *p, const char *why)
{
    unsigned line = 0;
    size_t longest = 0;
    for (unsigned i = 0; i < p->book.market.n_instruments; i++) {
        const char *name = p->book.market.instrument[i].name;
        if (p->line[i] && strlen(name) > longest && strstr(why, name)) {
            longest = strlen(name);
            line = p->line[i];
        }
    }
    return line;
}

static int push_market(int fd, struct pushed *p, struct err *e)
{
    struct err why = {""};
    unsigned named = 0, changed = 0;
    for (unsigned i = 0; i < p->book.market.n_instruments; i++) {
        named += p->line[i] != 0;
        changed += instrument_differs(&p->base.market.instrument[i], &p->book.market.instrument[i]);
    }
    if (changed && owner_set_market(fd, &p->book.market, &p->version, &why) != 0) {
        unsigned line = line_of(p, why.msg);
        return line ? err_set(e, "%s:%u: %.300s", p->file, line, why.msg)
                    : err_set(e, "%s: %.300s", p->file, why.msg);
    }
    if (named)
        printf("%u of %u instruments changed, parameters are of version %u\n", changed, named, p->version);
    return 0;
}

static int push_accounts(int fd, const struct pushed *p, struct err *e)
{
    struct err why = {""};
    uint32_t epoch;
    size_t n = 0;
    int rc = 0;
    for (; rc == 0 && n < p->book.n_accounts; n += rc == 0) {
        rc = owner_set(fd, &p->book.account[n], &epoch, &why);
        if (rc != 0)
            err_set(e, "%s: account %u: %.300s", p->file, p->book.account[n].id, why.msg);
    }
    printf("%zu of %zu accounts set\n", n, p->book.n_accounts);
    return rc;
}

static int push(const char *socket, struct pushed *p, struct err *e)
{
    int fd = owner_open(socket, CONNECT_MS, e);
    if (fd < 0)
        return -1;
    int rc = owner_market(fd, &p->base.market, &p->version, e) || read_pushed(p, e) ||
                     push_market(fd, p, e) || push_accounts(fd, p, e)
                 ? -1
                 : 0;
    close(fd);
    book_free(&p->book);
    return rc;
}

int cmd_push(int argc, char **argv)
{
    static const struct option options[] = {
        {"socket", required_argument, NULL, 's'}, {"help", no_argument, NULL, 'h'}, {0}};
    static struct pushed pushed; // holds markets, which are too large for the stack
    const char *socket = NULL;
    struct err e;
    optind = 1;
    for (int c; (c = getopt_long(argc, argv, "h", options, NULL)) != -1;) {
        if (c == 'h') {
            fputs(HELP, stdout);
            return EXIT_SUCCESS;
        }
        if (c == '?')
            return usage("wrong options");
        socket = optarg;
    }
    if (!socket || optind + 1 != argc)
        return usage("--socket PATH and one file are needed");
    pushed.file = argv[optind];
    if (push(socket, &pushed, &e) == 0)
        return EXIT_SUCCESS;
    fprintf(stderr, "tripline accounts: %s\n", e.msg);
    return EXIT_FAILURE;
}
