"""Parts of the local provider."""
