"""Rules of the warehouse that need no disk."""
