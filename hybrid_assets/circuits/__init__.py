"""Building, fingerprinting and compiling circuits. Put quantum SDK code of the product here; keep stores out.

Imports nothing, so that a child process loads only what it needs.
"""
