// SPDX-License-Identifier: Apache-2.0
// IGMP for a host against frames made in Python from the RFCs (igmp_vectors.py), and on random sequences of
// queries against what RFC 3376 promises the querier: everybody who listens answers within the time given,
// and nobody speaks unasked.
#include <inttypes.h>
#include <stdio.h>

#include "base/test_seed.h"
#include "feed/feedtest.h"
#include "feed/igmp.h"
#include "feed/wire.h"

#define SEC UINT64_C(1000000000)
#define ANY "239.1.2.3"
#define SSM "232.129.5.6"

struct vector {
    char name[32];
    size_t len;
    uint8_t *bytes;
};
static struct vector vectors[64];
static size_t n_vectors;

static void load(void)
{
    static char line[4096];
    if (n_vectors)
        return;
    FILE *f = popen("python3 tests/unit/feed/igmp_vectors.py", "r");
    ck_assert_ptr_nonnull(f);
    while (fgets(line, sizeof line, f)) {
        struct vector *v = &vectors[n_vectors++];
        ck_assert_uint_le(n_vectors, sizeof vectors / sizeof *vectors);
        char *hex = strchr(line, ' ') + 1;
        v->len = strcspn(hex, "\n") / 2;
        v->bytes = malloc(v->len);
        snprintf(v->name, sizeof v->name, "%.*s", (int)(hex - line - 1), line);
        for (size_t i = 0; i < v->len; i++) {
            unsigned b;
            ck_assert_int_eq(sscanf(hex + 2 * i, "%2x", &b), 1);
            v->bytes[i] = (uint8_t)b;
        }
    }
    ck_assert_int_eq(pclose(f), 0);
    ck_assert_uint_gt(n_vectors, 30);
}

static const struct vector *vector(const char *name)
{
    for (size_t i = 0; i < n_vectors; i++)
        if (strcmp(vectors[i].name, name) == 0)
            return &vectors[i];
    ck_abort_msg("no vector %s", name);
}

static const uint8_t MAC[6] = {2, 0, 0, 0, 0, 10};
static struct groups groups;
static struct igmp *m;
static char sent[8192]; // names of the frames sent, blank separated; "?" for one that is no vector
static uint64_t now_ns;

static void on_send(void *ctx, const uint8_t *frame, size_t len)
{
    (void)ctx;
    const char *name = "?";
    for (size_t i = 0; i < n_vectors; i++)
        if (vectors[i].len == len && memcmp(vectors[i].bytes, frame, len) == 0)
            name = vectors[i].name;
    snprintf(sent + strlen(sent), sizeof sent - strlen(sent), "%s%s", sent[0] ? " " : "", name);
}

static void fresh_with(unsigned version, uint16_t vlan, uint32_t ip, uint64_t seed)
{
    struct igmp_config c = {.ip = ip, .vlan = vlan, .version = version, .seed = seed};
    struct err e;
    load();
    memcpy(c.mac, MAC, 6);
    memset(&groups, 0, sizeof groups);
    ck_assert_int_eq(groups_join(&groups, ANY, &e), 0);
    ck_assert_int_eq(groups_join(&groups, "192.0.2.1@" SSM, &e), 0);
    ck_assert_int_eq(groups_join(&groups, "192.0.2.2@" SSM, &e), 0);
    igmp_free(m);
    m = igmp_new(&c, &groups, on_send, NULL);
    ck_assert_ptr_nonnull(m);
    ck_assert(igmp_due(m) == UINT64_MAX);
    sent[0] = '\0';
    now_ns = 1000 * SEC;
}

static void fresh(void)
{
    fresh_with(3, 0, 0x0a010203, 1);
}

#define SENT(want)                                                                                           \
    do {                                                                                                     \
        ck_assert_str_eq(sent, want);                                                                        \
        sent[0] = '\0';                                                                                      \
    } while (0)

// Lets everything happen up to and including then.
static void until(uint64_t then)
{
    now_ns = then;
    igmp_time(m, now_ns);
    ck_assert(igmp_due(m) > now_ns);
}

static void hear(const char *name)
{
    const struct vector *v = vector(name);
    uint8_t *copy = malloc(v->len); // exact size: ASan sees a read beyond
    memcpy(copy, v->bytes, v->len);
    ck_assert(igmp_receive(m, now_ns, copy, v->len));
    free(copy);
}

static void joined(void)
{
    igmp_join(m, now_ns);
    until(now_ns + 20 * SEC);
    sent[0] = '\0';
}

