"""The use cases of a night, one module a stage: normalize, solve, compile, execute, compare, decide.

Put the order of effects here. Policy belongs in `control` and `scoring`, formats in `storage`, Dagster in `defs`.
"""
