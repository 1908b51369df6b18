// SPDX-License-Identifier: Apache-2.0
// Loads from captures, written here frame by frame, and from the synthetic venue, beside its own frames.
#include <pcap/pcap.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

#include "base/prng.h"
#include "base/test_seed.h"
#include "bench/load.h"
#include "feed/wire.h"
#include "run_suite.h"

enum { SNAP = 65535, LINE = 64, FRAME_MAX = 1600, PART = 10 };
#define SECOND UINT64_C(1000000000)
#define START  (UINT64_C(1780272000) * SECOND)

static char path[64];
static struct load l;
static struct err e;

static void setup(void)
{
    (void)snprintf(path, sizeof path, "/tmp/tl-load-XXXXXX");
    int fd = mkstemp(path);
    ck_assert_int_ge(fd, 0);
    ck_assert_int_eq(close(fd), 0);
    e.msg[0] = '\0';
}

static void teardown(void)
{
    load_free(&l);
    (void)unlink(path);
}

// ---- captures made here

static pcap_t *dead;
static pcap_dumper_t *dump;

static void begin_capture(int link, bool nano)
{
    dead = pcap_open_dead_with_tstamp_precision(
        link, SNAP, nano ? PCAP_TSTAMP_PRECISION_NANO : PCAP_TSTAMP_PRECISION_MICRO);
    ck_assert_ptr_nonnull(dead);
    dump = pcap_dump_open(dead, path);
    ck_assert_ptr_nonnull(dump);
}

// sub: of the second, in the file's own units.
static void put_frame(uint64_t second, uint64_t sub, const uint8_t *data, uint32_t caplen, uint32_t wirelen)
{
    const struct pcap_pkthdr h = {
        .ts = {.tv_sec = (time_t)second, .tv_usec = (suseconds_t)sub}, .caplen = caplen, .len = wirelen};
    pcap_dump((u_char *)dump, &h, data);
}

static void end_capture(void)
{
    pcap_dump_close(dump);
    pcap_close(dead);
}

static void fill(struct prng *r, uint8_t *p, size_t n)
{
    for (size_t i = 0; i < n; i++)
        p[i] = (uint8_t)prng_u64(r);
}

START_TEST(test_capture_is_what_was_written)
{
    enum { FRAMES = 6000 }; // some 5 MB: the memory grows several times
    static struct {
        uint64_t ts;
        uint32_t caplen, wirelen;
    } made[FRAMES];
    const uint64_t seed = test_seed(21), per_unit = _i ? 1 : 1000;
    static uint8_t data[FRAME_MAX];
    struct prng r, again;
    prng_seed(&r, seed);
    begin_capture(DLT_EN10MB, _i);
    uint64_t ts = START;
    for (size_t i = 0; i < FRAMES; i++) {
        ts += prng_below(&r, 3000000) * per_unit;
        made[i].ts = ts;
        made[i].caplen = (uint32_t)prng_below(&r, FRAME_MAX) + 1;
        made[i].wirelen = made[i].caplen + (uint32_t)prng_below(&r, 2) * 100;
        prng_seed(&again, i);
        fill(&again, data, made[i].caplen);
        put_frame(ts / SECOND, ts % SECOND / per_unit, data, made[i].caplen, made[i].wirelen);
    }
    end_capture();
    ck_assert_msg(load_capture(path, 0, &l, &e) == 0, "%s", e.msg);
    ck_assert(l.kind == LOAD_CAPTURE && !l.synthetic && l.seed == 0 && l.hits == 0 && l.prologue == 0);
    ck_assert_uint_eq(l.n, FRAMES);
    ck_assert_ptr_nonnull(strstr(l.what, path));
    size_t end = 0;
    for (size_t i = 0; i < FRAMES; i++) {
        const struct load_frame *f = &l.frame[i];
        prng_seed(&again, i);
        fill(&again, data, made[i].caplen);
        ck_assert_uint_eq(f->ts_ns, made[i].ts);
        ck_assert(f->caplen == made[i].caplen && f->wirelen == made[i].wirelen && f->id == 0 && !f->hit);
        ck_assert(f->at % LINE == 0 && f->at >= end && f->at + f->caplen <= l.n_bytes);
        ck_assert_int_eq(memcmp(l.bytes + f->at, data, f->caplen), 0);
        end = f->at + f->caplen;
    }
}
END_TEST

