// SPDX-License-Identifier: Apache-2.0
#include "cli/start_prices.h"

#include <errno.h>
#include <pcap/pcap.h>
#include <stdlib.h>
#include <string.h>

#include "accounts/book.h"
#include "accounts/csv.h"
#include "accounts/decimal.h"
#include "accounts/reciprocal.h"
#include "feed/feed.h"
#include "feed/price.h"

enum { PRICE_DECIMALS = 12, CSV_COLUMNS = 3, CSV_BYTES_MAX = 1 << 20, TYPE_REVERSED = 1, KIND_FUTURE = 0 };

void start_prices_free(struct start_prices *s)
{
    free(s->price);
    *s = (struct start_prices){0};
}

static int put(struct start_prices *s, const char *name, uint8_t kind, int64_t price_e12, struct err *e)
{
    if (!name_is_symbol(name))
        return err_set(e, "'%.40s' is not a name: 1 to %d printable characters without blank , ; = or quotes",
                       name, NAME_LEN - 1);
    size_t i = 0;
    while (i < s->n && strcmp(s->price[i].name, name) != 0)
        i++;
    if (i == s->cap) {
        size_t cap = s->cap ? s->cap * 2 : 64;
        struct gen_price *p = realloc(s->price, cap * sizeof *p);
        if (!p)
            return err_set(e, "out of memory");
        s->price = p;
        s->cap = cap;
    }
    s->n += i == s->n;
    s->price[i] = (struct gen_price){.kind = kind, .price_e12 = price_e12};
    memcpy(s->price[i].name, name, strlen(name));
    return 0;
}

// What a name says when nothing else does: Deribit's perpetuals end in -PERPETUAL and are linear when a quote
// currency is named ("BTC_USDC-PERPETUAL"); everything else is taken for an index.
static uint8_t start_kind(const char *name)
{
    static const char end[] = "-PERPETUAL";
    size_t n = strlen(name);
    if (n < sizeof end || strcmp(name + n - (sizeof end - 1), end) != 0)
        return GEN_INDEX;
    return strchr(name, '_') ? GEN_LINEAR : GEN_INVERSE;
}

static int parse_price(const char *text, int64_t *out, struct err *e)
{
    i128 v;
    if (dec_parse(text, PRICE_DECIMALS, &v, e))
        return -1;
    if (v <= 0 || v > INT64_MAX)
        return err_set(e, "price '%.40s' must be above 0 and at most %lld", text,
                       (long long)(INT64_MAX / INT64_C(1000000000000)));
    *out = (int64_t)v;
    return 0;
}

int start_prices_add(struct start_prices *s, const char *assignment, struct err *e)
{
    char name[NAME_LEN];
    const char *eq = strchr(assignment, '=');
    int64_t price = 0;
    if (!eq || eq == assignment || (size_t)(eq - assignment) >= sizeof name)
        return err_set(e, "'%.60s': name=price was expected", assignment);
    memcpy(name, assignment, (size_t)(eq - assignment));
    name[eq - assignment] = '\0';
    return parse_price(eq + 1, &price, e) ? -1 : put(s, name, start_kind(name), price, e);
}

// ---- CSV
// -----------------------------------------------------------------------------------------------------

static int add_row(struct start_prices *s, char **field, int n, struct err *e)
{
    static const char *const kinds[] = {
        [GEN_LINEAR] = "linear", [GEN_INVERSE] = "inverse", [GEN_INDEX] = "index"};
    int64_t price = 0;
    if (n < 2)
        return err_set(e, "name,price[,linear|inverse|index] was expected");
    uint8_t kind = start_kind(field[0]);
    if (n == CSV_COLUMNS && *field[2]) {
        for (kind = GEN_LINEAR; kind <= GEN_INDEX && strcmp(field[2], kinds[kind]) != 0;)
            kind++;
        if (kind > GEN_INDEX)
            return err_set(e, "'%.40s' is not one of linear, inverse, index", field[2]);
    }
    return parse_price(field[1], &price, e) ? -1 : put(s, field[0], kind, price, e);
}

