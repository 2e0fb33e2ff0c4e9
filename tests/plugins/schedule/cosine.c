/* cosine.c - half a cosine. Expected values: torch 1.13, CosineAnnealingLR(7, eta_min
 * 0.01). */
#include "support/timing.h"

static const double curve[] = {0.10000000000000001,  0.095543599055608858,
                               0.083057041083643007, 0.065013442028034149,
                               0.044986557971965858, 0.026942958916356993,
                               0.014456400944391143, 0.01};

Test(cosine, follows_pytorch_in_epochs_and_in_steps)
{
    passes("cosine", "{from: 0.1, to: 0.01, epochs: 7}", 10, curve, 8);
    passes("cosine", "{from: 0.1, to: 0.01, steps: 7}", 1, curve, 8);
}

Test(cosine, lasts_the_whole_run_by_default)
{
    passes("cosine", "{from: 2}", 40, (double[]){2, 1, 0}, 3);
}

Test(cosine, stays_at_its_end)
{
    const tn_instance *cosine = make("schedule", "cosine",
                                     "{from: 1, to: 0.25, epochs: 2}", 1);
    for (int64_t step = 20; step <= 80; step++)
        cr_assert_eq(value_at(cosine, step), 0.25);
}

Test(cosine, moves_with_every_update)
{
    const tn_instance *cosine = make("schedule", "cosine", "{from: 1}", 1);
    for (int64_t step = 0; step < 80; step++)
        cr_assert(value_at(cosine, step + 1) < value_at(cosine, step));
}

Test(cosine, refuses_two_lengths)
{
    refuse("schedule", "cosine", "{from: 1, epochs: 2, steps: 3}", "both");
    refuse("schedule", "cosine", "{from: 1, epochs: 0}", "epochs");
}
