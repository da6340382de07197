"""The work of JAX's primitives, by name; a primitive in no table is unknown."""

FREE = frozenset(
    {
        *("broadcast_in_dim", "convert_element_type", "copy", "copy_p", "device_put", "expand_dims", "iota", "name"),
        *("optimization_barrier", "reshape", "squeeze", "debug_callback", "debug_print", "create_token", "after_all"),
        *("empty", "empty2", "layout_constraint", "mesh_cast", "pvary", "random_unwrap", "random_wrap", "reshard"),
        *("sharding_constraint", "stop_gradient"),
    }
)
"""Primitives that XLA fuses with their readers, or that do nothing at all."""

MOVED = frozenset({"concatenate", "get", "pad", "rev", "slice", "split", "stack", "swap", "tile", "unstack"})
"""Primitives that XLA fuses with their readers; large concatenations are written out."""

DIVISIONS = frozenset({"div", "integer_pow", "rem", "rsqrt", "sqrt"})

_TRIGONOMETRIC = frozenset({"acos", "asin", "atan", "atan2", "cos", "sin", "tan"})
_HYPERBOLIC = frozenset({"acosh", "asinh", "atanh", "cosh", "logistic", "sinh", "tanh"})
_POWERS = frozenset({"cbrt", "exp", "exp2", "expm1", "log", "log1p", "log2", "pow"})
_SPECIAL = frozenset(
    {
        *("bessel_i0e", "bessel_i1e", "digamma", "erf", "erf_inv", "erfc", "igamma", "igamma_grad_a", "igammac"),
        *("lgamma", "polygamma", "random_bits", "random_gamma", "random_gamma_grad", "rng_bit_generator"),
        *("rng_uniform", "sort", "regularized_incomplete_beta", "threefry2x32", "zeta"),
    }
)
TRANSCENDENTAL = _TRIGONOMETRIC | _HYPERBOLIC | _POWERS | _SPECIAL

REDUCED = frozenset(
    {
        *("approx_top_k", "argmax", "argmin", "cumlogsumexp", "cummax", "cummin", "cumprod", "cumsum", "reduce"),
        *("reduce_and", "reduce_max", "reduce_min", "reduce_or", "reduce_prod", "reduce_sum", "reduce_xor", "top_k"),
    }
)

WINDOWS = frozenset({"reduce_window", "reduce_window_max", "reduce_window_min", "reduce_window_sum"})

SCATTERED = frozenset(
    {
        *("scatter", "scatter-add", "scatter-max", "scatter-min", "scatter-mul", "scatter-sub"),
        *("select_and_gather_add", "select_and_scatter", "select_and_scatter_add"),
    }
)

DECOMPOSED = {
    "cholesky": (0, 1 / 3),
    "eig": (0, 25),
    "eigh": (0, 9),
    "geqrf": (2, -2 / 3),
    "hessenberg": (0, 10 / 3),
    "householder_product": (2, -2 / 3),
    "lu": (1, -1 / 3),
    "qr": (2, -2 / 3),
    "schur": (0, 25),
    "svd": (4, 16),
    "tridiagonal": (0, 4 / 3),
}
"""Floating point operations of a decomposition, in max(m, n) · min(m, n)² and in min(m, n)³: the leading terms of Golub
and Van Loan, Matrix Computations."""

PRODUCTS = frozenset({"conv_general_dilated", "dot_general"})

BY_ELEMENT = REDUCED | WINDOWS | SCATTERED
"""Primitives with a program inside that says how two numbers become one."""

_COMPARISONS = frozenset({"eq", "eq_to", "ge", "gt", "is_finite", "le", "le_to", "lt", "lt_to", "ne"})
_BITS = frozenset(
    {
        *("and", "bitcast_convert_type", "clz", "not", "or", "population_count", "shift_left"),
        *("shift_right_arithmetic", "shift_right_logical", "xor"),
    }
)
_ARITHMETIC = frozenset(
    {
        *("abs", "add", "add_any", "ceil", "clamp", "complex", "conj", "floor", "imag", "lu_pivots_to_permutation"),
        *("max", "min", "mul", "mulhi", "neg", "nextafter", "one_minus_square", "random_clone", "random_fold_in"),
        *("random_seed", "random_split", "real", "reduce_precision", "round", "select_n", "sign", "square", "sub"),
    }
)
SIMPLE = _ARITHMETIC | _BITS | _COMPARISONS
"""Primitives with one quick operation for each number of the result."""

_PLACED = frozenset({"dynamic_slice", "dynamic_update_slice", "gather", "transpose"})
_SOLVED = frozenset({"fft", "triangular_solve"})

KNOWN = (
    FREE | MOVED | DIVISIONS | TRANSCENDENTAL | BY_ELEMENT | DECOMPOSED.keys() | PRODUCTS | SIMPLE | _PLACED | _SOLVED
)
"""All primitives that are single operations: programs inside of them are ignored."""