START_TEST(test_join_v3)
{
    fresh();
    igmp_join(m, now_ns);
    SENT("join3");
    ck_assert(igmp_due(m) > now_ns && igmp_due(m) <= now_ns + SEC);
    until(igmp_due(m) - 1);
    SENT("");
    until(now_ns + 1);
    SENT("join3"); // robustness 2: twice in all
    ck_assert(igmp_due(m) == UINT64_MAX);
    fresh_with(3, 905, 0x0a010203, 1);
    igmp_join(m, now_ns);
    SENT("join3_vlan");
    fresh_with(3, 0, 0, 1);
    igmp_join(m, now_ns);
    SENT("join3_no_ip");
}
END_TEST

START_TEST(test_leave_v3)
{
    fresh();
    igmp_leave(m, now_ns); // never joined
    SENT("");
    joined();
    hear("q3");
    igmp_leave(m, now_ns);
    SENT("leave3");
    uint64_t due = igmp_due(m);
    ck_assert(due > now_ns && due <= now_ns + SEC);
    until(now_ns + 100 * SEC);
    SENT("leave3"); // and no answer to the query
    hear("q3");
    until(now_ns + 100 * SEC);
    SENT("");
}
END_TEST

START_TEST(test_robustness)
{
    fresh();
    hear("q3_code"); // QRV 3; before the join: no answer
    ck_assert(igmp_due(m) == UINT64_MAX);
    igmp_join(m, now_ns);
    until(now_ns + 10 * SEC);
    SENT("join3 join3 join3");
}
END_TEST

// One query, one answer, not before and not after its window.
static void answers(const char *query, uint64_t most_ns, const char *want)
{
    uint64_t t = now_ns;
    hear(query);
    SENT("");
    uint64_t due = igmp_due(m);
    ck_assert(due >= t && due <= t + most_ns);
    if (due > now_ns) {
        until(due - 1);
        SENT("");
    }
    until(t + most_ns);
    SENT(want);
    ck_assert(igmp_due(m) > now_ns + 20 * SEC); // but for a version's timer
}

START_TEST(test_queries_v3)
{
    fresh();
    joined();
    answers("q3", 10 * SEC, "now3");
    answers("q3_code", 248 * (SEC / 10), "now3");
    answers("q3_now", 0, "now3");
    answers("q3_extra", 10 * SEC, "now3");
    answers("q3_any", SEC, "now3_any");
    answers("q3_ssm", SEC, "now3_ssm");
    answers("q3_ssm_s2", SEC, "asked_ssm_s2");
    answers("q3_any_s3", SEC, "asked_any_s3");
    answers("q3_ssm_many", SEC, "now3_ssm"); // too many to remember
    answers("q3_ssm_s3", SEC, "");
    hear("q3_stranger");
    ck_assert(igmp_due(m) == UINT64_MAX);
    fresh_with(3, 905, 0x0a010203, 1);
    igmp_join(m, now_ns);
    until(now_ns + 2 * SEC);
    hear("q3"); // untagged: somebody else's
    ck_assert(igmp_due(m) == UINT64_MAX);
    hear("q3_vlan");
    ck_assert(igmp_due(m) <= now_ns + 10 * SEC);
}
END_TEST

// The floating-point code of the longest times: 0x8f is (15 | 16) << 3 = 248 tenths of a second.
START_TEST(test_response_code)
{
    uint64_t latest = 0;
    for (unsigned i = 0; i < 200; i++) {
        fresh_with(3, 0, 0x0a010203, i);
        joined();
        hear("q3_code");
        uint64_t wait = igmp_due(m) - now_ns;
        ck_assert(wait <= UINT64_C(24800000000));
        latest = wait > latest ? wait : latest;
    }
    ck_assert(latest > UINT64_C(23000000000)); // over the whole of it
}
END_TEST

// RFC 3376, 5.2: rules 1 to 5.
START_TEST(test_merging)
{
    fresh();
    joined();
    hear("q3_ssm_s2");
    hear("q3_ssm_s1_s3");
    until(now_ns + 2 * SEC);
    SENT("asked_ssm_s1_s2");
    hear("q3_ssm_s2");
    hear("q3_ssm");
    hear("q3_ssm_s2");
    until(now_ns + 2 * SEC);
    SENT("now3_ssm");
    hear("q3");
    hear("q3");
    until(now_ns + 20 * SEC);
    SENT("now3");
    hear("q3");
    until(igmp_due(m) - 1);
    hear("q3_any"); // the general answer comes sooner
    until(now_ns + 20 * SEC);
    SENT("now3");
    hear("q3");
    hear("other3");
    hear("other2_any"); // version 3 does not keep silent for others
    until(now_ns + 20 * SEC);
    SENT("now3");
    hear("q3_any");
    hear("other2_any");
    until(now_ns + SEC);
    SENT("now3_any");
}
END_TEST

