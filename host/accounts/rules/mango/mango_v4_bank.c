// SPDX-License-Identifier: Apache-2.0
// Mango v4: what a bank does with a position (state/bank.rs). The statistics that it keeps for display and
// the net borrow window, which no liquidation checks, are not here.
#include "accounts/rules/mango/mango_v4.h"

#include <stddef.h>

struct mango_token *mango_fund(struct mango_account *a)
{
    for (unsigned i = 0; i < a->n_tokens; i++)
        if (a->token[i].index == MANGO_INSURANCE_TOKEN)
            return &a->token[i];
    return NULL;
}

fx mango_native(const struct mango_bank *b, const struct mango_position *p, struct checked *c)
{
    return fx_mul(c, p->indexed, p->indexed > 0 ? b->deposit_index : b->borrow_index);
}

// The smallest change that is worth at least the amount: what was deposited can be taken out again.
static fx indexed_up(fx native, fx index, struct checked *c)
{
    fx indexed = fx_div(c, native, index);
    return fx_mul(c, indexed, index) < native ? fx_add(c, indexed, 1) : indexed;
}

void mango_deposit(struct mango_bank *b, struct mango_position *p, fx native, bool dusting, struct checked *c)
{
    if (native < 0)
        ck_fail(c, "RequireGteViolated");
    fx before = mango_native(b, p, c);
    if (before < 0) {
        fx after = fx_add(c, before, native);
        fx change = indexed_up(native, b->borrow_index, c);
        fx indexed = fx_add(c, p->indexed, change);
        if (indexed < 0) {
            b->indexed_borrows = fx_sub(c, b->indexed_borrows, change);
            p->indexed = indexed;
            return;
        }
        b->indexed_borrows = fx_add(c, b->indexed_borrows, p->indexed);
        p->indexed = 0;
        if (after < FX_ONE && dusting) {
            b->dust = fx_add(c, b->dust, after);
            return;
        }
        native = fx_max(after, 0);
    }
    fx change = indexed_up(native, b->deposit_index, c);
    b->indexed_deposits = fx_add(c, b->indexed_deposits, change);
    p->indexed = fx_add(c, p->indexed, change);
}

fx mango_withdraw(struct mango_bank *b, struct mango_position *p, fx native, bool fee, bool dusting,
                  struct checked *c)
{
    if (native < 0)
        ck_fail(c, "RequireGteViolated");
    fx before = mango_native(b, p, c);
    if (before >= 0) {
        fx after = fx_sub(c, before, native);
        if (after >= 0) {
            bool dust = after < FX_ONE && dusting;
            fx change = dust ? p->indexed : fx_div(c, native, b->deposit_index);
            if (dust)
                b->dust = fx_add(c, b->dust, after);
            b->indexed_deposits = fx_sub(c, b->indexed_deposits, change);
            p->indexed = fx_sub(c, p->indexed, change);
            return 0;
        }
        b->indexed_deposits = fx_sub(c, b->indexed_deposits, p->indexed);
        p->indexed = 0;
        native = fx_neg(c, after);
    }
    fx loan_fee = fee ? fx_mul(c, b->loan_origination_fee_rate, native) : 0;
    b->collected_fees = fx_add(c, b->collected_fees, loan_fee);
    fx change = fx_div(c, fx_add(c, native, loan_fee), b->borrow_index);
    b->indexed_borrows = fx_add(c, b->indexed_borrows, change);
    p->indexed = fx_sub(c, p->indexed, change);
    return loan_fee;
}

fx mango_scaled_asset_weight(const struct mango_bank *b, fx price, struct checked *c)
{
    if (b->deposit_unscaled)
        return b->init_asset;
    struct soft deposits = soft_add(c, soft_of_fx(fx_mul(c, b->deposit_index, b->indexed_deposits)),
                                    soft_of_u64(b->potential_serum_tokens));
    struct soft quote = soft_mul(deposits, soft_of_fx(price));
    if (soft_cmp(quote, b->deposit_scale_start) <= 0)
        return b->init_asset;
    return fx_mul(c, b->init_asset, fx_of_soft(c, soft_div(c, b->deposit_scale_start, quote)));
}

fx mango_scaled_liab_weight(const struct mango_bank *b, fx price, struct checked *c)
{
    if (b->borrow_unscaled)
        return b->init_liab;
    struct soft borrows = soft_of_fx(fx_mul(c, b->borrow_index, b->indexed_borrows));
    struct soft quote = soft_mul(borrows, soft_of_fx(price));
    if (soft_cmp(quote, b->borrow_scale_start) <= 0)
        return b->init_liab;
    if (b->borrow_scale_start.m == 0)
        return FX_MAX;
    return fx_mul(c, b->init_liab, fx_of_soft(c, soft_div(c, quote, b->borrow_scale_start)));
}

void mango_maint_weights(const struct mango_bank *b, uint64_t now, fx *asset, fx *liab, struct checked *c)
{
    *asset = b->maint_asset;
    *liab = b->maint_liab;
    if (b->shift_duration_inv == 0 || now <= b->shift_start)
        return;
    if (now >= b->shift_end) {
        *asset = b->shift_asset;
        *liab = b->shift_liab;
        return;
    }
    fx scale = fx_mul(c, fx_u64(now - b->shift_start), b->shift_duration_inv);
    *asset = fx_add(c, *asset, fx_mul(c, scale, fx_sub(c, b->shift_asset, *asset)));
    *liab = fx_add(c, *liab, fx_mul(c, scale, fx_sub(c, b->shift_liab, *liab)));
}
