"""Why a request did not succeed, in a line: the library says it far down in the description of its own insides."""

import re
from typing import Final

from telemetry_pipeline.errors import TransientError

_STATUS: Final = re.compile(r"status code: (\d{3}[A-Za-z ]*)")
_CODE: Final = re.compile(r"<Code>(\w+)</Code>")
_PROVIDER: Final = re.compile(r"credential provider: (\w+): (.+)")
_REFUSAL: Final = re.compile(r"status code: 403|\(code: AccessDenied\)")
_UNSAID: Final = "error sending request"
_CAUSES: Final = (
    (re.compile(r"InvalidCertificate\(\s*(\w+)"), "its certificate is not valid: {}"),
    (re.compile(r'"(failed to lookup address information[^"]*)"'), "{}"),
    (re.compile(r'message: "([^"]+)"'), "{}"),
    (re.compile(r"kind: Timeout()"), "it took too long"),
    (re.compile(r"hyper::Error\(\s*Parse()"), "its answer is no HTTP"),
    (re.compile(r"IncompleteMessage()"), "the connection ended before the answer"),
)


def cause_of(error: BaseException) -> str:
    """What a server answered or why it did not, as far as the error tells; else the first line of the error."""
    text = str(error).strip()
    line = text.partition("\n")[0]
    if provider := _PROVIDER.search(line):
        return provider[2]
    if status := _STATUS.search(line):
        code = _CODE.search(text)
        return f"{status[1].strip()}, {code[1]}" if code else status[1].strip()
    if _UNSAID in line:
        for pattern, says in _CAUSES:
            if match := pattern.search(text):
                return says.format(match[1])
    return line[:200]


def is_without_bucket(error: BaseException) -> bool:
    """Whether what is missing is not the object but all that it would lie in."""
    return "<Code>NoSuchBucket</Code>" in str(error)


def lacks_credentials_for_now(error: BaseException) -> bool:
    """Whether nothing was asked of the store, because whoever gives credentials does not answer."""
    provider = _PROVIDER.search(str(error).partition("\n")[0])
    return provider is not None and provider[1] == TransientError.__name__


def says_the_clock_is_wrong(error: BaseException) -> bool:
    """Whether the store refuses for the time in the request alone, as a machine gives it before its clock is set."""
    return "<Code>RequestTimeTooSkewed</Code>" in str(error)


def is_refused(error: BaseException) -> bool:
    """Whether the store refuses where the library has no error of its own for that: in listing and deleting."""
    return _REFUSAL.search(str(error).partition("\n")[0]) is not None
