// SPDX-License-Identifier: Apache-2.0
#include "lab/scenario.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "accounts/rules/rule.h"
#include "lab/scenario_yaml.h"

enum { FILE_MOST = 1 << 20, PPM_ONE = 1000000 };
static const char DOC[] = "docs/lab/scenarios.md";
static const uint64_t MONEY_MOST = UINT64_C(1000000000000); // whole units of account

// ---- parts

static int take_accounts(struct reader *r, const struct field *k, const yaml_node_t *v)
{
    struct lab_scenario *s = r->s;
    const struct field fields[] = {
        {"store", take_text, s->store, 0, sizeof s->store, 0, false},
        {"generate", take_u32, &s->accounts, 1, SCENARIO_ACCOUNTS_MAX, 0, false},
        {"near_ppm", take_u32, &s->near_ppm, 0, PPM_ONE, 0, false},
        {"lending", take_text, s->lending, 0, sizeof s->lending, 0, false},
        {"perp", take_text, s->perp, 0, sizeof s->perp, 0, false},
    };
    if (take_fields(r, k->name, fields, sizeof fields / sizeof *fields, v) != 0)
        return -1;
    if ((s->store[0] != 0) == (s->accounts != 0))
        return wrong(r, v, k->name, "either store: FILE or generate: NUMBER is wanted");
    if (s->lending[0] && !(rule_find(s->lending) && rule_find(s->lending)->holding))
        return wrong(r, v, "lending", "no rule for lending; `tripline rule list` shows them");
    if (s->perp[0] && !rule_linear(rule_find(s->perp)))
        return wrong(r, v, "perp", "no rule for linear perpetuals; `tripline rule list` shows them");
    return s->store[0] ? without(r, v, "store", (const char *const[]){"near_ppm", "lending", "perp", NULL})
                       : 0;
}

static int take_shape(struct reader *r, const struct field *k, const yaml_node_t *v)
{
    static const char *const WORDS[] = {"flat", "slow_fall", "crash_rebound", "gap", "csv", "capture", NULL};
    int i = 0;
    int rc = take_word(r, k, v, WORDS, &i);
    *(enum path_shape *)k->to = (enum path_shape)i;
    return rc;
}

static int take_path(struct reader *r, const struct field *k, const yaml_node_t *v)
{
    struct scenario_path *p = k->to;
    const struct field fields[] = {
        {"shape", take_shape, &p->shape, 0, 0, 0, true},
        {"fall_ppm", take_u32, &p->fall_ppm, 0, 990000, 0, false},
        {"rebound_ppm", take_u32, &p->rebound_ppm, 0, 990000, 0, false},
        {"at", take_u32, &p->at, 0, SCENARIO_STEPS_MAX, 0, false},
        {"lasts", take_u32, &p->lasts, 1, SCENARIO_STEPS_MAX, 0, false},
        {"noise_ppm", take_u32, &p->noise_ppm, 0, 100000, 0, false},
        {"file", take_text, p->file, 0, sizeof p->file, 0, false},
        {"instrument", take_text, p->instrument, 0, sizeof p->instrument, 0, false},
    };
    if (take_fields(r, k->name, fields, sizeof fields / sizeof *fields, v) != 0)
        return -1;
    bool capture = p->shape == PATH_CAPTURE;
    if ((p->shape == PATH_CSV || capture) != (p->file[0] != 0))
        return wrong(r, v, k->name, "shape: csv or capture and file: FILE belong together");
    if (capture != (p->instrument[0] != 0) || (capture && p->noise_ppm))
        return wrong(r, v, k->name, "shape: capture wants instrument: NAME, and no noise_ppm");
    // of enum path_shape
    static const struct {
        const char *name, *needs, *not [7];
    } SHAPES[] = {
        {"shape: flat", NULL, {"fall_ppm", "rebound_ppm", "at", "lasts"}},
        {"shape: slow_fall", "fall_ppm", {"rebound_ppm", "at", "lasts"}},
        {"shape: crash_rebound", "fall_ppm", {NULL}},
        {"shape: gap", "fall_ppm", {"rebound_ppm", "lasts"}},
        {"shape: csv", NULL, {"fall_ppm", "rebound_ppm", "at", "lasts"}},
        {"shape: capture", NULL, {"fall_ppm", "rebound_ppm", "at", "lasts"}},
    };
    if (SHAPES[p->shape].needs && !value_of(r, v, SHAPES[p->shape].needs))
        return wrong(r, v, SHAPES[p->shape].name, "fall_ppm is missing: add it");
    if (without(r, v, SHAPES[p->shape].name, SHAPES[p->shape].not ) != 0)
        return -1;
    if (p->rebound_ppm > p->fall_ppm)
        return wrong(r, v, "rebound_ppm", "more than fall_ppm: make it smaller");
    return 0;
}

