// SPDX-License-Identifier: Apache-2.0
// Accounts of an import. They are packed as soon as their rows end, so that a file of any size needs little
// more memory than the book it gives; an account whose rows go on later is taken out again. What an account
// must be is judged when its rows end, and, if it does not hold then, once more at the end of the file.
#include "accounts/import.h"

#include <stdlib.h>
#include <string.h>

#include "accounts/book.h"
#include "accounts/rules/rule.h"
#include "accounts/store.h"

enum { FIRST_SLOTS = 1024, FIRST_ROOM = 1024 };

static int no_memory(struct import *im)
{
    return err_set(im->e, "%s: out of memory for %zu accounts", im->label, im->n_staged);
}

// ---- accounts by id

static uint32_t staged_id(const struct import *im, size_t number)
{
    return packed_id(im->out, im->n_base + number);
}

static size_t slot_of(const struct import *im, uint32_t id)
{
    const uint32_t golden =
        2654435769u; // 2^32 / golden ratio: the product's high bits are spread for any step of ids
    size_t i = (size_t)(((uint64_t)(uint32_t)(id * golden) * im->n_slots) >> 32);
    while (im->slot[i] && staged_id(im, im->slot[i] - 1) != id)
        i = (i + 1) & (im->n_slots - 1);
    return i;
}

// A hash of all ids, with room for one more than there are.
static int make_slots(struct import *im)
{
    size_t n = FIRST_SLOTS;
    while (n < (im->n_staged + 1) * 2)
        n *= 2;
    uint32_t *slot = calloc(n, sizeof *slot);
    if (!slot)
        return no_memory(im);
    free(im->slot);
    im->slot = slot;
    im->n_slots = n;
    for (size_t k = 0; k < im->n_staged; k++)
        im->slot[slot_of(im, staged_id(im, k))] = (uint32_t)k + 1;
    return 0;
}

// Number of the account with this id in the file so far, SIZE_MAX when there is none. Nearly all files
// ascend: no hash for these.
static size_t number_of(const struct import *im, uint32_t id)
{
    if (im->unsorted) {
        uint32_t k = im->slot[slot_of(im, id)];
        return k ? k - 1 : SIZE_MAX;
    }
    if (im->n_staged == 0 || id > im->highest)
        return SIZE_MAX;
    size_t end = im->n_base + im->n_staged, i = packed_lower(im->out, im->n_base, end, id);
    return i < end && packed_id(im->out, i) == id ? i - im->n_base : SIZE_MAX;
}

static int grow_rows(struct import *im)
{
    size_t room = im->room + im->room / 4 + FIRST_ROOM;
    unsigned *line = realloc(im->line, room * sizeof *line);
    im->line = line ? line : im->line;
    uint64_t *at = line ? realloc(im->at, room * sizeof *at) : NULL;
    im->at = at ? at : im->at;
    if (!at)
        return no_memory(im);
    im->room = room;
    return 0;
}

// `current`, which is new, at the end of the list.
static int append(struct import *im)
{
    struct staged *s = &im->current;
    struct packed *p = im->out;
    struct err why;
    uint32_t id = s->account.id;
    size_t n = packed_count(p);
    if (im->n_staged == im->room && grow_rows(im))
        return -1;
    if ((n == packed_room(p) && packed_reserve(p, n + n / 8 + FIRST_ROOM, 0, &why)) ||
        packed_add(p, &s->account, &why))
        return import_error(im, s->first.line, "%s", why.msg);
    bool ascends = im->n_staged == 0 || id > im->highest;
    s->number = im->n_staged++;
    im->line[s->number] = s->first.line;
    im->at[s->number] = s->first.at;
    im->highest = id; // of use only while they ascend
    if (!ascends && !im->unsorted) {
        im->unsorted = true;
        return make_slots(im);
    }
    if (im->unsorted && (im->n_staged + 1) * 2 > im->n_slots)
        return make_slots(im);
    if (im->unsorted)
        im->slot[slot_of(im, id)] = (uint32_t)im->n_staged;
    return 0;
}

// ---- the account that is being read

static int find_rule(struct import *im, unsigned line, const char *name, const struct rule **out)
{
    *out = rule_find(name);
    return *out ? 0 : import_error(im, line, "unknown rule '%.40s'; `tripline rule list` names them", name);
}

