/* dropout.c - layer/dropout: both ends of p, share and scale of what is kept, masks
 * that depend on the logical element alone, gradients under a fixed mask, both modes, and worked
 * examples (by their numbers in TECHNIQUES.md, part 4). */
#include "tests/support/masking.h"

static check_layer *dropped(const char *options, int64_t samples)
{
    check_layer *l = check_layer_new("dropout", options, check_shape(1, 100, 0, 0),
                                     samples, 1);
    check_forward(l, true, 0);
    check_backward(l, true, 0);
    return l;
}

Test(dropout, p_0_is_the_identity_bit_for_bit)
{
    mask_of_0_is_the_identity("{dropout: 0}", check_shape(1, 100, 0, 0));
    mask_of_0_is_the_identity("{dropout: {p: 0, mode: standard}}",
                              check_shape(2, 3, 40, 0));
}

/* And is not negative; with standard dropout outside training, too. */
Test(dropout, p_1_is_zero)
{
    static const char *const options[] = {"1", "{p: 1, mode: standard}"};
    for (int k = 0; k < 3; k++) {
        check_layer *l = dropped(options[k > 0], 10);
        l->x[0][3] = INFINITY, l->x[0][4] = NAN;
        check_forward(l, k < 2, 0);
        for (int32_t i = 0; i < 1000; i++)
            cr_assert(l->y[i] == 0 && !signbit(l->y[i]) && l->gx[0][i] == 0);
    }
}

Test(dropout, drops_a_share_of_p_and_scales_up_the_rest)
{
    const check_layer *l = dropped("{p: 0.3}", 1000);
    for (int64_t i = 0; i < l->n; i++) {
        cr_assert(l->y[i] == 0 || fabs(l->y[i] - l->x[0][i] / 0.7) <= 1e-15);
        cr_assert_eq(l->y[i] == 0, l->gx[0][i] == 0, "another mask in the backward pass");
    }
}

/* P4-F12, P4-N23: at p = 1/2 the mask is 0 or 2; its mean is 1, its variance p / (1 - p). */
Test(dropout, masks_have_mean_1_and_variance_p_over_1_minus_p)
{
    static const double ps[] = {0.1, 0.3, 0.5, 0.9};
    const tn_shape in = check_shape(1, 1024, 0, 0);
    char model[60];
    for (int i = 0; i < 4; i++) {
        const double p = ps[i];
        snprintf(model, sizeof model, "[{dropout: %g}]", p);
        mask_has_two_points(mask_of_ones(model, in, 1024, 3), MASK_MANY, p, 1 / (1 - p),
                            0);
        snprintf(model, sizeof model, "[{dropout: {p: %g, mode: standard}}]", p);
        mask_has_two_points(mask_of_ones(model, in, 1024, 3), MASK_MANY, p, 1, 0);
    }
}

Test(dropout, masks_are_independent)
{
    mask_is_independent("{dropout: 0.3}", check_shape(1, 1024, 0, 0), 1024);
}

Test(dropout, the_mask_belongs_to_the_element)
{
    check_runs("dropout", "0.5", 1, true);
}

Test(dropout, its_mask_is_philox_below_p)
{
    const check_layer *l = dropped("0.25", 10);
    for (uint64_t i = 0; i < 1000; i++)
        cr_assert_eq(l->y[i] == 0, tn_random_bits((tn_key){{5, 6}}, i) < 0x40000000u);
}

Test(dropout, the_mask_is_the_same_on_any_threads_and_in_parts)
{
    mask_is_the_same("{dropout: 0.4}", check_shape(1, 21, 0, 0), 33);
    mask_is_the_same("{dropout: {p: 0.4, mode: standard}}", check_shape(2, 3, 7, 0), 9);
}

Test(dropout, gradients_under_a_fixed_mask)
{
    mask_check_gradients("{dropout: %g}", 0.9, 1, 3);
    mask_check_gradients("{dropout: {p: %g, mode: standard}}", 0.9, 1, 3);
}

/* Of a training plan that is not training: no mask there either. */
Test(dropout, gradients_outside_training)
{
    check_gradients("[{dense: 8}, {dropout: {p: 0.4, mode: standard}}, {dense: 3}]", NULL,
                    0, check_shape(1, 4, 0, 0), 3, false);
}

