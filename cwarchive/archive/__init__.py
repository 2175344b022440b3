"""The loop of a pass: survey which series it is about, then fetch, deliver, and only then advance."""
