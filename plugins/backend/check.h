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

/* Where the operands of a product that is not empty come from, and where it goes. `packed`: the
 * backend's own copy of B, which serves as well as B; NULL: none. */
static tn_status TN(check_places)(tn_call *c, const tn_product *p, const void *packed)
{
    const tn_matrix *a = &p->a, *b = &p->b, *out = &p->out;
    if (a->cols && ((!a->data && !a->read) || (!b->data && !b->read && !packed)))
        return tn_fail(c, TN_EINVAL, "product: an operand has neither data nor a reader");
    if (!out->data && (!out->wrote || p->add))
        return tn_fail(c, TN_EINVAL, "product: the result has no place to go");
    return TN_OK;
}
