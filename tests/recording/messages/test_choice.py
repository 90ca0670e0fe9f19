"""Which streams are taken: descriptions in, choice out. Each once went wrong, or is how a driver names its topics."""

from __future__ import annotations

import itertools

import pytest

from rgbd_seg.errors import ConfigurationError
from rgbd_seg.recording.messages.choice import CameraStream, Choice, PictureStream, Wanted, choose, nothing_found
from rgbd_seg.recording.messages.encodings import role_of
from rgbd_seg.recording.messages.message import Camera

SIZE = (64, 48)


def picture(topic: str, encoding: str, frame: str = "", size: tuple[int, int] = SIZE, count: int = 10) -> PictureStream:
    role = "color" if encoding == "jpeg" else role_of(encoding)
    return PictureStream(topic, role, encoding, frame, size, count)


def camera(topic: str, frame: str = "", fx: float = 60.0, size: tuple[int, int] = SIZE) -> CameraStream:
    k = (fx, 0.0, 31.5, 0.0, fx, 23.5, 0.0, 0.0, 1.0)
    return CameraStream(topic, Camera(None, frame, *size, "plumb_bob", (), k, ()))


def chosen(pictures: list[PictureStream], cameras: list[CameraStream], wanted: Wanted | None = None) -> Choice:
    """The choice, which must not depend on the order of the streams."""
    choices = [choose(list(order), cameras, wanted) for order in itertools.islice(itertools.permutations(pictures), 30)]
    assert all(choice is not None and choice == choices[0] for choice in choices)
    assert choices[0] is not None
    return choices[0]


