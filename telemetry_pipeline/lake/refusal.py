"""What a store's refusal means to us: the library's errors as those of `errors`.

Why it refused, in words, is `cause`'s business.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

from obstore.exceptions import (
    AlreadyExistsError,
    BaseError,
    InvalidPathError,
    NotSupportedError,
    PermissionDeniedError,
    PreconditionError,
    UnauthenticatedError,
)

from telemetry_pipeline.errors import AlreadyExists, BadKey, NotFound, PermanentError, TransientError
from telemetry_pipeline.lake.cause import (
    cause_of,
    is_refused,
    is_without_bucket,
    lacks_credentials_for_now,
    says_the_clock_is_wrong,
)

_REFUSALS: Final = (PermissionDeniedError, UnauthenticatedError, PermissionError)


@contextmanager
def translated(where: str) -> Iterator[None]:
    """Turn the library's errors into ours; anything unknown counts as transient.

    Args:
        where: The URL of what is asked for, for the message.

    Raises:
        NotFound: No such object or bucket, or the object is another one by now.
        AlreadyExists: There is an object of that key, and it was not to be overwritten.
        BadKey: The store does not take such a key.
        PermanentError: The store refuses access.
        TransientError: The store does not answer, nobody gives credentials for it now, or this machine's clock is wrong.
    """
    try:
        yield
    except (FileNotFoundError, NotADirectoryError) as error:
        what = "no such bucket" if is_without_bucket(error) else "no such object"
        raise NotFound(what, where) from error
    except PreconditionError as error:
        raise NotFound("the object has been replaced", where) from error
    except AlreadyExistsError as error:
        raise AlreadyExists("the object is there already", where) from error
    except (InvalidPathError, NotSupportedError, ValueError) as error:
        raise BadKey(f"not a key that the store takes ({cause_of(error)})", where) from error
    except (BaseError, OSError) as error:
        if lacks_credentials_for_now(error):
            raise TransientError(f"no credentials for the store ({cause_of(error)})", where) from error
        if says_the_clock_is_wrong(error):  # nobody need do anything: time servers set it
            raise TransientError(
                f"by the store, this machine's clock is wrong ({cause_of(error)})", where
            ) from error
        if isinstance(error, _REFUSALS) or is_refused(error):
            raise PermanentError(
                f"the store refuses access ({cause_of(error)})", where, "Check the credentials and the policy"
            ) from error
        raise TransientError(f"the store does not answer ({cause_of(error)})", where) from error
