/* global.h - what the global pools share. Included once per precision. */
#ifndef BLOCK
#define BLOCK 256 /* channels that are worked on at a time */
#endif

static tn_status TN(global_infer)(void *me, tn_call *c, tn_node *node)
{
    char shape[128];
    TN(write_shape)(&node->in[0], shape);
    if (node->in[0].rank < 2)
        return tn_fail(c, TN_ESHAPE,
                       "needs axes before the channels, as in (height, width, channels); "
                       "got %s",
                       shape);
    node->out = (tn_shape){.rank = 1, .dim = {tn_shape_width(&node->in[0])}};
    return TN_OK;
}
