"""`python -m tests.infra.snapshots`: writes the templates anew that tests compare with. Look at what changed before it is committed.

Digests of packages and images are left out of them: those change with every release and say nothing of the stacks.
"""

import json
import re
import tempfile
from pathlib import Path
from typing import Any, Final

from tests.infra.conftest import ROOT, synthesise

FOLDER: Final = ROOT / "tests" / "infra" / "snapshots"

_DIGEST: Final = re.compile(r"\b[0-9a-f]{64}\b|(?<=CurrentVersion)[0-9a-f]{32}")
_LOCKED: Final = re.compile(r"(?<===)[\w.]+(?=,|$)")


def normalised(template: Any) -> Any:
    """A template without what changes although the stack stays the same: digests, and versions that the lock file says."""
    if isinstance(template, dict):
        return {
            _DIGEST.sub("DIGEST", key): _LOCKED.sub("LOCKED", value)
            if key == "--additional-python-modules"
            else normalised(value)
            for key, value in template.items()
        }
    if isinstance(template, list):
        return [normalised(item) for item in template]
    return _DIGEST.sub("DIGEST", template) if isinstance(template, str) else template


def text_of(template: dict[str, Any]) -> str:
    """The text that is kept of a template."""
    return json.dumps(normalised(template), indent=1, sort_keys=True) + "\n"


def path_of(variant: str, stack: str) -> Path:
    """Where the text of one stack of one deployment is kept."""
    return FOLDER / variant / f"{stack}.json"


def main() -> None:
    """Write all of them, and remove those of stacks that are gone."""
    with tempfile.TemporaryDirectory() as folder:
        for variant, templates in synthesise(Path(folder)).items():
            kept = set()
            for stack, template in templates.stacks.items():
                path = path_of(variant, stack)
                path.parent.mkdir(parents=True, exist_ok=True)
                path.write_text(text_of(template))
                kept.add(path)
            for path in (FOLDER / variant).glob("*.json"):
                if path not in kept:
                    path.unlink()


if __name__ == "__main__":
    main()
