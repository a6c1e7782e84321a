"""The loopback service with the genuine, unpatched client."""
