/* drop_block.c - layer/drop_block: squares against a second, plain implementation, the share that is
 * dropped, the normalisation, gradients, threads. */
#include "tests/support/masking.h"

typedef struct image {
    int64_t height, width, channels, size;
    double p;
} image;

static double gamma_of(const image *g)
{
    const double places = (double)((g->height - g->size + 1) * (g->width - g->size + 1));
    return g->p / (double)(g->size * g->size) * ((double)(g->height * g->width) / places);
}

/* Whether an element lies in a square whose corner was drawn. */
static bool covered(const image *g, tn_key key, int64_t sample, int64_t y, int64_t x,
                    int64_t c)
{
    const int64_t rows = g->height - g->size + 1, cols = g->width - g->size + 1;
    for (int64_t i = y - g->size + 1; i <= y; i++)
        for (int64_t j = x - g->size + 1; j <= x; j++) {
            if (i < 0 || j < 0 || i >= rows || j >= cols) continue;
            const int64_t at = ((sample * rows + i) * cols + j) * g->channels + c;
            if (tn_random_bits(key, (uint64_t)at) < (uint32_t)(gamma_of(g) * 0x1p32))
                return true;
        }
    return false;
}

static check_net *net_of(const image *g, const char *before, int64_t samples)
{
    char model[120];
    snprintf(model, sizeof model, "[%s{drop_block: {p: %.17g, block_size: %d}}]", before,
             g->p, (int)g->size);
    return check_net_new(model, NULL, 0, check_shape(3, g->height, g->width, g->channels),
                         samples, 1, 1);
}

/* What it makes of ones is the mask times the normalisation; random images of odd sizes. */
Test(drop_block, squares_and_their_normalisation)
{
    int64_t dropped = 0, kept = 0;
    for (uint32_t k = 0; k < 30; k++) {
        const image g = {.height = check_draw(k, 1, 3, 9),
                         .width = check_draw(k, 2, 3, 9),
                         .channels = check_draw(k, 3, 1, 5),
                         .size = check_draw(k, 4, 1, 3),
                         .p = 0.01 + 0.03 * k};
        const int64_t samples = 4, n = g.height * g.width * g.channels;
        check_net *net = net_of(&g, "", samples);
        double *x = net->x;
        for (int64_t i = 0; i < samples * n; i++) x[i] = 1;
        net->pass.row = 10, net->pass.step = k;
        const double *y = check_net_output(net);
        const tn_key key = tn_key_derive(
            tn_key_derive((tn_key){{(uint32_t)net->graph->seed,
                                    (uint32_t)(net->graph->seed >> 32)}},
                          1, 1),
            k, 0);
        for (int64_t s = 0; s < samples; s++) {
            int64_t left = 0;
            double sum = 0, want[9 * 9 * 5];
            for (int64_t i = 0; i < n; i++) {
                const int64_t c = i % g.channels, at = i / g.channels;
                const bool out = covered(&g, key, 10 + s, at / g.width, at % g.width, c);
                cr_assert_eq(y[s * n + i] == 0, out);
                left += !out, sum += y[s * n + i];
            }
            dropped += n - left, kept += left;
            if (left) cr_assert_float_eq(sum, (double)n, 1e-11);
            for (int64_t i = 0; i < n; i++)
                want[i] = y[s * n + i] == 0 ? 0 : (double)n / (double)left;
            check_near(y + s * n, want, n, 1e-13, "mask");
        }
    }
    cr_assert(dropped > 1000 && kept > 1000);
}

/* Squares of one element are what is drawn: of 2^20 a share of p, whatever the normalisation makes of the
 * others. */
Test(drop_block, corners_obey_their_law)
{
    double *kept = check_room(MASK_MANY, sizeof *kept);
    const double *y = mask_of_ones("[{drop_block: {p: 0.3, block_size: 1}}]",
                                   check_shape(3, 8, 8, 16), MASK_MANY / 1024, 2);
    for (int64_t i = 0; i < MASK_MANY; i++) kept[i] = y[i] != 0;
    mask_has_two_points(kept, MASK_MANY, 0.3, 1, 0);
}

/* An element that `places` squares can cover is kept with probability (1 - gamma)^places. Maps are
 * independent: the share of each is a draw; corners are 2^20. */
