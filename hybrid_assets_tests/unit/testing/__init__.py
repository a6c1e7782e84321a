"""Tests of hybrid_assets.testing."""
