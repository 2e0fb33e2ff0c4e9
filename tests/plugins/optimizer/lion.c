/* lion.c - against the paper's program, written plainly, and what decay, zeros and bad
 * options do. */
#include "support/optimizing.h"

typedef struct setting {
    const char *options;
    double rate, beta1, beta2, decay;
} setting;

static const setting settings[] = {
    {NULL, 1e-2, 0.9, 0.99, 0},
    {"{beta1: 0.95, beta2: 0.98, weight_decay: 1.5}", 3e-2, 0.95, 0.98, 1.5},
    {"{beta1: 0, beta2: 0}", 0.1, 0, 0, 0},
};

/* def train(weight, gradient, momentum, lr): Chen et al., program 1. */
static void train(const setting *s, double *weight, double gradient, double *momentum)
{
    const double update = *momentum * s->beta1 + gradient * (1 - s->beta1);
    const double sign = update > 0 ? 1 : update < 0 ? -1 : 0;
    *momentum = *momentum * s->beta2 + gradient * (1 - s->beta2);
    *weight -= (sign + *weight * s->decay) * s->rate;
}

Test(lion, follows_the_program_of_the_paper)
{
    for (size_t k = 0; k < sizeof settings / sizeof *settings; k++)
        for (int i = 0; i < WEIGHTS; i++) {
            const setting *s = &settings[k];
            double weight = begin[i], momentum = 0, w[WEIGHTS];
            for (int64_t n = 1; n <= 40; n++) {
                const course c = {make("optimizer", "lion", s->options, 1), NULL, s->rate,
                                  1, n};
                train(s, &weight, hollow[i] * (weight - centre[i]), &momentum);
                run_f64(&c, w);
                tn_instance_free(slots.made[--slots.count]);
                near(&w[i], &weight, 1, 1e-13);
            }
        }
}

Test(lion, no_gradient_no_step_and_a_nan_stays_one)
{
    float w[] = {1, 1}, m[] = {0, 0}, *const slot[] = {m};
    const float g[] = {0, NAN};
    const tn_instance *lion = make("optimizer", "lion", NULL, 0);
    const tn_tile t = tile_of(lion, 2);
    const tn_update u = {.step = 1, .rate = 0.1};
    ((const tn_optimizer_f32 *)lion->vtable)->update(lion->self, &t, &u, w, g, slot);
    cr_assert(w[0] == 1 && isnan(w[1]));
    cr_assert_eq(lion->entry->learning_rate, 1e-4);
}

Test(lion, decays_only_what_decays)
{
    decays_only_what_decays("lion", "{weight_decay: 0.5}", NULL);
}

Test(lion, tells_no_step_size)
{
    const tn_instance *lion = make("optimizer", "lion", NULL, 1);
    cr_assert_null(((const tn_optimizer_f64 *)lion->vtable)->step_size);
}

Test(lion, refuses_impossible_options)
{
    refuse("optimizer", "lion", "{beta1: 1}", "beta1");
    refuse("optimizer", "lion", "{beta2: 1}", "beta2");
}
