"""The control plane under faults: schedules that must hold, mutants that must not."""
