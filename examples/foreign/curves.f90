! curves.f90 - two functions for the config beside this file, as Fortran has always had them: arguments
! are references, and the compiler puts a '_' behind the name.

! Tanh shrink, y = x - tanh(x): small inputs count for nearly nothing.
subroutine tanhshrink(n, x, y)
    implicit none
    integer, intent(in) :: n
    double precision, intent(in) :: x(n)
    double precision, intent(out) :: y(n)
    y = x - tanh(x)
end subroutine

! Its derivative.
subroutine tanhshrink_slope(n, x, y)
    implicit none
    integer, intent(in) :: n
    double precision, intent(in) :: x(n)
    double precision, intent(out) :: y(n)
    y = tanh(x)**2
end subroutine

! log cosh (x - t): the square of a small error, the size of a large one.
double precision function log_cosh(x, t)
    implicit none
    double precision, intent(in) :: x, t
    double precision :: size
    size = abs(x - t)
    log_cosh = size + log(1 + exp(-2 * size)) - log(2d0)
end function
