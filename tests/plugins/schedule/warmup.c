/* warmup.c - another schedule, warmed up. Expected values: torch 1.13, LinearLR(0.1, 1,
 * 5), alone and times CosineAnnealingLR(7). */
#include "support/timing.h"

Test(warmup, follows_pytorch_towards_a_number)
{
    static const double ramp[] = {0.010000000000000002,
                                  0.028000000000000004,
                                  0.046000000000000006,
                                  0.064000000000000001,
                                  0.082000000000000003,
                                  0.1,
                                  0.1,
                                  0.1};
    passes("warmup", "{epochs: 5, from: 0.1, schedule: 0.1}", 10, ramp, 8);
    passes("warmup", "{steps: 5, from: 0.1, schedule: {constant: 0.1}}", 1, ramp, 8);
}

Test(warmup, follows_pytorch_times_a_cosine)
{
    static const double both[] = {0.010000000000000002,  0.026613564150633869,
                                  0.037340265442750875,  0.039120669886602059,
                                  0.031876641707791115,  0.018825509907063328,
                                  0.0049515566048790481, 0};
    passes("warmup", "{epochs: 5, from: 0.1, schedule: {cosine: {from: 0.1, epochs: 7}}}",
           10, both, 8);
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
