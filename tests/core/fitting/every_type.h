/* every_type.h - the options of every_type.c, shared with the suite that looks at the
 * values. */
#ifndef TESTS_CORE_FITTING_EVERY_TYPE_H
#define TESTS_CORE_FITTING_EVERY_TYPE_H

#define EVERY_TYPE(P)                                                             \
    P(BOOL, flag, 0, 1, 0, 0, "a truth")                                          \
    P(INT, count, TN_POSITIONAL, 3, -5, 10, "a number of things")                 \
    P(INT, maybe, TN_OPTIONAL, 0, 0, INT64_MAX, "a number or none")               \
    P(REAL, share, TN_ABOVE | TN_BELOW, 0.5, 0, 1, "a part of the whole")         \
    P(SCHEDULABLE, heat, 0, 0.25, 0, INFINITY, "a temperature")                   \
    P(STR, label, 0, "plain", 0, 0, "a text")                                     \
    P(STR, note, TN_OPTIONAL, 0, 0, 0, "a text or none")                          \
    P(ENUM, colour, 0, 1, "red|green|blue", 0, "a colour")                        \
    P(INTS, sizes, 0, "[2, 3]", 0, 0, "some sizes")                               \
    P(SCHEDULABLE, cold, TN_OPTIONAL, 0, -10, 10, "another temperature, or none") \
    P(REALS, weights, 0, "[0.5]", 0, 0, "some weights")                           \
    P(PLUGIN, pull, 0, "{l2: 0.125}", "regularizer", 0, "what pulls")             \
    P(PLUGINS, pulls, 0, "[]", "regularizer", 0, "what else pulls")               \
    P(GRAPH, body, 0, "[relu]", 0, 0, "some layers")                              \
    P(GRAPHS, ways, 0, "[[relu]]", 0, 0, "some lists of layers")                  \
    P(STRS, names, 0, "[a, b]", 0, 0, "some texts")                               \
    P(REAL, last, 0, -2.5, -INFINITY, INFINITY, "the last one, to see that all line up")

#endif
