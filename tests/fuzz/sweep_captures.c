// SPDX-License-Identifier: Apache-2.0
// Real captures as a hostile sender would change them: frames and datagrams cut at every byte, and with every
// byte changed. Nothing may crash, hang or read outside (run it under ASan), what is refused delivers
// nothing, and no price comes out beyond the guards (feed_checks.h). Each variant goes two ways: as a frame
// through one feed context, which gets worse and worse, and, so that the arbiter's dropping of copies does
// not hide the decoders, as a datagram straight into its protocol. Prints TAP.
//
// usage: sweep [--all | -n PACKETS] [CAPTURE...]   PACKETS of each capture, evenly spaced (default 500);
// without names those in $SHARED/captures (default ../shared).
#include "base/bytes.h"
#include "feed/capture.h"
#include "feed/cme_wire.h"
#include "feed/protocol.h"
#include "feed_checks.h"
#include "oracle/policy.h"

#include <glob.h>
#include <inttypes.h>
#include <pcap/pcap.h>

enum { CHANGES = 4, STEP_NS = 100000, FILES_MAX = 64, IDS_MAX = 256 };
static const int64_t BAND_LOW = 1000, BAND_HIGH = 100000000000000; // 1e-5 to 1e6, in 1e-8

static const struct feed_protocol *const PROTOCOLS[] = {&deribit_protocol, &cme_protocol, &starbase_protocol,
                                                        &cde_protocol};
enum { N_PROTOCOLS = sizeof PROTOCOLS / sizeof PROTOCOLS[0] };

struct sweep {
    struct feed *feed;
    enum feed_link link;
    struct feed_counters n;
    struct protocol_state *state[N_PROTOCOLS];
    struct policy policy;
    struct policy_state held;
    struct observation seen;
    FILE *rows;
    uint64_t now;
    unsigned calls; // of the sink since it was cleared
    uint64_t packets, variants, whole, messages, prices, refused, out_of_band;
};

// ---- prices

static void check_price(struct sweep *s, const struct feed_num *num, bool has)
{
    int64_t price;
    struct policy_result r;
    if (!has)
        return;
    s->prices++;
    if (price_from_num(num, 8, &price) == 0) {
        (void)observation_take(&s->seen, price, s->now, 0);
    } else {
        price = 0;
        s->refused++;
        (void)observation_bad(&s->seen, 0);
    }
    policy_eval(&s->policy, &s->held, &s->seen, s->now, &r);
    REQUIRE(r.price == 0 || (r.price >= BAND_LOW && r.price <= BAND_HIGH));
    REQUIRE((r.reason == REASON_NONE) == (price >= BAND_LOW && price <= BAND_HIGH));
    REQUIRE(r.reason != REASON_NONE || r.price == price);
    s->out_of_band += price != 0 && r.reason != REASON_NONE;
}

static void on_msg(void *ctx, const struct feed_packet *p, const struct feed_msg *m)
{
    struct sweep *s = ctx;
    s->calls++;
    s->messages++;
    check_payload(p);
    check_msg(p, m);
    check_price(s, &m->mark, m->has & HAS_MARK);
    check_price(s, &m->index, m->has & HAS_INDEX);
    check_price(s, &m->bid, m->has & HAS_BID);
    check_price(s, &m->ask, m->has & HAS_ASK);
    check_price(s, &m->last, m->has & HAS_LAST);
}

static void on_end(void *ctx, const struct feed_packet *p)
{
    struct sweep *s = ctx;
    s->calls++;
    check_payload(p);
}

static void set_policy(struct sweep *s)
{
    struct err e = {""};
    s->policy = (struct policy){
        .n_sources = 1,
        .n_guards = 1,
        .aggregate = AGGREGATE_SINGLE,
        .too_few = ACT_HOLD,
        .source = {{.role = ROLE_SOURCE, .venue = VENUE_DERIBIT, .field = FIELD_MARK}},
        .guard = {{.kind = GUARD_BAND, .action = ACT_HOLD, .low = BAND_LOW, .high = BAND_HIGH}}};
    snprintf(s->policy.source[0].name, SOURCE_NAME_LEN, "ANY");
    if (policy_finish(&s->policy, &e) != 0) {
        fprintf(stderr, "%s\n", e.msg);
        abort();
    }
    policy_start(&s->policy, &s->held);
}