static int take_level(struct reader *r, struct scenario_coin *c, const yaml_node_t *v)
{
    struct depth_curve *d = &c->depth;
    if (d->n == CURVE_LEVELS_MAX)
        return wrong(r, v, "book", "more than 16 levels: put some together");
    struct curve_level *l = &d->level[d->n];
    const struct field fields[] = {
        {"away_ppm", take_u32, &l->away_ppm, 0, 989999, 0, true},
        {"money", take_money, &l->size, 1, MONEY_MOST, 0, true},
    };
    if (take_fields(r, "book", fields, sizeof fields / sizeof *fields, v) != 0)
        return -1;
    if (d->n && l->away_ppm <= l[-1].away_ppm)
        return wrong(r, v, "away_ppm", "not more than of the level before: sort them");
    d->n++;
    return 0;
}

static int take_book(struct reader *r, const struct field *k, const yaml_node_t *v)
{
    struct scenario_coin *c = k->to;
    const struct field fields[] = {
        {"capture", take_text, c->book_file, 0, sizeof c->book_file, 0, true},
        {"instrument", take_text, c->book_instrument, 0, sizeof c->book_instrument, 0, true},
        {"at_s", take_u64, &c->book_at_s, 1, UINT64_C(315360000), 0, false},
    };
    if (v->type == YAML_MAPPING_NODE)
        return take_fields(r, k->name, fields, sizeof fields / sizeof *fields, v);
    if (v->type != YAML_SEQUENCE_NODE)
        return wrong(r, v, k->name, "a list of levels is wanted: [{away_ppm: 500, money: 1000000}, ...]");
    for (const yaml_node_item_t *i = v->data.sequence.items.start; i < v->data.sequence.items.top; i++)
        if (take_level(r, k->to, node_at(r, *i)) != 0)
            return -1;
    return c->depth.n ? 0 : wrong(r, v, k->name, "the list is empty: leave it out for endless depth");
}

static int take_assets(struct reader *r, const struct field *k, const yaml_node_t *v)
{
    struct scenario_coin *c = k->to;
    if (v->type != YAML_SEQUENCE_NODE)
        return wrong(r, v, k->name, "a list of the market's assets is wanted");
    for (const yaml_node_item_t *i = v->data.sequence.items.start; i < v->data.sequence.items.top; i++) {
        if (c->n == SCENARIO_ASSETS_MAX)
            return wrong(r, v, k->name, "more than 8 assets in one coin");
        const struct field one = {.name = k->name, .to = c->asset[c->n], .most = NAME_LEN};
        if (take_text(r, &one, node_at(r, *i)) != 0)
            return -1;
        c->n++;
    }
    return c->n ? 0 : wrong(r, v, k->name, "the list is empty: name at least one asset");
}

enum depth_model { DEPTH_CURVE, DEPTH_BOOK, DEPTH_CPMM };

static int take_depth(struct reader *r, const struct field *k, const yaml_node_t *v)
{
    static const char *const WORDS[] = {"curve", "book", "cpmm", NULL};
    return take_word(r, k, v, WORDS, k->to);
}

