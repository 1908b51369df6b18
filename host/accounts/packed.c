// SPDX-License-Identifier: Apache-2.0
// Record: a header word (struct header), cash, epoch, the currency when the table of currencies is full, what
// the rule remembers, the name, and for each position a word of 32 bits (struct shape) and its four integers.
// Integers are two's complement, little endian, in as many bytes as their value needs, none for 0. Open
// orders stand in the place of an entry price, which no rule has beside them. Readers
// load 8 or 16 bytes at once, so the last words of a chunk are never given out.
#include "accounts/packed.h"

#include "accounts/moving.h"
#include "accounts/rules/rule.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

static_assert(__BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__, "records are read with plain loads");

enum {
    WORD = 8,
    CHUNK_SHIFT = 18, // 2 MiB: what the kernel backs with one huge page
    CHUNK_WORDS = 1 << CHUNK_SHIFT,
    CHUNK_GIVEN = CHUNK_WORDS - 4, // the rest may be read, never given out
    CHUNKS_MAX = 1 << (32 - CHUNK_SHIFT),
    TABLE_MAX = 255,    // rules, currencies
    CURRENCY_OWN = 255, // the record holds it
    SLOT_MAX = 1023,    // words; 10 bits
    SLOT_MIN = 2,       // a smaller remainder stays with its slot
    RECORD_MAX = (SLOT_MAX + 1) * WORD,
    ENTRY_ORDERS = WORD + 1, // the length of an entry price that says: orders, bids and asks are here
    ORDERS_BYTES = 2 + 2 * WORD,
};
static_assert(WORD + 16 + 4 + CURRENCY_LEN + NAME_LEN + RULE_STATE_WORDS * 8 +
                      ACCOUNT_POSITIONS_MAX * (4 + 3 * 16 + ORDERS_BYTES + 15) <=
                  SLOT_MAX * WORD,
              "the largest account fits a slot");
static_assert(MARKET_INSTRUMENTS_MAX <= 256 && ACCOUNT_POSITIONS_MAX < 128 && NAME_LEN <= 32,
              "fields of the header words");

#define NOT_VIEWED SIZE_MAX

// Of an account: side by side, one cache line for both.
struct place {
    uint32_t id;
    uint32_t at; // its record's first word
};

struct packed {
    struct place *place; // by account
    size_t n, room;
    uint64_t *chunk[CHUNKS_MAX];
    size_t n_chunks;
    uint64_t next;       // first word not given out yet
    uint64_t max;        // words that may be given out
    uint64_t free_words; // in slots
    uint32_t
        free_head[SLOT_MAX + 1]; // by words: the first free slot, 0 none; its first word holds the next one
    uint64_t free_map[(SLOT_MAX + 64) / 64];
    const struct rule *rule[TABLE_MAX];
    char currency[TABLE_MAX][CURRENCY_LEN];
    unsigned n_rules, n_currencies;
    struct reach reach[MARKET_INSTRUMENTS_MAX];
    uint64_t record[RECORD_MAX / WORD + 4]; // scratch of add and put; not on the stack of the hot path
    size_t viewed;                          // the account in `view`, NOT_VIEWED: none
    struct account view;
};

// ---- memory

static uint64_t *word_at(const struct packed *p, uint32_t at)
{
    return p->chunk[at >> CHUNK_SHIFT] + (at & (CHUNK_WORDS - 1));
}

struct packed *packed_new(size_t arena_max, struct err *e)
{
    struct packed *p = calloc(1, sizeof *p);
    if (!p) {
        err_set(e, "out of memory");
        return NULL;
    }
    p->max = arena_max ? arena_max / WORD : (uint64_t)CHUNKS_MAX << CHUNK_SHIFT;
    p->next = 1; // 0 is no slot
    p->viewed = NOT_VIEWED;
    return p;
}

void packed_free(struct packed *p)
{
    if (!p)
        return;
    for (size_t i = 0; i < p->n_chunks; i++)
        free(p->chunk[i]);
    free(p->place);
    free(p);
}

static int add_chunk(struct packed *p, struct err *e)
{
    const size_t bytes = sizeof(uint64_t) << CHUNK_SHIFT;
    uint64_t *c = p->n_chunks < CHUNKS_MAX ? aligned_alloc(bytes, bytes) : NULL;
    if (!c)
        return err_set(e, "out of memory for accounts (%zu MiB are in use)", p->n_chunks * bytes >> 20);
    (void)madvise(c, bytes, MADV_HUGEPAGE); // a wish: records are met at random
    p->chunk[p->n_chunks++] = c;
    return 0;
}