Test(dropout, another_step_another_mask)
{
    check_net *net = check_net_new("[dropout]", NULL, 0, check_shape(1, 200, 0, 0), 4, 1,
                                   1);
    double before[800];
    int32_t differ = 0;
    memcpy(before, check_net_output(net), sizeof before);
    cr_assert_eq(memcmp(check_net_output(net), before, sizeof before), 0);
    net->pass.step++;
    const double *after = check_net_output(net);
    for (int32_t i = 0; i < 800; i++) differ += (after[i] == 0) != (before[i] == 0);
    cr_assert_gt(differ, 200);
}

Test(dropout, outside_training_it_is_the_identity)
{
    mask_is_idle("[dropout]", check_shape(1, 200, 0, 0), 4);
}

static void free_plan(void *plan)
{
    tn_plan_free(plan);
}

/* The output of a plan for inference. */
static const double *inferred(check_net *net)
{
    tn_error e = {0};
    tn_plan *plan;
    const void *y;
    cr_assert_eq(tn_plan_new(net->graph, net->samples, false, false, &plan, &e), TN_OK,
                 "%s", e.text);
    check_keep(plan, free_plan);
    net->pass.training = false;
    cr_assert_eq(tn_plan_forward(plan, &net->pass, net->x, &y, &e), TN_OK, "%s", e.text);
    return y;
}

/* Alone, and as part of the product before it. */
Test(dropout, standard_scales_outside_training)
{
    const tn_shape in = check_shape(1, 20, 0, 0);
    check_net *net = check_net_new("[{dropout: {p: 0.3, mode: standard}}]", NULL, 0, in,
                                   4, 1, 1);
    const double *x = net->x, *y = inferred(net);
    for (int i = 0; i < 80; i++) cr_assert_eq(y[i], (1 - 0.3) * x[i]);
    y = check_net_output(net);
    for (int i = 0; i < 80; i++) cr_assert_eq(y[i], (1 - 0.3) * x[i]);

    const double *z = inferred(check_net_new("[{dense: 7}, tanh]", NULL, 0, in, 4, 1, 1));
    net = check_net_new("[{dense: 7}, {dropout: {p: 0.3, mode: standard}}, tanh]", NULL,
                        0, in, 4, 1, 1);
    y = inferred(net);
    for (int i = 0; i < 28; i++)
        cr_assert_float_eq(atanh(y[i]), 0.7 * atanh(z[i]), 1e-12);
}

/* Both ends, as for inverted dropout. */
Test(dropout, standard_at_both_ends)
{
    const check_layer *l = dropped("{p: 0, mode: standard}", 10);
    cr_assert_eq(memcmp(l->y, l->x[0], sizeof(double) * 1000), 0);
    l = dropped("{p: 1, mode: standard}", 10);
    for (int32_t i = 0; i < 1000; i++) cr_assert(l->y[i] == 0 && l->gx[0][i] == 0);
}

Test(dropout, refuses_what_is_no_probability)
{
    const tn_shape in = check_shape(1, 3, 0, 0);
    check_refuses("[{dropout: 1.1}]", in, "outside [0, 1]");
    check_refuses("[{dropout: -0.1}]", in, "outside [0, 1]");
    check_refuses("[{dropout: .nan}]", in, "p");
    check_refuses("[{dropout: {mode: other}}]", in, "inverted");
    check_refuses("[{dropout: {mode: standard, p: {cosine: 0.5}}}]", in,
                  "has to be a number");
}

/* ---- worked examples ----------------------------------------------------------------- */

enum { EXAMPLES = 100000 }; /* samples, among which each mask of ten is to be found */

/* Samples that are all `h`; the first one whose mask is `mask`. */
static const double *masked(const double *h, const char *mask, const char *options,
                            const double *gy, const double **gx)
{
    const int64_t width = (int64_t)strlen(mask);
    check_layer *l = check_layer_new("dropout", options, check_shape(1, width, 0, 0),
                                     EXAMPLES, 1);
    for (int64_t i = 0; i < l->n; i++) {
        l->x[0][i] = h[i % width];
        l->gy[i] = gy ? gy[i % width] : 0;
    }
    check_forward(l, true, 0);
    check_backward(l, true, 0);
    for (int64_t s = 0; s < EXAMPLES; s++) {
        bool same = true;
        for (int64_t i = 0; same && i < width; i++)
            same = (tn_random_bits((tn_key){{5, 6}}, (uint64_t)(s * width + i)) >=
                    0x80000000u) == (mask[i] == '1');
        if (!same) continue;
        if (gx) *gx = l->gx[0] + s * width;
        return l->y + s * width;
    }
    cr_assert_fail("no sample has the mask %s", mask);
    return NULL;
}

