/* plugin.h - everything a plugin includes.
 *
 * A plugin is one source file, one technique, one shared object:
 *
 *     cc -shared -fPIC -fvisibility=hidden -O2 -I. my_relu.c -o layer/my_relu.so
 *
 * (With -Wextra also -Wno-unused-parameter: slots have fixed parameters, few use all.)
 *
 * It describes itself in const data (TN_PLUGIN below); the host reads that, checks it, and
 * calls the plugin's slots. A plugin links against nothing of Tenon, starts no threads, and
 * never prints, exits or aborts: what goes wrong is returned through tn_fail.
 *
 * Written once, compiled twice. The source says tn_real, and this header includes the source
 * a second time, so that one .so carries a double and a float implementation. Names that the
 * file defines at file scope are therefore written TN(name). (-I. lets it find itself.)
 *
 * Every slot says in its comment where it may run:
 *   [setup]    one thread, before anything runs
 *   [step]     one thread at a time for an instance; different instances in parallel
 *   [parallel] the same instance at once on several threads, on disjoint tiles
 *
 * This header brings types.h (tensors) and kinds.h (kernels; layer, parametrization). What draws
 * random numbers includes random.h, what needs exp and the like in a hot loop math.h, and other
 * kinds include one more: initializer.h, update.h (regularizer, gradient, optimizer),
 * score.h (loss, metric), training.h (schedule, observer), data.h (dataset, transform, format),
 * block.h, backend.h. */
#ifndef TENON_PLUGIN_H
#define TENON_PLUGIN_H

#include <math.h>
#include <stdarg.h>
#include <stdio.h>

#include "tenon/types.h"

/* What a plugin computes does not depend on the compiler's options: products and sums stay
 * apart (no contraction), and loops become vector instructions from -O2 on, sqrt among them,
 * which sets no errno here. */
#ifndef TN_HOST
#ifdef __clang__
#pragma STDC FP_CONTRACT OFF
#elif defined __GNUC__
#pragma GCC optimize("fp-contract=off", "no-trapping-math", "unswitch-loops")
#pragma GCC optimize("tree-vectorize", "vect-cost-model=dynamic")
#endif
float sqrtf(float) __attribute__((const));
double sqrt(double) __attribute__((const));
#endif

#define TN_ABI_MAJOR 0 /* 0: may change in any commit; also in the symbol's name */
#define TN_ABI_MINOR 0
#ifndef TN_USE_ABI
#define TN_USE_ABI 0 /* the minor version the author requires */
#endif

#define TN_UNUSED __attribute__((unused))

/* Stands in front of a function with hot loops, in place of `static`. On x86-64 it is then
 * compiled for every processor, for AVX2 and for AVX-512, and the dynamic linker chooses when
 * it loads the plugin. None of them fuses multiplication and addition, so loops over elements
 * and TN_SUM have the same bits in all three. Not under a sanitizer, whose runtime is not up yet
 * when the choice is made. -DTN_KERNEL=static makes a plugin for what cc's -m options say (and
 * one that clang 14 can link with -flto). TN_KERNEL_CLONES is defined where there are three. */
#ifndef TN_KERNEL
#if defined __x86_64__ && defined __GLIBC__ && defined __has_attribute && \
    !defined __SANITIZE_ADDRESS__ && !defined __SANITIZE_THREAD__
#if __has_attribute(target_clones)
#define TN_KERNEL __attribute__((target_clones("default", "avx2", "avx512f"))) static
#define TN_KERNEL_CLONES
#endif
#endif
#ifdef __has_feature
#if __has_feature(address_sanitizer) || __has_feature(memory_sanitizer) || \
    __has_feature(thread_sanitizer)
#undef TN_KERNEL
#undef TN_KERNEL_CLONES
#endif
#endif
#ifndef TN_KERNEL
#define TN_KERNEL static
#endif
#endif

/* Stands in front of what a TN_KERNEL function calls in its loops: a function of its own would
 * be compiled for every processor only. */
#define TN_INLINE static inline __attribute__((always_inline))

