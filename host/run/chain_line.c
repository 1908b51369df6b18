// SPDX-License-Identifier: Apache-2.0
// Opening and closing of the line, and its polling side: one gateway over three sources.
#include <inttypes.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

#include "accounts/book.h"
#include "accounts/store.h"
#include "run/chain_line_inside.h"

enum { ROOM_DEFAULT = 65536, WAIT_STEP_MS = 1, RING_PAUSE_NS = 50000, PRICE_DECIMALS = 8, STORE_PART = 256 };
#define ANSWER_NS UINT64_C(10000000000)

static struct chain_line *of(struct gateway *g)
{
    return (struct chain_line *)g;
}

static int64_t now_ns(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t); // vDSO, no system call
    return (int64_t)t.tv_sec * 1000000000 + t.tv_nsec;
}

// ---- what all threads say

void line_notice(struct chain_line *l, const char *fmt, ...)
{
    char text[sizeof l->why.msg];
    va_list ap;
    va_start(ap, fmt);
    (void)vsnprintf(text, sizeof text, fmt, ap);
    va_end(ap);
    if (l->cfg.notice)
        l->cfg.notice(l->cfg.notice_ctx, text);
}

void line_fail(struct chain_line *l, const char *fmt, ...)
{
    va_list ap;
    va_start(ap, fmt);
    (void)pthread_mutex_lock(&l->lock);
    if (!__atomic_load_n(&l->failed, __ATOMIC_RELAXED))
        (void)vsnprintf(l->why.msg, sizeof l->why.msg, fmt, ap);
    __atomic_store_n(&l->failed, 1, __ATOMIC_RELEASE);
    (void)pthread_mutex_unlock(&l->lock);
    va_end(ap);
}

static void pause_for_room(void)
{
    const struct timespec t = {0, RING_PAUSE_NS};
    (void)nanosleep(&t, NULL);
}

struct state_entry *line_state(struct chain_line *l, enum tell what)
{
    struct state_entry *s;
    while (!(s = spsc_reserve(&l->states))) {
        if (line_stopping(l))
            return NULL;
        pause_for_room();
    }
    s->what = (uint8_t)what;
    return s;
}

struct told_entry *line_told(struct chain_line *l)
{
    struct told_entry *t;
    while (!(t = spsc_reserve(&l->told))) {
        if (line_stopping(l))
            return NULL;
        pause_for_room();
    }
    return t;
}

// ---- polling side

static int line_submit(struct gateway *g, const struct gateway_order *o)
{
    struct chain_line *l = of(g);
    if (gateway_submit(l->orders, o) != 0)
        return -1;
    if (l->n_handed < GATEWAY_OUTSTANDING_MAX)
        l->handed[l->n_handed++] = (struct handed){o->key, now_ns()};
    return 0;
}

// How long an order took until its receipt was told. Whatever ends one takes it off the list.
static void note_receipt(struct chain_line *l, const struct order_reply *r)
{
    for (size_t i = 0; i < l->n_handed; i++) {
        if (order_key_cmp(&l->handed[i].key, &r->key) != 0)
            continue;
        if (r->status == ORDER_MINED)
            hist_record(&l->receipts, (uint64_t)(now_ns() - l->handed[i].at_ns));
        l->handed[i] = l->handed[--l->n_handed];
        return;
    }
}

static void give_back(struct chain_line *l)
{
    if (l->lent == LENT_TOLD)
        spsc_release(&l->told);
    if (l->lent == LENT_STATE) {
        const struct state_entry *s = spsc_peek(&l->states);
        if (s->what == TELL_MARKET) // a single writer
            __atomic_store_n(&l->markets_done, l->markets_done + 1, __ATOMIC_RELEASE);
        spsc_release(&l->states);
    }
    l->lent = LENT_NONE;
}

static void clear(struct order_reply *out)
{
    memset(out, 0, offsetof(struct order_reply, account));
    memset(&out->input, 0, sizeof out->input);
    out->market = NULL;
    out->sent_after_ns = 0;
    out->waited = false;
}

static void put_input(struct order_reply *out, enum journal_type type, const uint8_t *data, size_t n)
{
    out->status = ORDER_INPUT;
    out->input.type = (uint8_t)type;
    out->input.data = data;
    out->input.n = n;
}

