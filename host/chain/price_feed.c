// SPDX-License-Identifier: Apache-2.0
#include "chain/price_feed.h"

#include <stdlib.h>

#include "evm/hex.h"

enum {
    IN_FLIGHT_MAX = 128, // reads of a block at once
    LOOKUPS_MAX = 64,    // transactions of the pool being asked for
    DATA_MAX = 16384,    // bytes of calldata looked at: a report has some 3,000
    WHY_MAX = 512,
    SUBSCRIPTION_MAX = 80,
    CATCH_UP = 64,
    HASH_TEXT = 2 + 2 * WORD_BYTES + 1,
    PARAMS_MAX = 256 + 46 * PRICES_WATCH_MAX,
};
#define POLL_NS      UINT64_C(250000000)
#define POLL_SLOW_NS UINT64_C(1000000000)
#define RETRY_NS     UINT64_C(500000000)

// What an answer is to, in its tag: kind, generation (of the connection and block), number.
enum ask { ASK_HEADS = 1, ASK_POOL, ASK_HEAD, ASK_BLOCK, ASK_LOGS, ASK_READ, ASK_LOOKUP, ASK_CHECK };
enum step { STEP_IDLE, STEP_BLOCK, STEP_LOGS, STEP_READS };

struct price_feed {
    struct price_feed_config cfg;
    struct rpc *rpc[PRICE_FEED_NODES_MAX];
    size_t at;
    struct prices *prices;
    enum step step;
    uint32_t generation;
    struct price_block head, last, now;
    bool has_head, has_last, asked_head;
    uint64_t next_poll, next_try;
    unsigned in_flight, lookups;
    struct word check[PRICES_PENDING_MAX];
    char heads[SUBSCRIPTION_MAX], pool[SUBSCRIPTION_MAX], why[WHY_MAX];
    char params[PARAMS_MAX];
    uint8_t data[DATA_MAX];
    struct evm_address watch[PRICES_WATCH_MAX];
    struct price_feed_counters n;
};

struct price_feed *price_feed_new(const struct price_feed_config *cfg, struct err *e)
{
    if (cfg->n == 0 || cfg->n > PRICE_FEED_NODES_MAX) {
        (void)err_set(e, "prices from %zu nodes: 1 to %d can be named", cfg->n, PRICE_FEED_NODES_MAX);
        return NULL;
    }
    struct price_feed *f = calloc(1, sizeof *f);
    if (!f) {
        (void)err_set(e, "no memory for the connection to a node");
        return NULL;
    }
    f->cfg = *cfg;
    f->cfg.retry_ns = cfg->retry_ns ? cfg->retry_ns : RETRY_NS;
    f->cfg.catch_up = cfg->catch_up ? cfg->catch_up : CATCH_UP;
    f->prices = prices_new(&cfg->prices, e);
    bool ok = f->prices != NULL;
    for (size_t i = 0; ok && i < cfg->n; i++)
        ok = (f->rpc[i] = rpc_new(&cfg->node[i], e)) != NULL;
    if (ok)
        return f;
    price_feed_free(f);
    return NULL;
}

void price_feed_free(struct price_feed *f)
{
    if (!f)
        return;
    for (size_t i = 0; i < f->cfg.n; i++)
        if (f->rpc[i])
            rpc_free(f->rpc[i]);
    if (f->prices)
        prices_free(f->prices);
    free(f);
}

static struct rpc *node(struct price_feed *f)
{
    return f->rpc[f->at];
}

// ---- asking

static uint64_t tag_of(const struct price_feed *f, enum ask a, uint32_t number)
{
    return (uint64_t)a << 56 | (uint64_t)(f->generation & 0xffffff) << 32 | number;
}

static bool call(struct price_feed *f, enum ask a, uint32_t number, const char *method, const char *params,
                 uint64_t now)
{
    return rpc_call(node(f), method, params, tag_of(f, a, number), now) >= 0;
}

