/* warmup.c - another schedule, warmed up, as LinearLR alone and times others. */
#include "support/timing.h"

Test(warmup, follows_pytorch)
{
    follows_torch("warmup");
}

Test(warmup, starts_at_nothing_by_default)
{
    passes("warmup", "{steps: 4, schedule: 2}", 1, (double[]){0, 0.5, 1, 1.5, 2, 2}, 6);
}

Test(warmup, needs_one_length)
{
    refuse("schedule", "warmup", "{schedule: 1}", "either");
    refuse("schedule", "warmup", "{schedule: 1, epochs: 1, steps: 5}", "either");
}
