/* cosine_restarts.c - half a cosine with restarts. Expected values: torch 1.13,
 * CosineAnnealingWarmRestarts(3, 1, 0.01) and (2, 2, 0.01). */
#include "support/timing.h"

static const double same[] = {0.10000000000000001,  0.077499999999999999,
                              0.032500000000000015, 0.10000000000000001,
                              0.077499999999999999, 0.032500000000000015,
                              0.10000000000000001,  0.077499999999999999};
static const double growing[] = {0.10000000000000001,  0.055000000000000007,
                                 0.10000000000000001,  0.086819805153394644,
                                 0.055000000000000007, 0.023180194846605363,
                                 0.10000000000000001,  0.096574578963007904};

Test(cosine_restarts, follows_pytorch_in_epochs_and_in_steps)
{
    passes("cosine_restarts", "{from: 0.1, to: 0.01, epochs: 3}", 10, same, 8);
    passes("cosine_restarts", "{from: 0.1, to: 0.01, steps: 3}", 1, same, 8);
    passes("cosine_restarts", "{from: 0.1, to: 0.01, epochs: 2, grow: 2}", 10, growing,
           8);
    passes("cosine_restarts", "{from: 0.1, to: 0.01, steps: 2, grow: 2}", 1, growing, 8);
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
