"""The chunks of an MCAP file that were unpacked last, and the messages in them."""

from __future__ import annotations

from collections import OrderedDict

import numpy as np
from mcap.opcode import Opcode
from numpy.typing import NDArray

from rgbd_seg.recording.mcap.input import DamagedError, McapInput, Message, message_at

CACHE_BYTES = 48 * 1024 * 1024


class ChunkCache:
    """The chunks unpacked last, so that reading forwards, backwards and around one place is cheap."""

    def __init__(self, source: McapInput) -> None:
        self._source = source
        self._chunks: OrderedDict[int, bytes] = OrderedDict()
        self._size = 0

    def records_at(self, offset: int) -> bytes:
        """The records of the chunk at this offset, or the message itself in a file without chunks.

        Raises:
            DamagedError: They cannot be read.
        """
        if offset in self._chunks:
            self._chunks.move_to_end(offset)
            return self._chunks[offset]
        opcode, end = self._source.header_at(offset)
        if opcode == Opcode.MESSAGE:
            return self._source.read_at(offset, end - offset)
        records = self._source.unpack(self._source.chunk_head(offset))
        self._chunks[offset] = records
        self._size += len(records)
        while self._size > CACHE_BYTES and len(self._chunks) > 1:
            self._size -= len(self._chunks.popitem(last=False)[1])
        return records

    def message(self, place: NDArray[np.int64], *channel_ids: int) -> Message:
        """The message at a row of a `MessageIndex` table, which must be on one of these channels.

        Raises:
            DamagedError: It is not there.
        """
        time_ns, chunk, offset = map(int, place)
        message = message_at(self.records_at(chunk), offset)
        if message.channel_id not in channel_ids or message.time_ns != time_ns:
            raise DamagedError("another message is where the index says")
        return message
