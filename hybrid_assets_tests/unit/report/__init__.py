"""Tests of the report's parts that need neither disk nor database."""
