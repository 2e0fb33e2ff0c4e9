/* windows.h - windows over a sequence that is split by position: the parts for training, validation
 * and test follow each other, so that nothing later is learned from.
 *
 * Invariant: the wanted values of a window lie in its own part. What leads to them lies there too,
 * unless `lead` lets it reach back into the parts before. */
#ifndef DATASET_WINDOWS_H
#define DATASET_WINDOWS_H

#include <math.h>

#define WINDOWS_OPTIONS(P, WHAT, VALIDATION)                                         \
    P(INT, stride, TN_OPTIONAL, 0, 1, INT32_MAX, "from one window to the next" WHAT) \
    P(REAL, validation_share, TN_BELOW, VALIDATION, 0, 1,                            \
      "of the whole, behind the part for training")                                  \
    P(REAL, test_share, TN_BELOW, 0, 0, 1, "of the whole, at the end")

typedef struct windows {
    int64_t stride;
    int64_t part[TN_SPLITS + 1]; /* where each part begins, and the end */
    int64_t first[TN_SPLITS];    /* where its first window begins */
    int64_t streams,
        each[TN_SPLITS]; /* of a part, and windows of one; 0: they are apart */
} windows;

static tn_status windows_check(tn_call *c, double validation, double test)
{
    if (validation + test < 1) return TN_OK;
    return tn_fail(c, TN_EINVAL,
                   "validation_share and test_share are %g together and leave nothing to "
                   "train on; make them less than 1",
                   validation + test);
}

/* Of `length` values each, of which `lead` may lie before the part, over `n` in all. */
static tn_status windows_cut(tn_call *c, windows *w, const char *path, int64_t n,
                             int64_t length, int64_t lead, double validation, double test,
                             int64_t count[TN_SPLITS])
{
    static const char *const name[TN_SPLITS] = {"training", "validation", "test"};
    const int64_t tested = (int64_t)floor(test * (double)n),
                  validated = (int64_t)floor(validation * (double)n);
    w->part[TN_VALIDATION] = n - tested - validated;
    w->part[TN_TEST] = n - tested;
    w->part[TN_SPLITS] = n;
    for (int32_t i = 0; i < TN_SPLITS; i++) {
        const int64_t size = w->part[i + 1] - w->part[i];
        w->first[i] = i == TN_TRAIN ? 0 : w->part[i] - lead;
        const int64_t room = w->part[i + 1] - w->first[i] - length;
        if (room >= 0 && w->first[i] >= 0 && size) count[i] = room / w->stride + 1;
        const int wanted = i == TN_TRAIN || (i == TN_TEST ? test : validation) > 0;
        if (wanted && !count[i])
            return tn_fail(
                c, TN_EDATA,
                "%s: the %s part has %lld of %lld values, too few for a window "
                "of %lld; make the window or the other parts smaller",
                path, name[i], (long long)size, (long long)n, (long long)length);
    }
    return TN_OK;
}

static int64_t windows_at(const windows *w, int32_t split, int64_t index)
{
    if (w->streams) index = index % w->streams * w->each[split] + index / w->streams;
    return w->first[split] + index * w->stride;
}

/* Each part as `streams` parts of windows that follow each other, which are read side by side: what
 * they leave over at the end is left out. */
TN_UNUSED static tn_status windows_stream(tn_call *c, windows *w, const char *path,
                                          int64_t streams, int64_t count[TN_SPLITS])
{
    static const char *const name[TN_SPLITS] = {"training", "validation", "test"};
    w->streams = streams;
    for (int32_t i = 0; i < TN_SPLITS; i++) {
        w->each[i] = count[i] / streams;
        if (count[i] && !w->each[i])
            return tn_fail(c, TN_EDATA,
                           "%s: the %s part has %lld windows, too few for %lld streams",
                           path, name[i], (long long)count[i], (long long)streams);
        count[i] = w->each[i] * streams;
    }
    return TN_OK;
}

#endif
