"""Which statistics CloudWatch knows: the five basic ones and the grammar of the extended ones.

Source: "CloudWatch statistics definitions" in the CloudWatch user guide.
"""

from __future__ import annotations

import re

BASIC = ("Average", "Sum", "Minimum", "Maximum", "SampleCount")

_NUMBER = r"(?:\d+(?:\.\d{1,10})?)"
_PERCENT = r"(?:100(?:\.0{1,10})?|\d{1,2}(?:\.\d{1,10})?)"
_EXTENDED = re.compile(
    rf"""\A(?:
        p{_PERCENT}                                                         # percentile
      | (?:tm|wm|tc|ts){_PERCENT}                                           # tm99: trimmed mean up to p99
      | (?:TM|WM|TC|TS)\((?:{_PERCENT}%)?:(?:{_PERCENT}%)?\)                # TM(2%:98%)
      | (?:TM|WM|TC|TS|PR)\((?:-?{_NUMBER})?:(?:-?{_NUMBER})?\)             # PR(100:2000)
      | IQM
    )\Z""",
    re.VERBOSE | re.ASCII,
)


def is_statistic(text: str) -> bool:
    """Whether CloudWatch would take `text` as the Stat of a query."""
    return text in BASIC or (_EXTENDED.match(text) is not None and not text.endswith("(:)"))
