"""libfreenect's driver with a test's patience: on a busy machine the bus, too, gets no processor for seconds."""

from rgbd_seg.sensors.drivers.freenect import FreenectSensor, list_devices, open_device

__all__ = ["list_devices", "open_device"]

FreenectSensor.lost_after_s = 60.0
