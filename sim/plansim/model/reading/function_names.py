"""Vensim's functions: their names, and how many arguments each takes.

What a function computes is said where models are compiled: `compiler/functions/`.
"""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

__all__ = [
    "FUNCTIONS",
    "INTEGRALS",
    "OF_VECTORS",
    "OVER_ELEMENTS",
    "UNCOMPUTED_FUNCTIONS",
]

FUNCTIONS: Mapping[str, int | None] = MappingProxyType(
    {
        name: count
        for count, names in {
            0: "random_0_1",
            1: "abs arccos arcsin arctan cos cosh elmcount exp game gamma_ln "
            "get_data_first_time get_data_last_time initial integer ln prod reinitial sin "
            "sinh sqrt sum tan tanh vmax vmin",
            2: "active_initial delay1 delay3 get_data_at_time integ log lookup_backward "
            "lookup_extrapolate lookup_forward lookup_invert max min modulo power pulse "
            "quantum smooth smooth3 step time_base time_shift vector_elm_map vector_rank "
            "vector_reorder vector_sort_order with_lookup zidz",
            3: "allocate_available delay1i delay3i delay_fixed delay_information demand_at_price "
            "forecast get_data_between_times get_data_max get_data_mean get_data_min "
            "get_direct_constants get_time_value get_xls_constants if_then_else lookup_area "
            "lookup_slope ramp random_uniform sample_if_true smooth3i smoothi supply_at_price "
            "trend xidz",
            4: "delay_material delay_n depreciate_straightline find_market_price get_direct_data "
            "get_direct_lookups get_xls_data get_xls_lookups npv npve pulse_train smooth_n",
            5: "allocate_by_priority random_exponential random_normal vector_lookup vector_select",
            6: "random_triangular",
            7: "sinteg",
            None: "invert_matrix",
        }.items()
        for name in names.split()
    }
)
"""Functions that an engine computes, by `name_key`, with the number of their arguments; None where
Vensim's manual and the engine differ."""

INTEGRALS = frozenset({"integ", "sinteg"})
"""Functions whose value is a stock, by `name_key`."""

OVER_ELEMENTS = frozenset({"prod", "sum", "vmax", "vmin"})
"""Functions that bind the subscripts with ``!`` in their arguments, by `name_key`."""

OF_VECTORS = frozenset(
    {"allocate_available", "allocate_by_priority", "invert_matrix", "vector_rank"}
    | {"vector_reorder", "vector_select", "vector_sort_order"}
)
"""Functions of which an element depends on all elements of an array, by `name_key`."""

UNCOMPUTED_FUNCTIONS: frozenset[str] = frozenset(
    name_group + suffix
    for name_group, suffixes in {
        "": "a_function_of alloc_p cumulate cumulatef find_zero internal_rate_of_return marketp "
        "message sample_until shift_if_true simultaneous sshape",
        "delay_": "batch conveyor leakage profile",
        "depreciate_": "by_schedule",
        "get_123_": "constants data lookups",
        "get_data_": "median stdv total_points",
        "get_odbc_": "constants data lookups",
        "get_vdf_": "constants data lookups",
        "queue_": "age_average age_oldest age_in_range attrib_average attrib_in_range attrib_max "
        "attrib_min attrib_quantity fifo fifo_attrib",
        "random_": "beta binomial gamma lookup negative_binomial poisson weibull",
    }.items()
    for suffix in suffixes.split()
)
"""Functions of Vensim that no engine computes, by `name_key`."""