/* ---- calls ------------------------------------------------------------------------- */

typedef void (*tn_fn)(void);
typedef struct tn_call tn_call;
typedef struct tn_param_spec tn_param_spec;
typedef struct tn_product tn_product;
typedef struct tn_matrix tn_matrix;

typedef enum tn_log_level {
    TN_LOG_DEBUG,
    TN_LOG_INFO,
    TN_LOG_WARNING,
    TN_LOG_PROGRESS /* replaces the line before it where that is possible */
} tn_log_level;

/* The host's functions. Slots are only ever appended; test a late one with TN_HAS. */
typedef struct tn_host {
    uint32_t struct_size;
    uint16_t abi_major, abi_minor;
    /* Records the text and returns `status`; use tn_fail. */
    tn_status (*fail)(tn_call *, tn_status status, const char *text);
    void (*log)(tn_call *, int32_t level, const char *text);
    /* 64-byte aligned, counted against --max-memory; NULL: out of memory. */
    void *(*alloc)(tn_call *, size_t bytes);
    void (*release)(tn_call *, void *);
    /* infer only: declares a parameter or a state tensor; its index is its order. */
    tn_status (*param)(tn_call *, const tn_param_spec *);
    tn_status (*state)(tn_call *, const char *name, const tn_shape *, double fill);
    /* Whole-class slots only: out = a b (+ bias), and out[j] = sum over rows of m[.][j]. */
    tn_status (*product)(tn_call *, const tn_product *);
    tn_status (*column_sums)(tn_call *, const tn_tensor *m, tn_tensor *out);
    /* body(data, i) for i in 0..n-1, on the one thread pool there is. A body may call it and
     * product, which then run on its thread. */
    tn_status (*parallel)(tn_call *, int64_t n, tn_status (*body)(void *data, int64_t i),
                          void *data);
    /* Anything else by name ("tenon.memory/0"); NULL: this host has none. */
    const void *(*service)(tn_call *, const char *id);
    /* Whole-class layers: bytes of a packed copy of a right-hand operand (infer too; 0: there is
     * none), and making it: sets b->packed, to `room` or, for a weight (its tensor's host) that stays as
     * it is, to a copy that the host keeps. For an operand of many products of one call. */
    size_t (*pack_size)(tn_call *, const tn_matrix *b);
    tn_status (*pack)(tn_call *, tn_matrix *b, void *room);
} tn_host;

struct tn_call {
    const tn_host *host;
    const double *now; /* current values of the instance's SCHEDULABLE options */
    void *priv;        /* the host's */
};

#define TN_HAS(p, slot)                                                          \
    (offsetof(__typeof__(*(p)), slot) + sizeof((p)->slot) <= (p)->struct_size && \
     (p)->slot)

/* `return tn_fail(c, TN_ESHAPE, "needs rank 4, got %d", rank);` Say what is wrong and what is
 * allowed; the host puts file, line and plugin in front. */
__attribute__((format(printf, 3, 4))) TN_UNUSED static tn_status tn_fail(
    tn_call *c, tn_status status, const char *format, ...)
{
    char text[512];
    va_list args;
    va_start(args, format);
    vsnprintf(text, sizeof text, format, args);
    va_end(args);
    return c->host->fail(c, status, text);
}

/* ---- options ----------------------------------------------------------------------- */
/* The author writes one list; the struct TN(self), its constructor and the host's table all
 * come from it:
 *
 *     #define OPTIONS(P) \
 *         P(SCHEDULABLE, p, TN_POSITIONAL, 0.5, 0, 1, "probability that an element is dropped")
 *     TN_SELF(OPTIONS, )
 *
 *     type         C type          default       lo, hi          in YAML
 *     BOOL         int32_t         0 or 1        unused          true
 *     INT          int64_t         number        range           3
 *     REAL         double          number        range           1e-3
 *     SCHEDULABLE  tn_dial         number        range           0.1 or {cosine: {...}}
 *     STR          const char *    text          unused          a text
 *     ENUM         int32_t index   index         "a|b|c"         b
 *     INTS, REALS  tn_ints/_reals  "[1, 2]"      unused          [1, 2]
 *     STRS         tn_strs         "[a, b]"      unused          [a, b]
 *     PLUGIN       tn_ref          "{l2: 1e-4}"  kind's name     a name with its options
 *     PLUGINS      tn_refs         "[...]"       kind's name     a list of these
 *     GRAPH        tn_graph_ref    "[relu]"      unused          a list of nodes
 *     GRAPHS       tn_graph_refs   "[[relu]]"    unused          a list of lists of nodes
 *
 * A default that the flags make moot is written 0. Ranges are inclusive; INFINITY, INT64_MIN
 * and INT64_MAX leave a side open. The host has checked every value before the constructor
 * runs; the optional `check` slot is for relations between options. */
