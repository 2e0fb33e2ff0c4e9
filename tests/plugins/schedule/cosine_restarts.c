/* cosine_restarts.c - half a cosine with restarts, as CosineAnnealingWarmRestarts. */
#include "support/timing.h"

Test(cosine_restarts, follows_pytorch)
{
    follows_torch("cosine_restarts");
}

/* 0.1 has no exact binary form, and neither have its multiples. */
Test(cosine_restarts, restarts_at_fractions_of_epochs)
{
    const tn_instance *c = make("schedule", "cosine_restarts", "{from: 1, epochs: 0.1}",
                                1);
    for (int64_t step = 0; step < 80; step++)
        cr_assert_float_eq(value_at(c, step), 1, 1e-12, "%d", (int)step);
}

Test(cosine_restarts, needs_one_length)
{
    refuse("schedule", "cosine_restarts", "1", "either");
    refuse("schedule", "cosine_restarts", "{from: 1, epochs: 1, steps: 5}", "either");
    refuse("schedule", "cosine_restarts", "{from: 1, epochs: 1, grow: 0.5}", "grow");
}