// One of the two models alone, where it is asked for.
static int choose_depth(struct reader *r, struct scenario_coin *c, int model, const yaml_node_t *v)
{
    if (model == DEPTH_BOOK && c->depth.n == 0 && !c->book_file[0])
        return wrong(r, v, "depth", "book: there is none: add the key book");
    if (model == DEPTH_CPMM && c->depth.pool == 0)
        return wrong(r, v, "depth", "cpmm: there is no pool: add the key pool");
    if (model == DEPTH_BOOK)
        c->depth.pool = 0;
    if (model == DEPTH_CPMM) {
        c->depth.n = 0;
        c->book_file[0] = '\0';
    }
    return 0;
}

static int take_coins(struct reader *r, const struct field *k, const yaml_node_t *v)
{
    struct lab_scenario *s = r->s;
    if (v->type != YAML_SEQUENCE_NODE)
        return wrong(r, v, k->name, "a list of coins is wanted");
    for (const yaml_node_item_t *i = v->data.sequence.items.start; i < v->data.sequence.items.top; i++) {
        const yaml_node_t *item = node_at(r, *i);
        if (s->n_coins == SCENARIO_COINS_MAX)
            return wrong(r, item, k->name, "more than 16 coins");
        struct scenario_coin *c = &s->coin[s->n_coins++];
        int model = DEPTH_CURVE;
        const struct field fields[] = {
            {"name", take_text, c->name, 0, sizeof c->name, 0, true},
            {"assets", take_assets, c, 0, 0, 0, true},
            {"path", take_path, &c->path, 0, 0, 0, true},
            {"book", take_book, c, 0, 0, 0, false},
            {"pool", take_money, &c->depth.pool, 1, MONEY_MOST, 0, false},
            {"half_life", take_u32, &c->half_life, 0, 10000, 0, false},
            {"depth", take_depth, &model, 0, 0, 0, false},
        };
        c->line = item->start_mark.line + 1;
        c->path.lasts = 1;
        if (take_fields(r, k->name, fields, sizeof fields / sizeof *fields, item) != 0 ||
            choose_depth(r, c, model, item) != 0)
            return -1;
        for (const struct scenario_coin *o = s->coin; o < c; o++)
            if (strcmp(o->name, c->name) == 0)
                return wrong(r, item, c->name, "two coins of this name: give another");
        c->depth.keep_ppb = curve_keep(c->half_life);
    }
    return s->n_coins ? 0 : wrong(r, v, k->name, "the list is empty: describe at least one coin");
}

static int take_kind(struct reader *r, const struct field *k, const yaml_node_t *v)
{
    static const char *const WORDS[] = {"close_factor", "target", "staged", "full", NULL};
    int i = 0;
    int rc = take_word(r, k, v, WORDS, &i);
    *(enum scenario_policy *)k->to = (enum scenario_policy)i;
    return rc;
}

static int take_policy(struct reader *r, const struct field *k, const yaml_node_t *v)
{
    struct lab_scenario *s = r->s;
    const struct field fields[] = {
        {"kind", take_kind, &s->policy, 0, 0, 0, true},
        {"close_ppm", take_u32, &s->close_ppm, 1, PPM_ONE, 0, false},
        {"target_ppm", take_u32, &s->target_ppm, PPM_ONE + 1, 100 * PPM_ONE, 0, false},
        {"dust", take_u64, &s->dust, 0, 1000000000, 0, false},
    };
    // of enum scenario_policy
    static const struct {
        const char *name, *not [3];
    } KINDS[] = {{"kind: close_factor", {"target_ppm"}},
                 {"kind: target", {"close_ppm"}},
                 {"kind: staged", {"target_ppm"}},
                 {"kind: full", {"close_ppm", "target_ppm"}}};
    if (take_fields(r, k->name, fields, sizeof fields / sizeof *fields, v) != 0)
        return -1;
    return without(r, v, KINDS[s->policy].name, KINDS[s->policy].not );
}

static int take_spike(struct reader *r, const struct field *k, const yaml_node_t *v)
{
    struct scenario_keeper *p = &r->s->keeper;
    const struct field fields[] = {
        {"from", take_u32, &p->spike_from, 0, SCENARIO_STEPS_MAX, 0, true},
        {"to", take_u32, &p->spike_to, 0, SCENARIO_STEPS_MAX, 0, true},
        {"gas_cents", take_cents, &p->spike_gas, 0, 1000000000, 0, true},
    };
    return take_fields(r, k->name, fields, sizeof fields / sizeof *fields, v);
}

