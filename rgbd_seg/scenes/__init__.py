"""Procedural indoor rooms: layout, furniture, rendering and sensor noise."""