// ---- one variant

// Memory that is exactly as long as what is in it.
static uint8_t *exact(const uint8_t *bytes, size_t len)
{
    uint8_t *copy = malloc(len ? len : 1);
    REQUIRE(copy != NULL);
    if (len)
        memcpy(copy, bytes, len);
    return copy;
}

static void as_frame(struct sweep *s, const uint8_t *bytes, size_t len, size_t wire)
{
    const struct feed_sink sink = {s, on_msg, on_end};
    uint8_t *copy = exact(bytes, len);
    s->variants++;
    s->now += STEP_NS;
    feed_time(s->feed, s->now, &sink); // so that what follows is this frame's doing
    s->calls = 0;
    enum feed_drop why = feed_link_frame(s->feed, s->link, s->now, copy, len, wire, &sink);
    REQUIRE((unsigned)why < DROP_COUNT);
    REQUIRE(why == DROP_NONE || s->calls == 0);
    free(copy);
}

static void into_protocol(struct sweep *s, size_t which, struct packet_udp u)
{
    const struct feed_protocol *proto = PROTOCOLS[which];
    const struct protocol_ctx c = {s->state[which], &s->n};
    const struct feed_sink sink = {s, on_msg, on_end};
    struct frame_info f = {0};
    enum feed_drop why = proto->frame(u.payload, u.len, &u, &f);
    REQUIRE((unsigned)why < DROP_COUNT);
    if (why != DROP_NONE || f.count == 0)
        return;
    struct feed_packet p = {.ts_ns = s->now,
                            .dst_ip = u.dst_ip,
                            .dst_port = u.dst_port,
                            .channel = f.channel,
                            .stream = f.stream,
                            .snapshot = f.snapshot,
                            .venue = (uint8_t)proto->venue,
                            .line = f.line,
                            .seq = f.seq,
                            .count = f.count,
                            .payload = u.payload,
                            .len = u.len};
    s->whole++;
    proto->rows(&c, &p, 0, s->rows);
    proto->deliver(&c, &p, 0, &sink);
}

static void as_datagram(struct sweep *s, const struct packet_udp *u, const uint8_t *bytes, size_t len)
{
    struct packet_udp copy = *u;
    uint8_t *payload = exact(bytes, len);
    copy.payload = payload;
    copy.len = len;
    s->variants++;
    for (size_t i = 0; i < N_PROTOCOLS; i++)
        if (PROTOCOLS[i]->probe(payload, len)) {
            into_protocol(s, i, copy);
            break;
        }
    free(payload);
}

// ---- all of one packet

static uint8_t changed(uint8_t byte, unsigned how)
{
    static const uint8_t FLIP[CHANGES] = {0xff, 0x01, 0x80, 0x00};
    return how == CHANGES - 1 ? (uint8_t)(byte + 7) : byte ^ FLIP[how];
}

static void sweep_frame(struct sweep *s, uint8_t *frame, size_t len, size_t wire)
{
    for (size_t cut = 0; cut < len; cut++) {
        as_frame(s, frame, cut, wire);
        as_frame(s, frame, cut, cut);
    }
    for (size_t at = 0; at < len; at++) {
        uint8_t was = frame[at];
        for (unsigned how = 0; how < CHANGES; how++) {
            frame[at] = changed(was, how);
            as_frame(s, frame, len, wire);
        }
        frame[at] = was;
    }
}

static void sweep_datagram(struct sweep *s, const struct packet_udp *u, uint8_t *payload)
{
    for (size_t cut = 0; cut < u->len; cut++)
        as_datagram(s, u, payload, cut);
    for (size_t at = 0; at < u->len; at++) {
        uint8_t was = payload[at];
        for (unsigned how = 0; how < CHANGES; how++) {
            payload[at] = changed(was, how);
            as_datagram(s, u, payload, u->len);
        }
        payload[at] = was;
    }
}