// Keeps the texts of the row that names an account first: the row itself is overwritten by the next one.
static void keep_texts(struct staged *s, const struct fields *f)
{
    s->first = *f;
    for (int k = 0; k < ACCOUNT_TEXTS; k++) {
        if (!f->text[k])
            continue;
        size_t n = strnlen(f->text[k], TEXT_KEPT - 1);
        memcpy(s->kept[k], f->text[k], n);
        s->kept[k][n] = '\0';
        s->first.text[k] = s->kept[k];
    }
}

// "1732000000" or "1732000000:55": as many whole numbers as a rule remembers.
static int read_state(struct import *im, unsigned line, const char *text, uint64_t out[RULE_STATE_WORDS])
{
    char one[TEXT_KEPT];
    for (unsigned k = 0; k < RULE_STATE_WORDS; k++) {
        size_t n = strcspn(text, ":");
        if (n >= sizeof one)
            return import_error(im, line, "rule_state '%.40s': too long", text);
        memcpy(one, text, n);
        one[n] = '\0';
        if (text_uint(im, line, "rule_state", one, (UINT64_C(1) << RULE_STATE_BITS) - 1, &out[k]))
            return -1;
        text += n;
        if (!*text)
            return 0;
        text++;
    }
    return import_error(im, line, "rule_state: at most %d numbers, ':' between them", RULE_STATE_WORDS);
}

static int read_account(struct import *im, const struct fields *f, uint32_t id)
{
    struct staged *s = &im->current;
    struct account *a = &s->account;
    uint64_t emode = 0;
    const char *name = f->text[TEXT_NAME] ? f->text[TEXT_NAME] : "";
    memset(a, 0, offsetof(struct account, position));
    a->id = id;
    s->number = SIZE_MAX;
    keep_texts(s, f);
    if (!f->text[TEXT_RULE])
        return import_error(im, f->line, "rule is missing");
    if ((f->text[TEXT_CURRENCY] && text_currency(im, f->line, f->text[TEXT_CURRENCY], a->currency)) ||
        find_rule(im, f->line, f->text[TEXT_RULE], &a->rule) ||
        (f->text[TEXT_EMODE] && text_uint(im, f->line, "emode", f->text[TEXT_EMODE], UINT8_MAX, &emode)))
        return -1;
    if (!name_is_text(name))
        return import_error(im, f->line, "name '%.40s' must be at most %d bytes without control characters",
                            name, NAME_LEN - 1);
    memcpy(a->name, name, strlen(name));
    a->emode = (uint8_t)emode;
    return f->text[TEXT_STATE] ? read_state(im, f->line, f->text[TEXT_STATE], a->rule_state) : 0;
}

// The same account again: what this row says of it must be what the first row said.
static int repeat_account(struct import *im, const struct fields *f)
{
    const struct staged *s = &im->current;
    for (int k = TEXT_ID + 1; k < ACCOUNT_TEXTS; k++) {
        const char *now = f->text[k], *was = s->first.text[k];
        if (now && (!was || strncmp(now, was, TEXT_KEPT - 1) != 0))
            return import_error(im, f->line, "account %u: %s '%.40s' differs from line %u", s->account.id,
                                ACCOUNT_KEYS[k], now, s->first.line);
    }
    return 0;
}

// Cash is read last: its decimals are those of the perpetuals that the account holds, else of any in its
// currency.
static int finish_account(struct import *im, const struct staged *s, struct account *a)
{
    struct err why;
    const char *cash = s->first.text[TEXT_CASH], *places = s->first.text[TEXT_CASH_DECIMALS];
    unsigned line = s->first.line;
    i128 decimals = -1;
    a->cash = 0;
    a->cash_decimals = 0;
    if (places && import_decimal(im, line, "cash_decimals", places, 0, &decimals))
        return -1;
    if (places && (decimals < 0 || decimals > DECIMALS_MAX))
        return import_error(im, line, "cash_decimals must be 0 to %d", DECIMALS_MAX);
    for (unsigned i = 0; decimals < 0 && a->currency[0] && i < im->market.n_instruments; i++)
        if (strcmp(im->market.instrument[i].currency, a->currency) == 0)
            decimals = im->market.instrument[i].cash_decimals;
    bool some = cash && strcmp(cash, "0") != 0;
    if (some && !a->currency[0])
        return import_error(
            im, line, "account %u has cash but no perpetual that says its currency: give currency", a->id);
    if (some && decimals < 0)
        return import_error(im, line, "account %u: no perpetual settles in %s: give cash_decimals", a->id,
                            a->currency);
    a->cash_decimals = decimals < 0 ? 0 : (uint8_t)decimals;
    if (cash && import_decimal(im, line, "cash", cash, a->cash_decimals, &a->cash))
        return -1;
    return account_validate(&im->market, a, &why) ? import_error(im, line, "%s", why.msg) : 0;
}

