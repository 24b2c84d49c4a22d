"""Many applications over two virtual years: the real use cases in the explored world, with plausible faults."""