static int add_rows(struct start_prices *s, const char *path, char *text, size_t len, struct err *e)
{
    struct csv c;
    struct err why;
    char *field[CSV_COLUMNS];
    int n;
    bool first = true;
    csv_init(&c, text, len);
    while ((n = csv_next(&c, field, CSV_COLUMNS)) > 0) {
        bool header = first && n >= 2 && strcmp(field[0], "name") == 0 && strcmp(field[1], "price") == 0;
        first = false;
        if (!header && add_row(s, field, n, &why))
            return err_set(e, "%.90s:%u: %.300s", path, c.line, why.msg);
    }
    if (n < 0)
        return err_set(e, "%.90s:%u: %s", path, c.line, c.error);
    return s->n ? 0 : err_set(e, "%s: holds no prices", path);
}

int start_prices_file(struct start_prices *s, const char *path, struct err *e)
{
    FILE *f = fopen(path, "rb");
    if (!f)
        return err_set(e, "%s: %s", path, strerror(errno));
    char *text = malloc(CSV_BYTES_MAX + 1);
    size_t len = text ? fread(text, 1, CSV_BYTES_MAX, f) : 0;
    int rc;
    if (!text)
        rc = err_set(e, "out of memory");
    else if (ferror(f))
        rc = err_set(e, "%s: %s", path, strerror(errno));
    else if (len == CSV_BYTES_MAX)
        rc = err_set(e, "%s: too large for a list of prices", path);
    else
        rc = add_rows(s, path, text, len, e);
    free(text);
    fclose(f);
    return rc;
}

// ---- captures
// ------------------------------------------------------------------------------------------------

enum { SCAN_INSTRUMENTS = 4096 };

// Definitions come in the venue's snapshots, so a mark may precede its instrument's name: both are kept by
// id.
struct scan_instrument {
    uint64_t id;
    bool wanted; // defined, and a perpetual
    uint8_t kind;
    char name[NAME_LEN];
    struct feed_num mark; // the first one that is a price
};

struct scan {
    struct start_prices *out;
    struct scan_instrument inst[SCAN_INSTRUMENTS];
    size_t n;
    struct err *e;
    bool failed;
};

static struct scan_instrument *find_id(struct scan *sc, uint64_t id)
{
    for (size_t i = 0; i < sc->n; i++)
        if (sc->inst[i].id == id)
            return &sc->inst[i];
    if (sc->n == SCAN_INSTRUMENTS)
        return NULL; // more than any venue's channel plan holds; what came first is enough
    sc->inst[sc->n] = (struct scan_instrument){.id = id};
    return &sc->inst[sc->n++];
}

static bool have_price(const struct start_prices *s, const char *name)
{
    for (size_t i = 0; i < s->n; i++)
        if (strcmp(s->price[i].name, name) == 0)
            return true;
    return false;
}

static void put_num(struct scan *sc, const char *name, uint8_t kind, const struct feed_num *v)
{
    int64_t price = 0;
    if (name_is_symbol(name) && !have_price(sc->out, name) &&
        price_from_num(v, PRICE_DECIMALS, &price) == 0 && put(sc->out, name, kind, price, sc->e))
        sc->failed = true;
}

static bool is_price(const struct feed_num *v)
{
    int64_t price;
    return price_from_num(v, PRICE_DECIMALS, &price) == 0;
}

static void on_msg(void *ctx, const struct feed_packet *p, const struct feed_msg *m)
{
    struct scan *sc = ctx;
    (void)p;
    if (m->kind == FEED_INDEX && (m->has & HAS_INDEX) && strnlen(m->name, sizeof m->name) < NAME_LEN)
        put_num(sc, m->name, GEN_INDEX, &m->index);
    if (m->kind != FEED_TICKER && m->kind != FEED_INSTRUMENT)
        return;
    struct scan_instrument *i = find_id(sc, m->instrument_id);
    if (!i)
        return;
    if (m->kind == FEED_TICKER && (m->has & HAS_MARK) && !is_price(&i->mark))
        i->mark = m->mark;
    if (m->kind == FEED_INSTRUMENT && m->inst_kind == KIND_FUTURE && start_kind(m->name) != GEN_INDEX &&
        strnlen(m->name, sizeof m->name) < NAME_LEN) {
        i->wanted = true;
        i->kind = m->inst_type == TYPE_REVERSED ? GEN_INVERSE : GEN_LINEAR;
        (void)snprintf(i->name, sizeof i->name, "%.*s", NAME_LEN - 1, m->name);
    }
}