int packed_reserve(struct packed *p, size_t n, size_t spare, struct err *e)
{
    if (n > UINT32_MAX)
        return err_set(e, "more than %u accounts", UINT32_MAX);
    if (n > p->room) {
        struct place *place = realloc(p->place, n * sizeof *place);
        if (!place)
            return err_set(e, "out of memory for %zu accounts", n);
        p->place = place;
        p->room = n;
    }
    while (spare && ((uint64_t)p->n_chunks << CHUNK_SHIFT) < p->next + spare / WORD)
        if (add_chunk(p, e))
            return -1;
    return 0;
}

static void give_back(struct packed *p, uint32_t at, unsigned words)
{
    *word_at(p, at) = p->free_head[words];
    p->free_head[words] = at;
    p->free_map[words / 64] |= UINT64_C(1) << (words % 64);
    p->free_words += words;
}

// Smallest class with a free slot of at least `words`, 0 when there is none.
static unsigned free_class(const struct packed *p, unsigned words)
{
    uint64_t m = p->free_map[words / 64] >> (words % 64);
    if (m)
        return words + (unsigned)__builtin_ctzll(m);
    for (unsigned i = words / 64 + 1; i < sizeof p->free_map / sizeof *p->free_map; i++)
        if (p->free_map[i])
            return 64 * i + (unsigned)__builtin_ctzll(p->free_map[i]);
    return 0;
}

// A slot of at least *words; *words is then what it has. 0 when there is no room.
static uint32_t take_free(struct packed *p, unsigned *words)
{
    unsigned have = free_class(p, *words);
    if (!have)
        return 0;
    uint32_t at = p->free_head[have];
    p->free_head[have] = (uint32_t)*word_at(p, at);
    if (!p->free_head[have])
        p->free_map[have / 64] &= ~(UINT64_C(1) << (have % 64));
    p->free_words -= have;
    if (have - *words >= SLOT_MIN)
        give_back(p, at + *words, have - *words);
    else
        *words = have;
    return at;
}

static uint32_t take(struct packed *p, unsigned *words, struct err *e)
{
    uint32_t at = take_free(p, words);
    if (at)
        return at;
    uint64_t left = CHUNK_GIVEN - (p->next & (CHUNK_WORDS - 1));
    bool wraps = left < *words; // a record never spans two chunks
    uint64_t from = wraps ? (p->next | (CHUNK_WORDS - 1)) + 1 : p->next;
    if (from + *words > p->max) {
        err_set(e, "no room for more accounts: %llu MiB are full", (unsigned long long)p->max * WORD >> 20);
        return 0;
    }
    if (from >> CHUNK_SHIFT >= p->n_chunks && add_chunk(p, e))
        return 0;
    if (wraps && left >= SLOT_MIN)
        give_back(p, (uint32_t)p->next, (unsigned)left);
    p->next = from + *words;
    return (uint32_t)from;
}

size_t packed_bytes(const struct packed *p, size_t *used)
{
    *used = (size_t)(p->next - p->free_words) * WORD + p->n * sizeof *p->place;
    return (p->n_chunks << CHUNK_SHIFT) * WORD + p->room * sizeof *p->place + sizeof *p;
}

// ---- records

struct header {
    uint64_t slot : 10, positions : 7, name : 5, decimals : 5, cash : 5, epoch : 3, rule : 8, currency : 8,
        emode : 8, state : 1, : 4;
};
struct shape {
    uint32_t instrument : 8, collateral : 1, size : 5, entry : 4, supply : 5, debt : 5, funding : 4;
};
static_assert(sizeof(struct header) == WORD && sizeof(struct shape) == 4, "bit fields fill their words");

// Appends v, returns its bytes: 0 to 16.
static unsigned put_int(uint8_t **to, i128 v)
{
    u128 m = (u128)(v < 0 ? ~v : v);
    uint64_t hi = (uint64_t)(m >> 64), lo = (uint64_t)m;
    unsigned bits = hi ? 128 - (unsigned)__builtin_clzll(hi) : lo ? 64 - (unsigned)__builtin_clzll(lo) : 0;
    unsigned n = v ? bits / 8 + 1 : 0; // one bit more for the sign
    memcpy(*to, &v, sizeof v);
    *to += n;
    return n;
}

