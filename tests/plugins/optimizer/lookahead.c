/* lookahead.c - against the paper's algorithm, written plainly around plain descent. */
#include "support/wrapping.h"

Test(lookahead, follows_the_algorithm_of_the_paper)
{
    lab l = lab_with("{lookahead: {of: {sgd: {lr: 0.1}}, every: 3, alpha: 0.4}}");
    values slow = weights_of(&l), fast = slow;
    for (int s = 1; s <= 12; s++) {
        look(&l);
        const values g = gradients_of(&l);
        fast = moved(&fast, -0.1, &g);
        if (s % 3 == 0) fast = slow = mixed(&slow, &fast, 0.4);
        step(&l);
        const values got = weights_of(&l), seen = view_of(&l);
        same(&got, &fast, 1e-14);
        same(&seen, &slow, 1e-14);
    }
    close_lab(&l);
}

/* Slow weights go all of the way to a zero, and part of it to all else. */
Test(lookahead, keeps_zeros_of_a_prox)
{
    lab l = lab_with("{lookahead: {of: {sgd: {lr: 0.1}}, every: 3, alpha: 0.4}}\n"
                     "regularizer: {l1: 0.3}");
    values slow = weights_of(&l), fast = slow;
    int arrived = 0;
    for (int s = 1; s <= 60; s++) {
        look(&l);
        const values g = gradients_of(&l);
        fast = moved(&fast, -0.1, &g);
        fast = shrunk(&fast, 0.1 * 0.3);
        for (int i = 0; s % 3 == 0 && i < PARAMS * ROOM; i++) {
            double *to = &slow.of[i / ROOM][i % ROOM], w = fast.of[i / ROOM][i % ROOM];
            const bool zero = w == 0 && i / ROOM % 2 == 0;
            arrived += zero && *to != 0;
            *to = zero ? 0 : *to + 0.4 * (w - *to);
        }
        if (s % 3 == 0) fast = slow;
        step(&l);
        const values got = weights_of(&l);
        same(&got, &fast, 1e-14);
    }
    cr_assert_gt(arrived, 0);
    close_lab(&l);
}

/* All of the way each time, it is not there. */
Test(lookahead, alpha_1_is_the_wrapped_optimizer)
{
    lab l = lab_with("{lookahead: {of: {adam: {lr: 0.01}}, alpha: 1, every: 2}}");
    lab alone = lab_with("{adam: {lr: 0.01}}");
    for (int s = 0; s < 8; s++) {
        step(&l), step(&alone);
        const values got = weights_of(&l), want = weights_of(&alone);
        same(&got, &want, 1e-14);
    }
    close_lab(&l), close_lab(&alone);
}

Test(lookahead, goes_around_a_whole_tensor_method)
{
    lab l = lab_with("{lookahead: {of: {muon: {lr: 0.01}}, every: 5, alpha: 0.5}}");
    lab alone = lab_with("{muon: {lr: 0.01}}");
    const values first = weights_of(&l);
    for (int s = 0; s < 5; s++) step(&l), step(&alone);
    const values got = weights_of(&l), there = weights_of(&alone);
    const values want = mixed(&first, &there, 0.5);
    same(&got, &want, 1e-14);
    close_lab(&l), close_lab(&alone);
}

Test(lookahead, refuses_what_it_cannot_do)
{
    refuses_as_a_wrapper("lookahead", "");
    refuse("optimizer", "lookahead", "{of: sgd, every: 0}", "every");
    refuse("optimizer", "lookahead", "{of: sgd, alpha: 0}", "alpha");
}
