// SPDX-License-Identifier: Apache-2.0
// The text of policies (docs/oracle.md): lines of words; a word is a plain one or key=value. What each
// statement takes stands in tables; what a whole section must satisfy is policy_finish().
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "accounts/decimal.h"
#include "oracle/policy.h"

enum { LINE_MAX_LEN = 512, WORDS_MAX = 16 };

struct names {
    const char *name;
    uint8_t value;
};
static const struct names fields[] = {
    {"mark", FIELD_MARK}, {"index", FIELD_INDEX}, {"mid", FIELD_MID}, {"last", FIELD_LAST}, {NULL, 0}};
static const struct names aggregates[] = {{"single", AGGREGATE_SINGLE},     {"median", AGGREGATE_MEDIAN},
                                          {"weighted", AGGREGATE_WEIGHTED}, {"maker", AGGREGATE_MAKER},
                                          {"pyth", AGGREGATE_PYTH},         {NULL, 0}};
static const struct names means[] = {
    {"geometric", MEAN_GEOMETRIC}, {"arithmetic", MEAN_ARITHMETIC}, {NULL, 0}};
static const struct names actions[] = {{"hold", ACT_HOLD},           {"fallback", ACT_FALLBACK},
                                       {"last_good", ACT_LAST_GOOD}, {"halt", ACT_HALT},
                                       {"clamp", ACT_CLAMP},         {NULL, 0}};
static const struct names refs[] = {{"reference", REF_REFERENCE},
                                    {"previous", REF_PREVIOUS},
                                    {"twap", REF_TWAP},
                                    {"stable", REF_STABLE},
                                    {NULL, 0}};
static const struct names roles[] = {
    {"source", ROLE_SOURCE}, {"reference", ROLE_REFERENCE}, {"fallback", ROLE_FALLBACK}, {NULL, 0}};
static const struct names publishes[] = {{"spot", 0}, {"twap", 1}, {NULL, 0}};
static const struct names warmups[] = {{"hold", 0}, {"partial", 1}, {NULL, 0}};

struct guard_form {
    const char *name;
    uint8_t kind;
    const char *needs; // keys that must be there
    bool clamps;
};
static const struct guard_form forms[] = {
    {"band", GUARD_BAND, "low high", true},
    {"deviation", GUARD_DEVIATION, "bps of", true},
    {"jump", GUARD_JUMP, "bps of", false},
    {"ratio", GUARD_RATIO, "max of", false},
    {"rate", GUARD_RATE, "bps every_ms", true},
    {"cap", GUARD_CAP, "snapshot at yearly_bps", true},
    {"trend", GUARD_TREND, "ticks", false},
    {"confidence", GUARD_UNCERTAIN, "bps", false},
    {NULL, 0, NULL, false},
};

struct reader {
    const char *file;
    unsigned line;
    struct err *e;
    const struct market *m;
    struct policy *all, *p; // p: the open section's, or NULL
    uint16_t asset;
    bool seen[MARKET_ASSETS_MAX];
    size_t n;
    char *word[WORDS_MAX];
    uint32_t used; // words read
};

#define FAIL(r, ...) (fail(r, err_set((r)->e, __VA_ARGS__)))
// Puts file and line before the message, which may quote the file: nothing of that may steer a terminal.
static int fail(const struct reader *r, int rc)
{
    struct err plain;
    if (r->e) {
        for (char *c = r->e->msg; *c; c++)
            if ((unsigned char)*c < ' ' || *c == 0x7f)
                *c = '?';
        plain = *r->e;
        (void)err_set(r->e, "%.200s:%u: %.290s", r->file, r->line, plain.msg);
    }
    return rc;
}

// The value of key=..., or NULL. Marks the word as read.
static const char *option(struct reader *r, const char *key)
{
    size_t len = strlen(key);
    for (size_t i = 1; i < r->n; i++)
        if (strncmp(r->word[i], key, len) == 0 && r->word[i][len] == '=' && !(r->used >> i & 1)) {
            r->used |= UINT32_C(1) << i;
            return r->word[i] + len + 1;
        }
    return NULL;
}