START_TEST(test_version_2)
{
    fresh();
    joined();
    uint64_t t = now_ns;
    hear("q2");
    ck_assert_uint_eq(igmp_version(m), 2);
    until(t + 10 * SEC);
    ck_assert(strcmp(sent, "v2_any v2_ssm") == 0 || strcmp(sent, "v2_ssm v2_any") == 0);
    sent[0] = '\0';
    answers("q2_any", SEC, "v2_any");
    hear("q2_any");
    hear("other2_any");
    until(now_ns + 2 * SEC);
    SENT("");
    hear("q3"); // answered in version 2 while the old querier counts as present
    until(now_ns + 10 * SEC);
    ck_assert(strstr(sent, "v2_any") && strstr(sent, "v2_ssm"));
    sent[0] = '\0';
    t = now_ns;
    hear("q2_any");
    until(t + 260 * SEC - 1); // 2 * 125 s + 10 s
    ck_assert_uint_eq(igmp_version(m), 2);
    until(now_ns + 1);
    ck_assert_uint_eq(igmp_version(m), 3);
    SENT("v2_any");
    answers("q3", 10 * SEC, "now3");
    hear("q2_any");
    igmp_leave(m, now_ns);
    SENT("leave2_any leave2_ssm");
    fresh_with(2, 0, 0x0a010203, 1);
    igmp_join(m, now_ns);
    SENT("v2_any v2_ssm");
    until(now_ns + 10 * SEC);
    SENT("v2_any v2_ssm");
}
END_TEST

START_TEST(test_version_1)
{
    fresh();
    igmp_join(m, now_ns);
    sent[0] = '\0';
    hear("q1");                      // cancels the repetition in version 3
    ck_assert(igmp_due(m) > now_ns); // within 10 s, which its frame does not say
    ck_assert_uint_eq(igmp_version(m), 1);
    until(now_ns + 10 * SEC);
    ck_assert(strcmp(sent, "v1_any v1_ssm") == 0 || strcmp(sent, "v1_ssm v1_any") == 0);
    sent[0] = '\0';
    hear("q2");
    ck_assert_uint_eq(igmp_version(m), 1);
    igmp_leave(m, now_ns);
    until(now_ns + 10 * SEC);
    SENT("");
}
END_TEST

START_TEST(test_ignored)
{
    fresh();
    joined();
    uint64_t bad = 0;
    for (size_t i = 0; i < n_vectors; i++) {
        if (strncmp(vectors[i].name, "bad_", 4) != 0)
            continue;
        hear(vectors[i].name);
        ck_assert_msg(igmp_due(m) == UINT64_MAX, "%s", vectors[i].name);
        ck_assert_uint_eq(igmp_counters(m)->bad, ++bad);
    }
    ck_assert_uint_gt(bad, 7);
    ck_assert_uint_eq(igmp_counters(m)->queries, 0);
    ck_assert_uint_eq(igmp_version(m), 3);
}
END_TEST

// Cut anywhere, and each bit changed: nothing but the checksums' own blind spots may act, and nothing is read
// outside.
START_TEST(test_damage)
{
    static const char *const names[] = {"q3", "q3_any", "q3_ssm_s2", "q2", "q3_vlan", "other2_any"};
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        load();
        const struct vector *v = vector(names[i]);
        size_t used =
            (v->bytes[12] == 0x81 ? 18u : 14u) + (size_t)(v->bytes[17 + (v->bytes[12] == 0x81 ? 4 : 0)]);
        for (size_t len = 0; len < used; len++) {
            uint8_t *copy = malloc(len + !len);
            fresh();
            joined();
            memcpy(copy, v->bytes, len);
            (void)igmp_receive(m, now_ns, copy, len);
            ck_assert(igmp_due(m) == UINT64_MAX);
            free(copy);
        }
        for (size_t bit = 14 * 8; bit < used * 8; bit++) {
            uint8_t copy[128];
            fresh();
            joined();
            memcpy(copy, v->bytes, v->len);
            copy[bit / 8] ^= (uint8_t)(1u << bit % 8);
            (void)igmp_receive(m, now_ns, copy, v->len);
            if (v->bytes[12] != 0x81)
                ck_assert_msg(igmp_due(m) == UINT64_MAX, "%s bit %zu", names[i], bit);
        }
    }
}
END_TEST