// The session has taken everything before this mark: it has polled again.
static void take_mark(struct chain_line *l, const struct state_entry *s)
{
    gateway_evm_applied(l->orders, s->block);
    __atomic_store_n(&l->block, s->block, __ATOMIC_RELEASE);
    spsc_release(&l->states);
}

static void put_state(struct chain_line *l, const struct state_entry *s, struct order_reply *out)
{
    clear(out);
    l->lent = LENT_STATE;
    if (s->what == TELL_MARKET) {
        out->status = ORDER_MARKET;
        out->market = l->market[s->n];
    } else if (s->what == TELL_EXITS) {
        put_input(out, J_EXITS, s->u.bytes, s->n);
    } else {
        out->status = ORDER_STATE;
        out->key.account = s->u.account.id;
        out->has_account = true;
        account_copy(&out->account, &s->u.account);
    }
}

static int line_poll(struct gateway *g, struct order_reply *out)
{
    struct chain_line *l = of(g);
    const struct told_entry *t;
    const struct state_entry *s;
    give_back(l);
    for (;;) {
        if (gateway_poll(l->orders, out) == 1) {
            note_receipt(l, out);
            return 1;
        }
        if ((t = spsc_peek(&l->told))) {
            clear(out);
            put_input(out, J_TOLD, t->bytes, t->n);
            l->lent = LENT_TOLD;
            return 1;
        }
        s = spsc_peek(&l->states);
        if (!s)
            return 0;
        if (s->what != TELL_MARK) {
            put_state(l, s, out);
            return 1;
        }
        take_mark(l, s); // may set free what the orders' gateway has kept back
    }
}

// What is lent has been taken, and is no news.
static bool any_news(struct chain_line *l)
{
    return spsc_count(&l->told) > (l->lent == LENT_TOLD) || spsc_count(&l->states) > (l->lent == LENT_STATE);
}

static int line_wait(struct gateway *g, int timeout_ms)
{
    struct chain_line *l = of(g);
    int64_t deadline = now_ns() + (int64_t)timeout_ms * 1000000;
    for (;;) {
        if (any_news(l))
            return 1;
        int rc = gateway_wait(l->orders, WAIT_STEP_MS);
        if (rc >= 0)
            return rc;
        if (now_ns() >= deadline)
            return -1;
    }
}

static void line_counters(const struct gateway *g, struct gateway_counters *out)
{
    gateway_counters(((const struct chain_line *)g)->orders, out);
}

static void line_offer(struct gateway *g, const struct gateway_order *o)
{
    gateway_offer(of(g)->orders, o);
}

static void line_drop(struct gateway *g, const struct order_key *k)
{
    gateway_drop(of(g)->orders, k);
}

static void line_close_nothing(struct gateway *g)
{
    (void)g; // chain_line_close
}

int line_init(struct chain_line *l, const struct chain_line_config *c, struct err *e)
{
    static const struct gateway_ops ops = {.submit = line_submit,
                                           .poll = line_poll,
                                           .wait = line_wait,
                                           .counters = line_counters,
                                           .close = line_close_nothing,
                                           .offer = line_offer,
                                           .drop = line_drop};
    l->base.ops = &ops;
    l->cfg = *c;
    hist_init(&l->receipts);
    (void)pthread_mutex_init(&l->lock, NULL);
    l->told_mem = calloc(TOLD_WINDOW, sizeof *l->told_mem);
    l->states_mem = calloc(STATES_WINDOW, sizeof *l->states_mem);
    l->pool = calloc(1, sizeof *l->pool);
    bool ok = l->told_mem && l->states_mem && l->pool;
    for (int i = 0; i < MARKETS; i++)
        ok &= (l->market[i] = calloc(1, sizeof *l->market[i])) != NULL;
    if (!ok)
        return err_set(e, "out of memory for the chain's line");
    spsc_init(&l->told, l->told_mem, sizeof *l->told_mem, TOLD_WINDOW);
    spsc_init(&l->states, l->states_mem, sizeof *l->states_mem, STATES_WINDOW);
    return 0;
}

// ---- opening

static int open_nodes(struct chain_line *l, struct err *e)
{
    const struct nodes_config cfg = {.node = l->cfg.node,
                                     .n = l->cfg.n_nodes,
                                     .chain_id = l->cfg.chain_id,
                                     .stall_ns = l->cfg.stall_ns,
                                     .seed = (uint64_t)now_ns()};
    l->nodes = nodes_new(&cfg, e);
    return l->nodes ? 0 : -1;
}