// The i-th word, which must be there. NULL with an error set.
static const char *plain(struct reader *r, size_t i, const char *what)
{
    if (i >= r->n || strchr(r->word[i], '=')) {
        (void)FAIL(r, "%s: word %zu must be %s", r->word[0], i + 1, what);
        return NULL;
    }
    r->used |= UINT32_C(1) << i;
    return r->word[i];
}

static int number_of(struct reader *r, const char *key, const char *text, uint64_t min, uint64_t max,
                     uint64_t *out)
{
    uint64_t v = 0;
    bool ok = *text != '\0';
    for (const char *c = text; *c && ok; c++) {
        ok = *c >= '0' && *c <= '9' && v <= (UINT64_MAX - 9) / 10;
        v = ok ? v * 10 + (uint64_t)(*c - '0') : v;
    }
    if (!ok || v < min || v > max)
        return FAIL(r, "%s=%s: write a whole number from %" PRIu64 " to %" PRIu64, key, text, min, max);
    *out = v;
    return 0;
}

// An optional number; absent leaves *out.
static int number(struct reader *r, const char *key, uint64_t min, uint64_t max, uint32_t *out)
{
    uint64_t v;
    const char *text = option(r, key);
    if (!text)
        return 0;
    if (number_of(r, key, text, min, max, &v) != 0)
        return -1;
    *out = (uint32_t)v;
    return 0;
}

static int bps(struct reader *r, const char *key, uint32_t most, uint32_t *ppm)
{
    const char *text = option(r, key);
    uint64_t n;
    if (!text)
        return 0;
    if (number_of(r, key, text, 1, most, &n) != 0)
        return -1;
    *ppm = (uint32_t)n * 100;
    return 0;
}

static int price(struct reader *r, const char *key, int64_t *out)
{
    i128 v;
    struct err why = {{0}};
    const char *text = option(r, key);
    if (!text)
        return 0;
    if (dec_parse(text, r->m->asset[r->asset].decimals, &v, &why) != 0)
        return FAIL(r, "%s=%s: %.100s", key, text, why.msg);
    if (v < 1 || v > INT64_MAX)
        return FAIL(r, "%s=%s: write a price above 0 that fits 63 bits of the asset's quanta", key, text);
    *out = (int64_t)v;
    return 0;
}

static int choose(struct reader *r, const char *what, const char *text, const struct names *n, uint8_t *out)
{
    char list[128] = "";
    for (size_t i = 0; n[i].name; i++) {
        if (strcmp(n[i].name, text) == 0) {
            *out = n[i].value;
            return 0;
        }
        size_t len = strlen(list);
        (void)snprintf(list + len, sizeof list - len, "%s%s", i ? ", " : "", n[i].name);
    }
    return FAIL(r, "%s %s: write one of %s", what, text, list);
}

static int choice(struct reader *r, const char *key, const struct names *n, uint8_t *out)
{
    const char *text = option(r, key);
    return text ? choose(r, key, text, n, out) : 0;
}

static int venue_of(struct reader *r, const char *text, uint8_t *out)
{
    for (uint8_t v = 1; v < VENUE_COUNT; v++)
        if (strcmp(feed_venue_name((enum feed_venue)v), text) == 0) {
            *out = v;
            return 0;
        }
    return FAIL(r, "%s: no such venue; write deribit, cme, starbase or cde", text);
}

// ---- statements; each finds word[0] matched

