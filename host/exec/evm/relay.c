// SPDX-License-Identifier: Apache-2.0
#include "exec/evm/relay.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "evm/hex.h"
#include "evm/keccak.h"

#define RETRY_NS UINT64_C(200000000)
#define KEEP_NS  UINT64_C(5000000000)
#define KEEP_TAG UINT64_C(1)

enum { BODY_SPARE = 512, HEAD_SPARE = 1024, LINE_MAX = BUNDLE_HEADER_MAX + 32, UUID_TEXT = 37 };
enum bundle_state { BUNDLE_NONE, BUNDLE_SIGNING, BUNDLE_READY };

struct bundle {
    enum bundle_state state;
    uint64_t serial, block, id;
    struct word hash; // what an honest builder answers
    char *params;
    size_t body_at, n_body; // of the request without a header, kept in `plain`
    uint8_t *plain;
    char header[BUNDLE_HEADER_MAX];
    struct sign_job job;
    uint8_t *request[RELAY_BUILDERS_MAX];
    size_t n_request[RELAY_BUILDERS_MAX];
};
struct relay {
    struct relay_config c;
    struct rpc *rpc[RELAY_BUILDERS_MAX];
    uint64_t retry_at[RELAY_BUILDERS_MAX], kept_ns[RELAY_BUILDERS_MAX];
    struct signer *signer;
    struct bundle *bundle;
    uint8_t *slab;
    size_t next; // the oldest bundle makes room
    uint64_t id, salt;
    char refusal[128];
    struct relay_counters n;
};

static size_t params_size(const struct relay *r)
{
    return 2 * r->c.bytes_max + BODY_SPARE;
}

static size_t request_size(const struct relay *r)
{
    return params_size(r) + BODY_SPARE + HEAD_SPARE;
}

// ---- making

// One for all versions and blocks of an order, so that a later bundle replaces the one before: a name made of
// the serial and this run's salt, in the form of a random UUID.
static void uuid(const struct relay *r, uint64_t serial, char out[static UUID_TEXT])
{
    (void)snprintf(out, UUID_TEXT, "%08" PRIx64 "-%04" PRIx64 "-4%03" PRIx64 "-8%03" PRIx64 "-%012" PRIx64,
                   r->salt & 0xffffffff, r->salt >> 32 & 0xffff, r->salt >> 48 & 0xfff, serial >> 48 & 0xfff,
                   serial & UINT64_C(0xffffffffffff));
}

static void put_params(const struct relay *r, struct bundle *b, const uint8_t *raw, size_t n)
{
    char id[UUID_TEXT];
    size_t size = params_size(r);
    uuid(r, b->serial, id);
    size_t at = (size_t)snprintf(b->params, size, "[{\"txs\":[\"0x");
    hex_put(raw, n, b->params + at);
    at += 2 * n;
    (void)snprintf(b->params + at, size - at,
                   "\"],\"blockNumber\":\"0x%" PRIx64 "\",\"replacementUuid\":\"%s\"}]", b->block, id);
}

// The body as it will be sent: what follows the head of the request, the same for all builders.
static bool find_body(struct relay *r, struct bundle *b)
{
    size_t n =
        rpc_put_request(r->rpc[0], b->id, "eth_sendBundle", b->params, NULL, b->plain, request_size(r));
    for (size_t i = 0; i + 4 <= n; i++) {
        if (memcmp(b->plain + i, "\r\n\r\n", 4) != 0)
            continue;
        b->body_at = i + 4;
        b->n_body = n - b->body_at;
        return b->n_body > 0;
    }
    return false;
}

static void put_requests(struct relay *r, struct bundle *b)
{
    char line[LINE_MAX];
    (void)snprintf(line, sizeof line, "X-Flashbots-Signature: %s\r\n", b->header);
    for (size_t i = 0; i < r->c.n; i++)
        b->n_request[i] = rpc_put_request(r->rpc[i], b->id, "eth_sendBundle", b->params, line, b->request[i],
                                          request_size(r));
    b->state = BUNDLE_READY;
}

static struct bundle *find(struct relay *r, uint64_t serial, uint64_t block)
{
    for (size_t i = 0; i < r->c.bundles; i++)
        if (r->bundle[i].state != BUNDLE_NONE && r->bundle[i].serial == serial && r->bundle[i].block == block)
            return &r->bundle[i];
    return NULL;
}

