/* recurrent_patches.h - what a step does beside its products, patch by patch: see recurrent.h.
 *
 * A patch is some samples and some of their units. It is an epilogue of the product before it: blocks
 * of the result are counted, and who makes the last one of a patch works on it, while it is in the
 * cache. The other threads go on with the product meanwhile; so what they read of the step before, a
 * patch leaves as it is. */

/* The body on patch (down, across) of the course's samples and units. */
static void TN(run_patch)(const TN(course) * c, int64_t down, int64_t across)
{
    TN(course) patch = *c;
    const int64_t sample = down * c->rows, unit = across * c->wide;
    patch.from += sample;
    patch.group = TN(lesser)(c->rows, c->group - sample);
    patch.unit = unit;
    patch.units = TN(lesser)(c->wide, c->span - unit);
    c->body(&patch);
}

static int64_t TN(patches_down)(const TN(course) * c)
{
    return (c->group + c->rows - 1) / c->rows;
}

static int64_t TN(patches_across)(const TN(course) * c)
{
    return (c->span + c->wide - 1) / c->wide;
}

/* So many numbers of a patch are there. */
static void TN(count)(const TN(course) * c, int64_t down, int64_t across, int64_t numbers)
{
    const int64_t rows = TN(lesser)(c->rows, c->group - down * c->rows),
                  units = TN(lesser)(c->wide, c->span - across * c->wide);
    atomic_int *done = c->done + (c->from + down * c->rows) * TN(patches)(c->self) +
                       across;
    if (atomic_fetch_add(done, (int)numbers) + numbers < rows * units * c->gates) return;
    atomic_store(done, 0); /* for the next product */
    TN(run_patch)(c, down, across);
}

/* What part i of `size` and from .. to - 1 have in common. */
static int64_t TN(common)(int64_t i, int64_t size, int64_t from, int64_t to)
{
    const int64_t begin = i * size, end = begin + size;
    return TN(lesser)(end, to) - (begin > from ? begin : from);
}

/* Units from .. to - 1 of a gate, of rows from `row` on. */
static void TN(count_gate)(const TN(course) * c, int64_t row, int64_t rows, int64_t from,
                           int64_t to)
{
    const int64_t end = row + rows;
    for (int64_t i = row / c->rows; i * c->rows < end; i++)
        for (int64_t j = from / c->wide; j * c->wide < to; j++) {
            const int64_t high = TN(common)(i, c->rows, row, end);
            TN(count)(c, i, j, high * TN(common)(j, c->wide, from, to));
        }
}

static void TN(wrote)(const void *with, int64_t row, int64_t col, int64_t rows,
                      int64_t cols, void *block, int64_t stride)
{
    const TN(course) *c = with;
    const int64_t end = col + cols;
    for (int64_t at = col / c->span * c->span; at < end; at += c->span) {
        const int64_t from = at > col ? 0 : col - at;
        TN(count_gate)(c, row, rows, from, TN(lesser)(end - at, c->span));
    }
}

/* a b into `out` (onto what is there, if `add`), which has `gates` numbers for each unit, gate by
 * gate; then `body` on each patch. */
static tn_status TN(multiply_then)(TN(course) * c, tn_matrix a, tn_matrix b,
                                   tn_matrix out, int add, int64_t gates,
                                   void (*body)(const TN(course) *))
{
    c->gates = gates, c->span = out.cols / gates, c->body = body;
    out.wrote = TN(wrote), out.with = c;
    const tn_product p = {
        .struct_size = sizeof p, .a = a, .b = b, .out = out, .add = add};
    return c->call->host->product(c->call, &p);
}

static tn_status TN(run_nth)(void *data, int64_t i)
{
    const TN(course) *c = data;
    const int64_t across = TN(patches_across)(c);
    TN(run_patch)(c, i / across, i % across);
    return TN_OK;
}

/* `body` on each patch of n units, where there is nothing to multiply. */
static tn_status TN(only)(TN(course) * c, int64_t n, void (*body)(const TN(course) *))
{
    c->span = n, c->body = body;
    const int64_t patches = TN(patches_down)(c) * TN(patches_across)(c);
    return c->call->host->parallel(c->call, patches, TN(run_nth), c);
}
