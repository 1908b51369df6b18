// SPDX-License-Identifier: Apache-2.0
// What the line-driven drivers of the judges share: one command a line on stdin, its words apart by blanks,
// numbers decimal. A malformed line ends the program with status 2. One thread.
#ifndef TRIPLINE_TESTS_DIFF_TALK_H
#define TRIPLINE_TESTS_DIFF_TALK_H

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/wide.h"

static _Noreturn inline void malformed(const char *what)
{
    fprintf(stderr, "%s: malformed %s\n", program_invocation_short_name, what);
    exit(2);
}

// The next word of the line.
static inline const char *word(void)
{
    const char *w = strtok(NULL, " \n");
    if (!w)
        malformed("line: a word is missing");
    return w;
}

static inline i256 wide(void)
{
    i256 v;
    if (i256_parse(word(), &v) != 0)
        malformed("number");
    return v;
}

static inline void say(i256 v)
{
    char buf[I256_DIGITS_MAX];
    i256_format(v, buf, sizeof buf);
    printf("%s ", buf);
}

struct command {
    const char *name;
    void (*run)(void);
};

// Every line of stdin to its command, and what that wrote out at once.
static inline int talk(const struct command *commands, size_t n)
{
    static char line[65536];
    while (fgets(line, sizeof line, stdin)) {
        const char *name = strtok(line, " \n");
        size_t i = 0;
        while (name && i < n && strcmp(commands[i].name, name) != 0)
            i++;
        if (!name || i == n)
            malformed("command");
        commands[i].run();
        fflush(stdout);
    }
    return 0;
}

#endif
