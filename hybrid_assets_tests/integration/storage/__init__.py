"""The warehouse and the stores on a real disk, with real processes."""
