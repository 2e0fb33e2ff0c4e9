/* check.h - what every backend asks of a product before it computes. Included once per precision,
 * hence no guard. */

static tn_status TN(check_shapes)(tn_call *c, const tn_product *p)
{
    const tn_matrix *a = &p->a, *b = &p->b, *out = &p->out;
    if (a->rows >= 0 && a->cols >= 0 && b->cols >= 0 && a->cols == b->rows &&
        a->rows == out->rows && b->cols == out->cols)
        return TN_OK;
    return tn_fail(c, TN_ESHAPE,
                   "product: (%lld x %lld) times (%lld x %lld) cannot give (%lld x %lld)",
                   (long long)a->rows, (long long)a->cols, (long long)b->rows,
                   (long long)b->cols, (long long)out->rows, (long long)out->cols);
}

/* Results do not share a place: each ends before the next begins. */
static tn_status TN(check_several)(tn_call *c, const tn_product *p, const void *packed)
{
    const tn_matrix *out = &p->out;
    int64_t down, right, extent, all;
    if (p->a.read || p->b.read || packed || out->wrote || p->bias)
        return tn_fail(c, TN_EINVAL,
                       "product: several at once have operands in memory, no bias and "
                       "nothing behind them");
    if (__builtin_mul_overflow(out->rows - 1, out->row_stride, &down) ||
        __builtin_mul_overflow(out->cols - 1, out->col_stride, &right) ||
        __builtin_add_overflow(down, right, &extent) ||
        __builtin_mul_overflow(p->count, p->out_next, &all) || down < 0 || right < 0 ||
        p->out_next <= extent)
        return tn_fail(c, TN_ESHAPE,
                       "product: the results of several at once share a place");
    return TN_OK;
}

/* Where the operands of a product that is not empty come from, and where it goes. `packed`: the
 * backend's own copy of B, which serves as well as B; NULL: none. */
static tn_status TN(check_places)(tn_call *c, const tn_product *p, const void *packed)
{
    const tn_matrix *a = &p->a, *b = &p->b, *out = &p->out;
    if (a->cols && ((!a->data && !a->read) || (!b->data && !b->read && !packed)))
        return tn_fail(c, TN_EINVAL, "product: an operand has neither data nor a reader");
    if (!out->data && (!out->wrote || p->add))
        return tn_fail(c, TN_EINVAL, "product: the result has no place to go");
    return p->count <= 1 ? TN_OK : TN(check_several)(c, p, packed);
}

static int64_t TN(products)(const tn_product *p)
{
    return p->count > 1 ? p->count : 1;
}

/* Product i of them. */
static tn_product TN(one_of)(const tn_product *p, int64_t i)
{
    tn_product one = *p;
    if (p->count <= 1) return one;
    one.count = 1;
    one.a.data = (tn_real *)p->a.data + i * p->a_next;
    one.b.data = (tn_real *)p->b.data + i * p->b_next;
    one.out.data = (tn_real *)p->out.data + i * p->out_next;
    return one;
}
