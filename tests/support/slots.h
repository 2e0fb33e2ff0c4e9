/* slots.h - one plugin, made from its options, for suites that call its slots directly.
 * Both precisions are declared (tn_optimizer_f32, tn_optimizer_f64); tn_real is double.
 *
 * Criterion runs each test in a process of its own, so the environment lives as long as a
 * test. */
#ifndef TESTS_SUPPORT_SLOTS_H
#define TESTS_SUPPORT_SLOTS_H

#include <criterion/criterion.h>
#include <math.h>
#include <stdlib.h>

#include "tests/support/note.h"

#define TN_HOST
#define TN_REAL_BITS 64
#include "core/instance.h"
#undef TN_REAL_BITS
#define TN_REAL_BITS 32
#include "tenon/kinds.h"
#include "tenon/score.h"
#include "tenon/update.h"
#undef TN_
#undef tn_real
#define TN_(name) name##_f64
#define tn_real double

static struct {
    tn_env *env;
    tn_instance *made[64];
    int count;
} slots;

static void free_slots(void)
{
    while (slots.count > 0) tn_instance_free(slots.made[--slots.count]);
    tn_env_free(slots.env);
}

TN_UNUSED static tn_env *test_env(void)
{
    const tn_env_options options = {.plugin_path = getenv("TENON_TEST_PLUGINS"),
                                    .foreign = getenv("TENON_TEST_FOREIGN")};
    tn_error error = {0};
    if (slots.env) return slots.env;
    slots.env = tn_env_new(&options, &error);
    cr_assert_not_null(slots.env, "%s", error.text);
    atexit(free_slots);
    return slots.env;
}

/* real: 0 float, 1 double. Freed when the test ends. */
TN_UNUSED static tn_instance *make(const char *kind, const char *name,
                                   const char *options, int32_t real)
{
    tn_instance *instance = NULL;
    tn_error error = {0};
    cr_assert(slots.count < 64);
    cr_assert_eq(
        tn_instance_named(test_env(), kind, name, options, real, &instance, &error),
        TN_OK, "%s", error.text);
    return slots.made[slots.count++] = instance;
}

/* That these options are refused, with a message that has `part` in it. */
TN_UNUSED static void refuse(const char *kind, const char *name, const char *options,
                             const char *part)
{
    tn_instance *instance = NULL;
    tn_error error = {0};
    cr_assert_neq(
        tn_instance_named(test_env(), kind, name, options, 1, &instance, &error), TN_OK,
        "%s accepts %s", name, options);
    cr_assert_not_null(strstr(error.text, part), "'%s' lacks '%s'", error.text, part);
}

/* A tile over n elements in one row. */
TN_UNUSED static tn_tile tile_of(const tn_instance *instance, int64_t n)
{
    return (tn_tile){
        .n = n, .width = n, .rows_per_sample = 1, .now = instance->now, .training = 1};
}

TN_UNUSED static void near(const double *got, const double *expected, int64_t n,
                           double bound)
{
    note_near(got, expected, n, bound, "element");
}

#endif
