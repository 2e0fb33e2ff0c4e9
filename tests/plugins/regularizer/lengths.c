/* lengths.c - max_norm, unit_norm and min_max_norm against a plain bisection. */
#include "support/regularizing.h"

static double length_at(int64_t n, const double *step, const double *w, double mu)
{
    double sum = 0;
    for (int64_t i = 0; i < n; i++) sum += pow(w[i] / (1 + mu * step[i]), 2);
    return sqrt(sum);
}

/* The multiplier lies above -1 / the longest step, where the length is infinite. */
static void to_length(double length, int64_t n, const double *step, double *w)
{
    double longest = 0;
    for (int64_t i = 0; i < n; i++) longest = fmax(longest, step[i]);
    double from = -1 / longest, to = 1e9;
    for (int k = 0; k < 300; k++) {
        const double mu = (from + to) / 2;
        if (length_at(n, step, w, mu) > length)
            from = mu;
        else
            to = mu;
    }
    for (int64_t i = 0; i < n; i++) w[i] /= 1 + (from + to) / 2 * step[i];
}

static void at_most(double length, int64_t n, const double *step, double *w)
{
    if (length_at(n, step, w, 0) > length) to_length(length, n, step, w);
}

static void between_1_and_2(double unused, int64_t n, const double *step, double *w)
{
    const double length = length_at(n, step, w, 0);
    if (length > 2) to_length(2, n, step, w);
    if (length < 1) to_length(1, n, step, w);
}

Test(max_norm, is_the_nearest_point_of_the_ball)
{
    does_to_groups("max_norm", "{max: 1.5, over: %s}", 1.5, at_most, 1e-10);
}

Test(unit_norm, is_the_nearest_point_of_the_sphere)
{
    does_to_groups("unit_norm", "{over: %s}", 1, to_length, 1e-10);
}

Test(min_max_norm, is_the_nearest_point_of_the_shell)
{
    does_to_groups("min_max_norm", "{min: 1, max: 2, over: %s}", 0, between_1_and_2,
                   1e-10);
}

Test(max_norm, follows_pytorch)
{
    follows_torch("max_norm");
}

Test(unit_norm, follows_pytorch)
{
    follows_torch("unit_norm");
}

/* In the steps' own measure no other point of the sphere is nearer. */
Test(unit_norm, no_other_point_is_nearer)
{
    double w[4], v[4], other[4], step[4];
    subject s = subject_of("unit_norm", NULL, 1, 4);
    for (uint64_t round = 0; round < 400; round++) {
        double best = 0, distance = 0, length = 0;
        draw_weights(round % 40, 4, w);
        for (int i = 0; i < 4; i++) w[i] *= round % 2 ? 0.2 : 3;
        draw_weights(1000 + round, 4, other);
        draw_steps(round % 40, 4, true, step);
        memcpy(v, w, sizeof v);
        prox_of(&s, step, v);
        for (int i = 0; i < 4; i++) length += other[i] * other[i];
        for (int i = 0; i < 4; i++) {
            best += pow(v[i] - w[i], 2) / step[i];
            distance += pow(other[i] / sqrt(length) - w[i], 2) / step[i];
        }
        cr_assert_geq(distance, best - 1e-9);
    }
}

/* Lengths to the last bits, in float too, whatever the steps. */
Test(unit_norm, lengths_are_1_in_float)
{
    enum { N = 300 };
    const tn_instance *r = make("regularizer", "unit_norm", NULL, 0);
    const tn_regularizer_f32 *slot = r->vtable;
    const tn_instance *backend;
    static double w[2 * N], step[2 * N], room[2 * N];
    static float v[2 * N], by[2 * N];
    tn_error error = {0};
    tn_calling calling;
    const tn_shape shape = {.rank = 2, .dim = {2, N}};
    draw_weights(3, 2 * N, w);
    draw_steps(3, 2 * N, true, step);
    for (int i = 0; i < 2 * N; i++)
        v[i] = (float)(i < N ? w[i] : 1e-3 * w[i]), by[i] = (float)step[i];
    tn_tensor tv = tn_tensor_over(&shape, -1, 0, v),
              tb = tn_tensor_over(&shape, -1, 0, by);
    tn_call *call = tn_call_make(&calling, test_env(), r, 0, &error);
    cr_assert_eq(tn_env_backend(test_env(), 0, &backend, &error), TN_OK);
    cr_assert_eq(slot->prox_whole(r->self, call, &tb, &tv, room), TN_OK);
    for (int row = 0; row < 2; row++) {
        double sum = 0;
        for (int i = 0; i < N; i++) sum += pow((double)v[row * N + i], 2);
        cr_assert_float_eq(sqrt(sum), 1, 1e-7, "%.10g", sqrt(sum));
    }
}

/* As under adam, where a weight had no gradient yet: no mu gives the length. */
Test(unit_norm, zeros_with_the_longest_steps_do_no_harm)
{
    double w[] = {0, 1e-3, -2e-3}, v[] = {1e-6, 1e-3, 2e-3};
    const double step[] = {1e6, 1, 2};
    subject s = subject_of("unit_norm", NULL, 1, 3);
    prox_of(&s, step, w);
    prox_of(&s, step, v);
    cr_assert_eq(w[0], 0);
    cr_assert_float_eq(length_at(3, step, w, 0), 1, 1e-15);
    cr_assert_float_eq(length_at(3, step, v, 0), 1, 1e-15);
    cr_assert(w[1] > 0 && w[2] < 0 && v[0] > 0.9, "%g %g %g", w[1], w[2], v[0]);
}

Test(unit_norm, zeros_have_no_direction_and_stay)
{
    subject s = subject_of("unit_norm", NULL, 2, 2);
    double w[] = {0, 0, 3, -4};
    prox_of(&s, (double[]){1, 1, 1, 1}, w);
    near(w, (double[]){0, 0, 0.6, -0.8}, 4, 1e-15);
}

Test(max_norm, without_steps_lengths_are_bounded_all_the_same)
{
    subject s = subject_of("max_norm", "1", 1, 2);
    double w[] = {3, -4};
    prox_of(&s, (double[]){0, 0}, w);
    near(w, (double[]){0.6, -0.8}, 2, 1e-15);
}

Test(max_norm, short_rows_and_nan_stay)
{
    subject s = subject_of("max_norm", "5.1", 2, 2);
    double w[] = {3, -4, NAN, 100};
    prox_of(&s, (double[]){1, 2, 1, 1}, w);
    cr_assert(w[0] == 3 && w[1] == -4 && isnan(w[2]));
}

Test(lengths, refuse_impossible_options)
{
    refuse("regularizer", "max_norm", "0", "max");
    refuse("regularizer", "min_max_norm", "{min: 2, max: 1}", "min (2) is above max (1)");
    refuse("regularizer", "unit_norm", "colums", "rows, columns, tensor");
}
