"""What every camera, back end, layout and format must do, as test classes to inherit: for ours and for other packages'.

Needs pytest, which nothing else in the program does.
"""

import pytest

# So that a failed assertion in these classes shows its values in another package's tests, too.
pytest.register_assert_rewrite(*(f"rgbd_seg.testing.{name}" for name in ("sensors", "layouts", "backends", "exports")))
