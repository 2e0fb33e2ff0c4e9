/* toy_mixup.c - changes what a target is: labels become rows of probabilities. Each
 * sample is mixed with its mirror image in the batch, all in the same proportion, drawn
 * per batch.
 *
 *     x <- p x + (1 - p) x'       y <- p y + (1 - p) y'       p uniform on (0, 1)
 *
 * Zhang et al., "mixup: beyond empirical risk minimization", ICLR 2018, eq. 1 (alpha =
 * 1). */
#include <string.h>

#include <tenon/plugin.h>
#include <tenon/random.h>

#include <tenon/data.h>

/* Fields keep their order, so that each input field's kind says what to do with it. */
static tn_status TN(infer)(void *self, tn_call *c, tn_data_info *info)
{
    for (int32_t i = 0; i < info->fields; i++) {
        tn_field_spec *f = &info->field[i];
        if (f->real) continue;
        if (f->classes < 1 || f->shape.rank)
            return tn_fail(c, TN_ESHAPE,
                           "field %s: needs one label of a known number of classes",
                           f->name);
        f->real = 1;
        f->shape = (tn_shape){.rank = 1, .dim = {f->classes}};
        f->classes = 0;
    }
    return TN_OK;
}

static void TN(mix)(const tn_field *in, const tn_field *out, int64_t row, int64_t other,
                    tn_real p)
{
    const int64_t n = out->width;
    tn_real *to = (tn_real *)out->real + row * n;
    if (in->label) {
        memset(to, 0, sizeof *to * (size_t)n);
        to[in->label[row]] += p;
        to[in->label[other]] += 1 - p;
        return;
    }
    const tn_real *a = (const tn_real *)in->real + row * n;
    const tn_real *b = (const tn_real *)in->real + other * n;
    for (int64_t i = 0; i < n; i++) to[i] = p * a[i] + (1 - p) * b[i];
}

static tn_status TN(apply)(const void *self, tn_call *c, tn_key key, int64_t samples,
                           const tn_field *in, const tn_field *out)
{
    const tn_real p = (tn_real)tn_random_uniform(key, 0);
    for (int32_t f = 0; f < TN_MAX_FIELDS && out[f].real; f++)
        for (int64_t i = 0; i < samples; i++)
            TN(mix)(&in[f], &out[f], i, samples - 1 - i, p);
    return TN_OK;
}

TN_VTABLE(transform, .infer = TN(infer), .apply = TN(apply))
TN_PLUGIN(transform, toy_mixup, .summary = "mixes pairs of samples and their labels",
          .formula = "x <- p x + (1 - p) x';  y <- p y + (1 - p) y'",
          .reference = "Zhang et al., ICLR 2018, eq. 1")
