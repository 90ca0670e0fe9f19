"""The OpenVINO back end."""
