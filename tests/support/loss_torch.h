/* loss_torch.h - losses against PyTorch: value and gradient of the cases of losses.safetensors
 * (tests/reference/make_loss_fixtures.py), in float and in double, through tenon.h.
 *
 * The error of the gradient is max|a - b| / max|b|: 1e-5 in float, 1e-10 in double. */
#ifndef TESTS_SUPPORT_LOSS_TORCH_H
#define TESTS_SUPPORT_LOSS_TORCH_H

#include <criterion/criterion.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "check.h"
#include "core/model.h"
#include "note.h"
#include "rounds.h"

static const tn_tensor *loss_tensor(const tn_archive *fixture, const char *name,
                                    const char *part)
{
    char key[160];
    snprintf(key, sizeof key, "%s/%s", name, part);
    for (int64_t i = 0; i < fixture->tensors; i++)
        if (!strcmp(fixture->tensor[i].name, key)) return &fixture->tensor[i].tensor;
    cr_assert_fail("the fixture has no %s", key);
    return NULL;
}

static double loss_number(const void *data, bool real, int64_t i)
{
    return real ? ((const double *)data)[i] : (double)((const float *)data)[i];
}

static tn_trainer *loss_trainer(const tn_tensor *x, const tn_tensor *weight,
                                const char *loss, bool real, tn_error *e)
{
    char text[1000], shape[60] = "";
    if (x->rank == 3) snprintf(shape, sizeof shape, "%lld, ", (long long)x->dim[1]);
    snprintf(text, sizeof text,
             "precision: %s\ninput: [%s%lld]\nmodel: [{dense: {units: %lld, bias: "
             "false}}]\nloss: %s\noptimizer: sgd\n",
             real ? "double" : "float", shape, (long long)x->dim[x->rank - 1],
             (long long)weight->dim[0], loss);
    tn_config *config = tn_config_parse(check_env(), text, "loss.yaml", NULL, 0, e);
    cr_assert_not_null(config, "%s", e->text);
    tn_trainer *trainer = tn_trainer_new(check_env(), config, NULL, e);
    cr_assert_not_null(trainer, "%s", e->text);
    tn_config_free(config);
    return trainer;
}

/* The largest error. */
static double loss_case(const tn_archive *fixture, const char *name, const char *loss,
                        bool real)
{
    const tn_tensor *x = loss_tensor(fixture, name, "x"),
                    *target = loss_tensor(fixture, name, "target"),
                    *weight = loss_tensor(fixture, name, "weight"),
                    *want = loss_tensor(fixture, name, "grad");
    const bool labels = target->dtype == TN_I32;
    tn_error e = {0};
    tn_trainer *trainer = loss_trainer(x, weight, loss, real, &e);
    tn_tensor w, g;
    double value, error = 0, largest = 0;
    cr_assert_eq(tn_model_find(tn_trainer_model(trainer), "dense.weight", &w, &e), TN_OK);
    for (int64_t i = 0; i < tn_count(&w); i++) {
        const float from = ((const float *)weight->data)[i];
        if (real)
            ((double *)w.data)[i] = (double)from;
        else
            ((float *)w.data)[i] = from;
    }
    cr_assert_eq(tn_trainer_gradients(trainer, x->data, labels ? NULL : target->data,
                                      labels ? target->data : NULL, x->dim[0], &value,
                                      &e),
                 TN_OK, "%s: %s", name, e.text);
    cr_assert_eq(tn_trainer_gradient(trainer, "dense.weight", &g, &e), TN_OK);
    for (int64_t i = 0; i < tn_count(&g); i++) {
        const double truth = ((const double *)want->data)[i];
        const double apart = fabs(loss_number(g.data, real, i) - truth);
        error = apart <= error ? error : apart;
        largest = fmax(largest, fabs(truth));
    }
    error /= largest;
    const double truth = *(const double *)loss_tensor(fixture, name, "loss")->data;
    const double off = fabs(value - truth) / fabs(truth), most = real ? 1e-10 : 1e-5;
    note_error(NULL, NOTE_TORCH, real, fmax(error, off));
    cr_expect(off <= most, "%s: loss %.12g, expected %.12g", name, value, truth);
    cr_expect(error <= most, "%s: the gradient is off by %.2e", name, error);
    tn_trainer_free(trainer);
    return fmax(error, off);
}

/* The cases whose names begin with "LOSS-". */
static void loss_torch(const char *loss)
{
    char path[4096];
    tn_archive fixture;
    void *bytes;
    tn_error e = {0};
    const size_t length = strlen(loss);
    int count = 0;
    check_env_as("blis", 1);
    snprintf(path, sizeof path, "%s/reference/losses.safetensors",
             getenv("TENON_TEST_DATA"));
    cr_assert_eq(tn_archive_read(check_env(), path, &fixture, &bytes, &e), TN_OK, "%s",
                 e.text);
    for (int real = 0; real < 2; real++) {
        double worst = 0;
        for (int64_t i = 0; i < fixture.texts; i++) {
            const tn_text_pair *text = &fixture.text[i];
            if (strncmp(text->key, loss, length) || text->key[length] != '-') continue;
            worst = fmax(worst, loss_case(&fixture, text->key, text->value, real));
            count++;
        }
        if (test_full())
            fprintf(stderr, "%s: at most %.1e in %s\n", loss, worst,
                    real ? "double" : "float");
    }
    cr_assert_gt(count, 0, "the fixture has no case of %s", loss);
    tn_archive_free(check_env(), &fixture, bytes);
}

#endif
