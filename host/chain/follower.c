// SPDX-License-Identifier: Apache-2.0
// The phases of a follower and the way along the chain.
#include "chain/follower.h"

#include <stdarg.h>
#include <stdlib.h>

#include "chain/follower_inside.h"
#include "evm/address.h"

enum {
    RANGE_MOST = 10000,
    RANGE_FIRST = 2000,
    CONFIRM = 8,
    GAP = 64, // further behind, the logs of many blocks are taken at once
};

// POOL_REVISION -> rule, as read from the contracts of these versions.
static const struct {
    uint64_t revision;
    const char *rule;
} revisions[] = {{1, "aave-1.19"}, {10, "aave-3.6"}};

__attribute__((format(printf, 3, 4))) static int follower_fatal(struct follower *f, struct err *e,
                                                                const char *fmt, ...)
{
    va_list ap;
    va_start(ap, fmt);
    f->fatal = true;
    (void)vsnprintf(e->msg, sizeof e->msg, fmt, ap);
    va_end(ap);
    return -1;
}

// ---- opening

static int allocate(struct follower *f, struct err *e)
{
    f->market = calloc(1, sizeof *f->market);
    f->next_market = calloc(1, sizeof *f->next_market);
    f->before = calloc(1, sizeof *f->before);
    bool all = f->market && f->next_market && f->before;
    for (size_t i = 0; i < CHAIN_READ_ACCOUNTS; i++)
        all &= (f->account[i] = calloc(1, sizeof *f->account[i])) != NULL;
    return all ? 0 : err_set(e, "out of memory");
}

static int use_rule(struct follower *f, const char *name, struct err *e)
{
    f->rule = rule_find(name);
    if (!f->rule || strlen(f->rule->name) >= sizeof f->meta.rule)
        return err_set(
            e, "this tripline has no rule '%s': `tripline rule list` names them, --rule chooses one", name);
    memset(f->meta.rule, 0, sizeof f->meta.rule);
    memcpy(f->meta.rule, f->rule->name, strlen(f->rule->name)); // name may be what is written over
    return 0;
}

static int load(struct follower *f, struct err *e)
{
    char text[ADDRESS_TEXT];
    static const struct evm_address any;
    struct evm_address pool = f->cfg.pool;
    if (tables_meta_get(&f->t, &f->meta, &f->pool, e) || store_live_read_market(f->t.store, f->market, e))
        return -1;
    address_format(&f->pool.pool, text);
    if (!address_equal(&pool, &f->pool.pool) && !address_equal(&pool, &any))
        return err_set(e, "%s follows the pool %s: name that one, or another store", f->cfg.db, text);
    if (f->cfg.chain_id && f->cfg.chain_id != f->meta.chain_id)
        return err_set(e, "%s is of chain %llu, the node of chain %llu: name another store or node",
                       f->cfg.db, (unsigned long long)f->meta.chain_id, (unsigned long long)f->cfg.chain_id);
    if (f->cfg.again)
        f->meta.phase = PHASE_NEW;
    return use_rule(f, f->cfg.rule ? f->cfg.rule : f->meta.rule, e);
}

static int open_store(struct follower *f, struct err *e)
{
    bool empty;
    f->t.store = store_live_open(f->cfg.db, &empty, e);
    if (!f->t.store)
        return -1;
    int rc = empty ? 0 : tables_exist(&f->t, e);
    if (rc == 0 && !empty)
        return err_set(e, "%s has accounts that are not from a chain: name a new store with --db", f->cfg.db);
    if (rc == 1)
        return load(f, e);
    if (rc == 0 && address_equal(&f->cfg.pool, &(struct evm_address){{0}}))
        return err_set(e, "%s has no pool yet: name it with --pool", f->cfg.db);
    for (unsigned i = 0; i < CHAIN_RESERVES_MAX; i++)
        f->pool.reserve[i] = (struct chain_reserve){.instrument = UINT16_MAX};
    f->pool.pool = f->cfg.pool;
    f->meta = (struct chain_meta){.phase = PHASE_NEW, .from = f->cfg.from};
    return rc;
}

