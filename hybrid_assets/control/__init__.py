"""Pure policy over jobs: no clock, no I/O, no SDK. Put decisions here; effects belong to the runner."""
