"""Local jobs on disk and in other processes."""
