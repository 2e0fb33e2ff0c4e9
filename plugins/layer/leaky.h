/* leaky.h - rectifiers with a slope to the left of zero: leaky_relu and prelu. Included once per
 * precision, hence no guard. */

/* `value` where `side` is to the right, else slope value. */
TN_INLINE tn_real TN(leak)(tn_real side, tn_real value, tn_real slope)
{
    return side > 0 ? value : slope * value;
}

/* Half the power of a symmetric x comes through, and slope^2 of the other half: He, Zhang, Ren,
 * Sun, ICCV 2015, eq. 15. */
static double TN(leaky_gain)(double slope)
{
    return sqrt(2 / (1 + slope * slope));
}
