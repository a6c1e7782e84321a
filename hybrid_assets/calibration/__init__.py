"""What a new calibration means for circuits that are compiled already: pure decisions on plain data."""
