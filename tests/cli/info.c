/* `tenon info` of a model. */
#include <criterion/criterion.h>
#include <json-c/json.h>
#include <stdio.h>
#include <string.h>

#include "support/linear_net.h"
#include "support/process.h"

TestSuite(info, .init = linear_net, .timeout = 120);

static void has_field(const json_object *object, const char *name, const char *text)
{
    json_object *value = NULL;
    cr_assert(json_object_object_get_ex(object, name, &value), "no %s", name);
    cr_assert_str_eq(json_object_to_json_string_ext(value, JSON_C_TO_STRING_PLAIN), text);
}

Test(info, tells_what_is_in_a_model)
{
    test_ended(tenon("train net.yaml --out named --set seed=9 --set precision=double "
                     "--set classes=[red,green,blue]"),
               0, NULL);
    const test_process *p = tenon("info named/model.safetensors"),
                       *q = tenon("info named --json"), *config = tenon("info net.yaml");
    test_ended(p, 0, NULL), test_ended(q, 0, NULL), test_ended(config, 0, NULL);
    cr_assert(strstr(p->out, "\nmodel     named/model.safetensors\nseed      9\n"
                             "precision double\ninput     (4, 4, 1)\n"
                             "classes   red, green, blue\n"),
              "%s", p->out);
    cr_assert(strstr(p->out, "\nlayer ") && strstr(p->out, "\n51 parameters\n"), "%s",
              p->out);
    cr_assert(strstr(config->out, "precision float\n"), "%s", config->out);
    test_ended(tenon("info named --set seed=4"), 1, "--set changes a config", NULL);
    json_object *object = json_tokener_parse(q->out);
    cr_assert(object, "%s", q->out);
    has_field(object, "seed", "9");
    has_field(object, "precision", "\"double\"");
    has_field(object, "input", "[4,4,1]");
    has_field(object, "classes", "[\"red\",\"green\",\"blue\"]");
    has_field(object, "parameters", "51");
    json_object_put(object);
}

/* Counted here in what the file holds. */
Test(info, tells_how_sparse_a_model_is)
{
    char line[200];
    int zeros = 0, units = 0, unused = 0;
    test_ended(tenon("train net.yaml --out sparse --set train.epochs=30 --set "
                     "regularizer=[{\"l1\":0.05},{\"group_lasso\":{\"lambda\":0.03,"
                     "\"over\":\"columns\"}}]"),
               0, NULL);
    const float *const w = linear_tensor("sparse/model.safetensors", "dense.weight",
                                         WEIGHTS);
    for (int c = 0; c < CLASSES; c++) {
        int off = 0;
        for (int k = 0; k < PIXELS; k++) off += w[c * PIXELS + k] == 0;
        zeros += off, units += off == PIXELS;
    }
    for (int k = 0; k < PIXELS; k++)
        unused += w[k] == 0 && w[PIXELS + k] == 0 && w[2 * PIXELS + k] == 0;
    cr_assert(zeros > 0 && zeros < WEIGHTS && unused > 0, "%d, %d", zeros, unused);
    const test_process *p = tenon("info sparse"), *q = tenon("info sparse --json");
    test_ended(p, 0, NULL), test_ended(q, 0, NULL);
    snprintf(line, sizeof line,
             "\ndense.weight      48  %d (%.2f %%)  %5d of 3  %7d of 16\n", zeros,
             100. * zeros / WEIGHTS, units, unused);
    cr_assert_not_null(strstr(p->out, line), "%s%s", p->out, line);
    const int kept_bytes = 4 * (WEIGHTS + CLASSES - zeros),
              places = WEIGHTS + CLASSES - zeros;
    snprintf(line, sizeof line,
             "\n%d (%.2f %%) of all parameters are exactly zero: 204 bytes, without the "
             "zeros %d "
             "(bitmap), %d (16-bit indices) or %d (32-bit indices)\n",
             zeros, 100. * zeros / (WEIGHTS + CLASSES), kept_bytes + 6 + 1,
             kept_bytes + 2 * places + 24, kept_bytes + 4 * places + 24);
    cr_assert_not_null(strstr(p->out, line), "%s%s", p->out, line);
    snprintf(line, sizeof line,
             "\"with_zeros\":[{\"parameter\":\"dense.weight\",\"values\":48,\"zeros\":%d,"
             "\"units\":3,\"zero_units\":%d,\"inputs\":16,\"unused_inputs\":%d}]",
             zeros, units, unused);
    cr_assert_not_null(strstr(q->out, line), "%s%s", q->out, line);
    p = tenon("info run"), q = tenon("info net.yaml");
    cr_assert_not_null(strstr(p->out, "\nnone of them is exactly zero: 204 bytes\n"),
                       "%s", p->out);
    cr_assert_null(strstr(q->out, "exactly zero"), "%s", q->out);
}
