/* instance.h - a plugin with its options: checked values, the object made by its constructor
 * through libffi, its dials, and the instances that its options name. */
#ifndef CORE_INSTANCE_H
#define CORE_INSTANCE_H

#include "core/env.h"

typedef struct tn_dial_state {
    tn_instance *schedule; /* NULL: constant */
    double constant;
    /* Of a schedule: what its values have to keep to, and the config's value for messages. */
    tn_option option;
    const tn_cfg *where;
} tn_dial_state;

/* Host options of layers that hold a plugin, or the word that says to go without the model's. */
enum tn_said {
    TN_SAID_INIT,            /* auto */
    TN_SAID_REGULARIZER,     /* none */
    TN_SAID_PARAMETRIZATION, /* none */
    TN_SAID
};

struct tn_instance {
    tn_env *env;
    const tn_entry *entry;
    const tn_impl *impl;
    const void *vtable;  /* host's zero-padded copy of the kind's struct */
    void *self;          /* NULL for a plugin without options */
    int32_t real;        /* 0 float, 1 double */
    const tn_cfg *where; /* the node that named it, for messages; may be NULL */
    int32_t dials;
    tn_dial_state *dial;
    double *now; /* current value per dial */
    int32_t number_count;
    double *numbers; /* what the instance keeps (TN_HEAD's numbers) */
    int32_t children;
    tn_instance **child; /* of PLUGIN and PLUGINS options and of dials, in option order */
    tn_ref_data ref;     /* how other plugins see it */
    tn_instance *next;   /* the next of a list at one place; it is this one's */
    /* Options that the host adds to every plugin of a kind. layer, block: name, inputs, init,
     * regularizer, parametrization. optimizer: lr (its dial is lr_dial). metric: name. */
    struct {
        const char *name;
        const tn_cfg *inputs;
        const tn_cfg *said[TN_SAID]; /* NULL: nothing */
        tn_instance *init, *regularizer, *parametrization;
        int32_t lr_dial;
    } host;
    void *blocks; /* what its values live in */
};

/* `cfg` names a plugin of `kind` with its options: `relu`, `{dropout: 0.5}`, `{l2: {lambda: 1}}`.
 * For PLUGIN options of schedulable kind a bare number makes the schedule `constant` ... only
 * where the option's kind is schedule. kind "layer" falls back to a block of that name when there
 * is no layer (entry->kind tells). Every message starts with file:line:column. */
tn_status tn_instance_make(tn_env *, const char *kind, const tn_cfg *cfg, int32_t real,
                           tn_instance **out, tn_error *);
/* The same for one or a list of them: the first, or NULL of an empty list. */
tn_status tn_instance_make_list(tn_env *, const char *kind, const tn_cfg *, int32_t real,
                                int32_t depth, tn_instance **out, tn_error *);
/* By name with YAML flow options (may be NULL), for the core's and blocks' own needs. */
tn_status tn_instance_named(tn_env *, const char *kind, const char *name,
                            const char *options, int32_t real, tn_instance **out,
                            tn_error *);
void tn_instance_free(tn_instance *);
/* Of the options in tn_said, gives a layer those of the block around it that it has not. */
tn_status tn_instance_inherit(tn_instance *, const tn_instance *block, tn_error *);

/* Which of its dials a schedulable option of its own is; -1: it has none of that name. */
int32_t tn_instance_dial(const tn_instance *, const char *option);
/* What a schedule says, once it has been ticked. */
double tn_schedule_value(const tn_instance *schedule, const tn_clock *);
/* The start of a run of unknown length, which is long, so that none of it has passed. */
extern const tn_clock tn_clock_start;
/* Sets every dial of the instance and its children from the clock. */
void tn_instance_tick(tn_instance *, const tn_clock *);
/* Whether schedules have set its own dials to values that their options allow. */
tn_status tn_instance_check_dials(const tn_instance *, const tn_clock *, tn_error *);
/* The same of one dial; `whose` it is begins the message. */
tn_status tn_dial_check(const tn_dial_state *, const char *whose, double value,
                        const tn_clock *, tn_error *);
/* Calls epoch_end of every schedule below. */
void tn_instance_epoch(tn_instance *, const tn_clock *, const tn_event *);
/* All instances below, itself first, in a fixed order: for saving `numbers`. */
void tn_instance_walk(tn_instance *, void (*visit)(void *, tn_instance *), void *);

/* The list of nodes of a GRAPH option, or of an item of a GRAPHS option. */
struct tn_graph_data {
    const tn_cfg *list;
};

#endif
