// SPDX-License-Identifier: Apache-2.0
#include "exec/evm/txlog.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/bytes.h"
#include "journal/journal.h"

// Types of this file's records; the journal does not interpret them.
enum { T_CHAIN = 1, T_SIGNED = 2, T_RETIRED = 3, T_SENT = 4, T_ENDED = 5, T_ORDERS = 6, T_GIVEN = 7 };
enum {
    VERSION = 1,
    CHAIN_BYTES = 1 + 8,
    SIGNED_HEAD = 8 + 1 + ORDER_KEY_BYTES + ADDRESS_BYTES + 8 + WORD_BYTES + 8,
    SERIAL_BYTES = 8,
    ENDED_BYTES = ADDRESS_BYTES + 8,
    RING_BYTES = 1 << 20, // far more than is signed while one fdatasync takes
};
#define NEW_SUFFIX ".compact" // beside the file while it is being made

struct orders {
    struct order_key key[TXLOG_ORDERS_MAX];
    size_t n;
};
struct txlog {
    struct journal *journal;
    uint64_t chain_id, serial;
    bool chain_seen;
    struct txlog_found *found;
    size_t n, room;
    struct orders *orders;
    size_t n_orders, orders_room;
};

// ---- what is there

static int add_found(struct txlog *l, const struct txlog_signed *t)
{
    if (l->n == l->room) {
        size_t room = l->room ? 2 * l->room : 64;
        struct txlog_found *p = realloc(l->found, room * sizeof *p);
        if (!p)
            return -1;
        l->found = p;
        l->room = room;
    }
    uint8_t *raw = malloc(t->n);
    if (!raw)
        return -1;
    memcpy(raw, t->raw, t->n);
    l->found[l->n] = (struct txlog_found){.tx = *t};
    l->found[l->n++].tx.raw = raw;
    return 0;
}

static void drop_found(struct txlog *l, size_t i)
{
    free((void *)(uintptr_t)l->found[i].tx.raw);
    l->n--;
    memmove(l->found + i, l->found + i + 1, (l->n - i) * sizeof *l->found);
}

static int signed_decode(const uint8_t *p, size_t n, struct txlog_signed *t)
{
    if (n <= SIGNED_HEAD)
        return -1;
    struct tx_decoded d;
    struct evm_address signer;
    t->serial = le64_load(p);
    t->kind = p[8];
    order_key_decode(p + 9, &t->key);
    memcpy(t->sender.b, p + 9 + ORDER_KEY_BYTES, ADDRESS_BYTES);
    p += 9 + ORDER_KEY_BYTES + ADDRESS_BYTES;
    t->nonce = le64_load(p);
    memcpy(t->hash.b, p + 8, WORD_BYTES);
    t->expires_ns = le64_load(p + 8 + WORD_BYTES);
    t->raw = p + 16 + WORD_BYTES;
    t->n = n - SIGNED_HEAD;
    // What is sent again must be what was signed: the bytes speak for themselves.
    return (t->kind == TX_ORDER || t->kind == TX_CANCEL) && tx_decode(t->raw, t->n, &d, NULL) == 0 &&
                   d.tx.nonce == t->nonce && word_equal(&d.hash, &t->hash) && tx_sender(&d, &signer) == 0 &&
                   address_equal(&signer, &t->sender)
               ? 0
               : -1;
}

static int take_given(struct txlog *l, const struct journal_record *r)
{
    uint64_t serial = le64_load(r->data);
    if (!l->chain_seen || serial < l->serial)
        return -1;
    l->serial = serial;
    return 0;
}

static int take_signed(struct txlog *l, const struct journal_record *r)
{
    struct txlog_signed t;
    if (!l->chain_seen || signed_decode(r->data, r->len, &t) || t.serial <= l->serial || add_found(l, &t))
        return -1;
    l->serial = t.serial;
    return 0;
}

static void take_serial(struct txlog *l, const struct journal_record *r)
{
    uint64_t serial = le64_load(r->data);
    for (size_t i = l->n; i-- > 0;) {
        if (l->found[i].tx.serial != serial)
            continue;
        if (r->type == T_SENT)
            l->found[i].sent = true;
        else
            drop_found(l, i);
        return;
    }
}

static void take_ended(struct txlog *l, const struct journal_record *r)
{
    uint64_t nonce = le64_load(r->data + ADDRESS_BYTES);
    for (size_t i = l->n; i-- > 0;)
        if (l->found[i].tx.nonce == nonce && !memcmp(l->found[i].tx.sender.b, r->data, ADDRESS_BYTES))
            drop_found(l, i);
}

static struct orders *orders_of(const struct txlog *l, const struct order_key *k)
{
    for (size_t i = 0; i < l->n_orders; i++)
        if (order_key_cmp(&l->orders[i].key[0], k) == 0)
            return &l->orders[i];
    return NULL;
}

