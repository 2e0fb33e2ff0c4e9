/* follow.h - an optimizer against PyTorch: the weights after each of ten steps of all its
 * cases in tests/reference/optimizers.safetensors, in both precisions.
 * make_optimizer_fixtures.py says what is there.
 *
 * The error of a step is max|a - b| / max|b|: at most 1e-5 in float, 1e-10 in double. */
#ifndef TESTS_SUPPORT_FOLLOW_H
#define TESTS_SUPPORT_FOLLOW_H

#include <stdio.h>

#include "support/slots.h"
#include "support/rounds.h"

#include "core/model.h"

enum { FOLLOWED = 6, FOLLOWED_STEPS = 10, FOLLOWED_SLOTS = 4 };

TN_UNUSED static const void *followed(const tn_archive *a, const char *name,
                                      const char *part)
{
    char key[64];
    int64_t from = 0;
    snprintf(key, sizeof key, "%s%s%s", name, *part ? "/" : "", part);
    const tn_named_tensor *found = tn_archive_find(a, key, &from);
    cr_assert_not_null(found, "the fixture has no %s", key);
    return found->tensor.data;
}

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

TN_UNUSED static double follow_case(const tn_archive *a, const char *name,
                                    const tn_instance *optimizer, double rate,
                                    const char *part)
{
    const float *begin = followed(a, "begin", ""), *hollow = followed(a, "hollow", "");
    const float *centre = followed(a, "centre", ""), *noise = followed(a, "noise", "");
    const double *want = followed(a, name, part);
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
    char path[4096], prefix[64];
    tn_archive a;
    void *bytes;
    tn_error e = {0};
    const char *tests = getenv("TENON_TEST_DATA");
    int cases = 0;
    cr_assert(tests, "TENON_TEST_DATA must name the folder tests");
    snprintf(path, sizeof path, "%s/reference/optimizers.safetensors", tests);
    cr_assert_eq(tn_archive_read(test_env(), path, &a, &bytes, &e), TN_OK, "%s", e.text);
    snprintf(prefix, sizeof prefix, "%s-", optimizer);
    for (int64_t i = 0; i < a.texts; i++) {
        char key[64];
        const char *name = a.text[i].key;
        if (strncmp(name, prefix, strlen(prefix)) || strchr(name, '/')) continue;
        snprintf(key, sizeof key, "%s/rate", name);
        const double rate = strtod(tn_archive_text(&a, key), NULL);
        for (int32_t real = 0; real < 2; real++, cases++) {
            const tn_instance *o = make("optimizer", optimizer, a.text[i].value, real);
            const double error = fmax(follow_case(&a, name, o, rate, "weight"),
                                      follow_case(&a, name, o, rate, "bias"));
            note_error(NULL, NOTE_TORCH, real, error);
            if (test_full())
                fprintf(stderr, "%s, %s: %.1e\n", name, real ? "double" : "float", error);
            cr_expect(error <= (real ? 1e-10 : 1e-5), "%s %s, %s: off by %.2e", optimizer,
                      a.text[i].value, real ? "double" : "float", error);
        }
    }
    cr_assert_gt(cases, 0, "the fixture has no case %s", optimizer);
    tn_archive_free(test_env(), &a, bytes);
}

#endif
