/* env.h - what everything in one process shares: memory, messages, plugins found, backends. */
#ifndef CORE_ENV_H
#define CORE_ENV_H

#define TN_HOST
#include <pthread.h>

#include "core/config.h"
#include "core/memory.h"
#include "tenon/plugin.h"

#include "tenon/backend.h"
#include "tenon/block.h"
#include "tenon/data.h"
#include "tenon/foreign.h"
#include "tenon/initializer.h"
#include "tenon/random.h"
#include "tenon/score.h"
#include "tenon/training.h"
#include "tenon/update.h"

typedef struct tn_registry tn_registry; /* registry.h */
typedef struct tn_instance tn_instance; /* instance.h */

/* Data of a name; the newest first. Never changed once it is in the list. */
typedef struct tn_attached {
    char *name;
    tn_memory_data data;
    struct tn_attached *next;
} tn_attached;

struct tn_env {
    tn_memory memory;
    tn_registry *registry;
    tn_instance *backend[2]; /* [0] float, [1] double; made when first asked for */
    char *backend_name;
    char *foreign;   /* as in tn_env_options; NULL: none */
    int32_t threads; /* as asked for; 0: one per core */
    tn_attached *attached;
    pthread_mutex_t lock; /* of backend, attached and cpu */
    char *cpu;            /* the processor's name, once asked for */
    void (*log)(void *data, int32_t level, const char *text);
    void *log_data;
};

/* A call context on the stack of the core: tn_call_make, the slot, tn_call_end. fail writes to
 * the error, which is cleared first; now comes from the instance (may be NULL). */
typedef struct tn_calling {
    tn_call call; /* must be first */
    tn_env *env;
    tn_error *error;
    const char *name; /* of the plugin */
    void *setup;      /* graph.c: what param and state add to; NULL elsewhere */
    void *plan;       /* plan.c: what product and column_sums work for; NULL elsewhere */
    void *riding;     /* real/epilogue.c: what rides on the products; NULL elsewhere */
    const void *unit; /* real/whole.c: whose weights they are of; NULL elsewhere */
    atomic_llong *operations; /* where those of products are added up; NULL: nowhere */
    int32_t real;             /* 0 float, 1 double */
    bool apart; /* beside the thread that trains: host->parallel uses this one alone */
} tn_calling;

tn_call *tn_call_make(tn_calling *, tn_env *, const tn_instance *, int32_t real,
                      tn_error *);
/* The same for an instance of which only the reference is at hand. */
tn_call *tn_call_refer(tn_calling *, tn_env *, tn_ref, int32_t real, tn_error *);
/* What a fallible slot returned. A failure without a text gets one. */
tn_status tn_call_end(tn_calling *, tn_status);
/* The one table of host functions (host.c). */
extern const tn_host tn_the_host;

/* real: 0 float, 1 double. Loads and opens the backend on first use. */
tn_status tn_env_backend(tn_env *, int32_t real, const tn_instance **, tn_error *);

__attribute__((format(printf, 3, 4))) void tn_env_log(tn_env *, int32_t level,
                                                      const char *, ...);

#endif