enum {
    TN_POSITIONAL = 1, /* `dense: 10` sets it; at most one */
    TN_REQUIRED = 2,   /* has no default */
    TN_OPTIONAL = 4,   /* may stay unset: TN_UNSET_INT, NAN, or NULL */
    TN_ABOVE = 8,      /* lo itself is not allowed */
    TN_BELOW = 16      /* hi itself is not allowed */
};
#define TN_UNSET_INT INT64_MIN

/* clang-format off */
enum tn_option_type {
    TN_T_BOOL = 1, TN_T_INT, TN_T_REAL, TN_T_SCHEDULABLE, TN_T_STR, TN_T_ENUM, TN_T_INTS,
    TN_T_REALS, TN_T_PLUGIN, TN_T_PLUGINS, TN_T_GRAPH, TN_T_GRAPHS, TN_T_STRS
};
/* clang-format on */

typedef union tn_value {
    int64_t i;
    double d;
    const char *s;
} tn_value;

typedef struct tn_option {
    const char *name, *doc;
    int32_t type;
    uint32_t flags;
    tn_value def, lo, hi;
} tn_option;

/* A schedulable number. Its value changes while training runs: read it with tn_now. */
typedef struct tn_dial {
    int32_t slot;
    int32_t turns; /* whether a schedule turns it */
} tn_dial;

/* Another plugin's instance. Through it a wrapper calls what it wraps. */
typedef struct tn_ref_data {
    const char *kind, *name;
    const void *self, *vtable;
    const double *now; /* of its schedulable options */
    double *numbers;   /* what it keeps */
} tn_ref_data;
typedef const tn_ref_data *tn_ref;
typedef const struct tn_graph_data *tn_graph_ref; /* for tn_builder only */

typedef struct tn_int_list {
    int64_t count;
    const int64_t *at;
} tn_int_list;
typedef struct tn_real_list {
    int64_t count;
    const double *at;
} tn_real_list;
typedef struct tn_str_list {
    int64_t count;
    const char *const *at;
} tn_str_list;
typedef struct tn_ref_list {
    int64_t count;
    const tn_ref *at;
} tn_ref_list;
typedef struct tn_graph_list {
    int64_t count;
    const tn_graph_ref *at;
} tn_graph_list;
typedef const tn_int_list *tn_ints;
typedef const tn_real_list *tn_reals;
typedef const tn_str_list *tn_strs;
typedef const tn_ref_list *tn_refs;
typedef const tn_graph_list *tn_graph_refs;

/* Current value of a schedulable option; `c` is a tn_call or a tn_tile. */
#define tn_now(c, dial) ((c)->now[(dial).slot])