static int take_orders(struct txlog *l, const struct journal_record *r)
{
    struct orders o = {.n = r->len / ORDER_KEY_BYTES};
    if (r->len % ORDER_KEY_BYTES || o.n == 0 || o.n > TXLOG_ORDERS_MAX)
        return -1;
    for (size_t i = 0; i < o.n; i++)
        order_key_decode(r->data + i * ORDER_KEY_BYTES, &o.key[i]);
    struct orders *at = orders_of(l, &o.key[0]);
    if (!at && l->n_orders == l->orders_room) {
        size_t room = l->orders_room ? 2 * l->orders_room : 16;
        struct orders *p = realloc(l->orders, room * sizeof *p);
        if (!p)
            return -1;
        l->orders = p;
        l->orders_room = room;
    }
    if (!at)
        at = &l->orders[l->n_orders++];
    *at = o;
    return 0;
}

const struct order_key *txlog_orders(const struct txlog *l, const struct order_key *k, size_t *n)
{
    const struct orders *o = orders_of(l, k);
    *n = o ? o->n : 0;
    return o ? o->key : NULL;
}

// 0, -1: malformed or no memory, -2: another chain.
static int take(struct txlog *l, const struct journal_record *r)
{
    switch (r->type) {
    case T_CHAIN:
        if (r->len != CHAIN_BYTES || r->data[0] != VERSION)
            return -1;
        l->chain_seen = true;
        return le64_load(r->data + 1) == l->chain_id ? 0 : -2;
    case T_SIGNED:
        return take_signed(l, r);
    case T_RETIRED:
    case T_SENT:
        if (r->len != SERIAL_BYTES)
            return -1;
        take_serial(l, r);
        return 0;
    case T_GIVEN:
        return r->len == SERIAL_BYTES ? take_given(l, r) : -1;
    case T_ENDED:
        if (r->len != ENDED_BYTES)
            return -1;
        take_ended(l, r);
        return 0;
    case T_ORDERS:
        return take_orders(l, r);
    default:
        return -1;
    }
}

static int read_all(struct txlog *l, const char *path, struct err *e)
{
    struct journal_reader *reader;
    struct journal_record r;
    int more = journal_reader_open(path, &reader, e);
    if (more)
        return -1;
    while ((more = journal_next(reader, &r, e)) == 1) {
        int rc = take(l, &r);
        if (rc == 0)
            continue;
        more = rc == -2 ? err_set(e, "%.200s: belongs to another chain, not %" PRIu64, path, l->chain_id)
                        : err_set(e, "%.200s: the record before offset %" PRIu64 " is none of this file's",
                                  path, r.lsn);
        break;
    }
    journal_reader_close(reader);
    return more;
}

// ---- what is put

static void put_chain(struct txlog *l)
{
    uint8_t b[CHAIN_BYTES] = {VERSION};
    le64_store(b + 1, l->chain_id);
    (void)journal_put(l->journal, (enum journal_type)T_CHAIN, b, sizeof b);
}

uint64_t txlog_put_signed(struct txlog *l, const struct txlog_signed *t)
{
    uint8_t head[SIGNED_HEAD], *p = head;
    le64_store(p, t->serial);
    p[8] = t->kind;
    order_key_encode(&t->key, p + 9);
    memcpy(p + 9 + ORDER_KEY_BYTES, t->sender.b, ADDRESS_BYTES);
    p += 9 + ORDER_KEY_BYTES + ADDRESS_BYTES;
    le64_store(p, t->nonce);
    memcpy(p + 8, t->hash.b, WORD_BYTES);
    le64_store(p + 8 + WORD_BYTES, t->expires_ns);
    return journal_put2(l->journal, (enum journal_type)T_SIGNED, head, sizeof head, t->raw, t->n);
}

void txlog_put_orders(struct txlog *l, const struct order_key *key, size_t n)
{
    uint8_t b[TXLOG_ORDERS_MAX * ORDER_KEY_BYTES];
    for (size_t i = 0; i < n; i++)
        order_key_encode(&key[i], b + i * ORDER_KEY_BYTES);
    (void)journal_put(l->journal, (enum journal_type)T_ORDERS, b, n * ORDER_KEY_BYTES);
}

static void put_serial(struct txlog *l, int type, uint64_t serial)
{
    uint8_t b[SERIAL_BYTES];
    le64_store(b, serial);
    (void)journal_put(l->journal, (enum journal_type)type, b, sizeof b);
}

// ---- a file that is mostly of the past is written anew

// Bytes of the records of what is open, about.
static uint64_t open_bytes(const struct txlog *l)
{
    uint64_t n = 0;
    for (size_t i = 0; i < l->n; i++)
        n += SIGNED_HEAD + l->found[i].tx.n;
    return n;
}

// Another name of the file would go on leading to the old one.
static bool worth_compacting(const struct txlog *l, const char *path)
{
    struct stat st;
    return stat(path, &st) == 0 && st.st_size > TXLOG_COMPACT_BYTES && st.st_nlink == 1 &&
           2 * open_bytes(l) < (uint64_t)st.st_size;
}

