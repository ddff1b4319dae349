"""Real recordings with real databases: the counts and values that cantools gives, frame by frame."""

import json

import pytest

from telemetry_pipeline.decode.dbc import load_dbc
from telemetry_pipeline.decode.frames import decode_frames
from telemetry_pipeline.decode.plan import compile_plan
from tests.corpus import CORPUS, needs_corpus, recording


def bindings():
    for path in sorted(CORPUS.glob("pairs/*/reference.json")):
        for binding in json.loads(path.read_text())["bindings"]:
            name = f"{path.parent.name}-{binding['dbc'].rpartition('/')[2]}-{binding['match']}"
            yield pytest.param(path.parent, binding, id=name)


@needs_corpus
@pytest.mark.parametrize(("folder", "binding"), bindings())
def test_recording_decodes_as_cantools_does(folder, binding):
    dbc = load_dbc((CORPUS / binding["dbc"]).read_bytes(), binding["dbc"].rpartition("/")[2])
    raw = recording(folder.name, binding["channel"])
    for strict, key in ((True, "reference"), (False, "with_allow_truncated")):
        expected = binding[key]
        decoded = decode_frames(raw, compile_plan([dbc], strict_length=strict, match=binding["match"]))
        report = decoded.report
        assert report.adds_up()
        assert {
            "frames": report.rows,
            "frames_decoded": report.decoded_frames,
            "frames_unknown_id": report.unknown_id,
            "frames_decode_error": report.decode_error,
            "signal_values": decoded.table.num_rows,
        } == {
            name: expected[name]
            for name in (
                "frames",
                "frames_decoded",
                "frames_unknown_id",
                "frames_decode_error",
                "signal_values",
            )
        }
        assert report.skipped == sum(expected["frames_skipped"].values())
        signals = expected.get("signals") or (
            binding["reference"]["signals"] | expected.get("signals_that_differ", {})
        )
        found = {f"{stats.message}.{stats.signal}": stats for stats in report.signals}
        assert found.keys() == signals.keys()
        for name, stats in signals.items():
            ours = found[name]
            assert ours.rows == stats["count"], name
            assert (ours.minimum, ours.maximum) == (float(stats["min"]), float(stats["max"])), name
            assert ours.total / (ours.rows - ours.nonfinite) == pytest.approx(
                stats["mean"], rel=1e-9, abs=1e-9
            ), name


@needs_corpus
@pytest.mark.parametrize(("folder", "binding"), bindings())
def test_a_database_states_its_match_rule(folder, binding):
    dbc = load_dbc((CORPUS / binding["dbc"]).read_bytes(), binding["dbc"].rpartition("/")[2])
    raw = recording(folder.name, binding["channel"])
    stated = decode_frames(raw, compile_plan([dbc])).report
    bound = decode_frames(raw, compile_plan([dbc], match=binding["match"])).report
    silent = (
        dbc.name == "canboat.dbc"
    )  # it has no attributes: only its binding says that it is matched by group
    assert (stated == bound) != silent
