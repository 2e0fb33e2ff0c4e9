/* draw.h - independent draws for the random initializers. Element i depends on the
 * parameter's key and i alone, so the order of filling does not matter, and float values
 * are the double values rounded. Included once per precision, hence no guard. */
#include <tenon/random.h>

static void TN(draw_normal)(tn_tensor *w, tn_key key, double mean, double deviation)
{
    tn_real *value = w->data;
    const int64_t n = tn_count(w);
    for (int64_t i = 0; i < n; i++)
        value[i] = (tn_real)(mean + deviation * tn_random_normal(key, (uint64_t)i));
}