static struct bundle *make(struct relay *r, uint64_t serial, const uint8_t *raw, size_t n, uint64_t block)
{
    struct word tx;
    struct bundle *b = &r->bundle[r->next];
    if (n > r->c.bytes_max || job_state(&b->job) == JOB_BUSY)
        return NULL;
    r->next = (r->next + 1) % r->c.bundles;
    b->state = BUNDLE_NONE;
    b->serial = serial;
    b->block = block;
    b->id = RPC_RAW_ID + ++r->id;
    put_params(r, b, raw, n);
    if (!find_body(r, b))
        return NULL;
    keccak256(raw, n, &tx);
    keccak256(tx.b, WORD_BYTES, &b->hash); // of the hashes of its transactions, one after the other
    b->job = (struct sign_job){
        .key = r->c.key, .body = b->plain + b->body_at, .n_body = b->n_body, .header = b->header};
    return b;
}

static void prepare(void *ctx, uint64_t serial, const uint8_t *raw, size_t n, uint64_t block)
{
    struct relay *r = ctx;
    if (find(r, serial, block))
        return;
    struct bundle *b = make(r, serial, raw, n, block);
    if (b && signer_give(r->signer, &b->job) == 0) {
        b->state = BUNDLE_SIGNING;
        r->n.prepared++;
    }
}

// ---- sending

static int submit(void *ctx, uint64_t serial, const uint8_t *raw, size_t n, uint64_t block, uint64_t now)
{
    struct relay *r = ctx;
    struct bundle *b = find(r, serial, block);
    if (b && b->state == BUNDLE_SIGNING && job_state(&b->job) == JOB_DONE)
        put_requests(r, b);
    if (!b || b->state != BUNDLE_READY) {
        b = make(r, serial, raw, n, block);
        if (!b)
            return -1;
        (void)key_bundle_header(r->c.key, b->job.body, b->job.n_body, b->header);
        put_requests(r, b);
        r->n.cold++;
    }
    unsigned sent = 0;
    for (size_t i = 0; i < r->c.n; i++)
        sent += b->n_request[i] &&
                rpc_send_raw(r->rpc[i], b->id, b->request[i], b->n_request[i], now) != RPC_REFUSED;
    r->n.sent += sent;
    return sent ? 0 : -1;
}

// Best effort: a builder that does not know the method has the bundle for its block all the same.
static void cancel(void *ctx, uint64_t serial, uint64_t now)
{
    struct relay *r = ctx;
    char id[UUID_TEXT], params[96], line[LINE_MAX], header[BUNDLE_HEADER_MAX];
    uint8_t plain[HEAD_SPARE + BODY_SPARE];
    uuid(r, serial, id);
    (void)snprintf(params, sizeof params, "[{\"replacementUuid\":\"%s\"}]", id);
    uint64_t raw_id = RPC_RAW_ID + ++r->id;
    for (size_t i = 0; i < r->c.n; i++) {
        size_t n = rpc_put_request(r->rpc[i], raw_id, "eth_cancelBundle", params, NULL, plain, sizeof plain);
        uint8_t *body = n ? memmem(plain, n, "\r\n\r\n", 4) : NULL;
        if (!body)
            continue;
        (void)key_bundle_header(r->c.key, body + 4, n - (size_t)(body + 4 - plain), header);
        (void)snprintf(line, sizeof line, "X-Flashbots-Signature: %s\r\n", header);
        n = rpc_put_request(r->rpc[i], raw_id, "eth_cancelBundle", params, line, plain, sizeof plain);
        r->n.cancelled += n && rpc_send_raw(r->rpc[i], raw_id, plain, n, now) != RPC_REFUSED;
    }
}

struct sender_private relay_for_sender(struct relay *r)
{
    return (struct sender_private){r, prepare, submit, cancel};
}

// ---- answers

static void answer(struct relay *r, size_t i, const struct rpc_event *ev)
{
    struct word hash;
    if (ev->kind == RPC_EV_FAILED) {
        r->n.lost++;
        return;
    }
    if (ev->kind == RPC_EV_ERROR) {
        r->n.refused++;
        r->n.builder_refused[i]++;
        if (ev->message.p)
            (void)rpc_json_print(ev->message, r->refusal, sizeof r->refusal);
        else
            (void)snprintf(r->refusal, sizeof r->refusal, "HTTP status %u", ev->status);
        return;
    }
    r->n.accepted++;
    r->n.builder_accepted[i]++;
    for (size_t k = 0; k < r->c.bundles; k++)
        if (r->bundle[k].id == ev->id && r->bundle[k].state == BUNDLE_READY)
            r->n.odd += rpc_json_data(rpc_json_get(ev->result, "bundleHash"), hash.b, WORD_BYTES) != 0 ||
                        !word_equal(&hash, &r->bundle[k].hash);
}