// source|reference|fallback VENUE NAME FIELD [weight=] [conf_bps=] [max_age_ms=] [heartbeat_ms=]
// [threshold_bps=] [grace_ms=]
static int on_source(struct reader *r)
{
    struct policy *p = r->p;
    uint32_t heartbeat = 0;
    if (p->n_sources == POLICY_SOURCES)
        return FAIL(r, "more than %d sources; leave some out", POLICY_SOURCES);
    struct policy_source s = {.weight = 1};
    const char *venue = plain(r, 1, "a venue"), *name = venue ? plain(r, 2, "an instrument or index") : NULL;
    const char *field = name ? plain(r, 3, "mark, index, mid or last") : NULL;
    if (!field || choose(r, "role", r->word[0], roles, &s.role) != 0 || venue_of(r, venue, &s.venue) != 0 ||
        choose(r, "field", field, fields, &s.field) != 0 || number(r, "weight", 1, 1000000, &s.weight) != 0 ||
        number(r, "max_age_ms", 0, UINT32_MAX, &s.max_age_ms) != 0 ||
        number(r, "heartbeat_ms", 1, UINT32_MAX / 2, &heartbeat) != 0 ||
        bps(r, "threshold_bps", 1000000, &s.threshold_ppm) != 0 ||
        bps(r, "conf_bps", 9999, &s.conf_ppm) != 0 ||
        number(r, "grace_ms", 0, UINT32_MAX / 2, &s.grace_ms) != 0)
        return -1;
    if (strlen(name) >= SOURCE_NAME_LEN)
        return FAIL(r, "%.70s: a name has at most %d characters", name, SOURCE_NAME_LEN - 1);
    if (heartbeat && s.max_age_ms)
        return FAIL(
            r, "max_age_ms and heartbeat_ms: write one; an on-chain feed ages by heartbeat_ms + grace_ms");
    if (heartbeat)
        s.max_age_ms = heartbeat + s.grace_ms;
    memcpy(s.name, name, strlen(name) + 1);
    for (unsigned i = 0; i < p->n_sources; i++)
        if (p->source[i].role == s.role && p->source[i].venue == s.venue && p->source[i].field == s.field &&
            strcmp(p->source[i].name, s.name) == 0)
            return FAIL(r, "%s %s %s %s stands there twice; it would count twice", r->word[0], venue, name,
                        field);
    p->source[p->n_sources++] = s;
    return 0;
}

static int on_aggregate(struct reader *r)
{
    uint32_t quorum = 0;
    const char *how = plain(r, 1, "single, median, weighted, maker or pyth");
    if (!how || choose(r, "aggregate", how, aggregates, &r->p->aggregate) != 0 ||
        number(r, "quorum", 1, POLICY_SOURCES, &quorum) != 0)
        return -1;
    r->p->quorum = (uint8_t)quorum;
    return 0;
}

static int on_min_live(struct reader *r)
{
    uint64_t n;
    const char *text = plain(r, 1, "a number of sources");
    if (!text || number_of(r, "min_live", text, 1, POLICY_SOURCES, &n) != 0)
        return -1;
    r->p->min_live = (uint8_t)n;
    return 0;
}

static int on_twap(struct reader *r)
{
    uint8_t partial = 0;
    const char *how = plain(r, 1, "geometric or arithmetic");
    r->p->window_ms = 0;
    if (!how || choose(r, "twap", how, means, &r->p->mean) != 0 ||
        number(r, "window_ms", 2, 7 * 86400000u, &r->p->window_ms) != 0 ||
        choice(r, "warmup", warmups, &partial) != 0)
        return -1;
    if (r->p->window_ms == 0)
        return FAIL(r, "twap: write window_ms=N");
    r->p->partial = partial;
    return 0;
}

static int on_publish(struct reader *r)
{
    uint8_t mean = 0;
    const char *what = plain(r, 1, "spot or twap");
    if (!what || choose(r, "publish", what, publishes, &mean) != 0)
        return -1;
    r->p->publish_mean = mean;
    return 0;
}

static int on_too_few(struct reader *r)
{
    const char *what = plain(r, 1, "hold, fallback, last_good or halt");
    if (!what || choose(r, "too_few", what, actions, &r->p->too_few) != 0)
        return -1;
    return r->p->too_few == ACT_CLAMP ? FAIL(r, "too_few clamp: there is no price to clamp; write hold") : 0;
}

