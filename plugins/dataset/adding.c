/* adding.c - the adding problem, which asks a recurrent network to remember: of a sequence of
 * random numbers two are marked, and their sum is wanted.
 *
 *     input_t = (u_t, m_t),  u_t uniform on (0, 1),  m_i = m_j = 1 and otherwise 0
 *     target = u_i + u_j,  i != j uniform among the steps
 *
 * Who always answers 1 has a mean squared error of 1/6. Hochreiter and Schmidhuber, "Long
 * short-term memory", Neural Computation 9(8), 1997, section 5.4; in this form Le, Jaitly and
 * Hinton, arXiv:1504.00941, section 4.1.
 *
 * Nothing is stored: number k of a sample is a function of (seed, split, sample, k). */
#include <tenon/plugin.h>

#include <tenon/data.h>
#include <tenon/random.h>

#define OPTIONS(P)                                                                     \
    P(INT, steps, TN_POSITIONAL, 100, 2, INT32_MAX, "numbers of a sequence")           \
    P(INT, samples, 0, 10000, 1, INT32_MAX, "training sequences, the same each epoch") \
    P(INT, test_samples, 0, 1000, 0, INT32_MAX, "test sequences, drawn apart")         \
    P(INT, seed, 0, 0, 0, INT64_MAX, "of the numbers; that of the config is for all else")
TN_SELF(OPTIONS, )

#ifndef ADDING_RULES
#define ADDING_RULES
/* Uniform on 0 .. n - 1, from number k of the sample. */
static int64_t choose(tn_key key, int64_t k, int64_t n)
{
    return (int64_t)(tn_random_uniform(key, (uint64_t)k) * (double)n);
}
#endif

static tn_status TN(open)(void *me, tn_call *c, tn_data_info *info)
{
    const TN(self) *self = me;
    info->count[TN_TRAIN] = self->samples;
    info->count[TN_TEST] = self->test_samples;
    info->fields = 2;
    info->field[0] = (tn_field_spec){
        .name = "input", .real = 1, .shape = {2, {self->steps, 2}}};
    info->field[1] = (tn_field_spec){.name = "target", .real = 1, .shape = {1, {1}}};
    return TN_OK;
}

/* Numbers 0 .. steps - 1 are the u_t, the next two choose what is marked. */
static tn_status TN(read)(const void *me, tn_call *c, int32_t split, int64_t index,
                          void *const *field)
{
    const TN(self) *self = me;
    const int64_t n = self->steps;
    const tn_key seed = {{(uint32_t)self->seed, (uint32_t)((uint64_t)self->seed >> 32)}};
    const tn_key key = tn_key_derive(seed, (uint64_t)split, (uint64_t)index);
    const int64_t i = choose(key, n, n), other = choose(key, n + 1, n - 1),
                  j = other < i ? other : other + 1;
    tn_real(*input)[2] = field[0];
    for (int64_t t = 0; t < n; t++) {
        input[t][0] = (tn_real)tn_random_uniform(key, (uint64_t)t);
        input[t][1] = t == i || t == j;
    }
    *(tn_real *)field[1] = input[i][0] + input[j][0];
    return TN_OK;
}

TN_VTABLE(dataset, .open = TN(open), .read = TN(read))
TN_PLUGIN_WITH(
    OPTIONS, dataset, adding,
    .summary = "the adding problem: two marked numbers of a sequence, generated",
    .formula = "input_t = (u_t, m_t), m_i = m_j = 1, else 0; target = u_i + u_j",
    .reference =
        "Hochreiter and Schmidhuber, Neural Computation 9(8), 1997, section 5.4; "
        "Le, Jaitly and Hinton, arXiv:1504.00941, section 4.1")
