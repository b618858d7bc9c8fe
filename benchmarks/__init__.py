"""Speed and memory of the machines, as ratios between sides that are measured in turn in one run. See `__main__`."""