# Of each driver: its pictures, its calibrations, and what is right: colour, depth, calibration, registered.
DRIVERS = {
    "realsense aligned": (
        [
            picture("/camera/camera/color/image_raw", "rgb8", "camera_color_optical_frame"),
            picture("/camera/camera/depth/image_rect_raw", "16UC1", "camera_depth_optical_frame"),
            picture("/camera/camera/aligned_depth_to_color/image_raw", "16UC1", "camera_color_optical_frame"),
            picture("/camera/camera/infra1/image_rect_raw", "mono8", "camera_infra1_optical_frame"),
        ],
        [
            camera("/camera/camera/aligned_depth_to_color/camera_info", "camera_color_optical_frame"),
            camera("/camera/camera/color/camera_info", "camera_color_optical_frame"),
            camera("/camera/camera/depth/camera_info", "camera_depth_optical_frame", 40),
        ],
        ("/camera/camera/color/image_raw", "/camera/camera/aligned_depth_to_color/image_raw",
         "/camera/camera/color/camera_info", True),
    ),
    "realsense not aligned": (
        [
            picture("/camera/color/image_raw", "rgb8", "camera_color_optical_frame"),
            picture("/camera/depth/image_rect_raw", "16UC1", "camera_depth_optical_frame"),
        ],
        [
            camera("/camera/color/camera_info", "camera_color_optical_frame"),
            camera("/camera/depth/camera_info", "camera_depth_optical_frame", 40),
        ],
        ("/camera/color/image_raw", "/camera/depth/image_rect_raw", "/camera/color/camera_info", False),
    ),
    "azure kinect": (
        [
            picture("/k4a/ir/image_raw", "mono16", "depth_camera_link"),
            picture("/k4a/depth/image_raw", "16UC1", "depth_camera_link", (40, 36)),
            picture("/k4a/rgb/image_raw", "bgra8", "rgb_camera_link"),
            picture("/k4a/rgb/image_raw/compressed", "jpeg", "rgb_camera_link"),
            picture("/k4a/depth_to_rgb/image_raw", "16UC1", "rgb_camera_link"),
        ],
        [
            camera("/k4a/depth/camera_info", "depth_camera_link", 40, (40, 36)),
            camera("/k4a/ir/camera_info", "depth_camera_link", 40),
            camera("/k4a/rgb/camera_info", "rgb_camera_link"),
        ],
        ("/k4a/rgb/image_raw", "/k4a/depth_to_rgb/image_raw", "/k4a/rgb/camera_info", True),
    ),
    "azure kinect without frame ids": (
        [
            picture("/k4a/ir/image_raw", "mono16"),
            picture("/k4a/ir/preview", "mono8"),
            picture("/k4a/rgb/image_raw", "jpeg"),
            picture("/k4a/rgb/depth_to_rgb", "16UC1"),
        ],
        [camera("/k4a/rgb/camera_info")],
        ("/k4a/rgb/image_raw", "/k4a/rgb/depth_to_rgb", "/k4a/rgb/camera_info", True),
    ),
    "openni": (
        [
            picture("/camera/depth/image_raw", "16UC1", "camera_depth_optical_frame"),
            picture("/camera/depth_registered/image_raw", "16UC1", "camera_rgb_optical_frame"),
            picture("/camera/ir/image", "mono16", "camera_depth_optical_frame"),
            picture("/camera/rgb/image_raw", "rgb8", "camera_rgb_optical_frame"),
        ],
        [camera("/camera/rgb/camera_info", "camera_rgb_optical_frame")],
        ("/camera/rgb/image_raw", "/camera/depth_registered/image_raw", "/camera/rgb/camera_info", True),
    ),
    "zed": (
        [
            picture("/zed/zed_node/depth/depth_registered", "32FC1", "zed_left_camera_optical_frame"),
            picture("/zed/zed_node/confidence/confidence_map", "32FC1", "zed_left_camera_optical_frame"),
            picture("/zed/zed_node/left/image_rect_color", "bgra8", "zed_left_camera_optical_frame"),
            picture("/zed/zed_node/right/image_rect_color", "bgra8", "zed_right_camera_optical_frame"),
            picture("/zed/zed_node/disparity/disparity_image", "32FC1", "zed_left_camera_optical_frame"),
        ],
        [
            camera("/zed/zed_node/left/camera_info", "zed_left_camera_optical_frame"),
            camera("/zed/zed_node/right/camera_info", "zed_right_camera_optical_frame", 50),
            camera("/zed/zed_node/depth/camera_info", "zed_left_camera_optical_frame"),
        ],
        ("/zed/zed_node/left/image_rect_color", "/zed/zed_node/depth/depth_registered",
         "/zed/zed_node/left/camera_info", True),
    ),
    "oak": (
        [
            picture("/oak/left/image_rect", "mono8", "oak_left_camera_optical_frame"),
            picture("/oak/rgb/image_raw", "bgr8", "oak_rgb_camera_optical_frame"),
            picture("/oak/stereo/image_raw", "16UC1", "oak_rgb_camera_optical_frame"),
        ],
        [
            camera("/oak/rgb/camera_info", "oak_rgb_camera_optical_frame"),
            camera("/oak/stereo/camera_info", "oak_rgb_camera_optical_frame"),
        ],
        ("/oak/rgb/image_raw", "/oak/stereo/image_raw", "/oak/rgb/camera_info", True),
    ),
    "orbbec": (
        [
            picture("/camera/color/image_raw", "rgb8", "camera_color_optical_frame", (128, 96)),
            picture("/camera/depth/image_raw", "16UC1", "camera_depth_optical_frame"),
            picture("/camera/ir/image_raw", "mono8", "camera_ir_optical_frame"),
        ],
        [
            camera("/camera/color/camera_info", "camera_color_optical_frame", 60, (128, 96)),
            camera("/camera/depth/camera_info", "camera_depth_optical_frame", 40),
        ],
        ("/camera/color/image_raw", "/camera/depth/image_raw", "/camera/color/camera_info", False),
    ),
}  # fmt: skip


@pytest.mark.parametrize("driver", DRIVERS)
def test_the_topics_of_known_drivers(driver: str) -> None:
    pictures, cameras, (color, depth, calibration, registered) = DRIVERS[driver]
    found = chosen(pictures, cameras)
    assert (found.color.topic, found.depth.topic) == (color, depth)
    assert found.calibration is not None
    assert found.calibration.topic == calibration
    assert found.registered is registered