static const double h[] = {2.3, 0.5, 3.1, 0, 1.8, 2.7, 0.3, 1.2, 3.5, 0.8};
static const double w[] = {0.5, 0.3, 0.8, 0.1, 0.6, 0.7, 0.2, 0.4, 0.9, 0.3};

/* P4-N1, P4-N5, P4-N6, P4-N7, P4-N8, P4-N9, P4-N14, 0-11: ten neurons, half of them kept and doubled;
 * what they contribute to an output is 10.68 without dropout and 17.46 with it (not 15.7 and 16.1). */
Test(dropout, ten_neurons)
{
    static const double alone[] = {1.15, 0.15, 2.48, 0, 1.08},
                        kept[] = {4.6, 0, 6.2, 0, 0, 5.4, 0.6, 0, 7, 0},
                        part[] = {2.30, 0, 4.96, 0, 0, 3.78, 0.12, 0, 6.30, 0};
    const double *y = masked(h, "1010011010", "0.5", NULL, NULL);
    double without = 0, with = 0;
    for (int i = 0; i < 10; i++) {
        cr_assert_float_eq(y[i], kept[i], 1e-14);
        cr_assert_float_eq(y[i] * w[i], part[i], 1e-14);
        cr_assert(i >= 5 || fabs(h[i] * w[i] - alone[i]) <= 1e-15);
        without += h[i] * w[i], with += y[i] * w[i];
    }
    cr_assert_float_eq(without, 10.68, 1e-13);
    cr_assert_float_eq(with, 17.46, 1e-13);
}

/* P4-N13: unscaled in training, halved in evaluation. */
Test(dropout, ten_neurons_standard)
{
    static const double kept[] = {2.3, 0, 3.1, 0, 0, 2.7, 0.3, 0, 3.5, 0},
                        halves[] = {1.15, 0.25, 1.55, 0, 0.9, 1.35, 0.15, 0.6, 1.75, 0.4};
    const double *y = masked(h, "1010011010", "{p: 0.5, mode: standard}", NULL, NULL);
    for (int i = 0; i < 10; i++) cr_assert_eq(y[i], kept[i]);
    check_net *net = check_net_new("[{dropout: {p: 0.5, mode: standard}}]", NULL, 0,
                                   check_shape(1, 10, 0, 0), 1, 1, 1);
    memcpy(net->x, h, sizeof h);
    y = inferred(net);
    for (int i = 0; i < 10; i++) cr_assert_float_eq(y[i], halves[i], 1e-15);
}

/* P4-N15, P4-N16, P4-F4, 0-14: two hidden layers; gradients get the factor of their neuron, 2 or 0 (the
 * chain rule, not the undoing of a scale). */
Test(dropout, two_hidden_layers)
{
    static const double h1[] = {2.1, 0, 3.4, 1.2, 0.5, 3.8},
                        kept1[] = {4.2, 0, 6.8, 2.4, 0, 7.6},
                        h2[] = {3.2, 1.1, 0, 2.7, 0.8}, kept2[] = {6.4, 0, 0, 5.4, 0},
                        g[] = {1, 2, 3, 4, 5}, back[] = {2, 0, 6, 8, 0};
    const double *gx, *y = masked(h1, "101101", "0.5", NULL, NULL);
    for (int i = 0; i < 6; i++) cr_assert_float_eq(y[i], kept1[i], 1e-15);
    y = masked(h2, "10110", "0.5", g, &gx);
    for (int i = 0; i < 5; i++)
        cr_assert(fabs(y[i] - kept2[i]) <= 1e-15 && gx[i] == back[i]);
}

/* P4-N17, P4-N20, 0-12: .99797 and .00203 with a cross entropy of .002027 (not .997, .003); .99727. */
Test(dropout, what_softmax_makes_of_the_scores)
{
    check_net *net = check_net_new("[softmax]", NULL, 0, check_shape(1, 2, 0, 0), 2, 1,
                                   1);
    memcpy(net->x, (double[]){8.3, 2.1, 7.8, 1.9}, 4 * sizeof(double));
    const double *y = check_net_output(net);
    cr_assert_float_eq(y[0], 0.99797, 5e-6);
    cr_assert_float_eq(y[1], 0.00203, 5e-6);
    cr_assert_float_eq(-log(y[0]), 0.002027, 5e-7);
    cr_assert_float_eq(y[2], 0.99727, 5e-6);
    cr_assert_float_eq(y[3], 0.00273, 5e-6);
}

