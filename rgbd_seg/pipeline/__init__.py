"""Threads and slots between a sensor, a segmenter, a recorder and whoever watches."""
