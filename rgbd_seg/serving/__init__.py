"""Frames and labels for others, live: a page for browsers, Foxglove's WebSocket protocol, metrics.

`server.LiveServer` is the way in: the window's live output, `rgbd-seg serve` and other programs publish to one. One
event loop in a thread of its own does all that waits for clients, so nobody who publishes ever waits for them.
"""