static int64_t take_word(const uint8_t **from, unsigned n)
{
    uint64_t v;
    memcpy(&v, *from, sizeof v);
    *from += n;
    unsigned shift = 64 - 8 * n;
    return n ? (int64_t)(v << shift) >> shift : 0;
}

static i128 take_int(const uint8_t **from, unsigned n)
{
    if (n <= 8)
        return take_word(from, n);
    u128 v;
    memcpy(&v, *from, sizeof v);
    *from += n;
    unsigned shift = 128 - 8 * n;
    return (i128)(v << shift) >> shift;
}

static int rule_number(struct packed *p, const struct rule *r)
{
    for (unsigned i = 0; i < p->n_rules; i++)
        if (p->rule[i] == r)
            return (int)i;
    if (p->n_rules == TABLE_MAX)
        return -1;
    p->rule[p->n_rules++] = r;
    return (int)p->n_rules - 1;
}

static unsigned currency_number(struct packed *p, const char *c)
{
    for (unsigned i = 0; i < p->n_currencies; i++)
        if (memcmp(p->currency[i], c, CURRENCY_LEN) == 0)
            return i;
    if (p->n_currencies == TABLE_MAX)
        return CURRENCY_OWN;
    memcpy(p->currency[p->n_currencies], c, CURRENCY_LEN);
    return p->n_currencies++;
}

static unsigned put_orders(uint8_t **to, const struct position *q)
{
    uint8_t *front = *to;
    *to += 2;
    front[0] = q->orders;
    unsigned bids = put_int(to, q->bids), asks = put_int(to, q->asks);
    front[1] = (uint8_t)(bids | asks << 4);
    return ENTRY_ORDERS;
}

static void take_orders(const uint8_t **from, struct position *q)
{
    const uint8_t *front = *from;
    *from += 2;
    q->orders = front[0];
    q->bids = take_word(from, front[1] & 15);
    q->asks = take_word(from, front[1] >> 4);
}

static uint8_t *write_positions(uint8_t *to, const struct account *a)
{
    for (unsigned i = 0; i < a->n_positions; i++) {
        const struct position *q = &a->position[i];
        uint8_t *front = to;
        to += sizeof(struct shape);
        struct shape s = {.instrument = q->instrument & 0xffu, .collateral = q->collateral};
        s.size = put_int(&to, q->size) & 31;
        s.entry = (q->orders ? put_orders(&to, q) : put_int(&to, q->entry)) & 15;
        s.supply = put_int(&to, q->supply) & 31;
        s.debt = put_int(&to, q->debt) & 31;
        s.funding = put_int(&to, q->funding) & 15;
        memcpy(front, &s, sizeof s);
    }
    return to;
}

static bool is_account(const struct account *a)
{
    if (!a->rule || a->n_positions > ACCOUNT_POSITIONS_MAX || a->cash_decimals > 31 ||
        strnlen(a->name, NAME_LEN) == NAME_LEN)
        return false;
    for (unsigned i = 0; i < a->n_positions; i++)
        if (a->position[i].instrument >= MARKET_INSTRUMENTS_MAX ||
            a->position[i].funding >> MOVING_FUNDING_BITS != a->position[i].funding >> 126 ||
            (a->position[i].orders && a->position[i].entry))
            return false;
    return true;
}

// The account in p->record, its header still without a slot; returns its words, 0 with *e set when it is not
// an account.
static unsigned write_record(struct packed *p, const struct account *a, struct header *h, struct err *e)
{
    int rule = is_account(a) ? rule_number(p, a->rule) : -1;
    if (rule < 0) {
        err_set(e, "account %u: cannot be kept: no rule, or fields out of range", a->id);
        return 0;
    }
    uint8_t *front = (uint8_t *)p->record, *to = front + sizeof *h;
    size_t name = strlen(a->name);
    *h = (struct header){.positions = a->n_positions & 0x7fu,
                         .name = name & 31,
                         .decimals = a->cash_decimals & 31u,
                         .rule = (unsigned)rule & 0xff,
                         .currency = currency_number(p, a->currency) & 0xff,
                         .emode = a->emode,
                         .state = account_remembers(a)};
    h->cash = put_int(&to, a->cash) & 31;
    h->epoch = put_int(&to, (int32_t)a->epoch) & 7; // the sign is undone by the reader's cast
    if (h->currency == CURRENCY_OWN) {
        memcpy(to, a->currency, CURRENCY_LEN);
        to += CURRENCY_LEN;
    }
    if (h->state) {
        memcpy(to, a->rule_state, sizeof a->rule_state);
        to += sizeof a->rule_state;
    }
    memcpy(to, a->name, NAME_LEN);
    to = write_positions(to + name, a);
    return (unsigned)(to - front + WORD - 1) / WORD;
}