struct follower *follower_open(const struct follower_config *cfg, struct chain_link *link, struct err *e)
{
    struct follower *f = calloc(1, sizeof *f);
    if (!f) {
        err_set(e, "out of memory");
        return NULL;
    }
    chain_topics_init();
    f->cfg = *cfg;
    f->cfg.range_most = cfg->range_most ? cfg->range_most : RANGE_MOST;
    f->cfg.confirm = cfg->confirm ? cfg->confirm : CONFIRM;
    f->range = f->cfg.range_most < RANGE_FIRST ? f->cfg.range_most : RANGE_FIRST;
    f->link = link;
    prng_seed(&f->rng, cfg->seed);
    if (allocate(f, e) || open_store(f, e)) {
        follower_close(f);
        return NULL;
    }
    return f;
}

void follower_close(struct follower *f)
{
    if (!f)
        return;
    tables_close(&f->t);
    store_live_close(f->t.store);
    for (size_t i = 0; i < CHAIN_READ_ACCOUNTS; i++)
        free(f->account[i]);
    free(f->touched.user);
    free(f->changed);
    free(f->before);
    free(f->market);
    free(f->next_market);
    free(f);
}

const struct chain_meta *follower_meta(const struct follower *f)
{
    return &f->meta;
}
const struct chain_pool *follower_pool(const struct follower *f)
{
    return &f->pool;
}
const struct market *follower_market(const struct follower *f)
{
    return f->market;
}
const struct follower_counters *follower_counters(const struct follower *f)
{
    return &f->n;
}

static void begin_step(struct follower *f)
{
    touched_clear(&f->touched);
    f->n_changed = 0;
    f->next_pool = f->pool;
    memcpy(f->next_market, f->market, sizeof *f->market);
}

// ---- the chain

static int take_chain_id(void *to, size_t i, const struct chain_answer *a, struct err *e)
{
    (void)i;
    return a->ok && rpc_json_quantity(a->result, to) == 0 ? 0
                                                          : err_set(e, "the node does not tell its chain");
}

static int check_chain(struct follower *f, struct err *e)
{
    const struct chain_call c = {"eth_chainId", "[]"};
    uint64_t id = 0;
    if (chain_ask(f->link, &c, 1, take_chain_id, &id, e))
        return -1;
    uint64_t expected = f->meta.chain_id ? f->meta.chain_id : f->cfg.chain_id;
    if (expected && expected != id)
        return follower_fatal(f, e, "the node is of chain %llu, not %llu: name another node",
                              (unsigned long long)id, (unsigned long long)expected);
    f->meta.chain_id = id;
    f->checked = true;
    return 0;
}

// A block that is deep enough to stay; found false where the node has lost it meanwhile.
static int confirmed(struct follower *f, const struct chain_block *head, struct chain_block *out,
                     struct err *e)
{
    bool found;
    if (head->number <= f->cfg.confirm) {
        *out = *head;
        return 0;
    }
    if (chain_read_number(f->link, head->number - f->cfg.confirm, out, &found, e))
        return -1;
    return found ? 0 : err_set(e, "the node does not have the block before its own head");
}

// 1 it is the chain's block of that number, 0 not, -1.
static int canonical(struct follower *f, uint64_t number, const struct word *hash, struct err *e)
{
    struct chain_block b;
    bool found;
    if (chain_read_number(f->link, number, &b, &found, e))
        return -1;
    return found && word_equal(&b.hash, hash);
}

// ---- from nothing to the first state

static int choose_rule(struct follower *f, struct err *e)
{
    for (size_t i = 0; i < sizeof revisions / sizeof *revisions; i++)
        if (revisions[i].revision == f->next_pool.revision)
            return use_rule(f, f->cfg.rule ? f->cfg.rule : revisions[i].rule, e);
    if (f->cfg.rule)
        return use_rule(f, f->cfg.rule, e);
    return follower_fatal(
        f, e,
        "the pool's revision is %llu, of which this tripline does not know the rule: choose it"
        " with --rule",
        (unsigned long long)f->next_pool.revision);
}