Test(drop_block, share_that_is_dropped)
{
    enum { SAMPLES = 2048, CHANNELS = 32, SIDE = 6, N = SAMPLES * CHANNELS };
    const image g = {SIDE, SIDE, CHANNELS, 3, 0.2};
    static double share[N];
    double expected = 0, mean = 0, square = 0;
    check_net *net = net_of(&g, "", SAMPLES);
    double *x = net->x;
    for (int64_t i = 0; i < SAMPLES * net->inputs; i++) x[i] = 1;
    const double *y = check_net_output(net);
    for (int64_t i = 0; i < SAMPLES * net->inputs; i++)
        share[i / net->inputs * CHANNELS + i % CHANNELS] += (y[i] == 0) /
                                                            (double)(SIDE * SIDE);
    for (int i = 0; i < SIDE * SIDE; i++) {
        const int down = (int)fmin(3, fmin(i / SIDE + 1, SIDE - i / SIDE)),
                  across = (int)fmin(3, fmin(i % SIDE + 1, SIDE - i % SIDE));
        expected += (1 - pow(1 - gamma_of(&g), down * across)) / (SIDE * SIDE);
    }
    for (int i = 0; i < N; i++) mean += share[i] / N, square += share[i] * share[i] / N;
    cr_assert_float_eq(mean, expected, 5 * sqrt((square - mean * mean) / N),
                       "share %g, not %g", mean, expected);
    cr_assert(mean < 0.2 && mean > 0.15);
}

Test(drop_block, masks_are_independent)
{
    mask_is_independent("{drop_block: {p: 0.3, block_size: 2}}", check_shape(3, 3, 3, 64),
                        2048);
}

Test(drop_block, p_0_is_the_identity_bit_for_bit)
{
    mask_of_0_is_the_identity("{drop_block: {p: 0, block_size: 2}}",
                              check_shape(3, 5, 4, 3));
}

/* Whatever the size of a block; and where a schedule goes past the end. */
Test(drop_block, p_1_is_zero)
{
    for (int64_t size = 1; size <= 4; size++) {
        const image g = {5, 4, 3, size, 1};
        check_net *net = net_of(&g, "{dense: 3}, ", 6);
        for (int i = 0; i < 2; i++, net->graph->node[2].layer->now[0] = 1.5) {
            check_net_loss(net, true);
            const double *gradient = tn_plan_gradient(net->plan, 0).data;
            for (int k = 0; k < 9; k++) cr_assert_eq(gradient[k], 0);
            cr_assert(mask_zeros(check_net_output(net), 360));
        }
    }
}

/* A block as large as the image drops a channel or leaves it; where all are dropped, zeros. */
Test(drop_block, whole_channels)
{
    const image g = {3, 3, 1, 3, 0.9};
    check_net *net = net_of(&g, "", 200);
    const double *x = net->x, *y = check_net_output(net);
    int zeros = 0;
    for (int s = 0; s < 200; s++) {
        const bool out = y[9 * s] == 0;
        zeros += out;
        for (int i = 9 * s; i < 9 * s + 9; i++) cr_assert_eq(y[i], out ? 0 : x[i]);
    }
    cr_assert_float_eq(zeros, 180, 5 * sqrt(200 * 0.9 * 0.1));
}

Test(drop_block, gradients)
{
    char model[160];
    for (uint32_t i = 0; i < 30; i++) {
        const tn_shape in = check_shape(3, check_draw(i, 1, 3, 6), check_draw(i, 2, 3, 6),
                                        check_draw(i, 3, 1, 3));
        snprintf(model, sizeof model,
                 "[{dense: 3}, {drop_block: {p: %g, block_size: %d}}, tanh, {dense: 2}]",
                 0.02 * i, (int)(i % 3) + 1);
        check_gradients(model, NULL, 0, in, i ? check_draw(i, 9, 2, 4) : 1, true);
    }
}

Test(drop_block, is_the_same_on_any_threads_and_in_parts)
{
    mask_is_the_same("{drop_block: {p: 0.3, block_size: 3}}", check_shape(3, 7, 5, 3), 9);
    mask_is_idle("[{drop_block: {block_size: 2}}]", check_shape(3, 4, 5, 2), 4);
}

Test(drop_block, refuses)
{
    check_refuses("[drop_block]", check_shape(1, 3, 0, 0), "needs images");
    check_refuses("[drop_block]", check_shape(3, 6, 9, 2), "make it 6 at most");
    check_refuses("[{drop_block: 1.1}]", check_shape(3, 9, 9, 2), "outside [0, 1]");
    check_refuses("[{drop_block: {block_size: 0}}]", check_shape(3, 9, 9, 2),
                  "block_size");
}