static int open_link(struct chain_line *l, const volatile int *stop, struct err *e)
{
    chain_link_close(l->link);
    l->link = chain_link_open(l->nodes, l->cfg.node, l->cfg.n_nodes, ANSWER_NS, stop, e);
    return l->link ? 0 : -1;
}

// Whom each id stands for, and the epochs that states begin from.
static int read_users(struct chain_line *l, struct chain_tables *t, uint32_t last_id, const struct book *book,
                      struct err *e)
{
    uint64_t room = (uint64_t)last_id + ROOM_DEFAULT + 1;
    l->users.n = l->cfg.accounts_max ? l->cfg.accounts_max : room < UINT32_MAX ? (size_t)room : UINT32_MAX;
    l->user = calloc(l->users.n, sizeof *l->user);
    l->epoch = calloc(l->users.n, sizeof *l->epoch);
    l->users.at = l->user;
    if (!l->user || !l->epoch)
        return err_set(e, "out of memory for %zu accounts", l->users.n);
    if (last_id >= l->users.n)
        return err_set(e, "%s has accounts up to %" PRIu32 ", and there is room for %zu", l->cfg.db, last_id,
                       l->users.n);
    uint64_t next = 1;
    for (bool more = true; more;) {
        int rc = tables_row(t, SQL_ACCOUNT_FROM, e, "ii", next, (uint64_t)STORE_PART);
        more = rc == 1;
        for (; rc == 1; rc = tables_row(t, SQL_ACCOUNT_FROM, e, NULL)) {
            uint64_t id = tables_u64(t, SQL_ACCOUNT_FROM, 0);
            if (id >= l->users.n || tables_blob(t, SQL_ACCOUNT_FROM, 1, l->user[id].b, ADDRESS_BYTES)) {
                tables_end(t, SQL_ACCOUNT_FROM);
                return err_set(e, "%s: table chain_accounts is damaged", l->cfg.db);
            }
            next = id + 1;
        }
        tables_end(t, SQL_ACCOUNT_FROM);
        if (rc < 0)
            return -1;
    }
    struct account scratch;
    for (size_t i = 0; i < book->n_accounts; i++) {
        const struct account *a = book_account(book, i, &scratch);
        if (a->id < l->users.n)
            l->epoch[a->id] = a->epoch;
    }
    return 0;
}

static int check_market(struct chain_line *l, const struct market *m, struct err *e)
{
    for (unsigned i = 0; i < m->n_assets; i++)
        if (m->asset[i].decimals != PRICE_DECIMALS)
            return err_set(e, "%s: asset %s has %u decimals; the protocol's oracle has %d", l->cfg.db,
                           m->asset[i].name, m->asset[i].decimals, PRICE_DECIMALS);
    for (unsigned i = 0; i < CHAIN_RESERVES_MAX; i++)
        if (l->pool->reserve[i].instrument < m->n_instruments)
            l->token[l->pool->reserve[i].instrument] = l->pool->reserve[i].asset;
    l->n_tokens = m->n_instruments;
    return 0;
}

int line_load(struct chain_line *l, uint64_t seq, struct book *book, struct chain_block *at, struct err *e)
{
    bool empty;
    struct chain_meta meta;
    struct chain_tables t = {.store = NULL};
    if (store_load(l->cfg.db, book, e) != 0)
        return -1;
    if (!(t.store = store_live_open(l->cfg.db, &empty, e)))
        return -1;
    int rc = tables_meta_get(&t, &meta, l->pool, e);
    if (rc == 0 && meta.seq != seq)
        rc = err_set(e, "another process follows the chain into %s: end it", l->cfg.db);
    if (rc == 0)
        rc = read_users(l, &t, meta.last_id, book, e);
    tables_close(&t);
    store_live_close(t.store);
    if (rc != 0)
        return -1;
    *at = meta.at;
    if (!(l->rule = rule_find(meta.rule)))
        return err_set(e, "%s: this tripline has no rule '%s'", l->cfg.db, meta.rule);
    l->n.accounts = book->n_accounts;
    l->n.block = l->block = at->number;
    return check_market(l, &book->market, e);
}