static void hash_text(const struct word *w, char text[static HASH_TEXT])
{
    text[0] = '0';
    text[1] = 'x';
    hex_put(w->b, WORD_BYTES, text + 2);
    text[HASH_TEXT - 1] = '\0';
}

// The block at hand cannot be served, or the connection cannot be used: begin again, with the next node.
static void fail(struct price_feed *f, const char *what, struct rpc_span detail, uint64_t now)
{
    char text[96];
    if (detail.p == NULL)
        text[0] = '\0';
    (void)snprintf(f->why, sizeof f->why, "%s: %s%s%s", rpc_where(node(f))->shown, what, detail.p ? ": " : "",
                   detail.p ? rpc_json_print(detail, text, sizeof text) : "");
    f->n.failures++;
    f->generation++;
    f->step = STEP_IDLE;
    f->in_flight = f->lookups = 0;
    f->has_head = f->has_last = f->asked_head = false;
    f->next_try = now + f->cfg.retry_ns;
    prices_lost(f->prices);
    rpc_drop(node(f), "its answers cannot be used");
}

static void ask_logs(struct price_feed *f, uint64_t now)
{
    char hash[HASH_TEXT];
    size_t n = prices_watch(f->prices, f->watch, PRICES_WATCH_MAX), used;
    hash_text(&f->now.hash, hash);
    used = (size_t)snprintf(f->params, sizeof f->params, "[{\"blockHash\":\"%s\",\"address\":[", hash);
    for (size_t i = 0; i < n; i++) {
        char text[2 * ADDRESS_BYTES + 1];
        hex_put(f->watch[i].b, ADDRESS_BYTES, text);
        text[sizeof text - 1] = '\0';
        used += (size_t)snprintf(f->params + used, sizeof f->params - used, "%s\"0x%s\"", i ? "," : "", text);
    }
    (void)snprintf(f->params + used, sizeof f->params - used, "]}]");
    f->step = STEP_LOGS;
    if (!call(f, ASK_LOGS, 0, "eth_getLogs", f->params, now))
        fail(f, "too many requests", (struct rpc_span){NULL, 0}, now);
}

static void begin_block(struct price_feed *f, const struct price_block *b, uint64_t now)
{
    f->now = *b;
    ask_logs(f, now);
}

static void ask_reads(struct price_feed *f, uint64_t now)
{
    struct price_read r;
    char hash[HASH_TEXT], to[2 * ADDRESS_BYTES + 1], data[2 * PRICES_CALL_MAX + 1], params[320];
    bool batch = f->in_flight == 0;
    unsigned before = f->in_flight;
    if (batch)
        rpc_batch_begin(node(f));
    while (f->in_flight < IN_FLIGHT_MAX && prices_read(f->prices, &r)) {
        hash_text(&r.at, hash);
        hex_put(r.to.b, ADDRESS_BYTES, to);
        hex_put(r.data, r.n, data);
        to[sizeof to - 1] = data[2 * (size_t)r.n] = '\0';
        (void)snprintf(
            params, sizeof params,
            "[{\"to\":\"0x%s\",\"data\":\"0x%s\"},{\"blockHash\":\"%s\",\"requireCanonical\":true}]", to,
            data, hash);
        if (!call(f, ASK_READ, r.id, "eth_call", params, now))
            break;
        f->in_flight++;
    }
    bool sent = !batch || rpc_batch_end(node(f)) == 0 || f->in_flight == before;
    if (!sent || f->in_flight == 0)
        fail(f, "requests cannot be sent", (struct rpc_span){NULL, 0}, now);
}

// ---- reading

static int read_word(struct rpc_span v, struct word *out)
{
    return rpc_json_data(v, out->b, WORD_BYTES);
}

static bool read_block(struct rpc_span v, struct price_block *b)
{
    return read_word(rpc_json_get(v, "hash"), &b->hash) == 0 &&
           read_word(rpc_json_get(v, "parentHash"), &b->parent) == 0 &&
           rpc_json_quantity(rpc_json_get(v, "number"), &b->number) == 0 &&
           rpc_json_quantity(rpc_json_get(v, "timestamp"), &b->time) == 0;
}

