"""Shows a source in Rerun, in 3D (`pip install rerun-sdk`), or writes a file for it.

python rerun_log.py SOURCE MODEL [FILE.rrd]
"""

import sys

import rerun as rr

import rgbd_seg


def main(source: str, model: str, file: str | None = None) -> None:
    rr.init("rgbd_seg", spawn=file is None)
    if file is not None:
        rr.save(file)
    for _, result in rgbd_seg.stream(source, model):
        rgbd_seg.log_to_rerun(result)


if __name__ == "__main__":
    main(*sys.argv[1:4])