static int postpone(struct import *im, size_t number)
{
    if (im->n_pending == im->pending_room) {
        size_t room = 2 * im->pending_room + FIRST_ROOM;
        size_t *p = realloc(im->pending, room * sizeof *p);
        if (!p)
            return no_memory(im);
        im->pending = p;
        im->pending_room = room;
    }
    im->pending[im->n_pending++] = number;
    return 0;
}

// The rows of `current` end, here at least.
static int close_account(struct import *im)
{
    struct staged *s = &im->current;
    struct err why;
    if (!im->open)
        return 0;
    im->open = false;
    bool whole = finish_account(im, s, &s->account) == 0;
    if (!whole && !im->again)
        return -1;
    if (s->number == SIZE_MAX) {
        if (append(im))
            return -1;
    } else if (packed_put(im->out, im->n_base + s->number, &s->account, &why)) {
        return import_error(im, s->first.line, "%s", why.msg);
    }
    return whole ? 0 : postpone(im, s->number);
}

// Takes an account out again whose rows had ended.
static int reopen(struct import *im, size_t number)
{
    struct staged *s = &im->current;
    struct fields f;
    if (im->again(im, im->at[number], im->line[number], &f))
        return -1;
    packed_get(im->out, im->n_base + number, &s->account);
    keep_texts(s, &f);
    s->number = number;
    im->open = true;
    return 0;
}

int import_account(struct import *im, const struct fields *f, bool repeated)
{
    uint64_t id = 0;
    if (!f->text[TEXT_ID])
        return import_error(im, f->line, "id is missing");
    if (text_uint(im, f->line, "id", f->text[TEXT_ID], UINT32_MAX, &id))
        return -1;
    if (id == 0)
        return import_error(im, f->line, "account id must be 1 to %u", UINT32_MAX);
    bool same = im->open && im->current.account.id == id;
    if (!same && close_account(im))
        return -1;
    size_t number = same ? im->current.number : number_of(im, (uint32_t)id);
    if (same || number != SIZE_MAX) {
        if (!repeated)
            return import_error(im, f->line, "account %u occurs twice (first in line %u)", (unsigned)id,
                                same ? im->current.first.line : im->line[number]);
        if (!same && reopen(im, number))
            return -1;
        return repeat_account(im, f);
    }
    if (im->n_staged == INT32_MAX)
        return import_error(im, f->line, "too many accounts");
    im->open = true;
    return read_account(im, f, (uint32_t)id);
}

// ---- positions

static int refuse_field(struct import *im, const struct fields *f, int key, const char *what)
{
    return f->text[key] ? import_error(im, f->line, "%s does not apply to a %s", POSITION_KEYS[key], what)
                        : 0;
}

static int take_amount(struct import *im, const struct fields *f, int key, bool required, unsigned decimals,
                       i128 *out)
{
    if (!f->text[key])
        return required ? import_error(im, f->line, "%s is missing", POSITION_KEYS[key]) : 0;
    return import_decimal(im, f->line, POSITION_KEYS[key], f->text[key], decimals, out);
}

static int take_orders(struct import *im, const struct fields *f, unsigned decimals, struct position *p)
{
    i128 bids = 0, asks = 0;
    uint64_t orders = 0;
    if (!f->text[TEXT_ORDERS] && !f->text[TEXT_BIDS] && !f->text[TEXT_ASKS])
        return 0;
    if (!(im->current.account.rule->uses & USE_ORDERS))
        return import_error(im, f->line, "open orders do not apply: %s knows none",
                            im->current.account.rule->name);
    if (take_amount(im, f, TEXT_BIDS, false, decimals, &bids) ||
        take_amount(im, f, TEXT_ASKS, false, decimals, &asks) ||
        (f->text[TEXT_ORDERS] &&
         text_uint(im, f->line, "open_orders", f->text[TEXT_ORDERS], UINT8_MAX, &orders)))
        return -1;
    if (bids < 0 || asks < 0 || bids > INT64_MAX || asks > INT64_MAX || (orders == 0 && (bids || asks)))
        return import_error(im, f->line,
                            "open_bids and open_asks are what open_orders buy and sell: not below 0, none"
                            " without open_orders");
    p->orders = (uint8_t)orders;
    p->bids = (int64_t)bids;
    p->asks = (int64_t)asks;
    return 0;
}

