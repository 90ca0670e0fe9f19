"""The DeResUNet family and its model file."""
