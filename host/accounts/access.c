// SPDX-License-Identifier: Apache-2.0
// The two forms of a book behind one set of functions.
#include <stdlib.h>

#include "accounts/book.h"
#include "accounts/packed.h"
#include "accounts/rules/rule.h"

void book_free(struct book *b)
{
    if (!b)
        return;
    free(b->account);
    packed_free(b->packed);
    b->account = NULL;
    b->packed = NULL;
    b->n_accounts = 0;
}

const struct account *book_account(const struct book *b, size_t i, struct account *scratch)
{
    if (!b->packed)
        return &b->account[i];
    packed_get(b->packed, i, scratch);
    return scratch;
}

const struct account *book_view(const struct book *b, size_t i)
{
    return b->packed ? packed_view(b->packed, i) : &b->account[i];
}

void book_fetch(const struct book *b, size_t i, int lines)
{
    enum { LINE_BYTES = 64 };
    const char *at = b->packed ? packed_at(b->packed, i) : (const char *)&b->account[i];
    if (b->packed && lines > 2)
        lines = 2; // most records are no longer
    for (int k = 0; k < lines; k++)
        __builtin_prefetch(at + k * LINE_BYTES);
}

uint32_t book_id(const struct book *b, size_t i)
{
    return b->packed ? packed_id(b->packed, i) : b->account[i].id;
}

size_t book_find(const struct book *b, uint32_t id)
{
    size_t lo = 0, hi = b->n_accounts;
    if (b->packed)
        lo = packed_lower(b->packed, 0, hi, id);
    else
        while (lo < hi) {
            size_t mid = lo + (hi - lo) / 2;
            if (b->account[mid].id < id)
                lo = mid + 1;
            else
                hi = mid;
        }
    return lo < b->n_accounts && book_id(b, lo) == id ? lo : SIZE_MAX;
}

bool book_uses(const struct book *b, unsigned uses)
{
    const struct rule *rule;
    unsigned any = 0;
    for (unsigned i = 0; b->packed && (rule = packed_rule(b->packed, i)); i++)
        any |= rule->uses;
    for (size_t i = 0; !b->packed && i < b->n_accounts; i++)
        any |= b->account[i].rule->uses;
    return any & uses;
}

bool market_within(const struct book *b, const struct market *next, const bool *changed)
{
    if (!b->packed)
        return false;
    const struct reach *r = packed_reach(b->packed);
    const struct rule *rule;
    for (unsigned i = 0; i < next->n_instruments; i++)
        for (size_t k = 0; changed[i] && r[i].held && (rule = rule_at(k)); k++)
            if ((r[i].rules >> (k & 63) & 1) != 0 && rule->within && !rule->within(next, i, &r[i]))
                return false;
    static const struct reach nothing = {.held = false};
    for (unsigned k = 0; (rule = packed_rule(b->packed, k)); k++)
        for (unsigned i = 0; (rule->uses & USE_MARKET) && i < next->n_instruments; i++)
            if (changed[i] && !rule->within(next, i, &nothing))
                return false;
    return true;
}

int book_put(struct book *b, size_t i, const struct account *a, struct err *e)
{
    if (b->packed)
        return packed_put(b->packed, i, a, e);
    account_copy(&b->account[i], a);
    return 0;
}

int book_packed(struct book *b, size_t arena_max, struct err *e)
{
    struct packed *p = packed_new(arena_max, e);
    if (!p)
        return -1;
    book_free(b);
    b->packed = p;
    return 0;
}

int book_reserve(struct book *b, size_t n, size_t spare, struct err *e)
{
    return b->packed ? packed_reserve(b->packed, n, spare, e)
                     : err_set(e, "only a packed book takes more accounts");
}

int book_add(struct book *b, const struct account *a, struct err *e)
{
    if (!b->packed)
        return err_set(e, "account %u: only a packed book takes more accounts", a->id);
    if (b->n_accounts && a->id <= book_id(b, b->n_accounts - 1))
        return err_set(e, "account %u: accounts must ascend by id, each once", a->id);
    if (packed_add(b->packed, a, e))
        return -1;
    b->n_accounts++;
    return 0;
}

int book_append(struct book *b, const struct account *a, struct err *e)
{
    enum { FIRST_ROOM = 1024 };
    size_t room = book_room(b);
    if (b->n_accounts == room && book_reserve(b, room + room / 8 + FIRST_ROOM, 0, e))
        return -1;
    return book_add(b, a, e);
}

size_t book_room(const struct book *b)
{
    return b->packed ? packed_room(b->packed) : b->n_accounts;
}

size_t book_bytes(const struct book *b)
{
    size_t used;
    return b->packed ? packed_bytes(b->packed, &used) : b->n_accounts * sizeof *b->account;
}

int book_unpack(struct book *b, size_t max, struct err *e)
{
    if (!b->packed)
        return 0;
    if (b->n_accounts > max)
        return err_set(e, "%zu accounts: at most %zu are taken here", b->n_accounts, max);
    struct account *a = calloc(b->n_accounts + 1, sizeof *a);
    if (!a)
        return err_set(e, "out of memory for %zu accounts", b->n_accounts);
    for (size_t i = 0; i < b->n_accounts; i++)
        packed_get(b->packed, i, &a[i]);
    packed_free(b->packed);
    b->packed = NULL;
    b->account = a;
    return 0;
}

int book_pack(struct book *b, struct err *e)
{
    struct packed *p = b->packed ? NULL : packed_new(0, e);
    if (!p)
        return b->packed ? 0 : -1;
    int rc = packed_reserve(p, b->n_accounts, 0, e);
    for (size_t i = 0; rc == 0 && i < b->n_accounts; i++)
        rc = packed_add(p, &b->account[i], e);
    if (rc) {
        packed_free(p);
        return -1;
    }
    free(b->account);
    b->account = NULL;
    b->packed = p;
    return 0;
}
