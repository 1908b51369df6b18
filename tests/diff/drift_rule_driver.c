// SPDX-License-Identifier: Apache-2.0
// rules_driver.c and what drift-v2-1 needs beyond it, for drift_rule_diff.py:
//   put I NAME VALUE      a term of instrument I, by its name in files
//   memory A B            the account's rule_state, before validate
//   remembers          -> A B
//   bent               -> what rule->bends says
//   fits I S D Z       -> rule->within for instrument I, whose greatest supply, debt and size have so many
//   bits
#define main rules_driver_main
int rules_driver_main(void);
#include "rules_driver.c"
#undef main

static void drift_put(void)
{
    struct terms *t = &market.instrument[num(0, MARKET_INSTRUMENTS_MAX - 1)].terms;
    enum term key = term_find(word());
    if (key == TERM_NONE || !term_set(t, key, (u128)big()))
        malformed("term");
}

static void drift_memory(void)
{
    for (unsigned k = 0; k < RULE_STATE_WORDS; k++)
        account.rule_state[k] = (uint64_t)num(0, INT64_MAX);
}

static void drift_remembers(void)
{
    printf("%" PRIu64 " %" PRIu64 "\n", account.rule_state[0], account.rule_state[1]);
}

static void drift_bent(void)
{
    puts(account.rule->bends(&market, &account) ? "1" : "0");
}

static void drift_fits(void)
{
    unsigned i = (unsigned)num(0, MARKET_INSTRUMENTS_MAX - 1);
    struct reach r = {.held = true};
    r.supply_bits = (uint8_t)num(0, 127);
    r.debt_bits = (uint8_t)num(0, 127);
    r.size_bits = (uint8_t)num(0, 127);
    puts(account.rule->within(&market, i, &r) ? "1" : "0");
}

int main(void)
{
    static const struct {
        const char *name;
        void (*run)(void);
    } more[] = {{"put", drift_put},
                {"memory", drift_memory},
                {"remembers", drift_remembers},
                {"bent", drift_bent},
                {"fits", drift_fits}};
    static char line[65536];
    enum { OWN = sizeof more / sizeof more[0], ALL = sizeof commands / sizeof commands[0] };
    while (fgets(line, sizeof line, stdin)) {
        const char *name = strtok(line, " \n");
        size_t i = 0, j = 0;
        while (name && i < OWN && strcmp(more[i].name, name) != 0)
            i++;
        while (name && j < ALL && strcmp(commands[j].name, name) != 0)
            j++;
        if (!name || (i == OWN && j == ALL))
            malformed("command");
        if (i < OWN)
            more[i].run();
        else if (commands[j].needs_account && !accepted)
            puts("refused");
        else
            commands[j].run();
    }
    return 0;
}