static void three_frames(int link, const uint64_t *ns)
{
    static const uint8_t data[PART * 3] = {1, 2, 3};
    begin_capture(link, true);
    for (int i = 0; i < 3; i++)
        put_frame(START / SECOND, ns[i], data + i, PART + (uint32_t)i, PART + (uint32_t)i);
    end_capture();
}

START_TEST(test_stamps_never_fall)
{
    three_frames(DLT_EN10MB, (const uint64_t[]){500, 200, 501});
    ck_assert_int_eq(load_capture(path, 0, &l, &e), 0);
    ck_assert_uint_eq(l.frame[0].ts_ns, START + 500);
    ck_assert_uint_eq(l.frame[1].ts_ns, START + 500);
    ck_assert_uint_eq(l.frame[2].ts_ns, START + 501);
}
END_TEST

START_TEST(test_only_the_first)
{
    three_frames(DLT_EN10MB, (const uint64_t[]){1, 2, 3});
    ck_assert_int_eq(load_capture(path, 2, &l, &e), 0);
    ck_assert_uint_eq(l.n, 2);
    ck_assert_ptr_nonnull(strstr(l.what, "2 frames (its first)"));
    load_free(&l);
    ck_assert_int_eq(load_capture(path, 9, &l, &e), 0);
    ck_assert_uint_eq(l.n, 3);
    ck_assert_ptr_null(strstr(l.what, "first"));
}
END_TEST

// By hand: section header, interface of nanoseconds, one packet.
START_TEST(test_pcapng)
{
    static const uint8_t frame[PART] = {9, 8, 7, 6, 5, 4, 3, 2, 1, 0};
    uint8_t b[200] = {0}, *p = b;
    le32_store(p, 0x0a0d0d0a);
    le32_store(p + 4, 28);
    le32_store(p + 8, 0x1a2b3c4d);
    le16_store(p + 12, 1);
    memset(p + 16, 0xff, 8);
    le32_store(p + 24, 28);
    p += 28;
    le32_store(p, 1);
    le32_store(p + 4, 32);
    le16_store(p + 8, DLT_EN10MB);
    le32_store(p + 12, SNAP);
    le16_store(p + 16, 9); // if_tsresol: 10^-9
    le16_store(p + 18, 1);
    p[20] = 9;
    le32_store(p + 28, 32);
    p += 32;
    le32_store(p, 6);
    le32_store(p + 4, 44);
    le32_store(p + 12, (uint32_t)((START + 7) >> 32));
    le32_store(p + 16, (uint32_t)(START + 7));
    le32_store(p + 20, PART);
    le32_store(p + 24, PART + 1);
    memcpy(p + 28, frame, PART);
    le32_store(p + 40, 44);
    p += 44;
    FILE *f = fopen(path, "w");
    ck_assert_uint_eq(fwrite(b, 1, (size_t)(p - b), f), (size_t)(p - b));
    ck_assert_int_eq(fclose(f), 0);
    ck_assert_msg(load_capture(path, 0, &l, &e) == 0, "%s", e.msg);
    ck_assert_uint_eq(l.n, 1);
    ck_assert_uint_eq(l.frame[0].ts_ns, START + 7);
    ck_assert(l.frame[0].caplen == PART && l.frame[0].wirelen == PART + 1);
    ck_assert_int_eq(memcmp(l.bytes, frame, PART), 0);
}
END_TEST

static void refused(uint64_t most, const char *why)
{
    ck_assert_int_eq(load_capture(path, most, &l, &e), -1);
    ck_assert_msg(strstr(e.msg, path) && strstr(e.msg, why), "\"%s\" without \"%s\"", e.msg, why);
    ck_assert(l.n == 0 && !l.frame && !l.bytes);
}

