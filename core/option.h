/* option.h - from a config to the arguments of a plugin's constructor. */
#ifndef CORE_OPTION_H
#define CORE_OPTION_H

#include "core/instance.h"
#include "core/option_table.h"

/* A value as the constructor gets it. */
typedef union tn_argument {
    int32_t choice; /* BOOL, ENUM */
    int64_t whole;
    double real;
    tn_dial dial;
    const void *pointer;
} tn_argument;

/* An instance in the making. */
typedef struct tn_making {
    tn_instance *instance;
    tn_pool *pool;   /* = instance->blocks */
    int32_t depth;   /* instances around it */
    tn_error *error; /* never NULL */
} tn_making;

/* tn_instance_make at some depth; takes over `pool` (NULL: a new one), also when it
 * fails. */
tn_status tn_instance_make_at(tn_env *, const char *kind, const tn_cfg *, int32_t real,
                              int32_t depth, tn_pool *pool, tn_instance **, tn_error *);
/* construct.c: calls the constructor with one argument per option. */
tn_status tn_instance_construct(tn_instance *, const tn_argument *, tn_error *);
/* option_host.c: reads the options that the host adds, of `map` (may be NULL). */
tn_status tn_option_read_host(tn_making *, const tn_cfg *map);

/* Value of one option: of `given` (NULL: the default). Instances and dials that it needs
 * become the instance's. Messages: "net.yaml:14:17: layer/dense: option 'units': ...". */
tn_status tn_option_read(tn_making *, const tn_option *, const tn_cfg *given,
                         tn_argument *out);

/* The same for options of some types. */
tn_status tn_option_read_list(tn_making *, const tn_option *, const tn_cfg *,
                              tn_argument *out);
tn_status tn_option_read_plugins(tn_making *, const tn_option *, const tn_cfg *,
                                 tn_argument *out);
/* cfg NULL: the constant `value`. */
tn_status tn_option_read_dial(tn_making *, const tn_option *, const tn_cfg *,
                              double value, tn_argument *out);
tn_status tn_option_read_number(tn_making *, const tn_option *, const tn_cfg *,
                                double *out);

/* "net.yaml:14:17: layer/dense: <message>". */
__attribute__((format(printf, 4, 5))) tn_status tn_option_error(const tn_making *,
                                                                const tn_cfg *, tn_status,
                                                                const char *, ...);
/* "option 'units': expected a whole number, got 'ten'". */
tn_status tn_option_expected(const tn_making *, const tn_option *, const tn_cfg *,
                             const char *what);

#endif