static bool read_log(struct rpc_span v, struct price_log *l)
{
    struct rpc_json_iter it;
    struct rpc_span key, item;
    uint64_t index;
    int more;
    *l = (struct price_log){0};
    if (rpc_json_data(rpc_json_get(v, "address"), l->address.b, ADDRESS_BYTES) ||
        read_word(rpc_json_get(v, "transactionHash"), &l->tx_hash) ||
        rpc_json_quantity(rpc_json_get(v, "transactionIndex"), &index) || index >= PRICES_NO_TX ||
        !rpc_json_begin(&it, rpc_json_get(v, "topics")))
        return false;
    l->tx_index = (uint32_t)index;
    while ((more = rpc_json_next(&it, &key, &item)) > 0)
        if (l->n_topics == PRICES_TOPICS_MAX || read_word(item, &l->topic[l->n_topics++]))
            return false;
    return more == 0;
}

// All are read before the first is told: a list that is damaged takes no effect.
static bool read_logs(struct price_feed *f, struct rpc_span list, bool tell)
{
    struct rpc_json_iter it;
    struct rpc_span key, item;
    struct price_log l;
    uint32_t last = 0;
    int more;
    if (!rpc_json_begin(&it, list) || it.close != ']')
        return false;
    while ((more = rpc_json_next(&it, &key, &item)) > 0) {
        if (!read_log(item, &l) || l.tx_index < last)
            return false;
        last = l.tx_index;
        if (tell)
            prices_log(f->prices, &l);
    }
    return more == 0;
}

static void take_logs(struct price_feed *f, struct rpc_span list, uint64_t now)
{
    if (!read_logs(f, list, false)) {
        fail(f, "logs that make no sense", list, now);
        return;
    }
    prices_block(f->prices, &f->now);
    (void)read_logs(f, list, true);
    prices_logs_end(f->prices);
    f->step = STEP_READS;
    f->in_flight = 0;
    ask_reads(f, now);
}

static void end_block(struct price_feed *f, uint64_t now)
{
    char hash[HASH_TEXT], params[HASH_TEXT + 8];
    f->last = f->now;
    f->has_last = true;
    f->step = STEP_IDLE;
    f->n.blocks++;
    for (size_t i = 0; i < PRICES_PENDING_MAX && prices_candidate(f->prices, i, &f->check[i]); i++) {
        hash_text(&f->check[i], hash);
        (void)snprintf(params, sizeof params, "[\"%s\"]", hash);
        (void)call(f, ASK_CHECK, (uint32_t)i, "eth_getTransactionByHash", params, now);
    }
}

static bool refused(const struct rpc_event *ev)
{
    char text[160];
    (void)rpc_json_print(ev->message, text, sizeof text);
    return ev->code == 3 || strcasestr(text, "revert") || strcasestr(text, "opcode");
}

static void take_read(struct price_feed *f, const struct rpc_event *ev, uint32_t id, uint64_t now)
{
    uint8_t word[WORD_BYTES];
    struct rpc_span text = rpc_json_string(ev->result);
    bool reply = ev->kind == RPC_EV_REPLY;
    if (!reply && !(ev->kind == RPC_EV_ERROR && refused(ev))) {
        fail(f, "a call at a block's hash has failed", ev->message, now);
        return;
    }
    f->in_flight--;
    // The first word is all that is looked at; what is shorter is no answer (an address without code).
    bool some = reply && text.p && text.n >= 2 + 2 * WORD_BYTES &&
                hex_fixed_get(text.p, 2 + 2 * WORD_BYTES, word, WORD_BYTES) == 0;
    prices_answer(f->prices, id, word, some ? WORD_BYTES : 0);
    if (f->in_flight > 0)
        return;
    if (prices_busy(f->prices))
        ask_reads(f, now);
    else
        end_block(f, now);
}

// ---- the pool