static int take_absent(struct reader *r, const struct field *k, const yaml_node_t *v)
{
    struct scenario_keeper *p = &r->s->keeper;
    const struct field fields[] = {
        {"from", take_u32, &p->absent_from, 0, SCENARIO_STEPS_MAX, 0, true},
        {"to", take_u32, &p->absent_to, 0, SCENARIO_STEPS_MAX, 0, true},
    };
    return take_fields(r, k->name, fields, sizeof fields / sizeof *fields, v);
}

static int take_keeper(struct reader *r, const struct field *k, const yaml_node_t *v)
{
    struct scenario_keeper *p = &r->s->keeper;
    const struct field fields[] = {
        {"orders", take_u64, &p->orders, 0, 1000000000, 0, false},
        {"latency", take_u32, &p->latency, 0, SCENARIO_STEPS_MAX, 0, false},
        {"gas_cents", take_cents, &p->gas, 0, 1000000000, 0, false},
        {"must_pay", take_bool, &p->must_pay, 0, 0, 0, false},
        {"spike", take_spike, NULL, 0, 0, 0, false},
        {"absent", take_absent, NULL, 0, 0, 0, false},
    };
    return take_fields(r, k->name, fields, sizeof fields / sizeof *fields, v);
}

static int take_fund(struct reader *r, const struct field *k, const yaml_node_t *v)
{
    const struct field fields[] = {
        {"balance", take_money, &r->s->fund, 0, MONEY_MOST, 0, true},
        {"floor", take_money, &r->s->fund_floor, 0, MONEY_MOST, 0, false},
        {"fees", take_bool, &r->s->fund_fees, 0, 0, 0, false},
    };
    return take_fields(r, k->name, fields, sizeof fields / sizeof *fields, v);
}

static int take_waterfall(struct reader *r, const struct field *k, const yaml_node_t *v)
{
    const char *s = text_of(v);
    r->s->waterfall = s ? scenario_waterfall(s) : NULL;
    return r->s->waterfall ? 0 : wrong(r, v, k->name, "dydx, drift, mango, bitmex or hyperliquid is wanted");
}

static int take_burst(struct reader *r, const struct field *k, const yaml_node_t *v)
{
    const struct field fields[] = {
        {"at", take_u32, &r->s->burst_at, 1, SCENARIO_STEPS_MAX, 0, true},
        {"events", take_u32, &r->s->burst_events, 1, SCENARIO_ACCOUNTS_MAX, 0, true},
        {"instrument", take_text, r->s->burst_instrument, 0, sizeof r->s->burst_instrument, 0, true},
    };
    r->s->burst_line = v->start_mark.line + 1;
    return take_fields(r, k->name, fields, sizeof fields / sizeof *fields, v);
}

static int take_reduce(struct reader *r, const struct field *k, const yaml_node_t *v)
{
    const struct field fields[] = {
        {"steps", take_u32, &r->s->reduce_steps, 1, 1000, 0, true},
        {"chance_ppm", take_u32, &r->s->reduce_chance_ppm, 1, PPM_ONE - 1, 0, true},
    };
    return take_fields(r, k->name, fields, sizeof fields / sizeof *fields, v);
}

static int take_sale(struct reader *r, const struct field *k, const yaml_node_t *v)
{
    static const char *const WORDS[] = {"fixed", "clip", "discount", NULL};
    return take_word(r, k, v, WORDS, k->to);
}

