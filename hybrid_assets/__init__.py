"""Reliable, measurable, explainable quantum kernels inside classical workflows: a Dagster asset graph."""