static int read_perp_position(struct import *im, const struct fields *f, const struct instrument *s,
                              struct position *p)
{
    i128 entry = 0;
    bool quote = im->current.account.rule->uses & USE_QUOTE;
    unsigned decimals = im->current.account.rule->uses & USE_BITS ? 0 : s->cash_decimals;
    if (take_orders(im, f, s->size_decimals, p) ||
        (!quote &&
         (refuse_field(im, f, TEXT_SUPPLY, "perpetual") || refuse_field(im, f, TEXT_DEBT, "perpetual"))) ||
        refuse_field(im, f, TEXT_COLLATERAL, "perpetual") ||
        take_amount(im, f, TEXT_SIZE, true, s->size_decimals, &p->size) ||
        take_amount(im, f, TEXT_ENTRY, !quote, im->market.asset[s->asset].decimals, &entry) ||
        take_amount(im, f, TEXT_SUPPLY, false, decimals, &p->supply) ||
        take_amount(im, f, TEXT_DEBT, false, decimals, &p->debt) ||
        take_amount(im, f, TEXT_FUNDING, false, FUNDING_DECIMALS, &p->funding))
        return -1;
    if (p->size == 0 && !p->supply && !p->debt && !p->orders)
        return import_error(im, f->line, "size must not be 0: leave the position out");
    if (!quote && (entry <= 0 || entry > INT64_MAX))
        return import_error(im, f->line, "entry is out of range");
    p->entry = (int64_t)entry;
    return 0;
}

static int read_reserve_position(struct import *im, const struct fields *f, const struct instrument *s,
                                 struct position *p)
{
    const char *flag = f->text[TEXT_COLLATERAL];
    bool premium = im->current.account.rule->uses & USE_PREMIUM;
    bool empty = im->current.account.rule->uses & USE_QUOTE; // what perpetuals settle in may be
    unsigned decimals = im->current.account.rule->uses & USE_BITS ? 0 : s->size_decimals;
    if (take_orders(im, f, s->size_decimals, p) ||
        (!premium &&
         (refuse_field(im, f, TEXT_SIZE, "reserve") || refuse_field(im, f, TEXT_FUNDING, "reserve"))) ||
        refuse_field(im, f, TEXT_ENTRY, "reserve") ||
        take_amount(im, f, TEXT_SIZE, false, s->size_decimals, &p->size) ||
        take_amount(im, f, TEXT_FUNDING, false, FUNDING_DECIMALS, &p->funding) ||
        take_amount(im, f, TEXT_SUPPLY, false, decimals, &p->supply) ||
        take_amount(im, f, TEXT_DEBT, false, decimals, &p->debt))
        return -1;
    if (p->supply < 0 || p->debt < 0 || (p->supply == 0 && p->debt == 0 && !empty))
        return import_error(im, f->line, "supply or debt must be above 0, and neither below");
    // Whether a supply counts as collateral is the borrower's own setting: it has no default.
    if (!flag && p->supply != 0)
        return import_error(im, f->line, "collateral is missing");
    if (flag && strcmp(flag, "true") != 0 && strcmp(flag, "false") != 0 && strcmp(flag, "1") != 0 &&
        strcmp(flag, "0") != 0)
        return import_error(im, f->line, "collateral must be true or false");
    p->collateral = flag && (*flag == 't' || *flag == '1');
    return 0;
}

// The account's currency is the one given with it, else that of its first perpetual; all others must agree.
static int match_currency(struct import *im, const struct fields *f, const struct instrument *s)
{
    struct account *a = &im->current.account;
    if (!a->currency[0])
        memcpy(a->currency, s->currency, sizeof a->currency);
    if (strcmp(a->currency, s->currency) == 0)
        return 0;
    if (im->current.first.text[TEXT_CURRENCY])
        return import_error(im, f->line,
                            "account %u: %s settles in %s, the account's currency is %s (line %u)", a->id,
                            s->name, s->currency, a->currency, im->current.first.line);
    return import_error(im, f->line,
                        "account %u: %s settles in %s, its other positions in %s: one account has one"
                        " settlement currency",
                        a->id, s->name, s->currency, a->currency);
}

