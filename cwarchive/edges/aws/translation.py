"""What an exception of botocore means to the operator: one class of errors.py, one sentence, and what to do.

Nothing that AWS sends back is repeated where it may hold a credential (the canonical request of a refused signature
does) or a whole page.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from cwarchive.core.series import Cell
from cwarchive.edges.aws.answer import answered_at, told
from cwarchive.errors import AccessError, ClockError, CwarchiveError, Refused, SourceError, Unreachable

if TYPE_CHECKING:
    from botocore.exceptions import ClientError

POLICY = "config/iam-policy.example.json"

_THROTTLED = re.compile(r"Throttl|TooManyRequests|LimitExceeded|ThroughputExceeded|SlowDown|PriorRequestNotComplete")
_DENIED = re.compile(r"AccessDenied|UnauthorizedOperation|NotAuthorized\b|Forbidden")
_EXPIRED = re.compile(r"ExpiredToken")
_UNKNOWN_KEY = re.compile(
    r"UnrecognizedClient|InvalidClientTokenId|InvalidAccessKeyId|AuthFailure|OptInRequired|SubscriptionRequired"
    r"|SignatureDoesNotMatch|InvalidSignature|IncompleteSignature|MissingAuthenticationToken"
)
_SKEWED = re.compile(r"RequestTimeTooSkewed|RequestExpired|RequestInTheFuture")
_SKEWED_SIGNATURE = re.compile(r"Signature (?:expired|not yet current)")
_REFUSED = re.compile(r"Validation|InvalidParameter|MissingParameter|MissingRequiredParameter|InvalidFormat")


def translated(error: Exception, action: str, cell: Cell, now: float | None) -> CwarchiveError:
    """What `error` of an AWS call means; `action` as IAM names it, `now` in epoch seconds where it is known.

    Whatever is neither botocore's nor ours comes from its parser, which raises anything on a body it does not expect.
    """
    from botocore import exceptions as botocore

    if isinstance(error, botocore.ClientError):
        return _from_answer(error, _action(error, action), cell, now)
    if isinstance(error, botocore.ParamValidationError):
        return Refused(f"{action} in {cell} cannot be asked so: {told(error)}")
    if isinstance(error, botocore.HTTPClientError | botocore.ConnectionError):
        return Unreachable(_unreachable(error, action, cell))
    if not isinstance(error, botocore.BotoCoreError):
        return SourceError(f"CloudWatch's answer to {action} in {cell} cannot be read ({type(error).__name__})")
    return AccessError(_access(error, cell))


def without_client(error: Exception, cell: Cell) -> AccessError:
    """What it means that no client could be made for `cell`."""
    from botocore import exceptions as botocore

    if isinstance(error, botocore.BotoCoreError):
        return AccessError(_access(error, cell))
    return AccessError(f"no AWS client can be made for {cell}: {told(error)}")


def _action(error: ClientError, action: str) -> str:
    """The action that failed: fetching credentials may have called another service first."""
    operation = str(error.operation_name)
    if operation == action.rpartition(":")[2]:
        return action
    return f"sts:{operation}" if operation.startswith("AssumeRole") else operation


def _from_answer(error: ClientError, action: str, cell: Cell, now: float | None) -> CwarchiveError:
    """What AWS's error answer means, by its code; by its HTTP status where the code is none that is known."""
    details: Any = error.response
    code = str(details.get("Error", {}).get("Code", ""))
    message = str(details.get("Error", {}).get("Message", ""))
    metadata = details.get("ResponseMetadata", {})
    status = int(metadata.get("HTTPStatusCode") or 0)
    if _SKEWED.search(code) or _SKEWED_SIGNATURE.search(message):
        return ClockError(_skewed(metadata, now))
    if _THROTTLED.search(code) or status == 429:
        attempts = int(metadata.get("RetryAttempts", 0)) + 1
        return Unreachable(f"CloudWatch throttled {_operation(action)} in {cell} after {_attempts(attempts)}")
    if access := _access_refused(code, message, status, action, cell):
        return AccessError(access)
    if _REFUSED.search(code):
        return Refused(f"CloudWatch refuses {_operation(action)} in {cell}: {told(message or code)}")
    return _failed(code, status, action, cell)