// Begins the search (again) up to a block near the head; everybody known is read again.
static int begin_finding(struct follower *f, uint64_t from, struct err *e)
{
    struct chain_block head, at;
    bool created = f->market->n_instruments == 0;
    begin_step(f);
    f->touched.wanted.settings = true;
    if (chain_read_head(f->link, &head, e) || confirmed(f, &head, &at, e) ||
        chain_read_market(f->link, &at.hash, &f->touched.wanted, &f->next_pool, f->next_market, e) ||
        (!f->rule && choose_rule(f, e)))
        return -1;
    struct chain_meta next = f->meta;
    next.phase = PHASE_FINDING;
    next.search_next = from;
    next.at = at;
    if (store_live_begin(f->t.store, e))
        return -1;
    if (store_live_market(f->t.store, f->next_market, e) || (created && tables_create(&f->t, e)) ||
        tables_run(&f->t, SQL_FOUND_ALL, e, "") || tables_run(&f->t, SQL_ANCHORS_CLEAR, e, "") ||
        tables_run(&f->t, SQL_BLOCKS_CLEAR, e, "") ||
        tables_run(&f->t, SQL_FORGET_TOUCHED, e, "i", UINT64_C(0)) ||
        tables_meta_put(&f->t, &next, &f->next_pool, e) || store_live_commit(f->t.store, e)) {
        store_live_rollback(f->t.store);
        tables_close(&f->t); // statements of tables that are not there after all
        return -1;
    }
    f->meta = next;
    f->pool = f->next_pool;
    f->has_anchor = false;
    memcpy(f->market, f->next_market, sizeof *f->market);
    return 1;
}

static int put_found(struct follower *f, const struct chain_meta *next, struct err *e)
{
    if (store_live_begin(f->t.store, e))
        return -1;
    for (size_t i = 0; i < f->touched.n; i++)
        if (tables_run(&f->t, SQL_FOUND_PUT, e, "a", f->touched.user[i].user.b))
            return -1;
    return tables_meta_put(&f->t, next, &f->pool, e) || store_live_commit(f->t.store, e) ? -1 : 0;
}

static int step_finding(struct follower *f, struct err *e)
{
    struct chain_meta next = f->meta;
    uint64_t first = f->meta.search_next, last = f->meta.at.number;
    begin_step(f);
    if (first <= last) {
        uint64_t end = last - first < f->range ? last : first + f->range - 1;
        int rc = follower_logs(f, &f->pool, first, end, NULL, true, &f->touched, e);
        if (rc != 1 && f->range == 1)
            return -1;
        if (rc != 1) {
            f->range = (f->range + 1) / 2;
            f->n.halved++;
            return rc < 0 ? -1 : 1;
        }
        next.search_next = end + 1;
        f->range = f->range * 2 < f->cfg.range_most ? f->range * 2 : f->cfg.range_most;
    }
    if (next.search_next > last)
        next.phase = PHASE_READING;
    if (put_found(f, &next, e)) {
        store_live_rollback(f->t.store);
        return -1;
    }
    f->meta = next;
    if (f->cfg.hooks.progress)
        f->cfg.hooks.progress(f->cfg.hooks.ctx, "finding", next.search_next - f->meta.from,
                              last + 1 - f->meta.from);
    return 1;
}

