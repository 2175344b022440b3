"""Ready accounts: a small one with every habit that metrics have, and one as wide as a benchmark asks."""

from __future__ import annotations

from cwarchive.core.retention import DAY, HOUR
from cwarchive.core.window import floor
from cwarchive.demo.account import Account
from cwarchive.demo.simulated import AT_ONCE, DAYS_LATE, Lateness, Shape, Simulated

_PERCENT = Shape(base=4_000, swing=50_000, bits=14, scale=2.0**-10, samples=3, repeats=2)
_BYTES = Shape(base=900_000, swing=9_000_000, bits=16, scale=1.0, samples=2)
_SECONDS = Shape(base=30, swing=200, bits=9, scale=2.0**-12, samples=5, repeats=20)
_ONES = Shape(base=1, bits=0, samples=1, repeats=120)
_FEW = Shape(base=1, bits=2, samples=1, repeats=2)
_DEPTH = Shape(swing=900, bits=7, samples=1, repeats=1)
_STORED = Shape(base=700_000_000, bits=16, scale=2.0**10, samples=1, repeats=1)
_DEGREES = Shape(base=-2_000, swing=9_000, bits=11, scale=2.0**-7, samples=4, repeats=1)

_HOURS_LATE = Lateness(stragglers=0.01, straggle=2 * HOUR)


def small(now: int) -> Account:
    """Thirteen metrics of five services and an application of one's own, as they stand at `now` (epoch seconds).

    One was born five days before `now`, one fell silent forty days before.
    """
    hour = floor(now, HOUR)
    balancer = (("LoadBalancer", "app/web/50dc6c495c0c9188"),)
    jobs, resize = (("QueueName", "jobs"),), (("FunctionName", "resize-image"),)
    stored = (("BucketName", "backups.example.org"), ("StorageType", "StandardStorage"))
    return Account(
        (
            _cpu("i-0a1b2c3d4e5f60718"),
            _cpu("i-0b00000000000born", born=hour - 5 * DAY),
            _cpu("i-0c000000000silent", ended=hour - 40 * DAY),
            Simulated(
                "AWS/EC2", "NetworkIn", (("InstanceId", "i-0a1b2c3d4e5f60718"),), 300, shape=_BYTES, unit="Bytes"
            ),
            Simulated("AWS/ApplicationELB", "RequestCount", balancer, shape=_ONES, unit="Count"),
            Simulated("AWS/ApplicationELB", "TargetResponseTime", balancer, shape=_SECONDS, unit="Seconds"),
            Simulated(
                "AWS/ApplicationELB", "HTTPCode_Target_5XX_Count", balancer, density=0.04, shape=_FEW, unit="Count"
            ),
            Simulated("AWS/SQS", "ApproximateNumberOfMessagesVisible", jobs, shape=_DEPTH, unit="Count"),
            Simulated("AWS/SQS", "NumberOfMessagesSent", jobs, shape=_ONES, lateness=_HOURS_LATE, unit="Count"),
            Simulated("AWS/Lambda", "Invocations", resize, density=0.2, shape=_FEW, unit="Count"),
            Simulated("AWS/Lambda", "Duration", resize, density=0.2, shape=_SECONDS, unit="Milliseconds"),
            Simulated("AWS/S3", "BucketSizeBytes", stored, DAY, shape=_STORED, lateness=DAYS_LATE, unit="Bytes"),
            Simulated("Shop Floor/Line 1", "Oil temperature", (("Machine", "press #3 (hall B) 50%"),), shape=_DEGREES),
        )
    )


def wide(count: int) -> Account:
    """`count` metrics with one prompt sample each minute, for measuring."""
    shape = Shape(swing=30_000, scale=2.0**-10, samples=1, repeats=1)
    return Account(
        Simulated("AWS/EC2", "CPUUtilization", (("InstanceId", f"i-{ordinal:017x}"),), shape=shape, lateness=AT_ONCE)
        for ordinal in range(count)
    )


def _cpu(instance: str, born: int | None = None, ended: int | None = None) -> Simulated:
    return Simulated(
        "AWS/EC2",
        "CPUUtilization",
        (("InstanceId", instance),),
        born=born,
        ended=ended,
        shape=_PERCENT,
        unit="Percent",
    )
