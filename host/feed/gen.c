// SPDX-License-Identifier: Apache-2.0
#include "feed/gen.h"

#include "feed/gen_frame.h"
#include "feed/gen_venue.h"

#include <stdlib.h>
#include <string.h>

static const uint64_t SEED_IMPAIR = 0x696d70616972;

struct gen {
    struct gen_config config;
    struct gen_stats stats;
    struct venue venue;
    struct prng impair_rng; // apart from the venue's, so that impairments leave the stream as it is
    uint64_t ts_ns;
    struct gen_frame frame;   // the venue's packet
    struct gen_frame damaged; // a broken copy of it
    bool repeat, damage;      // still to be returned for this packet
    size_t wire;
};

void gen_config_default(struct gen_config *c)
{
    *c = (struct gen_config){.seed = 1,
                             .path = GEN_CALM,
                             .packets = 5000,
                             .rate_pps = 500,
                             .start_ns = GEN_START_NS,
                             .instruments = (1u << GEN_INSTRUMENT_MAX) - 1};
}

int gen_parse_path(const char *name, enum gen_path *out, struct err *err)
{
    static const char *const NAMES[] = {
        [GEN_CALM] = "calm", [GEN_TREND] = "trend", [GEN_CRASH] = "crash", [GEN_GAP] = "gap"};
    for (unsigned i = 0; i < sizeof NAMES / sizeof NAMES[0]; i++)
        if (!strcmp(name, NAMES[i])) {
            *out = (enum gen_path)i;
            return 0;
        }
    return err_set(err, "unknown path '%s': use calm, trend, crash or gap", name);
}

int gen_parse_instruments(const char *list, uint32_t *mask, struct err *err)
{
    size_t count;
    const struct gen_instrument *all = gen_instruments(&count);
    *mask = 0;
    for (const char *at = list;; at++) {
        size_t n = strcspn(at, ",");
        size_t i = 0;
        while (i < count && (strlen(all[i].name) != n || strncmp(all[i].name, at, n) != 0))
            i++;
        if (i == count)
            return err_set(err, "unknown instrument '%.*s': `tripline gen --help` lists them", (int)n, at);
        *mask |= 1u << i;
        at += n;
        if (!*at)
            return 0;
    }
}

static int check(const struct gen_config *c, struct err *err)
{
    if (c->packets < 1 || c->packets > GEN_PACKETS_MAX)
        return err_set(err, "number of packets must be 1 to %llu", (unsigned long long)GEN_PACKETS_MAX);
    if (c->book_levels > GEN_BOOK_LEVELS_MAX)
        return err_set(err, "books of %u levels: at most %u", c->book_levels, GEN_BOOK_LEVELS_MAX);
    if (c->rate_pps < 1 || c->rate_pps > GEN_RATE_MAX)
        return err_set(err, "rate must be 1 to %u packets a second", GEN_RATE_MAX);
    if (c->instruments == 0 || c->instruments >> GEN_INSTRUMENT_MAX)
        return err_set(err, "no instrument chosen, or one that there is not");
    if (c->drop_ppm > GEN_PPM || c->dup_ppm > GEN_PPM || c->corrupt_ppm > GEN_PPM)
        return err_set(err, "an impairment must be 0 to 100 percent");
    return 0;
}

struct gen *gen_open(const struct gen_config *c, struct err *err)
{
    if (check(c, err))
        return NULL;
    struct gen *g = calloc(1, sizeof *g);
    if (!g) {
        err_set(err, "out of memory");
        return NULL;
    }
    g->config = *c;
    prng_seed(&g->impair_rng, c->seed ^ SEED_IMPAIR);
    venue_init(&g->venue, c);
    return g;
}

void gen_close(struct gen *g)
{
    free(g);
}

size_t gen_wire_len(const struct gen *g)
{
    return g->wire;
}

const struct gen_stats *gen_stats(const struct gen *g)
{
    return &g->stats;
}

static bool chance(struct gen *g, uint32_t ppm)
{
    return prng_chance(&g->impair_rng, ppm, GEN_PPM);
}

static void give(struct gen *g, const struct gen_frame *f, uint64_t *ts_ns, const uint8_t **frame,
                 size_t *len)
{
    g->stats.frames++;
    g->wire = f->wire;
    *ts_ns = g->ts_ns;
    *frame = f->buf;
    *len = f->len;
}

static void count_content(struct gen_stats *s, const struct venue_content *c)
{
    s->messages += c->messages;
    s->tickers += c->tickers;
    s->indexes += c->indexes;
    s->instruments += c->instruments;
    s->other_messages += c->messages - c->tickers - c->indexes - c->instruments;
}

bool gen_next(struct gen *g, uint64_t *ts_ns, const uint8_t **frame, size_t *len)
{
    if (g->repeat) {
        g->repeat = false;
        g->stats.packets++;
        g->stats.duplicates++;
        give(g, &g->frame, ts_ns, frame, len);
        return true;
    }
    if (g->damage) {
        g->damage = false;
        g->damaged = g->frame;
        g->stats.damaged[frame_damage(&g->damaged, &g->impair_rng)]++;
        give(g, &g->damaged, ts_ns, frame, len);
        return true;
    }
    struct venue_content content;
    while (venue_next(&g->venue, &g->ts_ns, &g->frame, &content)) {
        bool drop = chance(g, g->config.drop_ppm);
        bool repeat = chance(g, g->config.dup_ppm);
        g->damage = chance(g, g->config.corrupt_ppm);
        if (drop) {
            g->damage = false;
            g->stats.dropped++;
            continue;
        }
        g->repeat = repeat;
        g->stats.packets++;
        count_content(&g->stats, &content);
        give(g, &g->frame, ts_ns, frame, len);
        return true;
    }
    return false;
}
