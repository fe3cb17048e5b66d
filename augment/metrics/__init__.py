"""Measures of balance, fidelity and fairness."""
