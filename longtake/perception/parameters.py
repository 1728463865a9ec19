"""What a packet says of its own track, to notice when a stream goes on with other parameters.

Only what stands in front in the packet is looked at: the ADTS head of AAC (ISO/IEC 13818-7, 6.2),
the parameter sets before a keyframe of H.264 and H.265 in Annex B form, the sequence head of
MPEG-2, and the new head that some demuxers attach to a packet. Nothing is decoded.
"""

from __future__ import annotations

from typing import Any

_FRONT = 2048
_START = b"\0\0\1"


def parameters(codec: str, packet: Any) -> bytes:
    """The parameters that a packet tells, as bytes to compare; nothing where it tells none."""
    if packet.has_sidedata("new_extradata"):
        return bytes(packet.get_sidedata("new_extradata"))
    if codec == "aac":
        return _adts(bytes(packet)[:4])
    if packet.is_keyframe and codec in ("h264", "hevc"):
        return _sets(codec, bytes(packet)[:_FRONT])
    if packet.is_keyframe and codec in ("mpeg2video", "mpeg1video"):
        front = bytes(packet)[:_FRONT]
        at = front.find(_START + b"\xb3")
        return front[at + 4 : at + 8] if at >= 0 else b""
    return b""


def _adts(head: bytes) -> bytes:
    """Profile, sample rate and channels; without what changes from packet to packet."""
    if len(head) < 4 or head[0] != 0xFF or head[1] & 0xF6 != 0xF0:
        return b""
    return bytes((head[2] & 0xFD, head[3] & 0xC0))


def _sets(codec: str, front: bytes) -> bytes:
    """The sequence parameter sets."""
    if not front.startswith((_START, b"\0" + _START)):
        return b""
    found = b""
    for unit in front.split(_START)[1:]:
        kind = unit[0] & 31 if codec == "h264" else (unit[0] >> 1 & 63 if unit else 0)
        if kind == (7 if codec == "h264" else 33):
            found += unit.rstrip(b"\0")
    return found
