/* dropout.c - worked examples of dropout that are about many masks, part 4 of TECHNIQUES.md; those of
 * single ones are in plugins/layer/dropout.c. */
#include "tests/support/masking.h"

/* A layer of `width` neurons, whose masks `steps` steps show. */
static check_net *layer(int64_t width, int64_t samples)
{
    check_net *net = check_net_new("[dropout]", NULL, 0, check_shape(1, width, 0, 0),
                                   samples, 1, 1);
    for (int64_t i = 0; i < width * samples; i++) ((double *)net->x)[i] = 1;
    return net;
}

/* 48 of 100 are as likely as they should be, .0735, within five standard deviations. */
Test(worked_dropout, P4_N4_48_kept_and_52_dropped)
{
    enum { MASKS = 20000 };
    const double *y = check_net_output(layer(100, MASKS));
    int seen = 0;
    for (int m = 0; m < MASKS; m++) {
        int kept = 0;
        for (int i = 0; i < 100; i++) kept += y[100 * m + i] != 0;
        seen += kept == 48;
    }
    const double p = 0.0735;
    cr_assert_float_eq(seen, MASKS * p, 5 * sqrt(MASKS * p * (1 - p)), "%d", seen);
}

/* P4-N21, P4-N22: n neurons have 2^n masks (1.2677e30 for 100, a number of 332 digits for 1100): of ten
 * neurons, all 1024 come up, each as often as the others. */
Test(worked_dropout, P4_N21_P4_N22_every_subnetwork_comes_up)
{
    enum { MASKS = 100 * 1024 };
    static int seen[1024];
    const double *y = check_net_output(layer(10, MASKS));
    for (int m = 0; m < MASKS; m++) {
        int set = 0;
        for (int i = 0; i < 10; i++) set |= (y[10 * m + i] != 0) << i;
        seen[set]++;
    }
    for (int i = 0; i < 1024; i++)
        cr_assert_float_eq(seen[i], 100, 6 * sqrt(100), "%d: %d", i, seen[i]);
}

/* A mean over 3200 normal numbers moves by a deviation of .0177: from .023 to .019 is nothing. */
Test(worked_dropout, P4_N25_how_far_a_mean_moves)
{
    enum { NUMBERS = 3200, MASKS = 1000 };
    check_net *net = layer(NUMBERS, 1);
    double *x = net->x, mean = 0, square = 0;
    for (int i = 0; i < NUMBERS; i++) {
        x[i] = tn_random_normal((tn_key){{4, 7}}, (uint64_t)i);
        mean += x[i] / NUMBERS;
    }
    for (net->pass.step = 0; net->pass.step < MASKS; net->pass.step++) {
        const double *y = check_net_output(net);
        double moved = -mean;
        for (int i = 0; i < NUMBERS; i++) moved += y[i] / NUMBERS;
        square += moved * moved / MASKS;
    }
    cr_assert_float_eq(sqrt(square), 0.0177, 5 * 0.0177 / sqrt(2 * MASKS), "%g",
                       sqrt(square));
}

/* P4-N27, 0-15: neurons are dropped, never samples: of a batch of 20 each sample, which alone has input
 * number s, leaves a gradient, in some half of the neurons. */
Test(worked_dropout, P4_N27_no_sample_is_left_out)
{
    enum { BATCH = 20, UNITS = 100 };
    check_net *net = check_net_new("[{dense: 100}, dropout, {dense: 2}]", NULL, 0,
                                   check_shape(1, BATCH, 0, 0), BATCH, 1, 1);
    for (int i = 0; i < BATCH * BATCH; i++)
        ((double *)net->x)[i] = i / BATCH == i % BATCH;
    check_net_loss(net, true);
    const double *g = tn_plan_gradient(net->plan, 0).data;
    for (int s = 0; s < BATCH; s++) {
        int learn = 0;
        for (int j = 0; j < UNITS; j++) learn += g[BATCH * j + s] != 0;
        cr_assert(learn > 25 && learn < 75, "sample %d: %d", s, learn);
    }
}
