// SPDX-License-Identifier: Apache-2.0
// From what was touched to the store: read at one block, written in one transaction, then told.
#include <stdlib.h>

#include "accounts/book.h"
#include "chain/follower_inside.h"
#include "evm/address.h"

// Keys of chain_touched: an address, a reserve's id as one byte, or this.
static const uint8_t KEY_SETTINGS = 0xff;

// ---- accounts

static void name_account(struct account *a, const struct evm_address *user)
{
    char text[ADDRESS_TEXT];
    address_format(user, text);
    (void)snprintf(a->name, sizeof a->name, "%.10s..%s", text, text + ADDRESS_TEXT - 1 - 8);
}

static bool owes(const struct account *a)
{
    for (unsigned i = 0; i < a->n_positions; i++)
        if (a->position[i].debt)
            return true;
    return false;
}

bool follower_same(const struct account *a, const struct account *b)
{
    if (a->n_positions != b->n_positions || a->emode != b->emode || a->rule != b->rule)
        return false;
    for (unsigned i = 0; i < a->n_positions; i++) {
        const struct position *x = &a->position[i], *y = &b->position[i];
        if (x->instrument != y->instrument || x->collateral != y->collateral || x->supply != y->supply ||
            x->debt != y->debt)
            return false;
    }
    return true;
}

static int note_change(struct follower *f, uint32_t id, bool added, bool held, struct err *e)
{
    if (f->n_changed == f->changed_room) {
        size_t room = f->changed_room ? 2 * f->changed_room : 256;
        void *p = realloc(f->changed, room * sizeof *f->changed);
        if (!p)
            return err_set(e, "out of memory");
        f->changed = p;
        f->changed_room = room;
    }
    f->changed[f->n_changed++] = (struct changed){id, added, held};
    f->n.added += added;
    f->n.held += held;
    return 0;
}

// *a has what the chain says; id 0: not an account yet.
static int put_account(struct follower *f, struct account *a, const struct evm_address *user, uint32_t id,
                       bool odd, struct err *e)
{
    struct err why;
    bool added = id == 0;
    if (added && !odd && !owes(a))
        return 0; // everybody who never owed: nothing of theirs can be liquidated
    a->id = added ? f->meta.last_id + 1 : id;
    name_account(a, user);
    a->rule = f->rule;
    a->epoch = 0;
    bool held = odd || account_validate(f->next_market, a, &why);
    if (held)
        a->n_positions = 0;
    if (added) {
        f->meta.last_id++;
        if (tables_run(&f->t, SQL_ACCOUNT_PUT, e, "ai", user->b, (uint64_t)a->id))
            return -1;
    } else {
        int rc = store_live_get(f->t.store, id, f->before, e);
        if (rc < 0 || (rc == 1 && follower_same(a, f->before)))
            return rc < 0 ? -1 : 0;
        a->epoch = rc == 1 ? f->before->epoch + 1 : 0;
    }
    return store_live_put(f->t.store, f->next_market, a, e) ? -1 : note_change(f, a->id, added, held, e);
}

int follower_read(struct follower *f, const struct word *hash, const struct touched_user *u, size_t n,
                  struct err *e)
{
    struct evm_address user[CHAIN_READ_ACCOUNTS];
    uint32_t id[CHAIN_READ_ACCOUNTS];
    bool odd[CHAIN_READ_ACCOUNTS];
    size_t k = 0;
    for (size_t i = 0; i < n; i++) {
        uint32_t known = 0;
        int rc = tables_id(&f->t, &u[i].user, &known, e);
        if (rc < 0)
            return -1;
        if (rc == 1 || u[i].borrow) {
            user[k] = u[i].user;
            id[k++] = known;
        }
    }
    if (k && chain_read_accounts(f->link, hash, &f->next_pool, user, k, f->account, odd, e))
        return -1;
    f->n.accounts += k;
    for (size_t i = 0; i < k; i++)
        if (put_account(f, f->account[i], &user[i], id[i], odd[i], e))
            return -1;
    return 0;
}

// ---- one block

static bool any_reserve(const struct chain_wanted *w)
{
    for (unsigned i = 0; i < CHAIN_RESERVES_MAX; i++)
        if (w->reserve[i])
            return true;
    return false;
}

// So that a way back knows what this block changed. Users who are no accounts need not be read then.
static int put_touched(struct follower *f, uint64_t number, struct err *e)
{
    const struct touched *t = &f->touched;
    for (size_t i = 0; i < t->n; i++) {
        uint32_t id;
        int rc = tables_id(&f->t, &t->user[i].user, &id, e);
        if (rc < 0 || (rc == 1 && tables_run(&f->t, SQL_TOUCH, e, "ia", number, t->user[i].user.b)))
            return -1;
    }
    for (unsigned i = 0; i < CHAIN_RESERVES_MAX; i++) {
        uint8_t key = (uint8_t)i;
        if (t->wanted.reserve[i] && tables_run(&f->t, SQL_TOUCH, e, "ik", number, &key, sizeof key))
            return -1;
    }
    return t->wanted.settings
               ? tables_run(&f->t, SQL_TOUCH, e, "ik", number, &KEY_SETTINGS, sizeof KEY_SETTINGS)
               : 0;
}

