"""Whether the bytes of a config file are text, and which."""

from __future__ import annotations

import codecs
import re

from cwarchive.errors import ConfigError, Mistake

MEGABYTE = 1_000_000
LARGEST = 10 * MEGABYTE
"""Bytes; a config of 5,000 entries has about one megabyte."""

_NOT_YAML = re.compile("[^\t\n\r\x20-\x7e\x85\xa0-\ud7ff\ue000-\ufefe\uff00-\ufffd\U00010000-\U0010ffff]")


def decoded(data: bytes, source: str) -> str:
    """The text of a file, with or without a byte order mark; raises ConfigError where it is not UTF-8 text."""
    if len(data) > LARGEST:
        raise _refused(source, 1, 1, f"the file is larger than {LARGEST // MEGABYTE} MB; that is not a config file")
    if data.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        raise _refused(source, 1, 1, "the file is UTF-16, not UTF-8; save it as UTF-8")
    if b"\0" in data:
        raise _refused(source, 1, 1, "the file is binary, not text; a config is YAML in UTF-8")
    return _printable(_utf8(data, source), source)


def _utf8(data: bytes, source: str) -> str:
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        before = data[: error.start].decode("utf-8", "replace").removeprefix("\ufeff")
        sentence = f"byte 0x{data[error.start]:02x} is not UTF-8; save the file as UTF-8"
        raise _refused(source, *_position(before), sentence) from error


def _printable(text: str, source: str) -> str:
    if bad := _NOT_YAML.search(text):
        sentence = f"the control character U+{ord(bad[0]):04X} is not allowed; remove it"
        raise _refused(source, *_position(text[: bad.start()]), sentence)
    return text


def _position(before: str) -> tuple[int, int]:
    """Line and column, from 1, of what follows `before`."""
    lines = re.split("\r\n|\r|\n", before)
    return len(lines), len(lines[-1]) + 1


def _refused(source: str, line: int, column: int, sentence: str) -> ConfigError:
    return ConfigError(source, (Mistake(line, column, sentence),))