#define TN_C_BOOL int32_t
#define TN_C_INT int64_t
#define TN_C_REAL double
#define TN_C_SCHEDULABLE tn_dial
#define TN_C_STR const char *
#define TN_C_ENUM int32_t
#define TN_C_INTS tn_ints
#define TN_C_REALS tn_reals
#define TN_C_STRS tn_strs
#define TN_C_PLUGIN tn_ref
#define TN_C_PLUGINS tn_refs
#define TN_C_GRAPH tn_graph_ref
#define TN_C_GRAPHS tn_graph_refs
/* clang-format off */
#define TN_V_BOOL(def, lo, hi) {.i = def}, {.i = 0}, {.i = 1}
#define TN_V_INT(def, lo, hi) {.i = def}, {.i = lo}, {.i = hi}
#define TN_V_REAL(def, lo, hi) {.d = def}, {.d = lo}, {.d = hi}
#define TN_V_SCHEDULABLE(def, lo, hi) {.d = def}, {.d = lo}, {.d = hi}
#define TN_V_STR(def, lo, hi) {.s = def}, {.s = 0}, {.s = 0}
#define TN_V_ENUM(def, lo, hi) {.i = def}, {.s = lo}, {.s = 0}
#define TN_V_INTS(def, lo, hi) {.s = def}, {.s = 0}, {.s = 0}
#define TN_V_REALS(def, lo, hi) {.s = def}, {.s = 0}, {.s = 0}
#define TN_V_STRS(def, lo, hi) {.s = def}, {.s = 0}, {.s = 0}
#define TN_V_PLUGIN(def, lo, hi) {.s = def}, {.s = lo}, {.s = 0}
#define TN_V_PLUGINS(def, lo, hi) {.s = def}, {.s = lo}, {.s = 0}
#define TN_V_GRAPH(def, lo, hi) {.s = def}, {.s = 0}, {.s = 0}
#define TN_V_GRAPHS(def, lo, hi) {.s = def}, {.s = 0}, {.s = 0}
/* clang-format on */

