/* drawing.h - fills a parameter with an initializer and looks at what came out. */
#ifndef TESTS_SUPPORT_DRAWING_H
#define TESTS_SUPPORT_DRAWING_H

#include "support/slots.h"
#include "tenon/random.h"

#define MANY 60000
static double drawn[MANY];
static float drawn_float[MANY];

typedef struct moments {
    double mean, deviation, largest;
    double neighbours; /* correlation of elements next to each other */
} moments;

static const tn_param_info wide = {.name = "dense.weight",
                                   .role = TN_WEIGHT,
                                   .fan_in = 300,
                                   .fan_out = 200,
                                   .parts = 1,
                                   .gain = 1,
                                   .key = {{7, 11}}};

/* Initializers are declared once for both precisions. */
TN_UNUSED static tn_status draw(const char *name, const char *options,
                                const tn_param_info *info, int32_t real)
{
    tn_error error = {0};
    tn_calling calling;
    tn_tensor w = {.struct_size = sizeof w,
                   .dtype = real ? TN_F64 : TN_F32,
                   .rank = 2,
                   .dim = {200, 300},
                   .stride = {300, 1},
                   .data = real ? (void *)drawn : (void *)drawn_float};
    const tn_instance *instance = make("initializer", name, options, real);
    const tn_initializer *init = instance->vtable;
    return init->fill(instance->self,
                      tn_call_make(&calling, test_env(), instance, real, &error), info,
                      &w);
}

/* That every element was set to it. */
TN_UNUSED static void is_everywhere(double value, int32_t real)
{
    for (int i = 0; i < MANY; i++)
        cr_assert(real ? drawn[i] == value : drawn_float[i] == (float)value, "%d", i);
    note_error(NULL, NOTE_VALUES, real, 0);
}

TN_UNUSED static moments measure(const char *name, const char *options,
                                 const tn_param_info *info)
{
    moments m = {0};
    cr_assert_eq(draw(name, options, info, 1), TN_OK);
    for (int i = 0; i < MANY; i++) m.mean += drawn[i] / MANY;
    for (int i = 0; i < MANY; i++) {
        m.deviation += (drawn[i] - m.mean) * (drawn[i] - m.mean) / MANY;
        m.largest = fmax(m.largest, fabs(drawn[i]));
    }
    for (int i = 1; i < MANY; i++)
        m.neighbours += (drawn[i] - m.mean) * (drawn[i - 1] - m.mean) / MANY /
                        m.deviation;
    m.deviation = sqrt(m.deviation);
    return m;
}

/* Mean and deviation within five standard errors of the law (for the deviation: those of
 * a normal, which are larger than a uniform's). */
TN_UNUSED static moments obeys_moments(const char *name, const char *options,
                                       const tn_param_info *info, double mean,
                                       double deviation)
{
    const moments m = measure(name, options, info);
    cr_assert_float_eq(m.mean, mean, 5 * deviation / sqrt(MANY), "mean %g", m.mean);
    cr_assert_float_eq(m.deviation, deviation, 5 * deviation / sqrt(2.0 * MANY), "std %g",
                       m.deviation);
    cr_assert_float_eq(m.neighbours, 0, 5 / sqrt(MANY), "correlation %g", m.neighbours);
    return m;
}

/* And within a bound, which some come near. */
TN_UNUSED static void obeys_within(const char *name, const char *options,
                                   const tn_param_info *info, double mean,
                                   double deviation, double bound)
{
    const moments m = obeys_moments(name, options, info, mean, deviation);
    cr_assert(m.largest <= bound && m.largest > 0.999 * bound, "%g", m.largest);
}

/* Normal numbers that are cut off at 2 deviations have 0.8796 of the deviation left. */
TN_UNUSED static void obeys_truncated(const char *name, const char *options,
                                      const tn_param_info *info, double deviation)
{
    obeys_within(name, options, info, 0, deviation, 2 * deviation / 0.87962566103423978);
}

TN_UNUSED static void obeys(const char *name, const char *options,
                            const tn_param_info *info, double mean, double deviation,
                            bool uniform)
{
    const moments m = obeys_moments(name, options, info, mean, deviation);
    const double bound = sqrt(3) * deviation;
    if (uniform)
        cr_assert(m.largest <= bound && m.largest > 0.999 * bound);
    else
        cr_assert(m.largest > 3.5 * deviation && m.largest < 6 * deviation + fabs(mean));
}

/* Element i is made of number i of the key's stream, of normal or of uniform numbers. */
TN_UNUSED static void draws_the_stream(const char *name, const char *options, double mean,
                                       double deviation, bool uniform)
{
    static double want[MANY];
    cr_assert_eq(draw(name, options, &wide, 1), TN_OK);
    for (uint64_t i = 0; i < MANY; i++) {
        const double z = uniform ? sqrt(3) * (2 * tn_random_uniform(wide.key, i) - 1)
                                 : tn_random_normal(wide.key, i);
        want[i] = mean + deviation * z;
    }
    near(drawn, want, MANY, 1e-14);
}

/* The same key draws the same, another one something else, and float is double rounded.
 * */
TN_UNUSED static void depends_on_the_key_alone(const char *name, const char *options)
{
    static double first[MANY];
    tn_param_info other = wide;
    other.key.word[1]++;
    draw(name, options, &wide, 1);
    memcpy(first, drawn, sizeof first);
    draw(name, options, &wide, 1);
    cr_assert_arr_eq(first, drawn, sizeof first);
    draw(name, options, &wide, 0);
    for (int i = 0; i < MANY; i++) cr_assert_eq(drawn_float[i], (float)first[i]);
    draw(name, options, &other, 1);
    int equal = 0;
    for (int i = 0; i < MANY; i++) equal += first[i] == drawn[i];
    cr_assert_eq(equal, 0);
}

#endif
