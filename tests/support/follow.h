/* follow.h - an optimizer against PyTorch: the weights after each of ten steps of all its
 * cases in tests/reference/optimizers.safetensors, in both precisions.
 * make_optimizer_fixtures.py says what is there.
 *
 * The error of a step is max|a - b| / max|b|: at most 1e-5 in float, 1e-10 in double. */
#ifndef TESTS_SUPPORT_FOLLOW_H
#define TESTS_SUPPORT_FOLLOW_H

#include "support/fixture.h"
#include "support/rounds.h"

enum { FOLLOWED = 6, FOLLOWED_STEPS = 10, FOLLOWED_SLOTS = 4 };

/* Makes one step of the weights in double or, through float, as they are there. */
#define FOLLOW_STEP(BITS, REAL)                                                         \
    TN_UNUSED static void follow_step_f##BITS(const tn_instance *optimizer,             \
                                              const tn_update *u, double *w,            \
                                              const double *g, double(*rows)[FOLLOWED]) \
    {                                                                                   \
        const tn_optimizer_f##BITS *o = optimizer->vtable;                              \
        const tn_tile t = tile_of(optimizer, FOLLOWED);                                 \
        REAL weight[FOLLOWED], gradient[FOLLOWED], kept[FOLLOWED_SLOTS][FOLLOWED];      \
        REAL *slot[FOLLOWED_SLOTS];                                                     \
        for (int i = 0; i < FOLLOWED; i++) {                                            \
            weight[i] = (REAL)w[i], gradient[i] = (REAL)g[i];                           \
            for (int k = 0; k < FOLLOWED_SLOTS; k++) kept[k][i] = (REAL)rows[k][i];     \
        }                                                                               \
        for (int k = 0; k < FOLLOWED_SLOTS; k++) slot[k] = kept[k];                     \
        o->update(optimizer->self, &t, u, weight, gradient, slot);                      \
        for (int i = 0; i < FOLLOWED; i++) {                                            \
            w[i] = (double)weight[i];                                                   \
            for (int k = 0; k < FOLLOWED_SLOTS; k++) rows[k][i] = (double)kept[k][i];   \
        }                                                                               \
    }
FOLLOW_STEP(32, float)
FOLLOW_STEP(64, double)

TN_UNUSED static double follow_case(const char *name, const tn_instance *optimizer,
                                    double rate, const char *part)
{
    const float *begin = fixture_data("begin", ""), *hollow = fixture_data("hollow", "");
    const float *centre = fixture_data("centre", ""), *noise = fixture_data("noise", "");
    const double *want = fixture_data(name, part);
    double w[FOLLOWED], g[FOLLOWED], rows[FOLLOWED_SLOTS][FOLLOWED] = {0}, worst = 0;
    for (int i = 0; i < FOLLOWED; i++) w[i] = (double)begin[i];
    for (int64_t s = 1; s <= FOLLOWED_STEPS; s++, noise += FOLLOWED, want += FOLLOWED) {
        const tn_update u = {.step = s, .rate = rate, .decays = !strcmp(part, "weight")};
        double error = 0, most = 0;
        for (int i = 0; i < FOLLOWED; i++)
            g[i] = (double)hollow[i] * (w[i] - (double)centre[i]) + (double)noise[i];
        (optimizer->real ? follow_step_f64 : follow_step_f32)(optimizer, &u, w, g, rows);
        for (int i = 0; i < FOLLOWED; i++) {
            error = fmax(error, isnan(w[i]) ? INFINITY : fabs(w[i] - want[i]));
            most = fmax(most, fabs(want[i]));
        }
        worst = fmax(worst, error / most);
    }
    return worst;
}

/* All cases of an optimizer. */
TN_UNUSED static void follow_torch(const char *optimizer)
{
    const tn_text_pair *text;
    int64_t next = 0;
    fixture_open("optimizers");
    cr_assert_not_null(fixture_case(optimizer, &(int64_t){0}), "no case of %s",
                       optimizer);
    while ((text = fixture_case(optimizer, &next)))
        for (int32_t real = 0; real < 2; real++) {
            const char *name = text->key;
            const double rate = fixture_number(name, "rate");
            const tn_instance *o = make("optimizer", optimizer, text->value, real);
            const double error = fmax(follow_case(name, o, rate, "weight"),
                                      follow_case(name, o, rate, "bias"));
            note_error(NULL, NOTE_TORCH, real, error);
            if (test_full())
                fprintf(stderr, "%s, %s: %.1e\n", name, real ? "double" : "float", error);
            cr_expect(error <= (real ? 1e-10 : 1e-5), "%s %s, %s: off by %.2e", optimizer,
                      text->value, real ? "double" : "float", error);
        }
}

#endif
