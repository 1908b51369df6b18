// SPDX-License-Identifier: Apache-2.0
// Line-driven front of accounts/rules for tests/diff/rules_diff.py: one command a line on stdin. Numbers are
// decimal. A malformed line ends the program with status 2. Commands marked -> answer one line on stdout;
// they answer "refused" while the account has not been accepted by `validate`.
//   reset
//   asset I KIND DECIMALS BASE
//   perp I KIND SIZE_DEC CURRENCY CASH_DEC ASSET INVERSE FEE PENALTY N (FLOOR RATE)*N
//   weight I PPM                  profit_weight_ppm of a perpetual
//   scenario X N (I SHOCK)*       the market's X-th
//   reserve I SIZE_DEC ASSET LT LB FEE EMODE EMODE_LT EMODE_LB LIQUIDITY_INDEX BORROW_INDEX
//   credit I RATE CLOSE ASSETS SHARES  terms of a reserve
//   term I NAME VALUE              one term of an instrument, in its quanta
//   account RULE CURRENCY CASH_DEC EMODE CASH     currency - is none
//   state WORD WORD                rule_state of the account
//   remembered                  -> rule_state
//   pos INSTRUMENT COLLATERAL SIZE ENTRY SUPPLY DEBT [FUNDING]
//   orders N BIDS ASKS    open orders of the position told last
//   ordered            -> (instrument orders bids asks)* of positions that have some, then a dot
//   rates I FUNDING_INDEX FUNDING_RATE LIQUIDITY_RATE BORROW_RATE TOLD_AT      as told; a market_told
//   ramp I FROM EMODE_FROM START END GRACE_UNTIL                               the same
//   now NS                         market_now
//   window FROM_NS UNTIL_NS        market_window
//   moving I                    -> what the rules read of it now, then over the window: liquidity index,
//                                  borrow index, lt, eMode lt, funding (window: of a long, of a short);
//                                  grace; binomial borrow index now and over the window, its greatest
//                                  liquidity index
//   px I PRICE
//   validate                    -> ok | err TEXT
//   within I SUPPLY DEBT        -> 0 | 1: the rule's, of reserve I held with at most so many bits
//   health                      -> liquidatable equity requirement
//   grid I REF PPM                 band of asset I and its device grid
//   rows WARN                   -> n (level n c slack (asset a)*n)*n | err TEXT
//   hat                         -> least Ĥ of the liquidation rows compiled for the grids, at px; err TEXT
//   size TARGET DUST            -> none | full value reward n (instrument qty)*n
//   settle N (INSTRUMENT QTY)*N -> err TEXT | ok n (party instrument amount)*n cash n (position as in pos)*n
//   reciprocal P DEC_P DEC_R    -> R
#include "accounts/moving.h"
#include "accounts/reciprocal.h"
#include "accounts/rowc.h"
#include "accounts/rules/rule.h"

#include "talk.h"

#include <inttypes.h>

static struct market market;
static struct account account;
static bool accepted;
static int64_t px[MARKET_ASSETS_MAX];
static struct grid grids[MARKET_ASSETS_MAX];
static struct affine rows[RULE_ROWS_MAX];
static int n_rows;

static void currency(char out[CURRENCY_LEN])
{
    const char *w = word();
    if (strlen(w) >= CURRENCY_LEN)
        malformed("currency");
    memset(out, 0, CURRENCY_LEN);
    if (strcmp(w, "-") != 0)
        memcpy(out, w, strlen(w));
}

static i128 big(void)
{
    i256 v = wide();
    if (!i256_fits_i128(v))
        malformed("number: out of range");
    return i256_to_i128(v);
}

static int64_t num(int64_t lo, int64_t hi)
{
    i256 v = wide();
    if (!i256_fits_i64(v) || i256_to_i64(v) < lo || i256_to_i64(v) > hi)
        malformed("number: out of range");
    return i256_to_i64(v);
}

static void put(i256 v)
{
    char buf[I256_DIGITS_MAX];
    i256_format(v, buf, sizeof buf);
    fputs(buf, stdout);
}

