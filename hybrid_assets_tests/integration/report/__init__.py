"""Tests of whole reports over a warehouse."""