def _access_refused(code: str, message: str, status: int, action: str, cell: Cell) -> str:
    """The sentence for an answer about credentials or permissions; empty for another answer."""
    if _EXPIRED.search(code):
        return f"the AWS credentials for {cell} have expired: renew them (aws sso login, or a new session token)"
    if _UNKNOWN_KEY.search(code):
        return (
            f"AWS does not accept the credentials for {cell} ({told(code)}): check the key or role in use,"
            " and that the account has the region enabled"
        )
    if _DENIED.search(code) and "kms:" in message.lower():
        return f"{action} in {cell} is not allowed: the data are encrypted, allow kms:Decrypt as in {POLICY}"
    if _DENIED.search(code) or status in (401, 403):
        return f"{action} is not allowed in {cell}: allow it as in {POLICY}"
    return ""


def _failed(code: str, status: int, action: str, cell: Cell) -> SourceError:
    """A failure at AWS; 500 may be due to what was asked, so it is no reason to leave the whole cell alone."""
    sentence = f"CloudWatch failed to answer {_operation(action)} in {cell} ({told(code or status)})"
    if status in (408, 502, 503, 504):
        return Unreachable(f"{sentence}: its service is not available")
    return SourceError(sentence)


def _skewed(metadata: dict[str, Any], now: float | None) -> str:
    date = answered_at(metadata.get("HTTPHeaders", {}))
    if date is None or now is None:
        return "AWS refuses the time of this machine's clock: correct it"
    off = round(now - date)
    return f"this machine's clock is {abs(off)} s {'ahead of' if off > 0 else 'behind'} AWS's: correct it"


def _unreachable(error: Exception, action: str, cell: Cell) -> str:
    from botocore import exceptions as botocore

    host = urlsplit(str(getattr(error, "kwargs", {}).get("endpoint_url") or "")).hostname
    where = f"{cell} ({host})" if host else str(cell)
    if isinstance(error, botocore.SSLError):
        return f"no TLS with AWS in {where}: behind a proxy that signs for AWS set AWS_CA_BUNDLE"
    if isinstance(error, botocore.ConnectTimeoutError | botocore.ReadTimeoutError):
        return f"AWS did not answer {_operation(action)} in {where} in time"
    if isinstance(error, botocore.ConnectionClosedError):
        return f"AWS closed the connection during {_operation(action)} in {where}"
    return f"AWS cannot be reached in {where}: check the network, the name of the region, and any proxy"


def _access(error: Exception, cell: Cell) -> str:
    """The sentence for credentials that were not found, are half there, or could not be renewed."""
    from botocore import exceptions as botocore

    if isinstance(error, botocore.NoRegionError):
        return NO_REGION
    if isinstance(error, botocore.NoCredentialsError):
        return (
            f"no AWS credentials for {cell}: set AWS_PROFILE, or AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY,"
            " or give the machine a role"
        )
    if isinstance(error, botocore.PartialCredentialsError):
        return (
            f"half of the AWS credentials for {cell} is missing: set both AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY"
        )
    if isinstance(error, botocore.ProfileNotFound):
        return f"{told(error)}: set AWS_PROFILE to one that ~/.aws/config has"
    if isinstance(error, botocore.InvalidRegionError):
        return f"{cell} is not the name of an AWS region: correct regions in the config or AWS_REGION"
    if isinstance(error, botocore.SSOError | botocore.TokenRetrievalError | botocore.LoginError):
        return f"the AWS sign-in for {cell} is over: run aws sso login (or aws login)"
    if isinstance(error, _retrieval()):
        return f"AWS credentials for {cell} cannot be had ({type(error).__name__}): check the profile or role in use"
    return f"the AWS settings for {cell} cannot be used: {told(error)}"


def _retrieval() -> tuple[type[Exception], ...]:
    """Their texts may repeat what a credential process printed."""
    from botocore import exceptions as botocore

    return (
        botocore.CredentialRetrievalError,
        botocore.MetadataRetrievalError,
        botocore.UnknownCredentialError,
        botocore.RefreshWithMFAUnsupportedError,
        botocore.NoAuthTokenError,
    )


NO_REGION = "no AWS region: set regions in the config or AWS_REGION"


def _operation(action: str) -> str:
    return action.rpartition(":")[2]


def _attempts(count: int) -> str:
    return f"{count} attempt{'s' * (count != 1)}"
