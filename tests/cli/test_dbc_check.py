"""`telemetry dbc check`: what it finds, in words and as JSON, whatever it is given."""

import json
import os
from pathlib import Path

from tests import program
from tests.corpus import CORPUS, needs_corpus

SLOPPY = """BU_: X
BO_ 256 Engine: 8 X
 SG_ Speed : 0|16@1+ (1,0) [0|0] "rpm" X
 SG_ Speed_Low : 0|8@1+ (1,0) [0|0] "" X
 SG_ Far : 60|8@1+ (1,0) [0|0] "" X
BO_ 257 Paged: 8 X
 SG_ Page M : 0|8@1+ (1,0) [0|0] "" X
 SG_ Inner m1M : 8|8@1+ (1,0) [0|0] "" X
 SG_ A m2 : 16|8@1+ (1,0) [0|0] "" X
 SG_ B m3 : 16|8@1+ (1,0) [0|0] "" X
 SG_ C m3 : 16|8@1+ (1,0) [0|0] "" X
BO_ 4660 Engine: 8 X
BO_ 4916 Third: 8 X
BO_ 5172 Fourth: 8 X
SG_MUL_VAL_ 257 Inner Page 1-1;
SG_MUL_VAL_ 257 A Page 2-2;
SG_MUL_VAL_ 257 B Page 3-3;
SG_MUL_VAL_ 257 C Inner 3-3;
VAL_ 256 Gone 0 "x" ;
"""


def check(*files: Path, as_json: bool = False) -> program.Answer:
    arguments = ["dbc", "check", *map(str, files), *(["--json"] if as_json else [])]
    return program.run(*arguments, env=os.environ)


def test_everything_that_is_wrong_is_said(tmp_path: Path) -> None:
    file = tmp_path / "sloppy.dbc"
    file.write_bytes(SLOPPY.replace('"rpm"', '"°C"').encode("cp1252"))
    result = check(file)
    assert (result.returncode, result.stderr) == (0, "")
    lines = result.stdout.splitlines()
    assert lines[0] == f"loads  {file}: 5 messages, 8 signals"
    assert lines[1] == "  ids          2 standard and 3 extended, payloads to 8 bytes, text in Windows-1252"
    assert lines[2:4] == ["  match        5 exact", "  multiplexed  1 message by 2 multiplexers on 2 levels"]
    assert lines[4:6] == [
        "  not decoded  Engine.Far: does not fit in 8 bytes",
        "  overlap      Engine: Speed and Speed_Low share 8 bits, each is read from its own",
    ]
    for words in (
        "read without cantools' strictness",
        "VAL_ 256 Gone describes a signal that is not there",
        "without the extended flag are taken as extended: 0x1234, 0x1334, 0x1434",
        "message name Engine is there twice: id 0x1234x is called Engine_0x1234x",
        "every extended id ends in 34",
    ):
        assert any(line.startswith("  warning      ") and words in line for line in lines), words
    assert sum("does not fit" in line and "Far" in line and "cantools" not in line for line in lines) == 1


def test_the_same_is_said_as_json(tmp_path: Path) -> None:
    file, broken = tmp_path / "sloppy.dbc", tmp_path / "broken.dbc"
    file.write_text(SLOPPY)
    broken.write_text("this is no database")
    result = check(file, broken, tmp_path / "absent.dbc", as_json=True)
    assert result.returncode == 1
    good, bad, absent = json.loads(result.stdout)["files"]
    assert (good["error"], good["encoding"], good["match"]) == (None, "ASCII", {"exact": 5})
    assert (good["multiplexed"], good["multiplexers"], good["levels"]) == (1, 2, 2)
    assert good["not_decoded"] == [{"message": "Engine", "signal": "Far", "why": "does not fit in 8 bytes"}]
    assert good["overlaps"] == [{"message": "Engine", "signals": ["Speed", "Speed_Low"], "bits": 8}]
    assert "not a readable DBC file" in bad["error"]
    assert "cannot be read" in absent["error"]


def test_long_lists_are_cut_for_people(tmp_path: Path) -> None:
    file = tmp_path / "long.dbc"
    signals = "".join(f' SG_ S{number} : 63|8@1+ (1,0) [0|0] "" X\n' for number in range(30))
    file.write_text(f"BU_: X\nBO_ 256 M: 8 X\n{signals}")
    lines = check(file).stdout.splitlines()
    assert sum(line.startswith("  not decoded") for line in lines) == 21
    assert "  not decoded  and 10 more: see --json" in lines


EXTENDED_INSTEAD = "dbc_std_id_too_big"
"""Where the id is over 11 bits the message becomes extended with a warning; the manifest would refuse the file."""


@needs_corpus
def test_every_damaged_database_is_judged_as_it_must_be() -> None:
    entries = [
        entry
        for entry in json.loads((CORPUS / "manifest.json").read_text())["hostile"]
        if entry["category"] == "dbc" and not entry["files"][0].endswith((".json", ".gz"))
    ]
    assert len(entries) > 30
    result = check(*(CORPUS / entry["files"][0] for entry in entries), as_json=True)
    assert result.returncode == 1
    assert result.stderr == ""
    for entry, finding in zip(entries, json.loads(result.stdout)["files"], strict=True):
        if entry["id"] == EXTENDED_INSTEAD:
            assert not finding["error"]
            assert "taken as extended: 0x1234" in finding["warnings"][0]
        elif entry["outcome"] == "reject_with_error":
            assert finding["error"], entry["id"]
            assert Path(entry["files"][0]).name in finding["error"]
            assert "\n" not in finding["error"]
        elif entry["outcome"] == "accept_all":
            assert not finding["error"], entry["id"]
            assert finding["messages"] > 0
        else:
            said = [*finding["warnings"], *finding.get("not_decoded", ()), *finding.get("overlaps", ())]
            quiet = entry["id"] == "dbc_cr_only"  # old line ends are no fault
            assert finding["error"] or said or quiet, entry["id"]
    readable = check(*(CORPUS / entry["files"][0] for entry in entries))
    assert "Traceback" not in readable.stdout + readable.stderr
    assert sum(line.startswith(("loads", "FAILS")) for line in readable.stdout.splitlines()) == len(entries)


@needs_corpus
def test_only_plain_names_are_databases(tmp_path: Path) -> None:
    names = json.loads((CORPUS / "hostile/dbc/names.json").read_text())
    # no file and no argument can have a null character or a name of thousands of letters
    names = [name for name in names if "\0" not in name and len(name) < 255]
    assert len(names) > 10
    result = check(*map(Path, names), as_json=True)
    findings = json.loads(result.stdout)["files"]
    assert all(finding["error"] for finding in findings)
    refused = {
        finding["file"] for finding in findings if "not a CAN database by its name" in finding["error"]
    }
    assert refused >= {"evil.dbc;rm -rf x", ".dbc", "noext", "/etc/passwd", "%2e%2e%2fevil.dbc"}
