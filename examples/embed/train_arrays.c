/* train_arrays.c - trains on arrays in memory, from a config in a string: two interleaved spirals.
 *
 *     cc train_arrays.c -o train_arrays $(pkg-config --cflags --libs tenon) -lm */
#include <math.h>
#include <stdio.h>

#include <tenon/tenon.h>

enum { SAMPLES = 1000, FEATURES = 2 };

static const char config_text[] = "seed: 1\n"
                                  "data: {memory: {train: spirals, batch: 50}}\n"
                                  "model:\n"
                                  "  - dense: 32\n"
                                  "  - tanh\n"
                                  "  - dense: 32\n"
                                  "  - tanh\n"
                                  "  - dense: 2\n"
                                  "loss: cross_entropy\n"
                                  "optimizer: {adam: {lr: 0.01}}\n"
                                  "metrics: [accuracy]\n"
                                  "train: {epochs: 80}\n";

static void make_spirals(float x[SAMPLES][FEATURES], int32_t *label)
{
    for (int i = 0; i < SAMPLES; i++) {
        const float t = 0.5f + 9.0f * (float)i / SAMPLES, r = t / 3;
        label[i] = i % 2;
        x[i][0] = (label[i] ? r : -r) * cosf(t);
        x[i][1] = (label[i] ? r : -r) * sinf(t);
    }
}

static void show(void *data, const tn_progress *now)
{
    (void)data;
    if (now->kind != 1 || now->epoch % 20) return;
    printf("epoch %d:", (int)now->epoch);
    for (int32_t i = 0; i < now->scores; i++)
        printf(" %s %.4f", now->score[i].name, now->score[i].value);
    printf("\n");
}

static tn_status run(tn_env *env, tn_config **config, tn_trainer **trainer,
                     tn_error *error)
{
    static float x[SAMPLES][FEATURES];
    static int32_t label[SAMPLES];
    make_spirals(x, label);
    const tn_memory_data data = {.samples = SAMPLES,
                                 .input = {.rank = 1, .dim = {FEATURES}},
                                 .classes = 2,
                                 .inputs = &x[0][0],
                                 .labels = label};
    const tn_train_options options = {.progress = show}; /* no run folder: no files */
    if (tn_env_attach(env, "spirals", &data, error)) return error->status;
    *config = tn_config_parse(env, config_text, "spirals.yaml", NULL, 0, error);
    *trainer = *config ? tn_trainer_new(env, *config, &options, error) : NULL;
    if (!*trainer || tn_trainer_run(*trainer, error)) return error->status;
    return tn_model_save(tn_trainer_model(*trainer), "spirals.safetensors", error);
}

int main(void)
{
    tn_error error = {0};
    tn_config *config = NULL;
    tn_trainer *trainer = NULL;
    tn_env *env = tn_env_new(NULL, &error);
    if (env) run(env, &config, &trainer, &error);
    if (error.status) fprintf(stderr, "%s\n", error.text);
    tn_trainer_free(trainer);
    tn_config_free(config);
    tn_env_free(env);
    return error.status != TN_OK;
}
