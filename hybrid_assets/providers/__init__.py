"""Providers: one module each, found by entry point.

Put vendor SDKs here; keep retry, batching and budgets in `control`.
Modules `_emulator_*` are parts of the emulated QPU, others with a leading underscore of local execution or shared.
Importing a provider imports no SDK.
"""
