"""A piece of furniture before it stands anywhere: parts with materials, and smaller things that lie on it."""

from __future__ import annotations

from dataclasses import dataclass, field

from rgbd_seg.scenes.materials import Material
from rgbd_seg.scenes.mesh import Mesh, Vector


@dataclass(frozen=True, slots=True, eq=False)
class Part:
    """One mesh of one material; texture coordinates start at a random place unless the material is a picture."""

    mesh: Mesh
    material: Material


@dataclass(frozen=True, slots=True, eq=False)
class Attached:
    """A smaller model on a larger one: offset in metres in the larger one's frame, and a turn about z."""

    model: Model
    offset: Vector
    yaw_rad: float = 0.0


@dataclass(slots=True, eq=False)
class Model:
    """A thing in its own frame: origin on the floor in the middle of its footprint, front facing -y.

    Attributes:
        label: Class name of the label set.
        width: Extent along x in metres.
        depth: Extent along y.
        height: Extent along z.
        parts: What it is made of.
        attached: Smaller things with labels of their own.
    """

    label: str
    width: float
    depth: float
    height: float
    parts: list[Part] = field(default_factory=list)
    attached: list[Attached] = field(default_factory=list)

    def add(self, material: Material, *meshes: Mesh) -> None:
        self.parts.extend(Part(mesh, material) for mesh in meshes)

    def put(self, model: Model, x: float, y: float, z: float, yaw_rad: float = 0.0) -> None:
        """Attaches a smaller model with its origin at (x, y, z) metres."""
        self.attached.append(Attached(model, (x, y, z), yaw_rad))
