"""Data sets made: from the archives of SUN RGB-D, and from rooms that are drawn."""