static void put_sp(i256 v)
{
    put(v);
    putchar(' ');
}

static void do_reset(void)
{
    memset(&market, 0, sizeof market);
    memset(&account, 0, sizeof account);
    memset(px, 0, sizeof px);
    memset(grids, 0, sizeof grids);
    accepted = false;
    n_rows = 0;
}

static void do_asset(void)
{
    unsigned i = (unsigned)num(0, MARKET_ASSETS_MAX - 1);
    struct asset *a = &market.asset[i];
    snprintf(a->name, sizeof a->name, "A%u", i);
    a->kind = (uint8_t)num(0, 255);
    a->decimals = (uint8_t)num(0, 255);
    a->base = (uint16_t)num(0, UINT16_MAX);
    if (i >= market.n_assets)
        market.n_assets = (uint16_t)(i + 1);
}

static struct instrument *instrument(uint8_t *kind)
{
    unsigned i = (unsigned)num(0, MARKET_INSTRUMENTS_MAX - 1);
    struct instrument *in = &market.instrument[i];
    snprintf(in->name, sizeof in->name, "I%u", i);
    in->kind = kind ? *kind : (uint8_t)num(0, 255);
    if (i >= market.n_instruments)
        market.n_instruments = (uint16_t)(i + 1);
    return in;
}

static void do_perp(void)
{
    struct instrument *in = instrument(NULL);
    in->size_decimals = (uint8_t)num(0, 255);
    currency(in->currency);
    in->cash_decimals = (uint8_t)num(0, 255);
    in->asset = (uint16_t)num(0, UINT16_MAX);
    in->inverse = (uint16_t)num(0, UINT16_MAX);
    in->fee_ppm = (uint32_t)num(0, UINT32_MAX);
    in->penalty_ppm = (uint32_t)num(0, UINT32_MAX);
    in->n_tiers = (uint16_t)num(0, TIERS_MAX);
    for (unsigned t = 0; t < in->n_tiers; t++) {
        in->tier[t].floor = big();
        in->tier[t].rate_ppm = (uint32_t)num(0, UINT32_MAX);
    }
}

static void do_weight(void)
{
    unsigned i = (unsigned)num(0, MARKET_INSTRUMENTS_MAX - 1);
    market.instrument[i].profit_weight_ppm = (uint32_t)num(0, UINT32_MAX);
}

static void do_scenario(void)
{
    unsigned x = (unsigned)num(0, SCENARIOS_MAX - 1), n = (unsigned)num(0, MARKET_INSTRUMENTS_MAX);
    if (x >= market.n_scenarios)
        market.n_scenarios = (uint16_t)(x + 1);
    while (n--) {
        unsigned i = (unsigned)num(0, MARKET_INSTRUMENTS_MAX - 1);
        market.scenario[x].shock_ppm[i] = (int32_t)num(INT32_MIN, INT32_MAX);
    }
}

static void do_reserve(void)
{
    uint8_t kind = INST_RESERVE;
    struct instrument *in = instrument(&kind);
    in->size_decimals = (uint8_t)num(0, 255);
    in->asset = (uint16_t)num(0, UINT16_MAX);
    in->lt_bps = (uint32_t)num(0, UINT32_MAX);
    in->lb_bps = (uint32_t)num(0, UINT32_MAX);
    in->fee_bps = (uint32_t)num(0, UINT32_MAX);
    in->emode = (uint8_t)num(0, 255);
    in->emode_lt_bps = (uint32_t)num(0, UINT32_MAX);
    in->emode_lb_bps = (uint32_t)num(0, UINT32_MAX);
    in->liquidity_index = (u128)big();
    in->borrow_index = (u128)big();
}

static void do_credit(void)
{
    struct terms *t = &market.instrument[num(0, MARKET_INSTRUMENTS_MAX - 1)].terms;
    for (unsigned key = TERM_EXCHANGE_RATE; key <= TERM_BORROW_SHARES; key++)
        (void)term_set(t, (enum term)key, (u128)big());
}

