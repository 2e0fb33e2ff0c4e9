/* classify.c - loads a trained model and says the class of each sample of a raw file of floats.
 *
 *     cc classify.c -o classify $(pkg-config --cflags --libs tenon)
 *     ./classify runs/fashion-mnist-1/model.safetensors samples.f32 */
#include <stdio.h>
#include <stdlib.h>

#include <tenon/tenon.h>

static tn_status classify(const tn_model *model, FILE *file, tn_error *error)
{
    const size_t in = (size_t)tn_shape_count(tn_model_input(model));
    const size_t out = (size_t)tn_shape_count(tn_model_output(model));
    const char *const *classes = tn_model_classes(model);
    float *x = malloc(in * sizeof *x), *y = malloc(out * sizeof *y);
    while (x && y && fread(x, sizeof *x, in, file) == in) {
        if (tn_model_predict(model, x, 1, y, error)) break;
        size_t best = 0;
        for (size_t i = 1; i < out; i++)
            if (y[i] > y[best]) best = i;
        printf("%zu %s\n", best, classes ? classes[best] : "");
    }
    free(x), free(y);
    return error->status;
}

int main(int argc, char **argv)
{
    tn_error error = {0};
    tn_env *env = tn_env_new(NULL, &error);
    tn_model *model = env && argc == 3 ? tn_model_load(env, argv[1], &error) : NULL;
    FILE *file = model ? fopen(argv[2], "rb") : NULL;
    const bool failed = !file || classify(model, file, &error);
    if (failed) fprintf(stderr, "usage: classify MODEL FILE; %s\n", error.text);
    if (file) fclose(file);
    tn_model_free(model);
    tn_env_free(env);
    return failed;
}
