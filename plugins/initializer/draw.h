/* draw.h - independent draws for the random initializers. Element i depends on the
 * parameter's key and i alone, so the order of filling does not matter, and float values
 * are the double values rounded. Included once per precision, hence no guard. */
#include <tenon/random.h>

TN_UNUSED static void TN(draw_normal)(tn_tensor *w, tn_key key, double mean,
                                      double deviation)
{
    tn_real *value = w->data;
    const int64_t n = tn_count(w);
    for (int64_t i = 0; i < n; i++)
        value[i] = (tn_real)(mean + deviation * tn_random_normal(key, (uint64_t)i));
}

TN_UNUSED static void TN(draw_uniform)(tn_tensor *w, tn_key key, double mean,
                                       double bound)
{
    tn_real *value = w->data;
    const int64_t n = tn_count(w);
    for (int64_t i = 0; i < n; i++)
        value[i] = (tn_real)(mean +
                             bound * (2 * tn_random_uniform(key, (uint64_t)i) - 1));
}

/* Of normal numbers those within `cut` deviations: others are drawn again, from a stream of the
 * attempt's own. */
TN_UNUSED static void TN(draw_truncated)(tn_tensor *w, tn_key key, double mean,
                                         double deviation, double cut)
{
    tn_real *value = w->data;
    const int64_t n = tn_count(w);
    for (int64_t i = 0; i < n; i++) {
        double z = tn_random_normal(key, (uint64_t)i);
        for (uint64_t attempt = 1; fabs(z) > cut; attempt++)
            z = tn_random_normal(tn_key_derive(key, attempt, 1), (uint64_t)i);
        value[i] = (tn_real)(mean + deviation * z);
    }
}