static int on_limits(struct reader *r) // limits [max_spread_bps=] [return_bps=] [last_good_ms=]
{
    return bps(r, "max_spread_bps", 1000000, &r->p->max_spread_ppm) != 0 ||
                   bps(r, "return_bps", 1000000, &r->p->return_ppm) != 0 ||
                   number(r, "last_good_ms", 1, UINT32_MAX, &r->p->last_good_ms) != 0
               ? -1
               : 0;
}

static int needed(struct reader *r, const struct guard_form *f)
{
    for (const char *at = f->needs; *at;) {
        size_t len = strcspn(at, " ");
        bool found = false;
        for (size_t i = 2; i < r->n && !found; i++)
            found = strncmp(r->word[i], at, len) == 0 && r->word[i][len] == '=';
        if (!found)
            return FAIL(r, "guard %s: write %.*s=...", f->name, (int)len, at);
        at += len + (at[len] == ' ');
    }
    return 0;
}

static int cap_of(struct reader *r, struct price_cap *c)
{
    uint32_t yearly = 0;
    const char *at = option(r, "at");
    if (!at || number_of(r, "at", at, 0, UINT64_C(100000000000), &c->at_s) != 0 ||
        price(r, "snapshot", &c->snapshot) != 0 || number(r, "yearly_bps", 0, 1000000, &yearly) != 0)
        return -1;
    c->per_second = price_cap_growth(c->snapshot, yearly);
    return 0;
}

// The keys of each kind; needed() has seen that they are there.
static int parameters(struct reader *r, struct policy_guard *g)
{
    switch (g->kind) {
    case GUARD_BAND:
        return price(r, "low", &g->low) != 0 ? -1 : price(r, "high", &g->high);
    case GUARD_RATIO:
        return number(r, "max", 1, UINT32_MAX, &g->ratio) != 0 ? -1 : choice(r, "of", refs, &g->ref);
    case GUARD_RATE:
        return bps(r, "bps", 1000000, &g->ppm) != 0 ? -1
                                                    : number(r, "every_ms", 1, 86400000, &g->interval_ms);
    case GUARD_CAP:
        return cap_of(r, &g->cap);
    case GUARD_TREND:
        return number(r, "ticks", 1, 1000000, &g->ratio);
    case GUARD_UNCERTAIN:
        return bps(r, "bps", 1000000, &g->ppm);
    default:
        return bps(r, "bps", 1000000, &g->ppm) != 0 ? -1 : choice(r, "of", refs, &g->ref);
    }
}

#define GUARD_KINDS "band, deviation, jump, ratio, rate, cap, trend or confidence"

static int on_guard(struct reader *r)
{
    const struct guard_form *f = forms;
    struct policy_guard g = {.action = ACT_HOLD};
    const char *kind = plain(r, 1, GUARD_KINDS);
    if (!kind)
        return -1;
    if (r->p->n_guards == POLICY_GUARDS)
        return FAIL(r, "more than %d guards; leave some out", POLICY_GUARDS);
    while (f->name && strcmp(f->name, kind) != 0)
        f++;
    if (!f->name)
        return FAIL(r, "guard %s: write " GUARD_KINDS, kind);
    g.kind = f->kind;
    if (needed(r, f) != 0 || parameters(r, &g) != 0 || choice(r, "then", actions, &g.action) != 0 ||
        number(r, "confirm_ms", 1, UINT32_MAX, &g.confirm_ms) != 0)
        return -1;
    if (g.action == ACT_CLAMP && (!f->clamps || g.confirm_ms))
        return FAIL(r, "guard %s: %s", f->name,
                    f->clamps
                        ? "what is clamped needs no confirm_ms; leave it out"
                        : "it knows no price to clamp to; write then=hold, fallback, last_good or halt");
    r->p->guard[r->p->n_guards++] = g;
    return 0;
}

// ---- sections

