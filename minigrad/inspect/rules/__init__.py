"""The laws of forks and joins: what each must do to a gradient, and whether it does, on a real graph."""
