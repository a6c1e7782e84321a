"""Disk, processes, kills and restarts."""