static void do_term(void)
{
    struct terms *t = &market.instrument[num(0, MARKET_INSTRUMENTS_MAX - 1)].terms;
    enum term key = term_find(word());
    if (key == TERM_NONE || !term_set(t, key, (u128)big()))
        malformed("term");
}

// A further eMode category of a reserve: instrument, category, threshold, bonus.
static void do_further(void)
{
    struct instrument *in = &market.instrument[num(0, MARKET_INSTRUMENTS_MAX - 1)];
    if (in->n_emodes == EMODES_MAX)
        malformed("further: too many categories");
    struct emode *x = &in->emodes[in->n_emodes++];
    x->id = (uint8_t)num(1, 255);
    x->lt_bps = (uint16_t)num(0, UINT16_MAX);
    x->lb_bps = (uint16_t)num(0, UINT16_MAX);
}

static void do_account(void)
{
    memset(&account, 0, sizeof account);
    accepted = false;
    account.id = 1;
    account.rule = rule_find(word());
    if (!account.rule)
        malformed("rule");
    currency(account.currency);
    account.cash_decimals = (uint8_t)num(0, 255);
    account.emode = (uint8_t)num(0, 255);
    account.cash = big();
}

static void do_state(void)
{
    for (unsigned k = 0; k < RULE_STATE_WORDS; k++)
        account.rule_state[k] = (uint64_t)num(0, INT64_MAX);
}

static void do_remembered(void)
{
    printf("%" PRIu64 " %" PRIu64 "\n", account.rule_state[0], account.rule_state[1]);
}

static void do_pos(void)
{
    if (account.n_positions == ACCOUNT_POSITIONS_MAX)
        malformed("account: too many positions");
    struct position *p = &account.position[account.n_positions++];
    p->instrument = (uint16_t)num(0, UINT16_MAX);
    p->collateral = num(0, 1) != 0;
    p->size = big();
    p->entry = num(INT64_MIN, INT64_MAX);
    p->supply = big();
    p->debt = big();
    const char *w = strtok(NULL, " \n");
    i256 funding = I256_ZERO;
    if (w && (i256_parse(w, &funding) != 0 || !i256_fits_i128(funding)))
        malformed("funding");
    p->funding = i256_to_i128(funding);
}

static struct instrument *told(void)
{
    unsigned i = (unsigned)num(0, MARKET_INSTRUMENTS_MAX - 1);
    market_told(&market, i);
    return &market.instrument[i];
}

static void do_rates(void)
{
    struct instrument *in = told();
    in->funding_index = big();
    in->funding_rate = num(INT64_MIN, INT64_MAX);
    in->liquidity_rate = (u128)big();
    in->borrow_rate = (u128)big();
    in->told_at = (uint64_t)num(0, INT64_MAX);
}

static void do_ramp(void)
{
    struct instrument *in = told();
    in->ramp_from_bps = (uint32_t)num(0, UINT32_MAX);
    in->emode_ramp_from_bps = (uint32_t)num(0, UINT32_MAX);
    in->ramp_start = (uint64_t)num(0, INT64_MAX);
    in->ramp_end = (uint64_t)num(0, INT64_MAX);
    in->grace_until = (uint64_t)num(0, INT64_MAX);
}

static uint64_t moment(void)
{
    i256 v = wide();
    if (i256_sign(v) < 0 || i256_bits(v) > 64)
        malformed("time");
    return v.w[0];
}

static void do_now(void)
{
    market_now(&market, moment());
}

static void do_window(void)
{
    uint64_t from = moment();
    market_window(&market, from, moment());
}

static void do_validate(void)
{
    struct err e;
    accepted = account.rule->validate(&market, &account, &e) == 0;
    if (accepted)
        puts("ok");
    else
        printf("err %s\n", e.msg);
}

static void do_within(void)
{
    unsigned i = (unsigned)num(0, MARKET_INSTRUMENTS_MAX - 1);
    struct reach r = {.held = true, .supply_bits = (uint8_t)num(0, 127)};
    r.debt_bits = (uint8_t)num(0, 127);
    printf("%d\n", !account.rule->within || account.rule->within(&market, i, &r));
}