static void take_tx(struct price_feed *f, struct rpc_span tx)
{
    struct pending_tx t = {0};
    struct rpc_span input = rpc_json_string(rpc_json_get(tx, "input"));
    if (rpc_json_null(tx) || !rpc_json_null(rpc_json_get(tx, "blockHash")) || input.p == NULL ||
        read_word(rpc_json_get(tx, "hash"), &t.hash) ||
        rpc_json_data(rpc_json_get(tx, "from"), t.from.b, ADDRESS_BYTES) ||
        rpc_json_data(rpc_json_get(tx, "to"), t.to.b, ADDRESS_BYTES) ||
        rpc_json_quantity(rpc_json_get(tx, "nonce"), &t.nonce) ||
        hex_data_get(input.p, input.n, f->data, sizeof f->data, &t.n_data))
        return; // mined, a contract's creation, or longer than any report
    t.data = f->data;
    prices_pending(f->prices, &t);
}

static void take_pool(struct price_feed *f, struct rpc_span v, uint64_t now)
{
    struct word hash;
    char text[HASH_TEXT], params[HASH_TEXT + 8];
    if (rpc_json_string(v).p == NULL) {
        take_tx(f, v);
        return;
    }
    if (f->lookups == LOOKUPS_MAX || read_word(v, &hash)) {
        f->n.skipped_pending++;
        return;
    }
    hash_text(&hash, text);
    (void)snprintf(params, sizeof params, "[\"%s\"]", text);
    f->lookups += call(f, ASK_LOOKUP, 0, "eth_getTransactionByHash", params, now);
}

static void take_check(struct price_feed *f, const struct rpc_event *ev, uint32_t i)
{
    if (ev->kind != RPC_EV_REPLY || i >= PRICES_PENDING_MAX)
        return;
    if (rpc_json_null(ev->result))
        prices_withdraw(f->prices, &f->check[i], PENDING_DROPPED);
    else if (!rpc_json_null(rpc_json_get(ev->result, "blockHash")))
        prices_withdraw(f->prices, &f->check[i], PENDING_MINED);
}

// ---- the head

// The next block to look at: the one after the last, if the head is not too far away, else the head.
static void go_on(struct price_feed *f, uint64_t now)
{
    char params[64];
    if (f->step != STEP_IDLE || !f->has_head || now < f->next_try ||
        (f->has_last && word_equal(&f->last.hash, &f->head.hash)))
        return;
    bool next =
        f->has_last && f->head.number > f->last.number && f->head.number - f->last.number <= f->cfg.catch_up;
    if (!next || f->head.number == f->last.number + 1) {
        begin_block(f, &f->head, now);
        return;
    }
    (void)snprintf(params, sizeof params, "[\"0x%llx\",false]", (unsigned long long)(f->last.number + 1));
    f->step = STEP_BLOCK;
    if (!call(f, ASK_BLOCK, 0, "eth_getBlockByNumber", params, now))
        fail(f, "too many requests", (struct rpc_span){NULL, 0}, now);
}

static void take_head(struct price_feed *f, struct rpc_span v)
{
    struct price_block b = {0};
    if (!read_block(v, &b))
        return;
    f->head = b;
    f->has_head = true;
}

static void up(struct price_feed *f, uint64_t now)
{
    f->heads[0] = f->pool[0] = '\0';
    f->next_poll = f->next_try = now;
    if (rpc_where(node(f))->transport == RPC_HTTP)
        return;
    (void)call(f, ASK_HEADS, 0, "eth_subscribe", "[\"newHeads\"]", now);
    if (f->cfg.pending)
        (void)call(f, ASK_POOL, 0, "eth_subscribe", "[\"newPendingTransactions\"]", now);
}

static void subscribed(const struct rpc_event *ev, char name[static SUBSCRIPTION_MAX])
{
    if (ev->kind == RPC_EV_REPLY)
        (void)rpc_json_print(ev->result, name, SUBSCRIPTION_MAX);
}

static void take_block(struct price_feed *f, const struct rpc_event *ev, uint64_t now)
{
    struct price_block b = {0};
    if (ev->kind == RPC_EV_REPLY && read_block(ev->result, &b))
        begin_block(f, &b, now);
    else
        fail(f, "a block cannot be read", ev->message, now);
}