static int take_liquidation(struct reader *r, const struct field *k, const yaml_node_t *v)
{
    struct scenario_clip *s = &r->s->clip;
    int kind = 0;
    uint32_t bps = 1500;
    *s = (struct scenario_clip){1200000, 990000, 90, 21600, 2};
    const struct field fields[] = {
        {"kind", take_sale, &kind, 0, 0, 0, true},
        {"buf_ppm", take_u32, &s->buf_ppm, PPM_ONE, 2 * PPM_ONE, 0, false},
        {"cut_ppm", take_u32, &s->cut_ppm, 1, PPM_ONE - 1, 0, false},
        {"step_s", take_u32, &s->step_s, 1, 86400, 0, false},
        {"tail_s", take_u32, &s->tail_s, 1, 864000, 0, false},
        {"resets", take_u32, &s->resets, 0, 1000, 0, false},
        {"discount_bps", take_u32, &bps, 1, 9999, 0, false},
    };
    if (take_fields(r, k->name, fields, sizeof fields / sizeof *fields, v) != 0)
        return -1;
    // of take_sale's words
    static const struct {
        const char *name, *not [7];
    } KINDS[] = {{"kind: fixed", {"buf_ppm", "cut_ppm", "step_s", "tail_s", "resets", "discount_bps"}},
                 {"kind: clip", {"discount_bps"}},
                 {"kind: discount", {"buf_ppm", "cut_ppm", "step_s", "tail_s", "resets"}}};
    if (without(r, v, KINDS[kind].name, KINDS[kind].not ) != 0)
        return -1;
    if (kind != 1)
        *s = (struct scenario_clip){0};
    r->s->discount_bps = kind == 2 ? bps : 0;
    return 0;
}

static int take_auction(struct reader *r, const struct field *k, const yaml_node_t *v)
{
    struct lab_scenario *s = r->s;
    const struct field fields[] = {
        {"coin", take_text, s->auction_coin, 0, sizeof s->auction_coin, 0, true},
        {"lot", take_u64, &s->auction_lot, 1, 1000000, 0, true},
        {"tab", take_u64, &s->auction_tab, 1, 1000000000, 0, true},
        {"buf_ppm", take_u32, &s->auction_buf_ppm, PPM_ONE, 2 * PPM_ONE, 0, true},
        {"cut_ppm", take_u32, &s->auction_cut_ppm, 1, PPM_ONE - 1, 0, true},
        {"step_s", take_u32, &s->auction_step_s, 1, 86400, 0, true},
        {"tail_s", take_u32, &s->auction_tail_s, 1, 864000, 0, true},
    };
    return take_fields(r, k->name, fields, sizeof fields / sizeof *fields, v);
}

// ---- the file

static int check_whole(struct reader *r, const yaml_node_t *root)
{
    struct lab_scenario *s = r->s;
    const yaml_node_t *at = value_of(r, root, "burst");
    if (s->burst_events && s->burst_at > s->steps)
        return wrong(r, at, "burst", "its step is after the last: make `at` smaller");
    if (s->burst_events && s->store[0])
        return wrong(r, at, "burst", "it makes accounts of its own: only with accounts: {generate: ...}");
    if (s->fund_floor > s->fund)
        return wrong(r, value_of(r, root, "fund"), "fund", "floor is above balance: make it smaller");
    if (s->keeper.spike_from > s->keeper.spike_to || s->keeper.absent_from > s->keeper.absent_to)
        return wrong(r, value_of(r, root, "keeper"), "keeper", "`from` is after `to`: exchange them");
    if (s->keeper.spike_from > s->steps || s->keeper.absent_from > s->steps)
        return wrong(r, value_of(r, root, "keeper"), "keeper",
                     "`from` is after the last step: make it smaller");
    bool found = s->auction_lot == 0;
    for (unsigned i = 0; i < s->n_coins; i++) {
        found = found || strcmp(s->coin[i].name, s->auction_coin) == 0;
        if (s->coin[i].path.at > s->steps)
            return err_set(r->e, "%s:%zu: path: it begins after the last step: make `at` smaller", r->path,
                           s->coin[i].line);
    }
    return found ? 0
                 : wrong(r, value_of(r, root, "auction"), "coin", "no coin of this name: name one of coins");
}