// Durable when it returns 0.
static int write_new(const struct txlog *l, const char *path, struct err *e)
{
    struct txlog to = {.chain_id = l->chain_id};
    if (journal_open_ring(path, false, RING_BYTES, &to.journal, e))
        return -1;
    put_chain(&to);
    for (size_t i = 0; i < l->n; i++) {
        const struct orders *o = orders_of(l, &l->found[i].tx.key);
        if (o)
            txlog_put_orders(&to, o->key, o->n);
        (void)txlog_put_signed(&to, &l->found[i].tx);
        if (l->found[i].sent)
            put_serial(&to, T_SENT, l->found[i].tx.serial);
    }
    // Last: what has a smaller serial and comes behind it is no record of ours.
    put_serial(&to, T_GIVEN, l->serial);
    return journal_close(to.journal, e);
}

// At every moment the name leads to the old file or the new one, each whole and durable, and both say the
// same; which of them it is after a power loss is settled when the new one is opened, before anything is put.
// The old one stays locked until the name has left it; who waited for that lock finds another file under the
// name and is refused (journal_open).
static int compact(struct txlog *l, const char *path, struct err *e)
{
    struct err ignored;
    char *new = NULL;
    if (asprintf(&new, "%s" NEW_SUFFIX, path) < 0)
        return err_set(e, "%.200s: out of memory", path);
    (void)unlink(new); // of a run that did not come to the end
    // No room beside it, perhaps: then the file is good as it is.
    bool made = write_new(l, new, &ignored) == 0 && rename(new, path) == 0;
    if (!made)
        (void)unlink(new);
    free(new);
    if (!made)
        return 0;
    int rc = journal_close(l->journal, e);
    l->journal = NULL;
    return rc ? -1 : journal_open_ring(path, true, RING_BYTES, &l->journal, e);
}

static int compact_real(struct txlog *l, const char *path, struct err *e)
{
    char *real = realpath(path, NULL); // a symbolic link stays one
    int rc = real && worth_compacting(l, real) ? compact(l, real, e) : 0;
    free(real);
    return rc;
}

int txlog_open(const char *path, uint64_t chain_id, struct txlog **out, struct err *e)
{
    struct txlog *l = calloc(1, sizeof *l);
    if (!l)
        return err_set(e, "%.200s: out of memory", path);
    l->chain_id = chain_id;
    bool there = access(path, F_OK) == 0 || errno != ENOENT;
    // Opened for writing first: only so is what is read then durable, and nobody else adds to it.
    int rc = journal_open_ring(path, there, RING_BYTES, &l->journal, e);
    if (rc == 0)
        rc = read_all(l, path, e);
    if (rc == 0)
        rc = compact_real(l, path, e);
    if (rc == 0 && !l->chain_seen) {
        put_chain(l);
        rc = journal_failed(l->journal, e) ? -1 : 0;
    }
    if (rc) {
        struct err ignored;
        (void)txlog_close(l, &ignored);
        return -1;
    }
    *out = l;
    return 0;
}

const struct txlog_found *txlog_found(const struct txlog *l, size_t *n)
{
    *n = l->n;
    return l->found;
}

void txlog_forget(struct txlog *l)
{
    while (l->n)
        drop_found(l, l->n - 1);
    free(l->found);
    free(l->orders);
    l->found = NULL;
    l->orders = NULL;
    l->room = l->n_orders = l->orders_room = 0;
}

// ---- writing, by its user

uint64_t txlog_next_serial(struct txlog *l)
{
    return ++l->serial;
}

void txlog_put_retired(struct txlog *l, uint64_t serial)
{
    put_serial(l, T_RETIRED, serial);
}

void txlog_put_sent(struct txlog *l, uint64_t serial)
{
    put_serial(l, T_SENT, serial);
}

void txlog_put_ended(struct txlog *l, const struct evm_address *sender, uint64_t nonce)
{
    uint8_t b[ENDED_BYTES];
    memcpy(b, sender->b, ADDRESS_BYTES);
    le64_store(b + ADDRESS_BYTES, nonce);
    (void)journal_put(l->journal, (enum journal_type)T_ENDED, b, sizeof b);
}

bool txlog_durable(const struct txlog *l, uint64_t lsn)
{
    return lsn != 0 && journal_durable(l->journal) >= lsn;
}

bool txlog_failed(const struct txlog *l, struct err *e)
{
    return journal_failed(l->journal, e);
}

int txlog_sync(struct txlog *l, struct err *e)
{
    return journal_sync(l->journal, e);
}

int txlog_close(struct txlog *l, struct err *e)
{
    if (!l)
        return 0;
    txlog_forget(l);
    int rc = journal_close(l->journal, e);
    free(l);
    return rc;
}
