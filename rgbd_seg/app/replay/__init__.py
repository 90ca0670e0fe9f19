"""The bar, timeline and thumbnails of an open recording."""
