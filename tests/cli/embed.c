/* The programs of examples/embed: one trains on arrays in memory, the other classifies with what
 * that one saved. */
#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "support/process.h"

TestSuite(embed, .init = test_start_in_folder, .timeout = 120);

static void choose(const char *name)
{
    char path[4096];
    snprintf(path, sizeof path, "%s/example_%s", getenv("TENON_TEST_EXAMPLES"), name);
    setenv("TENON_TEST_PROGRAM", path, 1);
}

Test(embed, train_and_classify)
{
    const float points[2][2] = {{0.30f, 0.18f},
                                {-0.30f, -0.18f}}; /* one on each spiral */
    choose("train_arrays");
    const test_process *p = tenon("%s", "");
    test_ended(p, 0, NULL);
    const char *last = strstr(p->out, "epoch 80:"),
               *accuracy = last ? strstr(last, "accuracy ") : NULL;
    cr_assert(accuracy, "%s", p->out);
    cr_assert_geq(atof(accuracy + strlen("accuracy ")), 0.97, "%s", p->out);
    FILE *file = fopen("points.f32", "wb");
    fwrite(points, 1, sizeof points, file);
    fclose(file);
    choose("classify");
    p = tenon("spirals.safetensors points.f32");
    test_ended(p, 0, NULL);
    cr_assert_str_eq(p->out, "1 \n0 \n");
    test_ended(tenon("spirals.safetensors nowhere.f32"), 1,
               "classify: nowhere.f32: No such", NULL);
}

Test(embed, classify_says_what_is_wrong)
{
    choose("classify");
    test_ended(tenon("nothing points.f32"), 1, "classify: nothing: no such file", NULL);
    const test_process *p = tenon("model.safetensors");
    test_ended(p, 2, "usage: classify MODEL FILE\n", NULL);
    cr_assert_str_empty(p->out);
}
