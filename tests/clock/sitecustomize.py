"""The wall clock of a process begins where $CLOCK_BEGINS_AT says (epoch seconds), and goes on from there."""

from __future__ import annotations

import os

import time_machine

time_machine.travel(float(os.environ["CLOCK_BEGINS_AT"])).start()