START_TEST(test_many_groups)
{
    struct igmp_config c = {.ip = 0x0a010203, .version = 3};
    static struct groups many;
    struct err e;
    memcpy(c.mac, MAC, 6);
    fresh();
    for (unsigned i = 0; i < GROUPS_MAX; i++)
        for (unsigned k = 0; k < GROUP_SOURCES; k++) {
            char text[64];
            snprintf(text, sizeof text, "203.0.%u.%u@232.1.%u.%u", i, k + 1, i / 100, i % 100);
            ck_assert_int_eq(groups_join(&many, text, &e), 0);
        }
    struct igmp *big = igmp_new(&c, &many, on_send, NULL);
    igmp_join(big, now_ns);
    SENT("big_0 big_1 big_2 big_3 big_4 big_5 big_6");
    igmp_free(big);
}
END_TEST

START_TEST(test_groups)
{
    static struct groups s;
    struct err e;
    static const char *const refused[] = {"",
                                          "239.1.1",
                                          "10.0.0.1",
                                          "224.0.0.5",
                                          "@239.1.1.1",
                                          "x@239.1.1.1",
                                          "239.1.1.2@239.1.1.1",
                                          "0.0.0.1@239.1.1.1",
                                          "240.0.0.1",
                                          "239.1.1.1@",
                                          "239.1.1.1 "};
    for (size_t i = 0; i < sizeof refused / sizeof *refused; i++)
        ck_assert_msg(groups_join(&s, refused[i], &e) == -1 && s.n == 0, "%s", refused[i]);
    ck_assert_int_eq(groups_join(&s, "10.0.0.1@232.1.1.1", &e), 0);
    ck_assert_int_eq(groups_join(&s, "10.0.0.2@232.1.1.1", &e), 0);
    ck_assert_int_eq(groups_join(&s, "10.0.0.2@232.1.1.1", &e), 0);
    ck_assert(groups_want(&s, 0x0a000001, 0xe8010101) && groups_want(&s, 0x0a000002, 0xe8010101));
    ck_assert(!groups_want(&s, 0x0a000003, 0xe8010101));
    ck_assert(!groups_want(&s, 0x0a000001, 0xe8810101));   // the same MAC address
    ck_assert_int_eq(groups_join(&s, "232.1.1.1", &e), 0); // now from anybody
    ck_assert_int_eq(groups_join(&s, "10.0.0.9@232.1.1.1", &e), 0);
    ck_assert(groups_want(&s, 0x0a000003, 0xe8010101));
    for (unsigned i = 2; i <= GROUP_SOURCES + 1; i++) {
        char text[64];
        snprintf(text, sizeof text, "10.0.0.%u@232.2.2.2", i);
        ck_assert_int_eq(groups_join(&s, text, &e), 0);
    }
    ck_assert_int_eq(groups_join(&s, "10.0.1.1@232.2.2.2", &e), -1);
    for (unsigned i = 0; s.n < GROUPS_MAX; i++) {
        char text[64];
        snprintf(text, sizeof text, "239.0.%u.%u", i / 256, i % 256);
        ck_assert_int_eq(groups_join(&s, text, &e), 0);
        ck_assert(groups_find(&s, 0xef000000 + i) != NULL);
    }
    ck_assert_int_eq(groups_join(&s, "239.200.0.1", &e), -1);
    ck_assert(!groups_find(&s, 0xefc80001));
    uint8_t mac[6];
    groups_mac(0xef812345, mac);
    ck_assert_mem_eq(mac, "\x01\x00\x5e\x01\x23\x45", 6);
}
END_TEST

// ---- random sequences. The judge knows queries (when, how long, about what) and the names of what was sent.

struct window {
    uint64_t from, to;
    bool any, ssm, done_any, done_ssm;
};

// Which groups a sent frame speaks for.
static void speaks_for(const char *name, bool *any, bool *ssm)
{
    bool both = strcmp(name, "now3") == 0 || strcmp(name, "join3") == 0;
    *any = both || strstr(name, "any") != NULL;
    *ssm = both || strstr(name, "ssm") != NULL;
    ck_assert_msg(*any || *ssm, "%s", name);
}

static struct window windows[64];
static size_t n_windows;

static void judge_sent(bool strict)
{
    for (char *save = NULL, *name = strtok_r(sent, " ", &save); name; name = strtok_r(NULL, " ", &save)) {
        bool any, ssm, asked = false;
        speaks_for(name, &any, &ssm);
        for (size_t i = 0; i < n_windows; i++) {
            struct window *w = &windows[i];
            if (now_ns < w->from || now_ns > w->to)
                continue;
            asked |= (any && w->any) || (ssm && w->ssm);
            w->done_any |= any;
            w->done_ssm |= ssm;
        }
        if (strict)
            ck_assert_msg(asked, "%s unasked at %" PRIu64, name, now_ns);
    }
    sent[0] = '\0';
}