static void copy_record(struct packed *p, uint32_t at, struct header h, unsigned words, unsigned slot)
{
    h.slot = slot & SLOT_MAX;
    memcpy(p->record, &h, sizeof h);
    memcpy(word_at(p, at), p->record, (size_t)words * WORD);
}

// Copies n bytes of a name of at most NAME_LEN and clears the rest; reads NAME_LEN bytes.
static void take_name(char *to, const uint8_t *from, unsigned n)
{
    memcpy(to, from, NAME_LEN);
    memset(to + n, 0, NAME_LEN - n);
}

void packed_get(const struct packed *p, size_t i, struct account *out)
{
    const uint8_t *from = (const uint8_t *)word_at(p, p->place[i].at);
    struct header h;
    memcpy(&h, from, sizeof h);
    from += sizeof h;
    out->id = p->place[i].id;
    out->rule = p->rule[h.rule];
    out->cash_decimals = h.decimals;
    out->emode = h.emode;
    out->n_positions = h.positions;
    out->cash = take_int(&from, h.cash);
    out->epoch = (uint32_t)take_word(&from, h.epoch);
    const void *currency = p->currency[h.currency];
    if (h.currency == CURRENCY_OWN) {
        currency = from;
        from += CURRENCY_LEN;
    }
    memcpy(out->currency, currency, CURRENCY_LEN);
    if (h.state) {
        memcpy(out->rule_state, from, sizeof out->rule_state);
        from += sizeof out->rule_state;
    } else {
        memset(out->rule_state, 0, sizeof out->rule_state);
    }
    take_name(out->name, from, h.name);
    from += h.name;
    for (unsigned k = 0; k < h.positions; k++) {
        struct position *q = &out->position[k];
        struct shape s;
        memcpy(&s, from, sizeof s);
        from += sizeof s;
        q->instrument = s.instrument;
        q->collateral = s.collateral;
        q->size = take_int(&from, s.size);
        q->entry = q->bids = q->asks = q->orders = 0;
        if (s.entry == ENTRY_ORDERS)
            take_orders(&from, q);
        else
            q->entry = take_word(&from, s.entry);
        q->supply = take_int(&from, s.supply);
        q->debt = take_int(&from, s.debt);
        q->funding = take_int(&from, s.funding);
    }
}

const struct account *packed_view(struct packed *p, size_t i)
{
    if (p->viewed != i)
        packed_get(p, i, &p->view);
    p->viewed = i;
    return &p->view;
}

// ---- accounts

const void *packed_at(const struct packed *p, size_t i)
{
    return word_at(p, p->place[i].at);
}

size_t packed_count(const struct packed *p)
{
    return p->n;
}
size_t packed_room(const struct packed *p)
{
    return p->room;
}
uint32_t packed_id(const struct packed *p, size_t i)
{
    return p->place[i].id;
}

size_t packed_lower(const struct packed *p, size_t from, size_t to, uint32_t id)
{
    while (from < to) {
        size_t mid = from + (to - from) / 2;
        if (p->place[mid].id < id)
            from = mid + 1;
        else
            to = mid;
    }
    return from;
}

static uint8_t more_bits(uint8_t bits, i128 v)
{
    u128 u = v < 0 ? -(u128)v : (u128)v;
    unsigned n = u >> 64 ? 128 - (unsigned)__builtin_clzll((uint64_t)(u >> 64))
                 : u     ? 64 - (unsigned)__builtin_clzll((uint64_t)u)
                         : 0;
    return n > bits ? (uint8_t)n : bits;
}

// Rules beyond the 64th share a bit: then a rule is asked about what it does not hold, which is only slower.
static uint64_t rule_bit(const struct rule *rule)
{
    size_t k = 0;
    while (rule_at(k) && rule_at(k) != rule)
        k++;
    return UINT64_C(1) << (k & 63);
}

