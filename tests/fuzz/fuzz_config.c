// SPDX-License-Identifier: Apache-2.0
// libFuzzer target: the settings in a journal's header, and records of margin calls. The first byte chooses.
// What is taken is within its range and is written and read back the same. Build: clang
// -fsanitize=fuzzer,address,undefined with host/run/config.c, host/run/calls_level.c and what they stand on.
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "run/config.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

// A property that no input may break.
#define HOLDS(x)                                                                                             \
    do {                                                                                                     \
        if (!(x)) {                                                                                          \
            fprintf(stderr, "%s:%d: %s does not hold\n", __FILE__, __LINE__, #x);                            \
            abort();                                                                                         \
        }                                                                                                    \
    } while (0)

static void fuzz_header(const uint8_t *p, size_t n)
{
    static struct session_config c, again;
    static char text[8192], text_again[8192];
    struct err e;
    if (config_parse((const char *)p, n, &c, &e) != 0)
        return;
    size_t len = config_format(&c, text, sizeof text);
    HOLDS(len > 0 && len < 4096); // session_begin()'s
    HOLDS(config_parse(text, len, &again, &e) == 0);
    HOLDS(config_format(&again, text_again, sizeof text_again) == len && memcmp(text, text_again, len) == 0);
    HOLDS(c.desk.stages < STAGES_COUNT && c.desk.stage.rest <= REST_WITHIN && c.desk.stage.ramp_steps > 0);
    (void)calls_check(&c.calls, c.engine.warn_ppm, &e);
}

static void fuzz_call(const uint8_t *p, size_t n)
{
    struct call_record c;
    uint8_t again[CALL_BYTES];
    if (call_decode(p, n, &c) != 0)
        return;
    HOLDS(c.level >= 1 && c.level <= CALL_LEVELS);
    call_encode(&c, again);
    HOLDS(n == sizeof again && memcmp(again, p, n) == 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size == 0)
        return 0;
    if (data[0] & 1)
        fuzz_call(data + 1, size - 1);
    else
        fuzz_header(data + 1, size - 1);
    return 0;
}