// Time goes on step by step to the next event, so that now_ns is when a frame was sent.
static void run_until(uint64_t then)
{
    while (igmp_due(m) <= then) {
        now_ns = igmp_due(m);
        igmp_time(m, now_ns);
        judge_sent(true);
    }
    now_ns = then;
    size_t kept = 0;
    for (size_t i = 0; i < n_windows; i++) {
        if (windows[i].to > then) {
            windows[kept++] = windows[i];
            continue;
        }
        ck_assert_msg(!windows[i].any || windows[i].done_any, "no answer for " ANY " by %" PRIu64,
                      windows[i].to);
        ck_assert_msg(!windows[i].ssm || windows[i].done_ssm, "no answer for " SSM " by %" PRIu64,
                      windows[i].to);
    }
    n_windows = kept;
}

static void random_run(uint64_t seed, bool v2)
{
    static const struct {
        const char *name;
        uint64_t most_ns;
        bool any, ssm, old;
    } query[] = {{"q3", 10 * SEC, true, true, false},
                 {"q3_any", SEC, true, false, false},
                 {"q3_ssm", SEC, false, true, false},
                 {"q3_ssm_s2", SEC, false, true, false},
                 {"q3_ssm_s1_s3", SEC, false, true, false},
                 {"q3_any_s3", SEC, true, false, false},
                 {"q3_code", 248 * SEC / 10, true, true, false},
                 {"q3_now", 0, true, true, false},
                 {"q2", 10 * SEC, true, true, true},
                 {"q2_any", SEC, true, false, true}};
    struct prng rng;
    prng_seed(&rng, seed);
    fresh_with(v2 ? 2 : 3, 0, 0x0a010203, seed);
    joined();
    n_windows = 0;
    for (unsigned i = 0; i < 300; i++) {
        run_until(now_ns + prng_below(&rng, prng_chance(&rng, 1, 4) ? 30 * SEC : 2 * SEC));
        size_t k = prng_below(&rng, v2 ? 10 : 8);
        windows[n_windows++] = (struct window){
            .from = now_ns, .to = now_ns + query[k].most_ns, .any = query[k].any, .ssm = query[k].ssm};
        if (n_windows == sizeof windows / sizeof *windows)
            run_until(now_ns + 30 * SEC);
        hear(query[k].name);
        judge_sent(true);
        run_until(now_ns);
    }
    run_until(now_ns + 30 * SEC);
    ck_assert_uint_eq(n_windows, 0);
}

START_TEST(test_random)
{
    uint64_t seed = test_seed(20261120);
    for (uint64_t i = 0; i < 100; i++)
        random_run(seed + i, i % 2);
}
END_TEST

// Any frame at any time: no crash, no endless loop, and never more than the answers to it.
START_TEST(test_noise)
{
    struct prng rng;
    prng_seed(&rng, test_seed(20261120));
    fresh();
    igmp_join(m, now_ns);
    for (unsigned i = 0; i < 50000; i++) {
        const struct vector *v = &vectors[prng_below(&rng, n_vectors)];
        if (i < 25000 && (strncmp(v->name, "q1", 2) == 0 || strncmp(v->name, "q2", 2) == 0))
            continue; // at first in version 3
        uint8_t *copy = malloc(v->len);
        size_t len = prng_chance(&rng, 1, 4) ? prng_below(&rng, v->len + 1) : v->len;
        memcpy(copy, v->bytes, v->len);
        if (prng_chance(&rng, 1, 3))
            copy[prng_below(&rng, v->len)] = (uint8_t)prng_u64(&rng);
        (void)igmp_receive(m, now_ns, copy, len);
        free(copy);
        until(now_ns + prng_below(&rng, 3 * SEC));
        ck_assert_uint_lt(strlen(sent), sizeof sent / 2);
        ck_assert_ptr_null(strchr(sent, '?'));
        sent[0] = '\0';
    }
}
END_TEST

int main(void)
{
    const TTest *const tests[] = {test_join_v3,       test_leave_v3, test_robustness,  test_queries_v3,
                                  test_response_code, test_merging,  test_version_2,   test_version_1,
                                  test_ignored,       test_damage,   test_many_groups, test_groups,
                                  test_random,        test_noise};
    return run_suite("igmp", tests, sizeof tests / sizeof *tests);
}