/* Neurons that a mask lets be active, as a set. */
static int active(const char *mask)
{
    static const double ones[] = {1, 1, 1, 1, 1, 1, 1, 1, 1, 1};
    const double *y = masked(ones, mask, "0.5", NULL, NULL);
    int set = 0;
    for (int i = 0; mask[i]; i++) set |= (y[i] != 0) << i;
    return set;
}

/* P4-N10: of the first two batches only neuron 6 is active in both. P4-N11: 0, 1, 4, 5, 7, 8, 9 in the
 * third; 0 is active in batches 1 and 3, 1 in 2 and 3, 2 in 1 alone. P4-N18: only neuron 2 in both. */
Test(dropout, P4_N10_P4_N11_P4_N18_which_neurons_are_active)
{
    const int one = active("1010011010"), two = active("0101101101"),
              three = active("1100110111"), ten = (1 << 10) - 1;
    cr_assert_eq(one, 1 << 0 | 1 << 2 | 1 << 5 | 1 << 6 | 1 << 8);
    cr_assert_eq(two, 1 << 1 | 1 << 3 | 1 << 4 | 1 << 6 | 1 << 7 | 1 << 9);
    cr_assert_eq(one & two, 1 << 6);
    cr_assert_eq(three, ten & ~(1 << 2 | 1 << 3 | 1 << 6));
    for (int neuron = 0; neuron < 3; neuron++)
        cr_assert_eq((one >> neuron & 1) + 2 * (two >> neuron & 1) +
                         4 * (three >> neuron & 1),
                     ((int[]){1 + 4, 2 + 4, 1})[neuron]);
    cr_assert_eq(active("101101") & active("011010"), 1 << 2);
}

/* P4-N12, P4-N19, P4-N24: over many batches each neuron is active in about half, as 487, 512, 495
 * of 1000 or 1587 zeros of 3200 are: within five standard deviations. */
Test(dropout, every_neuron_is_active_in_half_of_the_batches)
{
    static const int active[] = {487, 512, 495, 492, 507, 489};
    for (int i = 0; i < 6; i++) cr_assert_lt(fabs(active[i] - 500.0), 5 * sqrt(250));
    cr_assert_float_eq((1587 - 1600) / sqrt(800), -0.46, 0.005);
    check_net *net = check_net_new("[dropout]", NULL, 0, check_shape(1, 3, 0, 0), 1, 1,
                                   1);
    int counted[3] = {0};
    for (net->pass.step = 0; net->pass.step < 1000; net->pass.step++) {
        const double *y = check_net_output(net);
        for (int i = 0; i < 3; i++) counted[i] += y[i] != 0;
    }
    for (int i = 0; i < 3; i++) cr_assert_lt(fabs(counted[i] - 500.0), 5 * sqrt(250));
}

/* P4-N26, 0-13: no weight of a dropped neuron learns, on either side of it: some 50 of 100 columns of
 * the output's learn, some 50 rows by 500 columns of those before, some 500 rows of the first. */
Test(dropout, which_weights_learn)
{
    enum { FIRST = 1000, SECOND = 100 };
    check_net *net = check_net_new(
        "[{dense: 1000}, dropout, {dense: 100}, dropout, {dense: 2}]", NULL, 0,
        check_shape(1, 4, 0, 0), 1, 1, 1);
    check_net_loss(net, true);
    const double *g1 = tn_plan_gradient(net->plan, 0).data,
                 *g2 = tn_plan_gradient(net->plan, 2).data,
                 *g3 = tn_plan_gradient(net->plan, 4).data;
    int first[FIRST], second[SECOND], counts[2] = {0};
    for (int j = 0; j < FIRST; j++) counts[0] += first[j] = g1[4 * j] != 0;
    for (int j = 0; j < SECOND; j++) counts[1] += second[j] = g3[j] != 0;
    cr_assert(abs(counts[0] - 500) < 80 && abs(counts[1] - 50) < 25);
    for (int j = 0; j < SECOND; j++)
        for (int k = 0; k < FIRST; k++)
            cr_assert((g2[FIRST * j + k] != 0) == (first[k] && second[j]));
    for (int j = 0; j < SECOND; j++) cr_assert_eq(g3[SECOND + j] != 0, second[j]);
}