static void take_answer(struct price_feed *f, const struct rpc_event *ev, uint64_t now)
{
    enum ask a = (enum ask)(ev->tag >> 56);
    bool ok = ev->kind == RPC_EV_REPLY;
    if (tag_of(f, a, (uint32_t)ev->tag) != ev->tag)
        return; // of a block that was given up
    switch (a) {
    case ASK_HEADS:
        subscribed(ev, f->heads);
        break;
    case ASK_POOL:
        subscribed(ev, f->pool);
        break;
    case ASK_HEAD:
        f->asked_head = false;
        if (ok)
            take_head(f, ev->result);
        break;
    case ASK_BLOCK:
        take_block(f, ev, now);
        break;
    case ASK_LOGS:
        if (ok)
            take_logs(f, ev->result, now);
        else
            fail(f, "a block's logs cannot be had", ev->message, now);
        break;
    case ASK_READ:
        take_read(f, ev, (uint32_t)ev->tag, now);
        break;
    case ASK_LOOKUP:
        f->lookups--;
        if (ok)
            take_tx(f, ev->result);
        break;
    case ASK_CHECK:
        take_check(f, ev, (uint32_t)ev->tag);
        break;
    }
}

static void down(struct price_feed *f, const struct rpc_event *ev, uint64_t now)
{
    f->n.downs++;
    (void)snprintf(f->why, sizeof f->why, "%s: %s", rpc_where(node(f))->shown, ev->text);
    f->generation++;
    f->step = STEP_IDLE;
    f->in_flight = f->lookups = 0;
    f->has_head = f->has_last = f->asked_head = false;
    f->next_try = now + f->cfg.retry_ns;
    prices_lost(f->prices);
    f->at = (f->at + 1) % f->cfg.n;
}

static void take_event(struct price_feed *f, const struct rpc_event *ev, uint64_t now)
{
    switch (ev->kind) {
    case RPC_EV_UP:
        up(f, now);
        break;
    case RPC_EV_DOWN:
        down(f, ev, now);
        break;
    case RPC_EV_NOTICE:
        if (rpc_span_is(ev->subscription, f->heads))
            take_head(f, ev->result);
        else if (rpc_span_is(ev->subscription, f->pool))
            take_pool(f, ev->result, now);
        break;
    default:
        take_answer(f, ev, now);
    }
}

void price_feed_step(struct price_feed *f, uint64_t now_ns)
{
    struct rpc_event ev;
    struct err e;
    if (rpc_state(node(f)) == RPC_DOWN && now_ns >= f->next_try) {
        f->next_try = now_ns + f->cfg.retry_ns;
        if (rpc_connect(node(f), now_ns, &e))
            f->at = (f->at + 1) % f->cfg.n;
    }
    for (size_t i = 0; i < f->cfg.n; i++) {
        size_t before = f->at;
        while (rpc_poll(f->rpc[before], now_ns, &ev))
            take_event(f, &ev, now_ns);
        if (before == f->at)
            break;
    }
    if (rpc_state(node(f)) != RPC_UP)
        return;
    if (now_ns >= f->next_poll && !f->asked_head) {
        uint64_t every = f->cfg.poll_ns ? f->cfg.poll_ns : f->heads[0] ? POLL_SLOW_NS : POLL_NS;
        f->next_poll = now_ns + every;
        f->asked_head = call(f, ASK_HEAD, 0, "eth_getBlockByNumber", "[\"latest\",false]", now_ns);
    }
    go_on(f, now_ns);
}

void price_feed_wait(struct price_feed *f, int timeout_ms)
{
    rpc_wait(&f->rpc[f->at], 1, timeout_ms);
}

struct prices *price_feed_prices(struct price_feed *f)
{
    return f->prices;
}

const struct price_feed_counters *price_feed_counters(const struct price_feed *f)
{
    return &f->n;
}

const char *price_feed_why(const struct price_feed *f)
{
    return f->why;
}
