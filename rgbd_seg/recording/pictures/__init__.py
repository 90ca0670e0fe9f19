"""Single pictures as files: checked, decoded, written, and what their pixels mean."""
