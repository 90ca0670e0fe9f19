"""The DeResUNet family and its model file.

PyTorch's compiler for NVIDIA GPUs, Triton, brings an LLVM of its own. Where OpenGL runs in software, Mesa has loaded
another one, and importing Triton after that ends the process with a segmentation fault. This program does not use
Triton, but torchvision would import it: so it is hidden here, before anything else of PyTorch is.
"""

import sys

sys.modules.setdefault("triton", None)  # type: ignore[arg-type]
