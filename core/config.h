/* config.h - a YAML document as a tree that knows where each part stands.
 *
 * Read with libfyaml; limits on depth (64), nodes (100,000, aliases counted as often
 * as they are used), anchors (1000), keys (128 bytes) and size (16 MiB) hold for every
 * document. Duplicate keys are errors. Nodes live as long as their document. */
#ifndef CORE_CONFIG_H
#define CORE_CONFIG_H

#include "core/memory.h"
#include "core/nearest.h"

typedef enum tn_cfg_type { TN_CFG_SCALAR, TN_CFG_LIST, TN_CFG_MAP } tn_cfg_type;

typedef struct tn_cfg {
    tn_cfg_type type;
    bool quoted;      /* a scalar in quotes is text, never a number, true or null */
    const char *text; /* of a scalar; "" for an empty one */
    const char *key;  /* of a map's entry */
    const char *file; /* "net.yaml", or "--set a.b=1" */
    /* 1-based; of a map's entry: where its key stands; 0: of --set */
    int32_t line, column;
    int32_t count;
    struct tn_cfg **item; /* of lists and maps */
} tn_cfg;

struct tn_config {
    struct tn_env *env;
    tn_cfg *root; /* a map */
    void *blocks; /* what the tree lives in */
};

/* `file` stands in messages. A text with no content is an empty map. */
tn_config *tn_config_read(tn_memory *, const char *text, size_t size, const char *file,
                          tn_error *);
/* "optimizer.sgd.lr=0.1", "model.0.dense.units=5": the value is YAML; missing maps are
 * made, list items must exist. A plugin's name may replace a scalar: optimizer=adam.
 * When a step names a key beside the only key of a one-plugin section
 * (optimizer.adam.lr when sgd is there) that is an error that says so. */
tn_status tn_config_set(tn_config *, const char *assignment, tn_error *);
/* The tree as YAML text (block style), such that reading it gives the same tree. The
 * caller puts the text back to memory. */
char *tn_config_text(tn_memory *, const tn_cfg *, tn_error *);

const tn_cfg *tn_cfg_get(const tn_cfg *map, const char *key); /* NULL: not there */
bool tn_cfg_null(const tn_cfg *); /* null, ~ or nothing, not in quotes */
/* Scalars as values; errors say "net.yaml:3:8: epochs: expected a whole number, got
 * 'ten'". */
tn_status tn_cfg_int(const tn_cfg *, int64_t lo, int64_t hi, int64_t *out, tn_error *);
tn_status tn_cfg_real(const tn_cfg *, double *out, tn_error *);
tn_status tn_cfg_bool(const tn_cfg *, int32_t *out, tn_error *);
/* Error for any key that is not in allowed (NULL-terminated), with the nearest one. */
tn_status tn_cfg_only(const tn_cfg *map, const char *const *allowed, tn_error *);
/* Sets "file:line:column: <message>". */
__attribute__((format(printf, 4, 5))) tn_status tn_cfg_error(const tn_cfg *, tn_error *,
                                                             tn_status, const char *,
                                                             ...);
/* Puts the place in front of an error: file:line:column, or the --set that it comes from; NULL:
 * of no place. */
void tn_cfg_in(const tn_cfg *, tn_error *);
/* The place within a message: "net.yaml:3", or the --set. */
const char *tn_cfg_place(const tn_cfg *, char *text, size_t size);

#endif
