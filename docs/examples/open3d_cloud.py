"""Writes one frame as a coloured cloud with Open3D (`pip install open3d`).

python open3d_cloud.py SOURCE MODEL cloud.ply
"""

import sys

import open3d as o3d

import rgbd_seg


def main(source: str, model: str, path: str) -> None:
    with rgbd_seg.stream(source, model) as frames:
        frame, result = next(frames)
    there = frame.depth > 0
    cloud = o3d.geometry.PointCloud(o3d.utility.Vector3dVector(result.points()))
    cloud.colors = o3d.utility.Vector3dVector(result.overlay()[there] / 255)
    o3d.io.write_point_cloud(path, cloud)


if __name__ == "__main__":
    main(*sys.argv[1:4])
