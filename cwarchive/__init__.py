"""Archive CloudWatch metrics in Graphite, incrementally and with proof.

    config        reads what the operator asked for
    selection     turns it and CloudWatch's list of metrics into series
    path          names each series in Graphite
    checkpoint    remembers how far each series is archived
    plan          works out which windows of time each series still owes
    batch         packs those windows into few, wide requests
    fetch         brings the answers, each series whole or not at all
    carbon        takes them as lines

That is one run; only carbon's receipt moves a checkpoint.
"""

__version__ = "0.1.0"