static int put_block(struct follower *f, const struct chain_block *b, bool undone, struct err *e)
{
    // What was read on a way back is read again on the next one: of an account that a lost block was the
    // first to name, nobody has kept what the blocks before that one had changed.
    if (undone)
        return tables_run(&f->t, SQL_FORGET_BLOCKS, e, "i", b->number) ||
                       tables_run(&f->t, SQL_FORGET_TOUCHED, e, "i", b->number) ||
                       put_touched(f, b->number, e)
                   ? -1
                   : 0;
    return put_touched(f, b->number, e) ||
                   tables_run(&f->t, SQL_BLOCK_PUT, e, "iiww", b->number, b->timestamp, b->hash.b,
                              b->parent.b) ||
                   tables_run(&f->t, SQL_PRUNE_BLOCKS, e, "i", (uint64_t)CHAIN_UNDO_BLOCKS) ||
                   tables_run(&f->t, SQL_PRUNE_TOUCHED, e, "")
               ? -1
               : 0;
}

static int apply_in_transaction(struct follower *f, const struct chain_block *b, bool undone, bool market,
                                struct err *e)
{
    const struct touched *t = &f->touched;
    if (market && store_live_market(f->t.store, f->next_market, e))
        return -1;
    for (size_t i = 0; i < t->n; i += CHAIN_READ_ACCOUNTS) {
        size_t k = t->n - i < CHAIN_READ_ACCOUNTS ? t->n - i : CHAIN_READ_ACCOUNTS;
        if (follower_read(f, &b->hash, &t->user[i], k, e))
            return -1;
    }
    f->meta.at = *b;
    f->meta.phase = PHASE_FOLLOWING;
    f->meta.seq++;
    return put_block(f, b, undone, e) || tables_meta_put(&f->t, &f->meta, &f->next_pool, e) ||
                   store_live_commit(f->t.store, e)
               ? -1
               : 0;
}

static int tell(struct follower *f, bool undone, bool market, bool grown, struct err *e)
{
    const struct chain_hooks *h = &f->cfg.hooks;
    const struct chain_block *at = &f->meta.at;
    struct evm_address user;
    if (!f->told_ready) // the state that `ready` is about is only being made
        return 0;
    if (h->begin)
        h->begin(h->ctx, f->meta.seq, at, undone);
    if (market && h->market)
        h->market(h->ctx, f->market, grown);
    for (size_t i = 0; h->account && i < f->n_changed; i++) {
        if (store_live_get(f->t.store, f->changed[i].id, f->before, e) != 1 ||
            tables_address(&f->t, f->changed[i].id, &user, e) != 1)
            return err_set(e, "%s: account %u cannot be read back", f->cfg.db, f->changed[i].id);
        h->account(h->ctx, f->before, &user, f->changed[i].added);
    }
    for (size_t i = 0; h->hold && i < f->n_changed; i++)
        if (f->changed[i].held)
            h->hold(h->ctx, f->changed[i].id,
                    "it has a debt at a stable rate or a balance beyond what the rule takes");
    if (f->touched.sources && h->sources)
        h->sources(h->ctx, &f->pool);
    if (h->end)
        h->end(h->ctx, f->meta.seq, at);
    return 0;
}

int follower_apply(struct follower *f, const struct chain_block *b, bool undone, struct err *e)
{
    const struct chain_meta before = f->meta;
    const struct chain_wanted *w = &f->touched.wanted;
    bool market = w->settings || any_reserve(w);
    f->n_changed = 0;
    touched_sort(&f->touched);
    if (market && chain_read_market(f->link, &b->hash, w, &f->next_pool, f->next_market, e))
        return -1;
    if (store_live_begin(f->t.store, e))
        return -1;
    if (apply_in_transaction(f, b, undone, market, e)) {
        store_live_rollback(f->t.store);
        f->meta = before;
        return -1;
    }
    bool grown = f->next_market->n_instruments != f->market->n_instruments;
    f->n.blocks += !undone;
    f->n.reorgs += undone;
    f->n.undone += undone ? before.at.number - b->number : 0;
    f->n.reserves += market;
    f->pool = f->next_pool;
    if (market)
        memcpy(f->market, f->next_market, sizeof *f->market);
    return tell(f, undone, market, grown, e);
}