static void take_packet(struct sweep *s, const uint8_t *bytes, size_t len, size_t wire, bool chosen)
{
    struct packet_udp u = {0};
    uint8_t *frame = exact(bytes, len);
    bool udp = packet_walk(s->link, frame, len, wire, &u) == DROP_NONE;
    if (chosen) {
        sweep_frame(s, frame, len, wire);
        if (udp)
            sweep_datagram(s, &u, frame + (u.payload - frame));
        s->packets++;
    }
    as_frame(s, frame, len, wire); // and as it is, so that books and definitions are there
    if (udp)
        as_datagram(s, &u, u.payload, u.len);
    free(frame);
}

// ---- CME's instruments: without definitions, which no capture has, there would be no prices

struct ids {
    size_t n;
    int32_t id[IDS_MAX];
};

static void add_id(struct ids *ids, int32_t id)
{
    for (size_t i = 0; i < ids->n; i++)
        if (ids->id[i] == id)
            return;
    if (ids->n < IDS_MAX)
        ids->id[ids->n++] = id;
}

// Column security_id of the rows of one datagram.
static void collect_ids(struct sweep *s, const struct packet_udp *u, struct ids *ids)
{
    char *text = NULL, *rest, *line;
    size_t size = 0;
    unsigned column = 0;
    for (const char *at = cme_protocol.columns; strncmp(at, "security_id", 11) != 0; column++)
        at = strchr(at, ',') + 1;
    FILE *was = s->rows;
    s->rows = open_memstream(&text, &size);
    REQUIRE(s->rows != NULL);
    into_protocol(s, 1, *u);
    fclose(s->rows);
    s->rows = was;
    for (rest = text; (line = strsep(&rest, "\n")) && *line;) {
        char *cell = NULL;
        for (unsigned i = 0; i <= column; i++)
            cell = strsep(&line, ",");
        if (cell && *cell)
            add_id(ids, (int32_t)strtol(cell, NULL, 10));
    }
    free(text);
}

// A future of version 8 with prices in its own unit, on the channel of u.
static void define(struct sweep *s, struct packet_udp u, int32_t id)
{
    enum { AT = CME_PACKET_HEADER, BLOCK = 213, GROUPS = 4 * 3, TICK = 91, FACTOR = 99 };
    uint8_t b[AT + CME_MSG_HEADER + BLOCK + GROUPS] = {0}, *m = b + AT, *r = m + CME_MSG_HEADER;
    le16_store(m + CME_MSG_SIZE, sizeof b - AT);
    le16_store(m + CME_MSG_BLOCK, BLOCK);
    le16_store(m + CME_MSG_TEMPLATE, CME_DEF_FUTURE_7);
    le16_store(m + CME_MSG_SCHEMA, 1);
    le16_store(m + CME_MSG_VERSION, 8);
    le32_store(r + CME_DEF_REPORTS, UINT32_MAX);
    r[CME_DEF_UPDATE] = 'A';
    r[CME_DEF_STATUS] = 17;
    snprintf((char *)r + CME_DEF_SYMBOL, CME_DEF_SYMBOL_SIZE, "ID%d", id);
    le32_store(r + CME_DEF_ID, (uint32_t)id);
    le64_store(r + TICK, 10000000);
    le64_store(r + FACTOR, 10000000); // 1
    u.payload = b;
    u.len = sizeof b;
    REQUIRE(cme_protocol.probe(b, sizeof b));
    into_protocol(s, 1, u);
}

static void define_all(struct sweep *s, const char *path)
{
    char why[PCAP_ERRBUF_SIZE];
    struct pcap_pkthdr *h;
    const uint8_t *bytes;
    struct ids ids = {0};
    struct packet_udp u = {0}, one = {0};
    pcap_t *cap = pcap_open_offline(path, why);
    while (cap && pcap_next_ex(cap, &h, &bytes) == 1)
        if (packet_walk(s->link, bytes, h->caplen, h->len, &u) == DROP_NONE &&
            cme_protocol.probe(u.payload, u.len)) {
            collect_ids(s, &u, &ids);
            one = u;
        }
    for (size_t i = 0; i < ids.n; i++)
        define(s, one, ids.id[i]);
    if (cap)
        pcap_close(cap);
}

// ---- captures

