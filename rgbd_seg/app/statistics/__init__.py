"""Figures, plots and measurements."""
