"""Circuits across processes."""
