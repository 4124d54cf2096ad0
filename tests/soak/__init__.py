"""Long runs of mixed load, watched from outside."""
