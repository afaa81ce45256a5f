"""AIcons: agents that are kept whole, with factors, sensors and a brain."""
