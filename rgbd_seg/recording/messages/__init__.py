"""Recordings of other programs that are made of messages: Foxglove's and ROS's, in MCAP, rosbag2 and ROS 1 bags."""