// Everything has been read. All anchors must still be of the chain: else what was read there is worth
// nothing.
static int end_reading(struct follower *f, struct err *e)
{
    struct chain_meta next = f->meta;
    struct word hash;
    uint64_t number, most = f->meta.at.number;
    int rc, ok = canonical(f, f->meta.at.number, &f->meta.at.hash, e);
    for (rc = tables_row(&f->t, SQL_ANCHORS, e, ""); rc == 1 && ok == 1;
         rc = tables_row(&f->t, SQL_ANCHORS, e, NULL)) {
        number = tables_u64(&f->t, SQL_ANCHORS, 0);
        most = number > most ? number : most;
        ok = tables_blob(&f->t, SQL_ANCHORS, 1, hash.b, WORD_BYTES) ? 0 : canonical(f, number, &hash, e);
    }
    tables_end(&f->t, SQL_ANCHORS);
    if (rc < 0 || ok < 0)
        return -1;
    if (ok == 0) {
        uint64_t back = f->meta.at.number > CHAIN_UNDO_BLOCKS ? f->meta.at.number - CHAIN_UNDO_BLOCKS : 0;
        return begin_finding(f, back > f->meta.from ? back : f->meta.from, e);
    }
    next.settle_to = most;
    next.phase = most > f->meta.at.number ? PHASE_SETTLING : PHASE_FOLLOWING;
    next.seq++;
    const struct chain_block *b = &next.at;
    if (store_live_begin(f->t.store, e))
        return -1;
    if (tables_run(&f->t, SQL_ANCHORS_CLEAR, e, "") ||
        tables_run(&f->t, SQL_BLOCK_PUT, e, "iiww", b->number, b->timestamp, b->hash.b, b->parent.b) ||
        tables_meta_put(&f->t, &next, &f->pool, e) || store_live_commit(f->t.store, e)) {
        store_live_rollback(f->t.store);
        return -1;
    }
    f->meta = next;
    return 1;
}

// Where accounts are read: the block of the search, and when the node no longer has its state, one near the
// head.
static int next_anchor(struct follower *f, struct err *e)
{
    struct chain_block head, at;
    const struct chain_wanted all = {.settings =
                                         true}; // there may be reserves that the first block did not have
    begin_step(f);
    if (chain_read_head(f->link, &head, e) || confirmed(f, &head, &at, e) ||
        chain_read_market(f->link, &at.hash, &all, &f->next_pool, f->next_market, e) ||
        store_live_begin(f->t.store, e))
        return -1;
    if (store_live_market(f->t.store, f->next_market, e) ||
        tables_meta_put(&f->t, &f->meta, &f->next_pool, e) ||
        tables_run(&f->t, SQL_ANCHOR_PUT, e, "iw", at.number, at.hash.b) ||
        store_live_commit(f->t.store, e)) {
        store_live_rollback(f->t.store);
        return -1;
    }
    f->anchor = at;
    f->pool = f->next_pool;
    memcpy(f->market, f->next_market, sizeof *f->market);
    f->has_anchor = true;
    f->n.anchors++;
    return 0;
}

static int read_found(struct follower *f, const struct chain_block *at, size_t n, struct err *e)
{
    for (size_t i = 0; i < n; i++)
        if (tables_run(&f->t, SQL_FOUND_DONE, e, "a", f->touched.user[i].user.b))
            return -1;
    return follower_read(f, &at->hash, f->touched.user, n, e) ||
                   tables_meta_put(&f->t, &f->meta, &f->pool, e) || store_live_commit(f->t.store, e)
               ? -1
               : 0;
}

static int step_reading(struct follower *f, struct err *e)
{
    const struct chain_block *at = f->has_anchor ? &f->anchor : &f->meta.at;
    const uint32_t last_id = f->meta.last_id;
    struct evm_address user;
    uint64_t left = 0, accounts = 0;
    begin_step(f);
    int rc = tables_row(&f->t, SQL_FOUND, e, "i", (uint64_t)CHAIN_READ_ACCOUNTS);
    for (; rc == 1; rc = tables_row(&f->t, SQL_FOUND, e, NULL))
        if (tables_blob(&f->t, SQL_FOUND, 0, user.b, ADDRESS_BYTES) == 0 &&
            touched_add(&f->touched, &user, true, e))
            break;
    tables_end(&f->t, SQL_FOUND);
    if (rc)
        return -1;
    if (f->touched.n == 0)
        return end_reading(f, e);
    if (store_live_begin(f->t.store, e))
        return -1;
    if (read_found(f, at, f->touched.n, e)) {
        struct err ignored;
        store_live_rollback(f->t.store);
        f->meta.last_id = last_id;
        (void)next_anchor(f, &ignored);
        return -1;
    }
    if (f->cfg.hooks.progress && tables_count(&f->t, SQL_FOUND_COUNT, &left, e) == 0 &&
        tables_count(&f->t, SQL_ACCOUNTS, &accounts, e) == 0)
        f->cfg.hooks.progress(f->cfg.hooks.ctx, "reading", accounts, accounts + left);
    return 1;
}