def test_two_cameras_are_not_mixed() -> None:
    pictures = [
        picture("/robot/rear/aligned_depth/image", "16UC1", "rear", count=50),
        picture("/robot/rear/color/image", "rgb8", "rear"),
        picture("/robot/front/depth/image", "16UC1", "front_depth", count=60),
        picture("/robot/front/color/image", "rgb8", "front", count=60),
    ]
    cameras = [camera("/robot/front/color/camera_info", "front", 70), camera("/robot/rear/color/camera_info", "rear")]
    found = chosen(pictures, cameras)
    assert found.color.topic.split("/")[2] == found.depth.topic.split("/")[2]
    found = chosen(pictures, cameras, Wanted(color="/robot/front/color/image"))
    assert found.depth.topic == "/robot/front/depth/image"
    assert found.calibration is not None
    assert found.calibration.camera.k[0] == 70


def test_equal_size_is_no_proof_of_registration() -> None:
    found = chosen([picture("/rgb", "rgb8", "a"), picture("/depth", "16UC1", "b")], [])
    assert not found.registered
    assert "'b'" in found.registered_by


def test_without_any_frame_id_equal_size_is_assumed_to_be_registered_and_said() -> None:
    found = chosen([picture("/rgb", "rgb8"), picture("/depth", "16UC1")], [])
    assert found.registered
    assert "assumed" in found.registered_by


def test_the_calibration_of_depth_is_not_colours() -> None:
    pictures = [picture("/rgb/image", "jpeg", "rgb"), picture("/depth/image", "16UC1", "depth")]
    found = chosen(pictures, [camera("/depth/calibration", "depth", 40), camera("/rgb/calibration", "rgb")])
    assert found.calibration is not None
    assert found.calibration.camera.k[0] == 60
    assert found.depth_calibration is not None
    assert found.depth_calibration.camera.k[0] == 40
    found = chosen(pictures, [camera("/depth/calibration", "depth", 40)])
    assert found.calibration is None
    assert "/depth/calibration is of the frame 'depth'" in found.notes[0]


def test_calibrations_without_a_camera_are_said() -> None:
    pictures = [picture("/rgb", "rgb8"), picture("/depth", "16UC1")]
    for fx, words in ((0.0, "zeros"), (float("nan"), "finite")):
        found = choose(pictures, [camera("/calib", fx=fx)])
        assert found is not None
        assert found.calibration is None
        assert words in found.notes[0]


def test_a_calibration_for_another_shape_is_not_used() -> None:
    found = chosen([picture("/rgb", "rgb8"), picture("/depth", "16UC1")], [camera("/calib", size=(64, 36))])
    assert found.calibration is None
    assert "64x36" in found.notes[0]


def test_infrared_serves_where_there_is_no_colour_and_is_said() -> None:
    found = chosen([picture("/infra1/image", "mono8"), picture("/depth/image", "16UC1")], [])
    assert found.color.topic == "/infra1/image"
    assert "grey" in found.notes[0]


def test_a_topic_that_is_not_there_is_refused_with_those_that_are() -> None:
    pictures = [picture("/rgb", "rgb8"), picture("/depth", "16UC1")]
    with pytest.raises(ConfigurationError, match="/rgb, /depth"):
        choose(pictures, [], Wanted(color="/other"))
    with pytest.raises(ConfigurationError, match="rgb8 cannot be depth"):
        choose(pictures, [], Wanted(depth="/rgb"))
    with pytest.raises(ConfigurationError, match="calibration=/other"):
        choose(pictures, [camera("/calib")], Wanted(calibration="/other"))


def test_what_cannot_be_read_is_named_with_its_encoding() -> None:
    streams = [picture("/rgb", "yuv999"), picture("/depth", "16UC1")]
    assert choose(streams, []) is None
    text = str(nothing_found("x.mcap", streams, ["/video (foxglove.CompressedVideo, protobuf)"], ["/imu (Imu, cdr)"]))
    assert "no colour" in text
    for part in ("/rgb (yuv999", "/video (foxglove.CompressedVideo", "/depth (16UC1", "/imu"):
        assert part in text
