"""A stage for the program: a simulated CloudWatch account behind a real socket, and Graphite receivers on loopback."""
