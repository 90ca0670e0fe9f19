"""What an MCAP file holds and where: the table of contents, and how it is kept between two openings."""

from __future__ import annotations

import base64
import json
import struct
from collections.abc import Mapping
from dataclasses import dataclass

from mcap.records import Channel, Schema

from rgbd_seg.recording.mcap.format import json_bytes
from rgbd_seg.recording.mcap.message_index import MessageIndex


@dataclass(frozen=True, slots=True, eq=False)
class McapContents:
    """The table of contents of one file.

    Attributes:
        schemas: By id.
        channels: By id.
        metadata: The texts by the name of their table.
        index: Where the messages lie.
        has_gap_list: Whether `index.gaps` is complete; if not, the gaps are to be read from their messages.
        holes: Where bytes begin that could not be read, unless they are at the end.
        is_finished: Whether the file was finished properly.
        warnings: What was wrong, in whole sentences.
    """

    schemas: Mapping[int, Schema]
    channels: Mapping[int, Channel]
    metadata: Mapping[str, Mapping[str, str]]
    index: MessageIndex
    has_gap_list: bool
    holes: tuple[int, ...]
    is_finished: bool
    warnings: tuple[str, ...] = ()

    def to_bytes(self) -> bytes:
        """Everything, for a file of its own: the length of a JSON header, the header, the index."""
        header = json_bytes(
            {
                "schemas": [
                    [s.id, s.name, s.encoding, base64.b64encode(s.data).decode()] for s in self.schemas.values()
                ],
                "channels": [
                    [c.id, c.topic, c.message_encoding, c.schema_id, dict(c.metadata)] for c in self.channels.values()
                ],
                "metadata": {name: dict(values) for name, values in self.metadata.items()},
                "has_gap_list": self.has_gap_list,
                "holes": list(self.holes),
                "is_finished": self.is_finished,
                "warnings": list(self.warnings),
            }
        )
        return struct.pack("<I", len(header)) + header + self.index.to_bytes(-1)

    @staticmethod
    def from_bytes(data: bytes) -> McapContents:
        """Reads what `to_bytes` wrote.

        Raises:
            ValueError: It is something else.
        """
        try:
            (length,) = struct.unpack_from("<I", data)
            fields = json.loads(data[4 : 4 + length])
            schemas = {
                number: Schema(id=number, name=name, encoding=encoding, data=base64.b64decode(content))
                for number, name, encoding, content in fields["schemas"]
            }
            channels = {
                number: Channel(number, topic=topic, message_encoding=encoding, schema_id=schema, metadata=dict(notes))
                for number, topic, encoding, schema, notes in fields["channels"]
            }
            return McapContents(
                schemas=schemas,
                channels=channels,
                metadata={str(name): dict(values) for name, values in fields["metadata"].items()},
                index=MessageIndex.from_bytes(data[4 + length :]),
                has_gap_list=bool(fields["has_gap_list"]),
                holes=tuple(map(int, fields["holes"])),
                is_finished=bool(fields["is_finished"]),
                warnings=tuple(map(str, fields["warnings"])),
            )
        except (struct.error, KeyError, TypeError, AttributeError, IndexError, RecursionError) as error:
            raise ValueError(f"no table of contents: {error!r}") from None