START_TEST(test_refused)
{
    const uint64_t ns[] = {1, 2, 3};
    refused(0, "expected a pcap or pcapng file"); // empty
    three_frames(DLT_RAW, ns);
    refused(0, "link type RAW");
    three_frames(DLT_LINUX_SLL, ns);
    refused(0, "link type LINUX_SLL");
    begin_capture(DLT_EN10MB, true);
    end_capture();
    refused(0, "holds no frame");
    three_frames(DLT_EN10MB, ns);
    ck_assert_int_eq(truncate(path, 24 + 16 + PART + 16 + 4), 0);
    refused(0, "breaks off after 1 frames");
    ck_assert_int_eq(load_capture(path, 1, &l, &e), 0); // up to there it can be played
    load_free(&l);
    (void)unlink(path);
    refused(0, "No such file");
}
END_TEST

// Sanitizers reserve terabytes of addresses and cannot be limited so.
START_TEST(test_too_large)
{
#if !defined(__SANITIZE_ADDRESS__) && !defined(__SANITIZE_THREAD__)
    enum { FRAMES = 100000, ROOM = 64 << 20 };
    static const uint8_t data[FRAME_MAX];
    struct rlimit lim, was;
    begin_capture(DLT_EN10MB, true);
    for (uint64_t i = 0; i < FRAMES; i++)
        put_frame(i, 0, data, FRAME_MAX, FRAME_MAX);
    end_capture();
    ck_assert_int_eq(getrlimit(RLIMIT_AS, &was), 0);
    lim = was;
    lim.rlim_cur = (rlim_t)ROOM;
    ck_assert_int_eq(setrlimit(RLIMIT_AS, &lim), 0);
    int rc = load_capture(path, 0, &l, &e);
    ck_assert_int_eq(setrlimit(RLIMIT_AS, &was), 0);
    ck_assert_int_eq(rc, -1);
    ck_assert_msg(strstr(e.msg, path) && strstr(e.msg, "does not fit into memory"), "%s", e.msg);
    ck_assert(l.n == 0 && !l.frame && !l.bytes);
#endif
}
END_TEST

// ---- the synthetic venue

START_TEST(test_generated_is_the_venues)
{
    struct gen_config c;
    const uint8_t *data;
    uint64_t ts;
    size_t len, i = 0;
    gen_config_default(&c);
    c.path = GEN_CRASH;
    c.packets = 3000;
    c.seed = 4;
    c.corrupt_ppm = 200000; // cut frames: shorter than on the wire
    c.dup_ppm = 10000;
    ck_assert_msg(load_generated(&c, &l, &e) == 0, "%s", e.msg);
    ck_assert(l.kind == LOAD_GENERATED && l.synthetic && l.seed == 4);
    ck_assert_str_eq(l.what, "synthetic venue, crash path, seed 4, 3000 packets at 500 a second, impaired");
    struct gen *g = gen_open(&c, &e);
    ck_assert_ptr_nonnull(g);
    uint64_t cut = 0;
    for (; gen_next(g, &ts, &data, &len); i++) {
        const struct load_frame *f = &l.frame[i];
        ck_assert_uint_lt(i, l.n);
        ck_assert(f->ts_ns == ts && f->caplen == len && f->wirelen == gen_wire_len(g));
        ck_assert_int_eq(memcmp(l.bytes + f->at, data, len), 0);
        cut += f->wirelen > f->caplen;
    }
    ck_assert_uint_eq(i, l.n);
    ck_assert_uint_gt(cut, 0);
    gen_close(g);
}
END_TEST

START_TEST(test_generated_refused)
{
    struct gen_config c;
    gen_config_default(&c);
    c.rate_pps = 0;
    ck_assert_int_eq(load_generated(&c, &l, &e), -1);
    ck_assert_uint_gt(strlen(e.msg), 0);
    ck_assert(l.n == 0 && !l.frame && !l.bytes);
}
END_TEST

int main(void)
{
    Suite *s = suite_create("load");
    TCase *t = tcase_create("load");
    tcase_add_checked_fixture(t, setup, teardown);
    tcase_set_timeout(t, 60);
    tcase_add_loop_test(t, test_capture_is_what_was_written, 0, 2);
    tcase_add_test(t, test_stamps_never_fall);
    tcase_add_test(t, test_only_the_first);
    tcase_add_test(t, test_pcapng);
    tcase_add_test(t, test_refused);
    tcase_add_test(t, test_too_large);
    tcase_add_test(t, test_generated_is_the_venues);
    tcase_add_test(t, test_generated_refused);
    suite_add_tcase(s, t);
    return run_suite(s);
}
