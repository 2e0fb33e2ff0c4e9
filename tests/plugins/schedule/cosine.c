/* cosine.c - half a cosine, as CosineAnnealingLR. */
#include "support/timing.h"

Test(cosine, follows_pytorch)
{
    follows_torch("cosine");
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
