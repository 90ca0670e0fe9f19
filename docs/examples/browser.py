"""Shows a camera, segmented, in any browser, and to Foxglove: what `rgbd-seg serve` does, in a program of your own.

python browser.py SOURCE MODEL
"""

import sys

import rgbd_seg


def main(source: str, model: str, port: int = 8765) -> None:
    with rgbd_seg.LiveServer(port=port) as server:
        for number, (_, result) in enumerate(rgbd_seg.stream(source, model)):
            server.publish(result)  # Never waits for a client.
            if number == 0:
                print(f"open {server.page} in a browser, or {server.address} in Foxglove", flush=True)


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2], *map(int, sys.argv[3:]))
