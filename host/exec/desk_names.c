// SPDX-License-Identifier: Apache-2.0
// What the desk's answers are called in summaries and messages.
#include "exec/desk.h"

const char *desk_answer_name(enum desk_answer a)
{
    static const char *const name[DESK_ANSWER_COUNT] = {
        [DESK_SENT] = "sent",
        [DESK_BUSY] = "busy",
        [DESK_KILLED] = "killed",
        [DESK_LIMIT_ORDER] = "limit-order",
        [DESK_LIMIT_MINUTE] = "limit-minute",
        [DESK_LIMIT_TOTAL] = "limit-total",
        [DESK_PRICE_AGE] = "price-age",
        [DESK_NO_PROFIT] = "no-profit",
        [DESK_NO_SIZE] = "no-size",
        [DESK_RING_FULL] = "ring-full",
        [DESK_EPOCH] = "old-epoch",
        [DESK_NOT_LOGGED] = "not-logged",
        [DESK_BACKOFF] = "backoff",
        [DESK_PREDICTED_OFF] = "predicted-off",
        [DESK_LIMIT_PREDICTED] = "limit-predicted",
        [DESK_STAGED] = "stage",
    };
    return (unsigned)a < DESK_ANSWER_COUNT ? name[a] : "?";
}

const char *desk_told_name(enum desk_told t)
{
    static const char *const name[DESK_TOLD_COUNT] = {[TOLD_TAKEN] = "taken",
                                                      [TOLD_ADDED] = "new accounts",
                                                      [TOLD_OLD] = "old",
                                                      [TOLD_BAD] = "bad",
                                                      [TOLD_NO_ROOM] = "no room"};
    return (unsigned)t < DESK_TOLD_COUNT ? name[t] : "?";
}
