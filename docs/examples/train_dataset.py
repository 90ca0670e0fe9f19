"""Trains a network of your own on any labelled recording, with PyTorch alone.

    python train_dataset.py RECORDING

A labelled recording: a folder that `rgbd-seg convert walk.mcap out/ --to folder` wrote and whose `label/` you have
corrected, a SUN RGB-D tree, or a recording of the built-in room. (`rgbd-seg train` trains the program's own network.)
"""

import sys

import torch
from torch import nn
from torch.utils.data import DataLoader

import rgbd_seg


def main(recording: str, steps: int = 100) -> float:
    torch.manual_seed(0)
    with rgbd_seg.RecordingDataset(recording, labels=True) as data:
        assert data.label_set is not None
        classes = len(data.label_set) + 1  # 0 is what has no label, and does not count.
        network = nn.Sequential(
            nn.Conv2d(4, 16, 5, padding=2),
            nn.ReLU(),
            nn.Conv2d(16, 16, 5, padding=2),
            nn.ReLU(),
            nn.Conv2d(16, classes, 1),
        )
        optimizer = torch.optim.Adam(network.parameters(), lr=3e-3)
        loss_of = nn.CrossEntropyLoss(ignore_index=0)
        loader = DataLoader(data, batch_size=2, shuffle=True)
        loss, step = torch.tensor(0.0), 0
        while step < steps:
            for batch in loader:
                inputs = torch.cat([batch["color"], batch["depth_m"] / 4], dim=1)
                loss = loss_of(network(inputs), batch["labels"])
                optimizer.zero_grad()
                loss.backward()
                optimizer.step()
                step += 1
                if step % 10 == 0:
                    print(f"step {step}: loss {loss.item():.2f}", flush=True)
                if step >= steps:
                    break
    return loss.item()


if __name__ == "__main__":
    main(sys.argv[1], *map(int, sys.argv[2:]))
