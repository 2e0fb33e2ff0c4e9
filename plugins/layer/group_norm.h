/* group_norm.h - the mathematics that group_norm and instance_norm share: groups of channels of a
 * sample brought to mean 0 and variance 1 over all its positions, then scaled and shifted by
 * learned values of each channel.
 *
 *     xhat = (x - mean) / sqrt(var + eps),  y = gamma xhat + beta
 *     dL/dx = 1 / sqrt(var + eps) (g - mean(g) - xhat mean(g xhat)),  g = gamma dL/dy
 *     dL/dgamma = sum of xhat dL/dy,  dL/dbeta = sum of dL/dy, over samples and positions
 *
 * Means are taken over a group. All sums are in double, first over the positions of a channel,
 * then over the channels of a group; the variance about the mean in a second pass; parameters'
 * gradients at last over samples, in order. Included once per precision. */
#include <math.h>
#include <string.h>
#include "affine.h"
#include "samples.h"

/* OPTIONS, the plugin's, has eps and affine. parts: groups, which its infer sets. */
TN_SELF(OPTIONS, int64_t parts;)

#ifndef ARRAYS
#define ARRAYS 6  /* that the cache has for each sample, a double for each channel */
#define MEAN 0    /* of x over the group, at each of its channels */
#define INVERSE 1 /* 1 / sqrt(var + eps), likewise */
#define SUM_G 2   /* of dL/dy over the positions of the channel */
#define SUM_GX 3  /* of xhat dL/dy */
#define MEAN_G 4  /* of g over the group, at each of its channels */
#define MEAN_GX 5 /* of g xhat */
#endif

/* An array of a sample. */
TN_INLINE double *TN(room)(const tn_io *io, int64_t sample, int32_t array)
{
    return (double *)io->cache + (sample * ARRAYS + array) * sample_width(io->in[0]);
}

static tn_status TN(declare)(const TN(self) * self, tn_call *c, tn_node *node)
{
    const int64_t channels = tn_shape_width(&node->in[0]);
    if (channels > INT32_MAX)
        return tn_fail(c, TN_ESHAPE, "has %lld channels; at most %d are possible",
                       (long long)channels, INT32_MAX);
    node->cache = (size_t)channels * ARRAYS * sizeof(double);
    if (!self->affine) return TN_OK;
    const tn_status status = affine_declare(c, node, "gamma", 1, "weight");
    return status ? status : affine_declare(c, node, "beta", 0, "bias");
}

/* Sums over the positions of each channel become means over its group; there are `parts`. */
TN_INLINE void TN(share)(double *value, int64_t n, int64_t parts, int64_t positions)
{
    const int64_t of = n / parts;
    for (int64_t first = 0; first < n; first += of) {
        double sum = 0;
        for (int64_t k = first; k < first + of; k++) sum += value[k];
        for (int64_t k = first; k < first + of; k++)
            value[k] = sum / (double)(of * positions);
    }
}

TN_INLINE void TN(look)(const TN(self) * self, int64_t n, int64_t positions,
                        const tn_real *x, double *restrict mean, double *restrict inverse)
{
    memset(mean, 0, (size_t)n * sizeof *mean);
    for (int64_t p = 0; p < positions; p++)
        for (int64_t k = 0; k < n; k++) mean[k] += (double)x[p * n + k];
    TN(share)(mean, n, self->parts, positions);
    memset(inverse, 0, (size_t)n * sizeof *inverse);
    for (int64_t p = 0; p < positions; p++)
        for (int64_t k = 0; k < n; k++) {
            const double d = (double)x[p * n + k] - mean[k];
            inverse[k] += d * d;
        }
    TN(share)(inverse, n, self->parts, positions);
    for (int64_t k = 0; k < n; k++) inverse[k] = 1 / sqrt(inverse[k] + self->eps);
}

