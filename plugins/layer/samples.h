/* samples.h - for whole layers that do each sample by itself: samples on all threads, several in
 * a task where they are small. Cut by shape alone. Included once per precision. */
#ifndef SAMPLES_ONCE
#define SAMPLES_ONCE
#define SAMPLES_WORTH 16384 /* elements that a task has at least */

typedef struct samples {
    const void *self;
    const tn_io *io;
    void (*one)(const void *self, const tn_io *io, int64_t sample);
    int64_t all, some; /* how many there are, and in a task */
} samples;

static tn_status run_samples(void *data, int64_t task)
{
    const samples *s = data;
    const int64_t first = task * s->some, left = s->all - first;
    for (int64_t i = 0; i < (left < s->some ? left : s->some); i++)
        s->one(s->self, s->io, first + i);
    return TN_OK;
}

/* one(self, io, sample) for each of them. */
static tn_status each_sample(const void *self, tn_call *c, const tn_io *io,
                             void (*one)(const void *self, const tn_io *io,
                                         int64_t sample))
{
    const int64_t all = io->out->dim[0], in = tn_count(io->in[0]),
                  out = tn_count(io->out);
    const int64_t size = all ? (in > out ? in : out) / all : 1;
    samples s = {.self = self, .io = io, .one = one, .all = all};
    s.some = size < SAMPLES_WORTH ? SAMPLES_WORTH / (size ? size : 1) : 1;
    return c->host->parallel(c, (all + s.some - 1) / s.some, run_samples, &s);
}

/* Elements of a sample. */
static inline int64_t sample_size(const tn_tensor *t)
{
    return tn_count(t) / t->dim[0];
}

static inline int64_t sample_width(const tn_tensor *t)
{
    return t->dim[t->rank - 1];
}
#endif

static inline tn_real *TN(sample_of)(const tn_tensor *t, int64_t sample)
{
    return (tn_real *)t->data + sample * sample_size(t);
}
