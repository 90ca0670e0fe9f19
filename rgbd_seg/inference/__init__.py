"""Networks at work: one deployed graph from camera bytes to labels, and the back ends that run it.

`open_segmenter` is the way in. A back end is one module with `problem() -> str | None` (why it cannot be used here,
None if it can) and `open_segmenter(model, options) -> Segmenter`.
"""
