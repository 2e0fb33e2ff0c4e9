/* nadam.c - against PyTorch's NAdam, and what a prox, decay and bad options do. */
#include "support/follow.h"
#include "support/optimizing.h"

Test(nadam, follows_pytorch)
{
    follow_torch("nadam");
}

/* Also after the product of momenta has been given up as too small to count. */
Test(nadam, step_size_is_what_a_unit_of_gradient_moves)
{
    moves_by_step_size("nadam", NULL, 200, 0);
    moves_by_step_size("nadam", "{beta1: 0, momentum_decay: 0}", 20, 0);
    moves_by_step_size("nadam", "{beta1: 0.99, momentum_decay: 100}", 20, 0);
}

Test(nadam, P3_F8_lasso_with_exact_zeros)
{
    find_lasso("nadam", NULL, 0.01, "0.4", (double[]){0, 0.2 - 0.4 / 3, -0.2});
}

Test(nadam, decays_only_what_decays)
{
    decays_only_what_decays("nadam", "{weight_decay: 0.5}", NULL);
    decays_only_what_decays("nadam", "{weight_decay: 0.5, decoupled: true}", NULL);
}

Test(nadam, refuses_impossible_options)
{
    refuse("optimizer", "nadam", "{momentum_decay: -1}", "momentum_decay");
    refuse("optimizer", "nadam", "{beta1: 1}", "beta1");
}
