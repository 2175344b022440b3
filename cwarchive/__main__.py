"""What `python -m cwarchive` does: the same as the console script."""

from __future__ import annotations

from cwarchive.cli import main

raise SystemExit(main())