// market_instrument, with a look first at the one that a name of this hash had the last time.
static int find_instrument(struct import *im, const char *name)
{
    unsigned h = 0;
    for (const char *s = name; *s; s++)
        h = h * 31 + (unsigned char)*s;
    uint16_t *recent = &im->recent[h % (sizeof im->recent / sizeof *im->recent)];
    if (*recent < im->market.n_instruments && strcmp(im->market.instrument[*recent].name, name) == 0)
        return *recent;
    int i = market_instrument(&im->market, name);
    if (i >= 0)
        *recent = (uint16_t)i;
    return i;
}

int import_position(struct import *im, const struct fields *f)
{
    struct account *a = &im->current.account;
    struct position p = {0};
    const char *name = f->text[TEXT_INSTRUMENT];
    if (!name)
        return import_error(im, f->line, "instrument is missing");
    int i = find_instrument(im, name);
    if (i < 0)
        return import_error(im, f->line, "there is no instrument '%.40s' in the store or in this file", name);
    p.instrument = (uint16_t)i;
    const struct instrument *s = &im->market.instrument[i];
    if (s->kind == INST_RESERVE ? read_reserve_position(im, f, s, &p) : read_perp_position(im, f, s, &p))
        return -1;
    if (s->kind != INST_RESERVE && match_currency(im, f, s))
        return -1;
    unsigned at = a->n_positions; // insertion keeps them ascending
    while (at && a->position[at - 1].instrument > p.instrument)
        at--;
    if (at && a->position[at - 1].instrument == p.instrument)
        return import_error(im, f->line, "account %u: a second position in %s", a->id, name);
    if (a->n_positions == ACCOUNT_POSITIONS_MAX)
        return import_error(im, f->line, "account %u: more than %d positions", a->id, ACCOUNT_POSITIONS_MAX);
    memmove(&a->position[at + 1], &a->position[at], (a->n_positions - at) * sizeof p);
    a->position[at] = p;
    a->n_positions++;
    return 0;
}

// ---- end of the file

static int by_number(const void *x, const void *y)
{
    size_t a = *(const size_t *)x, b = *(const size_t *)y;
    return a < b ? -1 : a > b;
}

// Those that did not hold when their rows had ended for the first time, in the order of the file.
int import_accounts_end(struct import *im)
{
    struct err why;
    struct staged *s = &im->current;
    if (close_account(im))
        return -1;
    if (im->n_pending)
        qsort(im->pending, im->n_pending, sizeof *im->pending, by_number);
    for (size_t i = 0; i < im->n_pending; i++) {
        if (reopen(im, im->pending[i]) || finish_account(im, s, &s->account))
            return -1;
        if (packed_put(im->out, im->n_base + s->number, &s->account, &why))
            return import_error(im, s->first.line, "%s", why.msg);
    }
    im->open = false;
    return 0;
}

void import_accounts_free(struct import *im)
{
    free(im->line);
    free(im->at);
    free(im->slot);
    free(im->pending);
}

// ---- the merge

// New content of an account that the store has. Its epoch goes up unless nothing changed, so that an order
// made for the old state is never taken for one of the new.
static int replaced(void *ctx, size_t old, size_t new)
{
    struct import *im = ctx;
    uint8_t x[ACCOUNT_BYTES_MAX], y[ACCOUNT_BYTES_MAX];
    struct account *a = &im->new;
    packed_get(im->out, old, &im->old);
    packed_get(im->out, new, a);
    a->epoch = im->old.epoch;
    size_t n = account_encode(&im->old, x, sizeof x), k = account_encode(a, y, sizeof y);
    if (n != k || memcmp(x, y, n) != 0)
        a->epoch++;
    return packed_put(im->out, new, a, im->e);
}

static int check_old(struct import *im)
{
    struct err why;
    size_t k = im->n_base, end = im->n_base + im->n_staged;
    for (size_t i = 0; i < im->n_base; i++) {
        uint32_t id = packed_id(im->out, i);
        while (k < end && packed_id(im->out, k) < id)
            k++;
        if (k < end && packed_id(im->out, k) == id)
            continue; // about to be replaced
        packed_get(im->out, i, &im->old);
        if (account_validate(&im->market, &im->old, &why))
            return err_set(im->e, "%s: an account of the store does not fit the file's instruments: %.300s",
                           im->label, why.msg);
        if (i % PROGRESS_EVERY == 0 && progress_step(im->progress, "checking", i, i, im->n_base, im->e))
            return -1;
    }
    return 0;
}

int import_merge(struct import *im)
{
    if (im->unsorted)
        packed_sort(im->out, im->n_base);
    return check_old(im) || packed_merge(im->out, im->n_base, replaced, im, im->e) ? -1 : 0;
}
