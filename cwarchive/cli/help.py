"""How every command is asked for help: click does not hand this down to a command that is looked at by itself."""

from __future__ import annotations

SETTINGS = {"help_option_names": ["-h", "--help"], "max_content_width": 100}