// ---- along the chain

static int touch_key(struct follower *f, struct err *e)
{
    struct evm_address user;
    uint8_t key;
    if (tables_blob(&f->t, SQL_TOUCHED, 0, user.b, ADDRESS_BYTES) == 0)
        return touched_add(&f->touched, &user, false, e);
    if (tables_blob(&f->t, SQL_TOUCHED, 0, &key, sizeof key))
        return err_set(e, "%s: table chain_touched is damaged: index again into a new store", f->cfg.db);
    if (key < CHAIN_RESERVES_MAX)
        f->touched.wanted.reserve[key] = true;
    else
        f->touched.wanted.settings = true;
    return 0;
}

// Back to the youngest block of ours that the chain still has.
static int step_back(struct follower *f, struct err *e)
{
    struct chain_block b;
    uint64_t below = f->meta.at.number + 1;
    int rc;
    for (;;) {
        rc = tables_row(&f->t, SQL_BLOCK_BEFORE, e, "i", below);
        if (rc < 0)
            return -1;
        if (rc == 0)
            return follower_fatal(
                f, e,
                "the node's chain and %s part before block %llu, the oldest that is kept: if the node"
                " is right, search again with --again",
                f->cfg.db, (unsigned long long)below);
        b.number = tables_u64(&f->t, SQL_BLOCK_BEFORE, 0);
        b.timestamp = tables_u64(&f->t, SQL_BLOCK_BEFORE, 1);
        rc = tables_blob(&f->t, SQL_BLOCK_BEFORE, 2, b.hash.b, WORD_BYTES) |
             tables_blob(&f->t, SQL_BLOCK_BEFORE, 3, b.parent.b, WORD_BYTES);
        tables_end(&f->t, SQL_BLOCK_BEFORE);
        if (rc)
            return err_set(e, "%s: table chain_blocks is damaged: index again into a new store", f->cfg.db);
        rc = canonical(f, b.number, &b.hash, e);
        if (rc < 0)
            return -1;
        if (rc == 1)
            break;
        below = b.number;
    }
    if (b.number == f->meta.at.number)
        return 0; // it has come back meanwhile
    begin_step(f);
    rc = tables_row(&f->t, SQL_TOUCHED, e, "i", b.number);
    for (; rc == 1; rc = tables_row(&f->t, SQL_TOUCHED, e, NULL))
        if (touch_key(f, e))
            break;
    tables_end(&f->t, SQL_TOUCHED);
    return rc || follower_apply(f, &b, true, e) ? -1 : 1;
}

// Logs of first..b, of b alone by its hash. Of a reserve that is listed in these blocks its tokens are not
// asked yet: whoever comes to have some of it is named by the pool too (collateral enabled, Borrow).
static int gather(struct follower *f, uint64_t first, const struct chain_block *b, struct err *e)
{
    if (first == b->number)
        return follower_logs(f, &f->pool, first, first, &b->hash, false, &f->touched, e) - 1;
    return follower_log_ranges(f, &f->pool, first, b->number, &f->touched, e);
}

static int advance(struct follower *f, uint64_t first, const struct chain_block *b, struct err *e)
{
    return gather(f, first, b, e) || follower_apply(f, b, false, e) ? -1 : 1;
}

