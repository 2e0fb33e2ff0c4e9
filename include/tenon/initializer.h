/* initializer.h - the kind that gives parameters their first values.
 * Include it after plugin.h. */
#ifndef TENON_INITIALIZER_H
#define TENON_INITIALIZER_H

#ifndef TENON_PLUGIN_H
#error "include <tenon/plugin.h> first"
#endif

/* What an initializer knows of the parameter that it fills. */
typedef struct tn_param_info {
    const char *name; /* "hidden.weight" */
    int32_t role;
    int64_t fan_in, fan_out;
    int32_t
        parts;   /* along the first axis, each a matrix of its own (gates); at least 1 */
    double gain; /* of the activation that follows; 1 if none */
    tn_key key;
    int32_t preferred; /* whether that activation prefers this initializer */
} tn_param_info;

typedef struct tn_initializer {
    TN_HEAD
    tn_status (*fill)(const void *self, tn_call *, const tn_param_info *,
                      tn_tensor *w); /* [setup] */
    /* Data-driven: given the outputs of the weight's node on a first batch, changes w; sets
     * *again to see the outputs it gets then. [setup] */
    tn_status (*calibrate)(const void *self, tn_call *, const tn_param_info *,
                           int32_t round, const tn_tensor *out, tn_tensor *w,
                           int32_t *again);
} tn_initializer;

#endif
