"""What other programs use, offered as `rgbd_seg.NAME` and loaded on first use; docs/api.md shows it page by page."""
