// SPDX-License-Identifier: Apache-2.0
#include "bench/load_inside.h"

#include <inttypes.h>
#include <pcap/pcap.h>
#include <stdlib.h>
#include <string.h>

#include "feed/capture.h"

enum { LINE = 64, FRAMES_FIRST = 4096, BYTES_FIRST = 1 << 20, MB = 1 << 20, GEN_PATHS = 4 };

// ---- memory

// What the kernel can give without swapping, in bytes; UINT64_MAX when it does not say. Allocating alone says
// nothing: Linux promises more than it has, and ends the process that believes it.
static uint64_t memory_left(void)
{
    FILE *f = fopen("/proc/meminfo", "r");
    char line[128];
    uint64_t kb = UINT64_MAX / 1024;
    while (f && fgets(line, sizeof line, f))
        if (sscanf(line, "MemAvailable: %" SCNu64, &kb) == 1)
            break;
    if (f)
        (void)fclose(f);
    return kb * 1024;
}

// Room for `need` units where there is room for *have; by half more, so that copying stays cheap.
static void *grow(void *p, size_t *have, size_t need, size_t first, size_t unit)
{
    size_t want = *have ? *have + *have / 2 : first;
    if (want < need)
        want = need;
    if (want > SIZE_MAX / unit || (want - *have) * unit > memory_left())
        return NULL;
    void *q = realloc(p, want * unit);
    if (q)
        *have = want;
    return q;
}

static int too_large(const struct load *l, const char *from, struct err *e)
{
    return err_set(e,
                   "%s: does not fit into memory: %zu frames (%zu MB) did; play no more than that many, or "
                   "on a machine with more",
                   from, l->n, (l->n_bytes + l->n * sizeof *l->frame) / MB);
}

int load_add(struct load *l, struct load_room *r, const char *from, const struct load_frame *f,
             const uint8_t *data, struct err *e)
{
    size_t at = (l->n_bytes + LINE - 1) / LINE * LINE, end = at + f->caplen;
    if (l->n == r->frames) {
        struct load_frame *p = grow(l->frame, &r->frames, l->n + 1, FRAMES_FIRST, sizeof *l->frame);
        if (!p)
            return too_large(l, from, e);
        l->frame = p;
    }
    if (end > r->bytes) {
        uint8_t *p = grow(l->bytes, &r->bytes, end, BYTES_FIRST, 1);
        if (!p)
            return too_large(l, from, e);
        l->bytes = p;
    }
    memset(l->bytes + l->n_bytes, 0, at - l->n_bytes);
    memcpy(l->bytes + at, data, f->caplen);
    struct load_frame *to = &l->frame[l->n];
    *to = *f;
    to->at = at;
    if (l->n && to->ts_ns < to[-1].ts_ns)
        to->ts_ns = to[-1].ts_ns;
    l->n_bytes = end;
    l->n++;
    l->hits += f->hit;
    return 0;
}

void load_done(struct load *l, struct load_room *r)
{
    struct load_frame *f = l->n ? realloc(l->frame, l->n * sizeof *f) : NULL;
    uint8_t *b = l->n_bytes ? realloc(l->bytes, l->n_bytes) : NULL;
    if (f) {
        l->frame = f;
        r->frames = l->n;
    }
    if (b) {
        l->bytes = b;
        r->bytes = l->n_bytes;
    }
}

void load_free(struct load *l)
{
    free(l->frame);
    free(l->bytes);
    *l = (struct load){0};
}

// ---- captures

static int read_frames(pcap_t *cap, const char *path, uint64_t most, struct load *out, struct err *e)
{
    struct load_room room = {0};
    struct pcap_pkthdr *h;
    const u_char *data;
    int got = PCAP_ERROR_BREAK;
    while ((!most || out->n < most) && (got = pcap_next_ex(cap, &h, &data)) == 1) {
        // With nanosecond precision asked for, libpcap puts nanoseconds into tv_usec.
        const struct load_frame f = {.ts_ns = (uint64_t)h->ts.tv_sec * 1000000000u + (uint64_t)h->ts.tv_usec,
                                     .caplen = h->caplen,
                                     .wirelen = h->len};
        if (load_add(out, &room, path, &f, data, e) != 0)
            return -1;
    }
    load_done(out, &room);
    if (got != 1 && got != PCAP_ERROR_BREAK)
        return err_set(e, "%s: breaks off after %zu frames: %s; capture or copy it again, or play only these",
                       path, out->n, pcap_geterr(cap));
    if (out->n == 0)
        return err_set(e, "%s: holds no frame: nothing to play", path);
    return 0;
}

int load_capture(const char *path, uint64_t most, struct load *out, struct err *e)
{
    char why[PCAP_ERRBUF_SIZE];
    *out = (struct load){.kind = LOAD_CAPTURE};
    pcap_t *cap = pcap_open_offline_with_tstamp_precision(path, PCAP_TSTAMP_PRECISION_NANO, why);
    if (!cap) {
        // libpcap names the file itself when it cannot be opened, and not when it is no capture.
        bool named = strncmp(why, path, strlen(path)) == 0;
        return err_set(e, "%s%s%s (expected a pcap or pcapng file)", named ? "" : path, named ? "" : ": ",
                       why);
    }
    enum feed_link link;
    int rc;
    if (!capture_link(pcap_datalink(cap), &link) || link != LINK_ETHERNET) {
        const char *name = pcap_datalink_val_to_name(pcap_datalink(cap));
        rc = err_set(e, "%s: link type %s, but a port carries Ethernet: convert the capture", path,
                     name ? name : "unknown");
    } else {
        rc = read_frames(cap, path, most, out, e);
    }
    pcap_close(cap);
    if (rc != 0)
        load_free(out);
    else
        (void)snprintf(out->what, sizeof out->what, "capture %.100s, %zu frames%s", path, out->n,
                       most && out->n == most ? " (its first)" : "");
    return rc;
}

// ---- generated

static const char *path_text(enum gen_path p)
{
    static const char *const name[GEN_PATHS] = {
        [GEN_CALM] = "calm", [GEN_TREND] = "trend", [GEN_CRASH] = "crash", [GEN_GAP] = "gap"};
    return (unsigned)p < GEN_PATHS ? name[p] : "?";
}

static int read_generator(struct gen *g, struct load *out, struct err *e)
{
    struct load_room room = {0};
    const uint8_t *data;
    uint64_t ts_ns;
    size_t len;
    while (gen_next(g, &ts_ns, &data, &len)) {
        const struct load_frame f = {
            .ts_ns = ts_ns, .caplen = (uint32_t)len, .wirelen = (uint32_t)gen_wire_len(g)};
        if (load_add(out, &room, "generated load", &f, data, e) != 0)
            return -1;
    }
    load_done(out, &room);
    return 0;
}

int load_generated(const struct gen_config *c, struct load *out, struct err *e)
{
    *out = (struct load){.kind = LOAD_GENERATED, .synthetic = true, .seed = c->seed};
    struct gen *g = gen_open(c, e);
    if (!g)
        return -1;
    int rc = read_generator(g, out, e);
    gen_close(g);
    if (rc != 0)
        load_free(out);
    else
        (void)snprintf(out->what, sizeof out->what,
                       "synthetic venue, %s path, seed %" PRIu64 ", %" PRIu64 " packets at %" PRIu32
                       " a second%s",
                       path_text(c->path), c->seed, c->packets, c->rate_pps,
                       c->drop_ppm || c->dup_ppm || c->corrupt_ppm ? ", impaired" : "");
    return rc;
}
