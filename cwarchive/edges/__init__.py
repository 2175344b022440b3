"""Outside systems: one module each, named after the system."""