static void step_builder(struct relay *r, size_t i, uint64_t now)
{
    struct rpc_event ev;
    struct err ignored;
    while (rpc_poll(r->rpc[i], now, &ev)) {
        if (ev.kind == RPC_EV_UP)
            r->kept_ns[i] = now;
        else if (ev.kind != RPC_EV_DOWN && ev.tag != KEEP_TAG)
            answer(r, i, &ev);
    }
    if (rpc_state(r->rpc[i]) == RPC_DOWN && now >= r->retry_at[i]) {
        r->retry_at[i] = now + RETRY_NS;
        (void)rpc_connect(r->rpc[i], now, &ignored);
    } else if (rpc_state(r->rpc[i]) == RPC_UP && now - r->kept_ns[i] >= KEEP_NS) {
        r->kept_ns[i] = now; // warm: a handshake takes longer than the auction
        (void)rpc_call(r->rpc[i], "eth_chainId", "[]", KEEP_TAG, now);
    }
}

void relay_step(struct relay *r, uint64_t now_ns)
{
    for (size_t i = 0; i < r->c.n; i++)
        step_builder(r, i, now_ns);
    for (size_t i = 0; i < r->c.bundles; i++)
        if (r->bundle[i].state == BUNDLE_SIGNING && job_state(&r->bundle[i].job) == JOB_DONE)
            put_requests(r, &r->bundle[i]);
}

size_t relay_up(const struct relay *r)
{
    size_t n = 0;
    for (size_t i = 0; i < r->c.n; i++)
        n += rpc_state(r->rpc[i]) == RPC_UP;
    return n;
}

const struct relay_counters *relay_counters(const struct relay *r)
{
    return &r->n;
}

const char *relay_last_refusal(const struct relay *r)
{
    return r->refusal;
}

// ---- life

static int room(struct relay *r, struct err *e)
{
    size_t each = params_size(r) + (r->c.n + 1) * request_size(r);
    r->bundle = calloc(r->c.bundles, sizeof *r->bundle);
    r->slab = calloc(r->c.bundles, each);
    if (!r->bundle || !r->slab)
        return err_set(e, "relay: out of memory for %zu bundles", r->c.bundles);
    for (size_t i = 0; i < r->c.bundles; i++) {
        uint8_t *at = r->slab + i * each;
        r->bundle[i].params = (char *)at;
        at += params_size(r);
        r->bundle[i].plain = at;
        for (size_t k = 0; k < r->c.n; k++)
            r->bundle[i].request[k] = at += request_size(r);
    }
    return 0;
}

static int connect_all(struct relay *r, struct err *e)
{
    for (size_t i = 0; i < r->c.n; i++)
        if (!(r->rpc[i] = rpc_new(&r->c.builder[i], e)))
            return -1;
    r->c.builder = NULL; // was the caller's
    return 0;
}

struct relay *relay_new(const struct relay_config *cfg, struct err *e)
{
    if (cfg->n == 0 || cfg->n > RELAY_BUILDERS_MAX || !cfg->key || cfg->bytes_max > RELAY_BUNDLE_MAX / 4) {
        (void)err_set(e, "relay: %zu builders (1 to %d are possible), no key, or bytes_max out of range",
                      cfg->n, RELAY_BUILDERS_MAX);
        return NULL;
    }
    struct relay *r = calloc(1, sizeof *r);
    if (!r) {
        (void)err_set(e, "relay: out of memory");
        return NULL;
    }
    r->c = *cfg;
    r->c.bundles = r->c.bundles ? r->c.bundles : 128;
    r->c.bytes_max = r->c.bytes_max ? r->c.bytes_max : 4096;
    struct timespec t;
    clock_gettime(CLOCK_REALTIME, &t);
    struct word salt;
    keccak256(&t, sizeof t, &salt); // only has to differ from one run to the next
    r->salt = be64_load(salt.b);
    if (room(r, e) || connect_all(r, e) || !(r->signer = signer_new(!r->c.one_thread, e))) {
        relay_free(r);
        return NULL;
    }
    return r;
}

void relay_free(struct relay *r)
{
    if (!r)
        return;
    signer_free(r->signer);
    for (size_t i = 0; i < r->c.n; i++)
        if (r->rpc[i])
            rpc_free(r->rpc[i]);
    free(r->bundle);
    free(r->slab);
    free(r);
}