// Many blocks at once: their logs, then the state at the last one. Both ends must be of the chain when it is
// done, then so is everything between.
static int leap(struct follower *f, const struct chain_block *head, struct err *e)
{
    struct chain_block b;
    uint64_t first = f->meta.at.number + 1;
    begin_step(f);
    if (confirmed(f, head, &b, e))
        return -1;
    if (b.number < f->meta.settle_to || b.number < first)
        b = *head;
    if (gather(f, first, &b, e))
        return -1;
    int here = canonical(f, f->meta.at.number, &f->meta.at.hash, e);
    int there = here == 1 ? canonical(f, b.number, &b.hash, e) : here;
    if (there != 1)
        return there < 0 ? -1 : err_set(e, "the chain reorganised while logs were read");
    return follower_apply(f, &b, false, e) ? -1 : 1;
}

// The node's head is below our block: it lags, unless it has another chain.
static int look_behind(struct follower *f, const struct chain_block *head, struct err *e)
{
    struct word hash;
    int rc = tables_row(&f->t, SQL_BLOCK_BEFORE, e, "i", head->number + 1);
    bool same = rc == 1 && tables_u64(&f->t, SQL_BLOCK_BEFORE, 0) == head->number &&
                tables_blob(&f->t, SQL_BLOCK_BEFORE, 2, hash.b, WORD_BYTES) == 0 &&
                word_equal(&hash, &head->hash);
    bool none = rc == 0 || (rc == 1 && tables_u64(&f->t, SQL_BLOCK_BEFORE, 0) != head->number);
    tables_end(&f->t, SQL_BLOCK_BEFORE);
    return rc < 0 ? -1 : same || none ? 0 : step_back(f, e);
}

static int step_following(struct follower *f, struct err *e)
{
    struct chain_block head, next;
    bool found, settling = f->meta.phase == PHASE_SETTLING;
    const struct chain_block *at = &f->meta.at;
    if (chain_read_head(f->link, &head, e))
        return -1;
    if (head.number < at->number)
        return look_behind(f, &head, e);
    if (head.number == at->number && !settling)
        return word_equal(&head.hash, &at->hash) ? 0 : step_back(f, e);
    if (settling && head.number < f->meta.settle_to)
        return 0;
    int here = head.number - at->number > GAP || settling ? canonical(f, at->number, &at->hash, e) : 1;
    if (here != 1)
        return here < 0 ? -1 : settling ? begin_finding(f, f->meta.from, e) : step_back(f, e);
    if (head.number - at->number > GAP || settling)
        return leap(f, &head, e);
    if (chain_read_number(f->link, at->number + 1, &next, &found, e))
        return -1;
    if (!found)
        return 0;
    if (!word_equal(&next.parent, &at->hash))
        return step_back(f, e);
    begin_step(f);
    return advance(f, next.number, &next, e);
}

static int step(struct follower *f, struct err *e)
{
    if (!f->checked && check_chain(f, e))
        return -1;
    switch (f->meta.phase) {
    case PHASE_NEW:
        return begin_finding(f, f->meta.from, e);
    case PHASE_FINDING:
        return step_finding(f, e);
    case PHASE_READING:
        return step_reading(f, e);
    default:
        break;
    }
    if (f->meta.phase == PHASE_FOLLOWING && !f->told_ready) {
        f->told_ready = true;
        if (f->cfg.hooks.ready)
            f->cfg.hooks.ready(f->cfg.hooks.ctx, f->meta.seq, &f->meta.at);
        return 1;
    }
    int rc = step_following(f, e);
    if (rc == 1 && f->cfg.audit)
        follower_audit_block(f);
    return rc;
}

enum follower_result follower_step(struct follower *f, struct err *e)
{
    int rc = step(f, e);
    return rc < 0 ? f->fatal ? FOLLOWER_FATAL : FOLLOWER_RETRY : rc ? FOLLOWER_WORKED : FOLLOWER_IDLE;
}