static int open_orders(struct chain_line *l, uint64_t block, struct err *e)
{
    struct gateway_evm_config c = l->cfg.orders;
    c.chain_id = l->cfg.chain_id;
    c.node = l->cfg.node;
    c.n_nodes = l->cfg.n_nodes;
    c.stall_ns = l->cfg.stall_ns;
    c.token = l->token;
    c.n_tokens = l->n_tokens;
    c.users = &l->users;
    l->orders = gateway_evm_open(&c, e);
    if (!l->orders)
        return -1;
    l->n.earlier = gateway_evm_open_flights(l->orders);
    gateway_evm_applied(l->orders, block);
    return 0;
}

static int start(pthread_t *t, bool *runs, void *(*run)(void *), struct chain_line *l, struct err *e)
{
    // Signals are the main thread's business.
    sigset_t all, was;
    sigfillset(&all);
    (void)pthread_sigmask(SIG_SETMASK, &all, &was);
    *runs = pthread_create(t, NULL, run, l) == 0;
    (void)pthread_sigmask(SIG_SETMASK, &was, NULL);
    return *runs ? 0 : err_set(e, "cannot start a thread; check the limit on processes");
}

static int open_all(struct chain_line *l, struct book *book, struct err *e)
{
    struct chain_block at;
    uint64_t seq;
    if (access(l->cfg.db, F_OK) != 0)
        return err_set(e, "%s is not there: `tripline chain index --db %s` makes it from the chain",
                       l->cfg.db, l->cfg.db);
    if (open_nodes(l, e) != 0 || open_link(l, l->cfg.stop, e) != 0 || chain_states_bring(l, &seq, e) != 0 ||
        line_load(l, seq, book, &at, e) != 0 || chain_exits_open(l, &at.hash, e) != 0 ||
        chain_exits_contract(l, &at.hash, e) != 0 || chain_quotes_open(l, &book->market, e) != 0 ||
        open_link(l, &l->stop, e) != 0 || chain_states_open(l, seq, e) != 0 || book_pair(book, e) != 0 ||
        open_orders(l, at.number, e) != 0)
        return -1;
    l->cfg.stop = NULL;
    return start(&l->states_thread, &l->states_run, chain_states_run, l, e) != 0 ||
                   start(&l->quotes_thread, &l->quotes_run, chain_quotes_run, l, e) != 0
               ? -1
               : 0;
}

struct chain_line *chain_line_open(const struct chain_line_config *c, struct book *book, struct err *e)
{
    struct chain_line *l = calloc(1, sizeof *l);
    if (!l) {
        err_set(e, "out of memory for the chain's line");
        return NULL;
    }
    if (line_init(l, c, e) == 0 && open_all(l, book, e) == 0)
        return l;
    chain_line_close(l);
    return NULL;
}

// ---- afterwards

struct gateway *chain_line_gateway(struct chain_line *l)
{
    return &l->base;
}

int chain_line_failed(const struct chain_line *l, struct err *e)
{
    struct err why;
    if (__atomic_load_n(&l->failed, __ATOMIC_ACQUIRE))
        return err_set(e, "%s", l->why.msg); // never changes once it is there
    return l->orders && gateway_evm_failed(l->orders, &why) ? err_set(e, "transactions: %.480s", why.msg) : 0;
}

bool chain_line_earlier(const struct chain_line *l, const struct order_key *k)
{
    return gateway_evm_earlier(l->orders, k);
}

void chain_line_counters(struct chain_line *l, struct chain_line_counters *out)
{
    (void)pthread_mutex_lock(&l->lock);
    *out = l->n;
    (void)pthread_mutex_unlock(&l->lock);
    gateway_evm_counters(l->orders, &out->orders);
    out->block = __atomic_load_n(&l->block, __ATOMIC_ACQUIRE);
}

const struct hist *chain_line_receipts(const struct chain_line *l)
{
    return &l->receipts;
}

void chain_line_close(struct chain_line *l)
{
    if (!l)
        return;
    __atomic_store_n(&l->stop, 1, __ATOMIC_RELEASE);
    if (l->states_run)
        (void)pthread_join(l->states_thread, NULL);
    if (l->quotes_run)
        (void)pthread_join(l->quotes_thread, NULL);
    gateway_close(l->orders);
    follower_close(l->follower);
    chain_link_close(l->link);
    nodes_free(l->nodes);
    price_feed_free(l->quotes.feed);
    for (int i = 0; i < MARKETS; i++)
        free(l->market[i]);
    free(l->user);
    free(l->epoch);
    free(l->pool);
    free(l->told_mem);
    free(l->states_mem);
    (void)pthread_mutex_destroy(&l->lock);
    free(l);
}
