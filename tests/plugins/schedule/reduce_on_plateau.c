/* reduce_on_plateau.c - cut when the loss stalls. Expected values: torch 1.13, ReduceLROnPlateau.
 * That a resumed run goes on with its counters is tested with the trainer. */
#include "support/timing.h"

static const double losses[] = {1,   0.9,  0.8,  0.8,  0.85, 0.81, 0.80001,
                                0.7, 0.75, 0.75, 0.75, 0.75, 0.75, 0.75,
                                0.6, 0.7,  0.7,  0.7,  0.7,  0.7};
enum { EPOCHS = sizeof losses / sizeof *losses };

/* expected[i]: after i epochs */
static void follows(const char *options, const double *expected)
{
    tn_instance *plateau = make("schedule", "reduce_on_plateau", options, 1);
    cr_assert_eq(value_at(plateau, 0), expected[0]);
    for (int i = 0; i < EPOCHS; i++) {
        const tn_clock clock = {.monitored = losses[i]};
        tn_instance_epoch(plateau, &clock);
        near(&(double){value_at(plateau, 0)}, &expected[i + 1], 1, 1e-15);
    }
}

Test(reduce_on_plateau, follows_pytorch)
{
    follows("{from: 0.1, patience: 2}",
            (double[]){0.1,  0.1,  0.1,  0.1,  0.1,   0.1,   0.01,
                       0.01, 0.01, 0.01, 0.01, 0.001, 0.001, 0.001,
                       1e-4, 1e-4, 1e-4, 1e-4, 1e-5,  1e-5,  1e-5});
    follows("{from: 0.1, patience: 1, cooldown: 2, factor: 0.5}",
            (double[]){0.1,    0.1,    0.1,    0.1,    0.1,     0.05,    0.05,
                       0.05,   0.05,   0.05,   0.025,  0.025,   0.025,   0.025,
                       0.0125, 0.0125, 0.0125, 0.0125, 0.00625, 0.00625, 0.00625});
    follows("{from: 0.1, patience: 0, factor: 0.3, min: 0.005, threshold: 0.1}",
            (double[]){0.1,   0.1,   0.03,  0.03,  0.009, 0.005, 0.005,
                       0.005, 0.005, 0.005, 0.005, 0.005, 0.005, 0.005,
                       0.005, 0.005, 0.005, 0.005, 0.005, 0.005, 0.005});
}

Test(reduce_on_plateau, a_loss_that_is_no_number_is_no_improvement)
{
    tn_instance *plateau = make("schedule", "reduce_on_plateau",
                                "{from: 1, patience: 1, factor: 0.5}", 1);
    const double bad[] = {NAN, 2, NAN, INFINITY};
    for (int i = 0; i < 4; i++) {
        const tn_clock clock = {.monitored = bad[i]};
        tn_instance_epoch(plateau, &clock);
        cr_assert_eq(value_at(plateau, 0), i < 3 ? 1 : 0.5);
    }
}

Test(reduce_on_plateau, refuses_what_cannot_be)
{
    refuse("schedule", "reduce_on_plateau", "{from: 1, factor: 1}", "factor");
    refuse("schedule", "reduce_on_plateau", "{from: 1, patience: -1}", "patience");
    refuse("schedule", "reduce_on_plateau", "-1", "from");
}
