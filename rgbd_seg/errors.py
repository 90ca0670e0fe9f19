"""Every error that the program raises on purpose.

A message says what happened, to which file or device, and what to do next: it is shown to people as it is.
"""


class RgbdSegError(Exception):
    """Base of all errors that carry a sentence for the user."""


class ConfigurationError(RgbdSegError, ValueError):
    """A setting, an argument or a URI is out of its permitted range; the message names both."""


class SensorError(RgbdSegError):
    """A source of frames cannot do what was asked."""


class SensorTimeout(SensorError):
    """No frame came in time; the source may still be alive."""


class SensorLost(SensorError):
    """The source is gone (unplugged, crashed, frozen); it must be opened again."""


class SensorFrozen(SensorLost):
    """The source answers, but with old pictures; it must be opened again."""


class EndOfStream(SensorError):
    """A source that has an end has reached it. Not a fault."""


class RecordingError(RgbdSegError):
    """A recording cannot be read or written."""


class MissingAsset(RgbdSegError, FileNotFoundError):
    """A file that comes with the program is not there."""


class ModelError(RgbdSegError):
    """A model file, a network or a back end cannot be used."""
