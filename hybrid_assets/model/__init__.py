"""Frozen records shared by every layer. Put facts and their invariants here; keep I/O, SDKs and policy out."""
