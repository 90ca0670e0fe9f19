"""Other people's networks: an ONNX file, the card beside it, and what goes before and behind it."""