static void do_moving(void)
{
    const struct instrument *in = &market.instrument[num(0, MARKET_INSTRUMENTS_MAX - 1)];
    put_sp(i256_from_u128(liquidity_index_now(in)));
    put_sp(i256_from_u128(borrow_index_now(in)));
    printf("%u %u ", lt_now(in), emode_lt_now(in));
    put_sp(i256_from_i128(funding_now(in)));
    put_sp(i256_from_u128(liquidity_index_span(in)));
    put_sp(i256_from_u128(borrow_index_span(in)));
    printf("%u %u ", lt_span(in), emode_lt_span(in));
    put_sp(i256_from_i128(funding_span(in, true)));
    put_sp(i256_from_i128(funding_span(in, false)));
    printf("%d ", grace_now(in));
    put_sp(i256_from_u128(borrow_index_binomial_now(in)));
    put_sp(i256_from_u128(borrow_index_binomial_span(in)));
    put(i256_from_u128(liquidity_index_span_most(in)));
    putchar('\n');
}

static void do_health(void)
{
    struct health h;
    account.rule->health(&market, &account, px, &h);
    printf("%d ", h.liquidatable);
    put_sp(h.equity);
    put(h.requirement);
    putchar('\n');
}

static void do_grid(void)
{
    unsigned i = (unsigned)num(0, MARKET_ASSETS_MAX - 1);
    int64_t ref = num(1, INT64_MAX);
    if (grid_centre(ref, (uint32_t)num(0, 999999), &grids[i]) != 0)
        malformed("grid");
}

static void do_rows(void)
{
    struct band band[MARKET_ASSETS_MAX];
    struct err e;
    for (unsigned i = 0; i < MARKET_ASSETS_MAX; i++)
        band[i] = grids[i].band;
    n_rows = account.rule->rows(&market, &account, band, (uint32_t)num(0, UINT32_MAX), rows, &e);
    if (n_rows < 0) {
        printf("err %s\n", e.msg);
        return;
    }
    printf("%d ", n_rows);
    for (int r = 0; r < n_rows; r++) {
        printf("%u %u ", rows[r].level, rows[r].n);
        put_sp(rows[r].c);
        put_sp(rows[r].slack);
        for (unsigned i = 0; i < rows[r].n; i++) {
            printf("%u ", rows[r].asset[i]);
            put_sp(rows[r].a[i]);
        }
    }
    putchar('\n');
}

static void do_hat(void)
{
    int64_t least = INT64_MAX;
    for (int r = 0; r < n_rows && rows[r].level == LEVEL_LIQUIDATE; r++) {
        struct row row;
        struct err e;
        if (row_compile(&rows[r], grids, &row, &e) != 0) {
            printf("err %s\n", e.msg);
            return;
        }
        uint64_t phat[MARKET_ASSETS_MAX] = {0};
        for (unsigned i = 0; i < rows[r].n; i++)
            phat[rows[r].asset[i]] = grid_phat(&grids[rows[r].asset[i]], px[rows[r].asset[i]], NULL);
        int64_t h = row_eval(&row, phat);
        least = h < least ? h : least;
    }
    if (least == INT64_MAX)
        puts("err no such row");
    else
        printf("%" PRId64 "\n", least);
}

static void do_size(void)
{
    static struct order_size s;
    struct size_policy policy = {.target_ppm = (uint32_t)num(0, UINT32_MAX), .dust = num(0, INT64_MAX)};
    if (account.rule->size(&market, &account, px, &policy, &s) != 0) {
        puts("none");
        return;
    }
    printf("%d ", s.full);
    put_sp(s.value);
    put_sp(s.reward);
    printf("%u", s.n);
    for (unsigned i = 0; i < s.n; i++) {
        printf(" %u ", s.leg[i].instrument);
        put(i256_from_i128(s.leg[i].qty));
    }
    putchar('\n');
}

