"""Measurements of this machine: one file a benchmark, each with `SUMMARY`, `add_arguments(parser)` and `run(args)`.

A benchmark measures against a baseline in the same run, so that its ratios hold on a shared or slow machine too, and
prints a `Report`. To add one, write its file and name it in the table of `rgbd_seg.commands.bench`.
"""