#define TN_FIELD(T, name, flags, def, lo, hi, doc) TN_C_##T name;
#define TN_ARGUMENT(T, name, flags, def, lo, hi, doc) , TN_C_##T name
#define TN_STORE(T, name, flags, def, lo, hi, doc) self->name = name;
#define TN_ROW(T, name, flags, def, lo, hi, doc) \
    {#name, doc, TN_T_##T, flags, TN_V_##T(def, lo, hi)},

/* Declares the instance, TN(self): one field per option, then the author's own `...` (sizes
 * found by infer, say), which start as zero. The constructor is called through libffi. */
#define TN_SELF(OPTIONS, ...)                                            \
    typedef struct TN(self) {                                            \
        OPTIONS(TN_FIELD) __VA_ARGS__                                    \
    } TN(self);                                                          \
    static tn_status TN(construct)(TN(self) * self OPTIONS(TN_ARGUMENT)) \
    {                                                                    \
        OPTIONS(TN_STORE) return TN_OK;                                  \
    }

/* ---- the descriptor ---------------------------------------------------------------- */

/* One precision of one entry. */
typedef struct tn_impl {
    uint32_t struct_size;
    uint32_t real_size; /* sizeof(tn_real): 4 or 8 */
    uint32_t self_size;
    uint32_t vtable_size;
    tn_fn construct;    /* status (self, options in order); NULL: no options */
    const void *vtable; /* the kind's struct */
} tn_impl;

/* What the outputs of a layer are, where losses and metrics have to know. */
typedef enum tn_makes { TN_ANYTHING, TN_PROBABILITIES, TN_LOG_PROBABILITIES } tn_makes;

/* Of a metric: which of two of its values, and of numbers of its table, is the better one. */
typedef enum tn_better {
    TN_BETTER_UNKNOWN, /* neither (counts of a confusion matrix), or nobody has said */
    TN_BETTER_SMALLER,
    TN_BETTER_LARGER
} tn_better;

/* What the host knows of a plugin without running it. */
typedef struct tn_entry {
    uint32_t struct_size;
    const char *kind, *name;
    const char *summary;   /* one line */
    const char *formula;   /* the mathematics, plain text */
    const char *reference; /* paper and equation, or the standard work */
    const char *version, *licence;
    const tn_option *options;
    uint32_t option_stride, option_count;
    const tn_impl *impl[2]; /* [0] float, [1] double; NULL: not in this precision */
    /* Of an activation: gain for variance-preserving weights before it, the initializer it
     * prefers ("he"), and its kinks (where no derivative exists; at most 4). */
    double gain;
    const char *initializer;
    int32_t kink_count;
    double kink[4];
    double learning_rate; /* of an optimizer: the default of `lr` */
    int32_t makes;        /* of a layer: tn_makes */
    int32_t better;       /* of a metric: tn_better */
    /* of a loss: where targets are numbers, each output is a question of its own, of yes or no */
    int32_t questions;
} tn_entry;

typedef struct tn_plugin {
    uint32_t struct_size;
    uint16_t abi_major, abi_minor_required;
    uint32_t entry_count;
    const tn_entry *const *entries;
} tn_plugin;

/* The only symbol a plugin exports; in static builds it carries kind and name. */
#ifdef TN_STATIC
#define TN_SYMBOL(KIND, NAME) tn_plugin_v0_##KIND##_##NAME
#else
#define TN_SYMBOL(KIND, NAME) tn_plugin_v0
#endif

/* The end of every plugin. First the vtable, TN_VTABLE(kind, slots...), then one of these with
 * the entry's metadata: TN_PLUGIN(kind, name, .summary = ..., .reference = ...) or, with
 * options, TN_PLUGIN_WITH(OPTIONS, kind, name, ...). */
#define TN_VTABLE(KIND, ...) \
    static const tn_##KIND TN(vtable) = {.struct_size = sizeof(tn_##KIND), __VA_ARGS__};
#define TN_IMPL(SELF_SIZE, CONSTRUCT)                                               \
    static const tn_impl TN(impl) = {sizeof(tn_impl),   sizeof(tn_real), SELF_SIZE, \
                                     sizeof TN(vtable), CONSTRUCT,       &TN(vtable)};
#define TN_EXPORT(KIND, NAME, OPTIONS, COUNT, ...)                                       \
    static const tn_entry tn_entry_0 = {.struct_size = sizeof(tn_entry),                 \
                                        .kind = #KIND,                                   \
                                        .name = #NAME,                                   \
                                        .version = "0.1",                                \
                                        .licence = "Apache-2.0",                         \
                                        .options = OPTIONS,                              \
                                        .option_stride = sizeof(tn_option),              \
                                        .option_count = COUNT,                           \
                                        .impl = {&impl_f32, &impl_f64},                  \
                                        __VA_ARGS__};                                    \
    static const tn_entry *const tn_entries[] = {&tn_entry_0};                           \
    extern __attribute__((visibility("default"))) const tn_plugin TN_SYMBOL(KIND, NAME); \
    const tn_plugin TN_SYMBOL(KIND, NAME) = {sizeof(tn_plugin), TN_ABI_MAJOR,            \
                                             TN_USE_ABI, 1, tn_entries};

#ifdef TN_HOST
#include "tenon/kinds.h"
#endif
#endif /* TENON_PLUGIN_H */

/* ---- written once, compiled twice -------------------------------------------------- */
#if !defined TN_HOST && !defined TN_REAL_BITS
#define TN_REAL_BITS 64
#include "tenon/kinds.h"
#define TN_PLUGIN(KIND, NAME, ...) TN_IMPL(0, NULL)
#define TN_PLUGIN_WITH(OPTIONS, KIND, NAME, ...) \
    TN_IMPL(sizeof(TN(self)), (tn_fn)TN(construct))
#include __BASE_FILE__
#undef TN_REAL_BITS
#undef TN_PLUGIN
#undef TN_PLUGIN_WITH
#define TN_REAL_BITS 32
#include "tenon/kinds.h"
#define TN_PLUGIN(KIND, NAME, ...) \
    TN_IMPL(0, NULL)               \
    TN_EXPORT(KIND, NAME, NULL, 0, __VA_ARGS__)
#define TN_PLUGIN_WITH(OPTIONS, KIND, NAME, ...)                                    \
    TN_IMPL(sizeof(TN(self)), (tn_fn)TN(construct))                                 \
    static const tn_option tn_options[] = {OPTIONS(TN_ROW){0}}; /* may be none */   \
    TN_EXPORT(KIND, NAME, tn_options, sizeof tn_options / sizeof tn_options[0] - 1, \
              __VA_ARGS__)
#endif
