// SPDX-License-Identifier: Apache-2.0
#include "run/report_calls.h"

#include <inttypes.h>
#include <stdlib.h>

int report_calls_add(struct report_calls *c, const struct journal_record *rec, struct err *e)
{
    if (c->n == c->room) {
        size_t room = c->room ? 2 * c->room : 64;
        struct call_record *p = realloc(c->rec, room * sizeof *p);
        if (!p)
            return err_set(e, "out of memory for %zu margin calls", room);
        c->rec = p;
        c->room = room;
    }
    if (call_decode(rec->data, rec->len, &c->rec[c->n]) != 0)
        return err_set(e, "the margin call ending at byte %" PRIu64 " cannot be decoded", rec->lsn);
    c->n++;
    return 0;
}

// By account, each one's as they came (a stable order: stream time begins anew with a capture).
struct keyed {
    struct call_record rec;
    size_t place;
};

static int compare(const void *a, const void *b)
{
    const struct keyed *x = a, *y = b;
    if (x->rec.account != y->rec.account)
        return x->rec.account < y->rec.account ? -1 : 1;
    return x->place < y->place ? -1 : x->place > y->place;
}

static void print_account(const struct keyed *k, size_t n, FILE *out)
{
    enum { NS_PER_MS = 1000000 };
    unsigned entered = 0, deepest = 0;
    for (size_t i = 0; i < n; i++) {
        entered += k[i].rec.entered;
        if (k[i].rec.entered && k[i].rec.level > deepest)
            deepest = k[i].rec.level;
    }
    const struct call_record *last = &k[n - 1].rec;
    fprintf(out, "  %-10" PRIu32 " %8u %8u %8u  %s level %u at %" PRIu64 " ms\n", last->account, entered,
            deepest, last->entered ? last->level : last->level - 1u, last->entered ? "entered" : "left",
            last->level, last->ns / NS_PER_MS);
}

void report_calls_print(const struct report_calls *c, FILE *out)
{
    uint64_t entered[CALL_LEVELS] = {0}, left[CALL_LEVELS] = {0};
    struct keyed *k = c->n ? calloc(c->n, sizeof *k) : NULL;
    if (c->n == 0)
        return;
    for (size_t i = 0; i < c->n; i++) {
        entered[c->rec[i].level - 1] += c->rec[i].entered;
        left[c->rec[i].level - 1] += !c->rec[i].entered;
        if (k)
            k[i] = (struct keyed){c->rec[i], i};
    }
    fputs("margin calls\n", out);
    for (unsigned i = 0; i < CALL_LEVELS; i++)
        if (entered[i] || left[i])
            fprintf(out, "  level %u: %" PRIu64 " entered, %" PRIu64 " left\n", i + 1, entered[i], left[i]);
    if (!k)
        return; // no memory to tell them by account
    qsort(k, c->n, sizeof *k, compare);
    fprintf(out, "  %-10s %8s %8s %8s  %s\n", "account", "calls", "deepest", "now", "last");
    for (size_t i = 0, n; i < c->n; i += n) {
        for (n = 1; i + n < c->n && k[i + n].rec.account == k[i].rec.account; n++)
            ;
        print_account(&k[i], n, out);
    }
    free(k);
}

void report_calls_free(struct report_calls *c)
{
    free(c->rec);
    *c = (struct report_calls){0};
}
