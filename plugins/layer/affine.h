/* affine.h - the parameters of the norms: gamma, a scale of each feature, and beta, a shift. */
#ifndef GAMMA
#define GAMMA 0
#define BETA 1

/* `torch`: what PyTorch calls it. */
static tn_status affine_declare(tn_call *c, const tn_node *node, const char *name,
                                double fill, const char *torch)
{
    const tn_param_spec spec = {
        .name = name,
        .shape = {.rank = 1, .dim = {tn_shape_width(&node->in[0])}},
        .role = TN_NORM,
        .along = TN_PER_COLUMN,
        .fill = fill,
        .torch = {{.name = torch}}};
    return c->host->param(c, &spec);
}
#endif
