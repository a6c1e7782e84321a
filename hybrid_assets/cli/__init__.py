"""The command line. Put one verb in one module; import dagster, qiskit, duckdb and pandas inside verbs only."""