static int take_all(struct reader *r, const yaml_node_t *root)
{
    struct lab_scenario *s = r->s;
    const struct field fields[] = {
        {"name", take_text, s->name, 0, sizeof s->name, 0, true},
        {"title", take_text, s->title, 0, sizeof s->title, 0, false},
        {"note", take_text, s->note, 0, sizeof s->note, 0, false},
        {"seed", take_u64, &s->seed, 0, UINT64_MAX, 0, false},
        {"accounts", take_accounts, NULL, 0, 0, 0, true},
        {"horizon_s", take_u64, &s->horizon_s, 1, UINT64_C(315360000), 0, true},
        {"steps", take_u32, &s->steps, 1, SCENARIO_STEPS_MAX, 0, true},
        {"coins", take_coins, NULL, 0, 0, 0, true},
        {"policy", take_policy, NULL, 0, 0, 0, true},
        {"keeper", take_keeper, NULL, 0, 0, 0, false},
        {"fund", take_fund, NULL, 0, 0, 0, true},
        {"waterfall", take_waterfall, NULL, 0, 0, 0, true},
        {"burst", take_burst, NULL, 0, 0, 0, false},
        {"reduce", take_reduce, NULL, 0, 0, 0, false},
        {"auction", take_auction, NULL, 0, 0, 0, false},
        {"liquidation", take_liquidation, NULL, 0, 0, 0, false},
    };
    if (!root || root->type != YAML_MAPPING_NODE)
        return err_set(r->e, "%s:1: no keys in it; %s lists them", r->path, DOC);
    if (take_fields(r, "", fields, sizeof fields / sizeof *fields, root) != 0)
        return -1;
    if (!s->title[0])
        memcpy(s->title, s->name, sizeof s->name);
    return check_whole(r, root);
}

int scenario_parse(const char *path, const char *text, size_t len, struct lab_scenario *s, struct err *e)
{
    struct reader r = {.path = path, .s = s, .e = e};
    yaml_parser_t parser;
    memset(s, 0, sizeof *s);
    s->path = path;
    s->seed = 1;
    s->near_ppm = 120000;
    s->close_ppm = PPM_ONE / 2;
    s->target_ppm = PPM_ONE + PPM_ONE / 20;
    s->source = strndup(text, len);
    if (!s->source || !yaml_parser_initialize(&parser)) {
        scenario_free(s);
        return err_set(e, "out of memory for %s", path);
    }
    yaml_parser_set_input_string(&parser, (const unsigned char *)text, len);
    int rc = 0;
    if (!yaml_parser_load(&parser, &r.doc)) {
        rc = err_set(e, "%s:%zu: not YAML: %s", path, parser.problem_mark.line + 1,
                     parser.problem ? parser.problem : "it cannot be read");
    } else {
        rc = take_all(&r, yaml_document_get_root_node(&r.doc));
        yaml_document_delete(&r.doc);
        if (rc == 0 && yaml_parser_load(&parser, &r.doc)) {
            const yaml_node_t *more = yaml_document_get_root_node(&r.doc);
            rc = more ? wrong(&r, more, "", "a second document: a file is one scenario") : 0;
            yaml_document_delete(&r.doc);
        }
    }
    yaml_parser_delete(&parser);
    if (rc != 0)
        scenario_free(s);
    return rc;
}

int scenario_read(const char *path, struct lab_scenario *s, struct err *e)
{
    const char *text;
    for (size_t i = 0; scenario_builtin(i, &text); i++)
        if (strcmp(scenario_builtin(i, &text), path) == 0)
            return scenario_parse(path, text, strlen(text), s, e);
    memset(s, 0, sizeof *s);
    FILE *f = fopen(path, "re");
    if (!f)
        return err_set(e, "%s: %s; `tripline lab list` shows the built-in scenarios", path, strerror(errno));
    char *buf = malloc(FILE_MOST);
    size_t n = buf ? fread(buf, 1, FILE_MOST, f) : 0;
    int rc = !buf             ? err_set(e, "out of memory for %s", path)
             : ferror(f)      ? err_set(e, "%s: cannot be read: %s", path, strerror(errno))
             : n == FILE_MOST ? err_set(e, "%s: longer than 1 MiB: a scenario is shorter", path)
                              : 0;
    (void)fclose(f);
    if (rc == 0)
        rc = scenario_parse(path, buf, n, s, e);
    free(buf);
    return rc;
}

void scenario_free(struct lab_scenario *s)
{
    for (unsigned i = 0; i < s->n_coins; i++)
        free(s->coin[i].factor);
    free(s->source);
    memset(s, 0, sizeof *s);
}
