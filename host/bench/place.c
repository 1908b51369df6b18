// SPDX-License-Identifier: Apache-2.0
#include "bench/place.h"

#include <errno.h>
#include <pthread.h>
#include <string.h>

struct trial {
    struct place *p;
    int cpu, rc;
    struct err *e;
};

// On a thread that ends afterwards, so that neither CPU nor priority stay with anybody.
static void *try_it(void *arg)
{
    struct trial *t = arg;
    t->rc = machine_pin(t->p->m, t->cpu, "the hot thread", t->e);
    if (t->rc == 0)
        t->p->hot = sched_getcpu();
    return NULL;
}

int place_choose(struct place *p, struct machine *m, int cpu, struct err *e)
{
    struct trial t = {.p = p, .cpu = cpu, .e = e};
    pthread_t thread;
    *p = (struct place){.hot = -1, .m = m};
    if (sched_getaffinity(0, sizeof p->others, &p->others) != 0)
        return err_set(e, "CPUs of this process: %s", strerror(errno));
    int rc = pthread_create(&thread, NULL, try_it, &t);
    if (rc != 0)
        return err_set(e, "cannot start a thread: %s", strerror(rc));
    (void)pthread_join(thread, NULL);
    if (t.rc != 0)
        return -1;
    p->alone = CPU_COUNT(&p->others) > 1;
    if (p->alone)
        CPU_CLR((size_t)p->hot, &p->others);
    else
        machine_note(m, "one CPU for all threads: the journal's and the gateway's take the hot one's time");
    return 0;
}

int place_others(const struct place *p, struct err *e)
{
    const struct sched_param none = {0};
    if (sched_setscheduler(0, SCHED_OTHER, &none) != 0 ||
        sched_setaffinity(0, sizeof p->others, &p->others) != 0)
        return err_set(e, "CPUs of the other threads: %s", strerror(errno));
    return 0;
}

int place_hot(const struct place *p, struct err *e)
{
    struct machine said = *p->m; // place_choose() has noted what there is to say
    memset(said.taken, 0, sizeof said.taken);
    return machine_pin(&said, p->hot, "the hot thread", e);
}
