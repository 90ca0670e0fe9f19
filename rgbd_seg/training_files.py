"""Names of the files in a training run's folder, for the training that writes them and the window that reads them."""

from __future__ import annotations

CONFIG_FILE = "config.yaml"  # The settings, with which a run goes on and its data are opened.
METRICS_FILE = "metrics.jsonl"
CHECKPOINTS = "checkpoints"
RECENT = "recent"  # The checkpoint of a while ago, without its suffix.
LAST = "last"  # That of the last epoch.
STOP_FILE = "stop"  # Whoever makes it ends the run after the step.
