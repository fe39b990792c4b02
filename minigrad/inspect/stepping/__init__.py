"""Stopping in a backward pass: breakpoints, and the stepper that goes through it node by node."""
