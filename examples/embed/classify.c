/* classify.c - loads a trained model, with an output for each class, and says the class of each
 * sample of a raw file of floats.
 *
 *     cc classify.c -o classify $(pkg-config --cflags --libs tenon)
 *     ./classify runs/fashion-mnist-1/model.safetensors samples.f32 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <tenon/tenon.h>

static tn_status classify_all(const tn_model *model, FILE *file, float *x, float *y,
                              tn_error *error)
{
    const size_t in = (size_t)tn_shape_count(tn_model_input(model));
    const size_t out = (size_t)tn_shape_count(tn_model_output(model));
    const char *const *classes = tn_model_classes(model);
    while (fread(x, sizeof *x, in, file) == in) {
        if (tn_model_predict(model, x, 1, y, error)) break;
        size_t best = 0;
        for (size_t i = 1; i < out; i++)
            if (y[i] > y[best]) best = i;
        printf("%zu %s\n", best, classes ? classes[best] : "");
    }
    return error->status;
}

static tn_status classify(const tn_model *model, const char *path, tn_error *error)
{
    FILE *file = fopen(path, "rb");
    float *x = calloc((size_t)tn_shape_count(tn_model_input(model)), sizeof *x);
    float *y = calloc((size_t)tn_shape_count(tn_model_output(model)), sizeof *y);
    if (file && x && y) {
        classify_all(model, file, x, y, error);
    } else {
        error->status = file ? TN_ENOMEM : TN_EIO;
        snprintf(error->text, sizeof error->text, "%s: %s", path, strerror(errno));
    }
    free(x), free(y);
    if (file) fclose(file);
    return error->status;
}

int main(int argc, char **argv)
{
    tn_error error = {0};
    if (argc != 3) {
        fprintf(stderr, "usage: classify MODEL FILE\n");
        return 2;
    }
    tn_env *env = tn_env_new(NULL, &error);
    tn_model *model = env ? tn_model_load(env, argv[1], &error) : NULL;
    if (model) classify(model, argv[2], &error);
    if (error.status) fprintf(stderr, "classify: %s\n", error.text);
    tn_model_free(model);
    tn_env_free(env);
    return error.status != TN_OK;
}