static int close_section(struct reader *r)
{
    if (!r->p)
        return 0;
    struct err why = {{0}};
    if (policy_finish(r->p, &why) != 0)
        return FAIL(r, "asset %s (the section that ends here): %.220s", r->m->asset[r->asset].name, why.msg);
    r->p = NULL;
    return 0;
}

static int on_asset(struct reader *r)
{
    const char *name = plain(r, 1, "the name of an asset");
    if (!name || close_section(r) != 0)
        return -1;
    uint16_t i = 0;
    while (i < r->m->n_assets && strcmp(r->m->asset[i].name, name) != 0)
        i++;
    if (i == r->m->n_assets)
        return FAIL(r, "asset %.64s: the store has no such asset; `tripline accounts show` lists them", name);
    if (r->m->asset[i].kind == ASSET_RECIPROCAL)
        return FAIL(r, "asset %s is a reciprocal; write the policy of the asset it inverts", name);
    if (r->m->asset[i].kind == ASSET_TOLD)
        return FAIL(r, "asset %s is told by a chain; write the policy of the one that predicts it, %s~", name,
                    name);
    if (r->seen[i])
        return FAIL(r, "asset %s has a section already; join the two", name);
    r->seen[i] = true;
    r->asset = i;
    r->p = &r->all[i];
    *r->p = (struct policy){.aggregate = AGGREGATE_SINGLE, .too_few = ACT_HOLD};
    return 0;
}

static const struct statement {
    const char *name;
    int (*run)(struct reader *r);
} statements[] = {{"asset", on_asset},     {"source", on_source},       {"reference", on_source},
                  {"fallback", on_source}, {"aggregate", on_aggregate}, {"min_live", on_min_live},
                  {"twap", on_twap},       {"publish", on_publish},     {"too_few", on_too_few},
                  {"limits", on_limits},   {"guard", on_guard}};

static int on_line(struct reader *r, char *line)
{
    r->n = 0;
    r->used = 1;
    for (char *c = strchr(line, '#'); c; c = strchr(c + 1, '#'))
        if (c == line || c[-1] == ' ' || c[-1] == '\t') { // a name may hold one
            *c = '\0';
            break;
        }
    for (char *save = NULL, *w = strtok_r(line, " \t\r", &save); w; w = strtok_r(NULL, " \t\r", &save)) {
        if (r->n == WORDS_MAX)
            return FAIL(r, "more than %d words; write one statement a line", WORDS_MAX);
        r->word[r->n++] = w;
    }
    if (r->n == 0)
        return 0;
    for (size_t i = 0; i < sizeof statements / sizeof statements[0]; i++) {
        if (strcmp(statements[i].name, r->word[0]) != 0)
            continue;
        if (!r->p && statements[i].run != on_asset)
            return FAIL(r, "%s before any asset; write `asset NAME` first", r->word[0]);
        if (statements[i].run(r) != 0)
            return -1;
        for (size_t w = 0; w < r->n; w++)
            if (!(r->used >> w & 1))
                return FAIL(r, "%.64s does not belong to %s; leave it out (docs/oracle.md has the keys)",
                            r->word[w], r->word[0]);
        return 0;
    }
    return FAIL(r, "%.64s: no such statement; docs/oracle.md has the list", r->word[0]);
}

int policy_parse(const char *file, const char *text, size_t len, const struct market *m, struct policy *p,
                 struct err *e)
{
    struct reader r = {.file = file, .e = e, .m = m, .all = p};
    char line[LINE_MAX_LEN];
    for (size_t at = 0; at < len;) {
        const char *nl = memchr(text + at, '\n', len - at);
        size_t n = nl ? (size_t)(nl - (text + at)) : len - at;
        r.line++;
        if (n >= sizeof line || memchr(text + at, '\0', n))
            return FAIL(&r, "a line of %zu bytes, or a zero byte in it; at most %d characters of text", n,
                        LINE_MAX_LEN - 1);
        memcpy(line, text + at, n);
        line[n] = '\0';
        at += n + 1;
        if (on_line(&r, line) != 0)
            return -1;
    }
    return close_section(&r);
}
