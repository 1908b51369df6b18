// SPDX-License-Identifier: Apache-2.0
#include "cli/session_options.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "journal/journal.h"
#include "oracle/oracle.h"

// Rows of the device vector unless told: as many as it updates within a third of a microsecond.
enum { VECTOR_LANES = 64, VECTOR_SLOTS = 64, VECTOR_ASSETS = 256 };

int session_set(struct session_config *c, char *arg, struct err *e)
{
    char *eq = strchr(arg, '=');
    if (!eq)
        return err_set(e, "--set wants KEY=VALUE: %s", arg);
    *eq = '\0';
    if (strcmp(arg, "lanes") == 0 || strcmp(arg, "slots") == 0 || strcmp(arg, "assets") == 0)
        return err_set(e, "the device says its geometry itself; of model and vector: --geometry: %s", arg);
    if (strcmp(arg, "oracle") == 0)
        return err_set(e, "policies come from a file: --oracle FILE: %s", arg);
    if (strncmp(arg, "kick_", strlen("kick_")) == 0)
        return err_set(
            e, "what starting an auction pays is the venue's to say (--venue-auctions): leave out: %s", arg);
    if (strcmp(arg, "polled") == 0)
        return err_set(e, "whether frames are polled follows from --capture or --iface: leave out: %s", arg);
    return config_set(c, arg, eq + 1, e);
}

// The whole file; NULL with *e set.
static char *read_text(const char *path, size_t *len, struct err *e)
{
    FILE *f = fopen(path, "re");
    char *text = f ? malloc(JOURNAL_RECORD_MAX + 1) : NULL;
    if (!f) {
        err_set(e, "%s: %s", path, strerror(errno));
        return NULL;
    }
    *len = text ? fread(text, 1, JOURNAL_RECORD_MAX + 1, f) : 0;
    if (text && !ferror(f) && *len <= JOURNAL_RECORD_MAX) {
        (void)fclose(f);
        return text;
    }
    if (!text)
        err_set(e, "out of memory for %s", path);
    else if (ferror(f))
        err_set(e, "%s: %s", path, strerror(errno));
    else
        err_set(e, "%s: a policy file has at most %d bytes", path, JOURNAL_RECORD_MAX);
    free(text);
    (void)fclose(f);
    return NULL;
}

int session_policy(const char *path, const struct market *m, struct session_config *c, char **text,
                   struct err *e)
{
    *text = read_text(path, &c->policy_len, e);
    if (!*text)
        return -1;
    c->policy_file = path;
    c->policy = *text;
    const struct oracle_config oc = {.file = path, .text = c->policy, .len = c->policy_len};
    struct oracle *o = oracle_new(m, &oc, e);
    if (!o)
        return -1;
    oracle_free(o);
    return 0;
}

void session_geometry(struct device_config *c)
{
    if (c->lanes || strcmp(c->backend, "vector") != 0)
        return;
    c->lanes = VECTOR_LANES;
    c->slots = VECTOR_SLOTS;
    c->assets = VECTOR_ASSETS;
}