static void start(struct sweep *s)
{
    *s = (struct sweep){.feed = feed_new(), .rows = fopen("/dev/null", "w"), .now = 1000000000};
    REQUIRE(s->feed != NULL && s->rows != NULL);
    for (size_t i = 0; i < N_PROTOCOLS; i++)
        s->state[i] = PROTOCOLS[i]->state_new ? PROTOCOLS[i]->state_new() : NULL;
    set_policy(s);
}

static void end(struct sweep *s)
{
    const struct feed_sink sink = {s, on_msg, on_end};
    feed_time(s->feed, UINT64_MAX, &sink);
    REQUIRE(!feed_due(s->feed, UINT64_MAX));
    for (size_t i = 0; i < N_PROTOCOLS; i++)
        if (s->state[i])
            PROTOCOLS[i]->state_free(s->state[i]);
    feed_free(s->feed);
    fclose(s->rows);
}

static bool sweep_capture(const char *path, uint64_t wanted, struct sweep *s, struct err *e)
{
    char why[PCAP_ERRBUF_SIZE];
    uint64_t total, n = 0;
    struct pcap_pkthdr *h;
    const uint8_t *bytes;
    if (capture_count(path, &total, e) != 0)
        return false;
    uint64_t every = total > wanted ? total / wanted : 1;
    pcap_t *cap = pcap_open_offline(path, why);
    if (!cap || !capture_link(pcap_datalink(cap), &s->link))
        return false;
    define_all(s, path);
    for (; pcap_next_ex(cap, &h, &bytes) == 1; n++)
        take_packet(s, bytes, h->caplen, h->len, n % every == 0);
    pcap_close(cap);
    return n == total;
}

static int sweep_files(char *const *files, size_t count, uint64_t wanted)
{
    int failed = 0;
    for (size_t i = 0; i < count; i++) {
        const char *slash = strrchr(files[i], '/');
        struct err e = {""};
        struct sweep s;
        start(&s);
        bool good = sweep_capture(files[i], wanted, &s, &e);
        end(&s);
        failed |= !good;
        printf("%sok %zu - %s: %" PRIu64 " packets cut and changed at every byte, %" PRIu64
               " variants; %" PRIu64 " of the datagrams whole, %" PRIu64 " messages, %" PRIu64
               " prices, %" PRIu64 " refused, %" PRIu64 " held by the band %s\n",
               good ? "" : "not ", i + 1, slash ? slash + 1 : files[i], s.packets, s.variants, s.whole,
               s.messages, s.prices, s.refused, s.out_of_band, e.msg);
        fflush(stdout);
    }
    printf("1..%zu\n", count);
    return failed;
}

int main(int argc, char **argv)
{
    uint64_t wanted = 500;
    int at = 1;
    if (argc > at && !strcmp(argv[at], "--all")) {
        wanted = UINT64_MAX;
        at++;
    } else if (argc > at + 1 && !strcmp(argv[at], "-n")) {
        wanted = strtoull(argv[at + 1], NULL, 10);
        at += 2;
    }
    if (wanted == 0 || (at < argc && argv[at][0] == '-')) {
        fputs("usage: sweep [--all | -n PACKETS] [CAPTURE...]\n", stderr);
        return 2;
    }
    if (at < argc)
        return sweep_files(argv + at, (size_t)(argc - at), wanted);
    char pattern[4096];
    glob_t g;
    const char *shared = getenv("SHARED");
    snprintf(pattern, sizeof pattern, "%s/captures/*.pcap*", shared ? shared : "../shared");
    if (glob(pattern, 0, NULL, &g) != 0) {
        puts("ok 1 - captures cut and changed at every byte # SKIP no captures beside the project\n1..1");
        return 0;
    }
    char *files[FILES_MAX];
    size_t n = 0; // notes lie beside the captures
    for (size_t i = 0; i < g.gl_pathc && n < FILES_MAX; i++) {
        const char *dot = strrchr(g.gl_pathv[i], '.');
        if (!strcmp(dot, ".pcap") || !strcmp(dot, ".pcapng"))
            files[n++] = g.gl_pathv[i];
    }
    int rc = sweep_files(files, n, wanted);
    globfree(&g);
    return rc;
}