static void put_account(void)
{
    put_sp(i256_from_i128(account.cash));
    printf("%u", account.n_positions);
    for (unsigned i = 0; i < account.n_positions; i++) {
        const struct position *p = &account.position[i];
        printf(" %u %d ", p->instrument, p->collateral);
        put_sp(i256_from_i128(p->size));
        printf("%" PRId64 " ", p->entry);
        put_sp(i256_from_i128(p->supply));
        put_sp(i256_from_i128(p->debt));
        put(i256_from_i128(p->funding));
    }
    putchar('\n');
}

static void do_settle(void)
{
    struct order_leg leg[ORDER_LEGS_MAX];
    unsigned n = (unsigned)num(0, ORDER_LEGS_MAX);
    for (unsigned i = 0; i < n; i++) {
        leg[i].instrument = (uint16_t)num(0, UINT16_MAX);
        leg[i].qty = big();
    }
    static struct settlement s;
    struct account before = account;
    struct err e;
    if (account.rule->settle(&market, &account, px, leg, n, &s, &e) != 0) {
        if (memcmp(&before, &account, sizeof account) != 0)
            puts("err CHANGED"); // a refused settlement must leave the account alone
        else
            printf("err %s\n", e.msg);
        return;
    }
    printf("ok %u ", s.n);
    for (unsigned i = 0; i < s.n; i++) {
        printf("%u %" PRId32 " ", s.flow[i].party, s.flow[i].instrument);
        put_sp(s.flow[i].amount);
    }
    put_account();
}

static void do_orders(void)
{
    struct position *p = &account.position[account.n_positions - 1];
    p->orders = (uint8_t)num(0, UINT8_MAX);
    p->bids = (int64_t)num(INT64_MIN, INT64_MAX);
    p->asks = (int64_t)num(INT64_MIN, INT64_MAX);
}

static void do_ordered(void)
{
    for (unsigned i = 0; i < account.n_positions; i++) {
        const struct position *p = &account.position[i];
        if (p->orders || p->bids || p->asks)
            printf("%u %u %" PRId64 " %" PRId64 " ", p->instrument, p->orders, p->bids, p->asks);
    }
    puts(".");
}

static void do_px(void)
{
    unsigned i = (unsigned)num(0, MARKET_ASSETS_MAX - 1);
    px[i] = num(0, INT64_MAX);
}

static void do_reciprocal(void)
{
    int64_t p = num(INT64_MIN, INT64_MAX);
    unsigned dp = (unsigned)num(0, 99), dr = (unsigned)num(0, 99);
    printf("%" PRId64 "\n", reciprocal_price(p, dp, dr));
}

static const struct {
    const char *name;
    void (*run)(void);
    bool needs_account; // one that the rule accepted
} commands[] = {
    {"reset", do_reset, false},
    {"asset", do_asset, false},
    {"perp", do_perp, false},
    {"reserve", do_reserve, false},
    {"further", do_further, false},
    {"credit", do_credit, false},
    {"term", do_term, false},
    {"account", do_account, false},
    {"state", do_state, false},
    {"remembered", do_remembered, false},
    {"pos", do_pos, false},
    {"orders", do_orders, false},
    {"ordered", do_ordered, true},
    {"px", do_px, false},
    {"grid", do_grid, false},
    {"validate", do_validate, false},
    {"within", do_within, false},
    {"health", do_health, true},
    {"rows", do_rows, true},
    {"hat", do_hat, true},
    {"size", do_size, true},
    {"settle", do_settle, true},
    {"reciprocal", do_reciprocal, false},
    {"rates", do_rates, false},
    {"ramp", do_ramp, false},
    {"now", do_now, false},
    {"window", do_window, false},
    {"moving", do_moving, false},
    {"weight", do_weight, false},
    {"scenario", do_scenario, false},
};

int main(void)
{
    static char line[65536];
    while (fgets(line, sizeof line, stdin)) {
        const char *name = strtok(line, " \n");
        size_t i = 0, n = sizeof commands / sizeof commands[0];
        while (name && i < n && strcmp(commands[i].name, name) != 0)
            i++;
        if (!name || i == n)
            malformed("command");
        if (commands[i].needs_account && !accepted)
            puts("refused");
        else
            commands[i].run();
    }
    return 0;
}