static void on_end(void *ctx, const struct feed_packet *p)
{
    (void)ctx;
    (void)p;
}

static int read_frames(struct scan *sc, struct feed *feed, pcap_t *cap, const char *path, struct err *e)
{
    const struct feed_sink sink = {sc, on_msg, on_end};
    struct pcap_pkthdr *h;
    const u_char *frame;
    int rc;
    if (pcap_datalink(cap) != DLT_EN10MB)
        return err_set(e, "%s: prices are taken from captures of Ethernet frames only", path);
    while ((rc = pcap_next_ex(cap, &h, &frame)) == 1)
        (void)feed_frame(feed, 0, frame, h->caplen, h->len, &sink);
    feed_time(feed, UINT64_MAX, &sink);
    if (rc == PCAP_ERROR)
        return err_set(e, "%s: %s", path, pcap_geterr(cap));
    return sc->failed ? -1 : 0;
}

static int scan_capture(struct scan *sc, pcap_t *cap, const char *path, struct err *e)
{
    struct feed *feed = feed_new();
    if (!feed)
        return err_set(e, "out of memory");
    int rc = read_frames(sc, feed, cap, path, e);
    feed_free(feed);
    if (rc)
        return -1;
    for (size_t i = 0; i < sc->n; i++)
        if (sc->inst[i].wanted)
            put_num(sc, sc->inst[i].name, sc->inst[i].kind, &sc->inst[i].mark);
    if (sc->failed)
        return -1;
    return sc->out->n ? 0
                      : err_set(e, "%s: holds no mark of a perpetual and no index of a known protocol", path);
}

int start_prices_capture(struct start_prices *s, const char *path, struct err *e)
{
    char why[PCAP_ERRBUF_SIZE];
    struct scan *sc = calloc(1, sizeof *sc);
    if (!sc)
        return err_set(e, "out of memory");
    sc->out = s;
    sc->e = e;
    pcap_t *cap = pcap_open_offline(path, why);
    int rc;
    if (cap)
        rc = scan_capture(sc, cap, path, e);
    else // libpcap names the file in some of its messages
        rc = strstr(why, path) ? err_set(e, "%.250s", why) : err_set(e, "%.200s: %.250s", path, why);
    if (cap)
        pcap_close(cap);
    free(sc);
    return rc;
}

// ---- values
// --------------------------------------------------------------------------------------------------

// Quanta of an asset, rounded half up; 0 when the price does not fit.
static int64_t to_quanta(int64_t price_e12, unsigned decimals)
{
    i128 v = price_e12, unit = 1;
    for (unsigned i = PRICE_DECIMALS; i < decimals; i++)
        v *= 10;
    for (unsigned i = decimals; i < PRICE_DECIMALS; i++)
        unit *= 10;
    v = (v + unit / 2) / unit;
    return v > INT64_MAX ? 0 : (int64_t)v;
}

void start_prices_value(const struct start_prices *s, const struct market *m, int64_t px[MARKET_ASSETS_MAX])
{
    memset(px, 0, MARKET_ASSETS_MAX * sizeof *px);
    for (unsigned i = 0; i < m->n_assets; i++) {
        const struct asset *a = &m->asset[i];
        for (size_t k = 0; k < s->n && a->kind != ASSET_RECIPROCAL; k++)
            if (strcmp(s->price[k].name, a->source) == 0 || strcmp(s->price[k].name, a->name) == 0)
                px[i] = to_quanta(s->price[k].price_e12, a->decimals);
    }
    for (unsigned i = 0; i < m->n_assets; i++) {
        const struct asset *a = &m->asset[i];
        if (a->kind == ASSET_RECIPROCAL && px[a->base] > 0)
            px[i] = reciprocal_price(px[a->base], m->asset[a->base].decimals, a->decimals);
    }
}
