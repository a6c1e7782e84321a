"""Providers: one module each, found by entry point.

Put vendor SDKs here; keep retry, batching and budgets in `control`.
Modules with a leading underscore are parts of the local Aer provider. Importing a provider imports no SDK.
"""