static void note_orders(struct reach *r, const struct position *x)
{
    i128 orders = 2 * position_orders(x);
    r->supply_bits = more_bits(r->supply_bits, x->supply + orders);
    r->debt_bits = more_bits(r->debt_bits, x->debt + orders);
    r->size_bits = more_bits(r->size_bits, x->size < 0 ? x->size - orders : x->size + orders);
}

// Never less than before: what an account had once counts for ever.
static void note_reach(struct packed *p, const struct account *a)
{
    uint64_t rule = rule_bit(a->rule);
    for (unsigned i = 0; i < a->n_positions; i++) {
        const struct position *x = &a->position[i];
        struct reach *r = &p->reach[x->instrument];
        r->rules |= rule;
        r->supply_bits = more_bits(r->supply_bits, x->supply);
        r->debt_bits = more_bits(r->debt_bits, x->debt);
        r->size_bits = more_bits(r->size_bits, x->size);
        if (x->orders)
            note_orders(r, x);
        if (!r->held || x->funding < r->funding_least)
            r->funding_least = x->funding;
        if (!r->held || x->funding > r->funding_most)
            r->funding_most = x->funding;
        r->held = true;
    }
}

const struct rule *packed_rule(const struct packed *p, unsigned i)
{
    return i < p->n_rules ? p->rule[i] : NULL;
}

const struct reach *packed_reach(const struct packed *p)
{
    return p->reach;
}

int packed_add(struct packed *p, const struct account *a, struct err *e)
{
    struct header h;
    if (p->n == p->room)
        return err_set(e, "account %u: no room is reserved for more than %zu accounts", a->id, p->room);
    unsigned words = write_record(p, a, &h, e), slot = words;
    uint32_t at = words ? take(p, &slot, e) : 0;
    if (!at)
        return -1;
    copy_record(p, at, h, words, slot);
    note_reach(p, a);
    p->place[p->n++] = (struct place){a->id, at};
    return 0;
}

int packed_put(struct packed *p, size_t i, const struct account *a, struct err *e)
{
    struct header h, was;
    unsigned words = write_record(p, a, &h, e);
    if (!words)
        return -1;
    note_reach(p, a);
    if (p->viewed == i)
        p->viewed = NOT_VIEWED;
    memcpy(&was, word_at(p, p->place[i].at), sizeof was);
    if (words <= was.slot) {
        copy_record(p, p->place[i].at, h, words, was.slot);
        return 0;
    }
    unsigned slot = words;
    uint32_t at = take(p, &slot, e);
    if (!at)
        return -1;
    copy_record(p, at, h, words, slot);
    give_back(p, p->place[i].at, was.slot);
    p->place[i].at = at;
    return 0;
}

// ---- order

static int ascending(const void *x, const void *y)
{
    uint32_t a = ((const struct place *)x)->id, b = ((const struct place *)y)->id;
    return a < b ? -1 : a > b;
}

void packed_sort(struct packed *p, size_t from)
{
    p->viewed = NOT_VIEWED;
    if (p->n > from)
        qsort(p->place + from, p->n - from, sizeof *p->place, ascending);
}

static void drop(struct packed *p, size_t i)
{
    struct header h;
    memcpy(&h, word_at(p, p->place[i].at), sizeof h);
    give_back(p, p->place[i].at, h.slot);
}

static int merge_into(struct packed *p, size_t from, struct place *out, size_t *n,
                      int (*both)(void *, size_t, size_t), void *ctx)
{
    size_t i = 0, k = from;
    while (i < from || k < p->n) {
        if (i < from && k < p->n && p->place[i].id == p->place[k].id) {
            if (both(ctx, i, k))
                return -1;
            drop(p, i++);
        }
        bool old = k == p->n || (i < from && p->place[i].id < p->place[k].id);
        out[(*n)++] = p->place[old ? i++ : k++];
    }
    return 0;
}

int packed_merge(struct packed *p, size_t from, int (*both)(void *ctx, size_t old, size_t new), void *ctx,
                 struct err *e)
{
    size_t n = 0;
    p->viewed = NOT_VIEWED;
    if (from == 0 || from == p->n)
        return 0;
    struct place *out = malloc(p->n * sizeof *out);
    if (!out)
        return err_set(e, "out of memory for the order of %zu accounts", p->n);
    if (merge_into(p, from, out, &n, both, ctx)) {
        free(out);
        return -1;
    }
    free(p->place);
    p->place = out;
    p->room = p->n;
    p->n = n;
    return 0;
}
