"""Peers for tests, in NumPy alone: one that is right, one that is not, one that ends, one that cannot."""
