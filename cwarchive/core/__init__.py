"""The ideas of cwarchive: values and decisions, without I/O, clock or logging."""
