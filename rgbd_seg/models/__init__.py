"""The DeResUNet family and its model file.

Importing it settles how Triton and Mesa get along, before anything of PyTorch is imported; see `triton_beside_mesa`.
"""

from rgbd_seg.models.triton_beside_mesa import settle

settle()