TN_KERNEL void TN(normalise)(const void *me, const tn_io *io, int64_t sample)
{
    const TN(self) *self = me;
    const int64_t n = sample_width(io->in[0]), size = sample_size(io->in[0]);
    const tn_real *gamma = self->affine ? io->param[GAMMA]->data : NULL;
    const tn_real *beta = self->affine ? io->param[BETA]->data : NULL;
    const tn_real *x = TN(sample_of)(io->in[0], sample);
    tn_real *restrict y = TN(sample_of)(io->out, sample);
    double *restrict mean = TN(room)(io, sample, MEAN);
    double *restrict inverse = TN(room)(io, sample, INVERSE);
    TN(look)(self, n, size / n, x, mean, inverse);
    for (int64_t at = 0; at < size; at += n)
        for (int64_t k = 0; k < n; k++) {
            const double xhat = ((double)x[at + k] - mean[k]) * inverse[k];
            y[at + k] = (tn_real)(gamma ? (double)gamma[k] * xhat + (double)beta[k]
                                        : xhat);
        }
}

/* Sums of dL/dy and xhat dL/dy over the positions of each channel. */
TN_INLINE void TN(add)(int64_t n, int64_t size, const tn_real *x, const tn_real *gy,
                       const double *restrict mean, const double *restrict inverse,
                       double *restrict sum, double *restrict sum_x)
{
    memset(sum, 0, (size_t)n * sizeof *sum);
    memset(sum_x, 0, (size_t)n * sizeof *sum_x);
    for (int64_t at = 0; at < size; at += n)
        for (int64_t k = 0; k < n; k++) {
            const double g = (double)gy[at + k];
            sum[k] += g;
            sum_x[k] += g * (((double)x[at + k] - mean[k]) * inverse[k]);
        }
}

TN_INLINE void TN(weigh)(int64_t n, int64_t parts, int64_t positions,
                         const tn_real *gamma, const double *sum, double *mean)
{
    for (int64_t k = 0; k < n; k++) mean[k] = gamma ? (double)gamma[k] * sum[k] : sum[k];
    TN(share)(mean, n, parts, positions);
}

TN_KERNEL void TN(back)(const void *me, const tn_io *io, int64_t sample)
{
    const TN(self) *self = me;
    const int64_t n = sample_width(io->in[0]), size = sample_size(io->in[0]);
    const tn_real *gamma = self->affine ? io->param[GAMMA]->data : NULL;
    const tn_real *x = TN(sample_of)(io->in[0], sample);
    const tn_real *gy = TN(sample_of)(io->gout, sample);
    const double *mean = TN(room)(io, sample, MEAN);
    const double *inverse = TN(room)(io, sample, INVERSE);
    double *sum = TN(room)(io, sample, SUM_G), *sum_x = TN(room)(io, sample, SUM_GX);
    double *mean_g = TN(room)(io, sample, MEAN_G),
           *mean_gx = TN(room)(io, sample, MEAN_GX);
    TN(add)(n, size, x, gy, mean, inverse, sum, sum_x);
    if (!io->gin[0]) return;
    TN(weigh)(n, self->parts, size / n, gamma, sum, mean_g);
    TN(weigh)(n, self->parts, size / n, gamma, sum_x, mean_gx);
    tn_real *restrict gx = TN(sample_of)(io->gin[0], sample);
    for (int64_t at = 0; at < size; at += n)
        for (int64_t k = 0; k < n; k++) {
            const double xhat = ((double)x[at + k] - mean[k]) * inverse[k];
            const double g = gamma ? (double)gamma[k] * (double)gy[at + k]
                                   : (double)gy[at + k];
            gx[at + k] = (tn_real)(inverse[k] * (g - mean_g[k] - xhat * mean_gx[k]));
        }
}

/* The gradient of a parameter from the sums of all samples. */
TN_KERNEL void TN(collect)(const tn_io *io, int32_t array, tn_real *gradient)
{
    const int64_t n = sample_width(io->in[0]);
    for (int64_t k = 0; k < n; k++) {
        double sum = 0;
        for (int64_t s = 0; s < io->in[0]->dim[0]; s++) sum += TN(room)(io, s, array)[k];
        gradient[k] = (tn_real)sum;
    }
}

static tn_status TN(run)(const void *me, tn_call *c, const tn_io *io)
{
    return each_sample(me, c, io, TN(normalise));
}

static tn_status TN(run_back)(const void *me, tn_call *c, const tn_io *io)
{
    const TN(self) *self = me;
    const tn_status status = each_sample(me, c, io, TN(back));
    if (status || !self->affine) return status;
    if (io->gparam[GAMMA]) TN(collect)(io, SUM_GX, io->gparam[GAMMA]->data);
    if (io->gparam[BETA]) TN(collect)(io, SUM_G, io->gparam[BETA]->data);
    return TN_OK;
}
