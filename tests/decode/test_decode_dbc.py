"""Databases as people keep them: mended with a warning where one meaning is left, refused in one line otherwise."""

import pytest

from telemetry_pipeline.decode.dbc import load_dbc
from telemetry_pipeline.errors import BadDbc

HEAD = 'VERSION ""\nBU_: ECU\n'
MESSAGE = 'BO_ 256 Engine: 8 ECU\n SG_ Temp : 0|8@1+ (1,-40) [0|0] "°C" ECU\n SG_ Speed : 8|16@1+ (0.5,0) [0|0] "1/min" ECU\n'


def units(dbc):
    return [signal.unit for message in dbc.database.messages for signal in message.signals]


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "cp1252"])
def test_the_encoding_is_found(encoding):
    dbc = load_dbc((HEAD + MESSAGE).encode(encoding), "a.dbc")
    assert units(dbc)[0] == "°C"
    assert dbc.warnings == ()


def test_the_digest_is_of_the_bytes():
    one, two = (
        load_dbc((HEAD + MESSAGE).encode(), "a.dbc"),
        load_dbc((HEAD + MESSAGE).encode("cp1252"), "a.dbc"),
    )
    assert len(one.sha256) == 64
    assert one.sha256 != two.sha256


def test_bytes_of_no_encoding_are_replaced_with_a_warning():
    dbc = load_dbc((HEAD + MESSAGE).encode("cp1252") + b'CM_ "\x81\xe4";\n', "a.dbc")
    assert dbc.warnings == ("1 bytes are neither UTF-8 nor Windows-1252 and were replaced",)


def test_utf16_is_refused_by_name():
    with pytest.raises(BadDbc, match=r"a\.dbc: the file is UTF-16"):
        load_dbc((HEAD + MESSAGE).encode("utf-16"), "a.dbc")


@pytest.mark.parametrize("text", ["", "  \n", "<html></html>", HEAD + MESSAGE.replace("@1+ (1", "@1 (1")])
def test_what_is_no_database_is_refused_in_one_line(text):
    with pytest.raises(BadDbc, match=r"^a\.dbc: [^\n]+$"):
        load_dbc(text.encode(), "a.dbc")


@pytest.mark.parametrize(
    "end",
    ["BO_ 256", "BO_ 256 Engine", "SG_ Spe", "SG_ Speed : 8|16@1+", "SG_ Speed : 8|16@1+ (0.5,0) [0|0]"],
)
def test_a_file_that_ends_inside_a_definition_is_refused(end):
    text = HEAD + "BO_ 1 First: 8 ECU\n" + ' SG_ X : 0|8@1+ (1,0) [0|0] "" ECU\n' + MESSAGE
    cut = text[: text.index(end) + len(end)]
    with pytest.raises(BadDbc):
        load_dbc(cut.encode(), "a.dbc")


def test_a_float_declaration_that_is_cut_short_is_refused():
    with pytest.raises(BadDbc, match="it ends inside SIG_VALTYPE_"):
        load_dbc((HEAD + MESSAGE + "SIG_VALTYPE_ 256 Speed : 1").encode(), "a.dbc")


def test_a_comment_that_is_cut_short_is_a_warning():
    dbc = load_dbc((HEAD + MESSAGE + 'CM_ BO_ 256 "text"').encode(), "a.dbc")
    assert dbc.warnings == ("the file may be cut short: it ends inside CM_",)


def test_a_last_line_without_its_end_is_a_warning():
    dbc = load_dbc((HEAD + MESSAGE).rstrip().encode(), "a.dbc")
    assert dbc.warnings == ("the file may be cut short: it ends inside SG_",)


def test_the_list_of_keywords_is_no_open_statement():
    text = (
        'VERSION ""\nNS_ :\n\tNS_DESC_\n\tCM_ \n\tBA_DEF_\n\tVAL_\n\tSIG_VALTYPE_\n\nBS_:\nBU_: ECU\n'
        + MESSAGE
    )
    assert load_dbc(text.encode(), "a.dbc").warnings == ()


def test_names_for_values_of_a_signal_that_is_not_there_are_left_out():
    dbc = load_dbc(
        (HEAD + MESSAGE + 'VAL_ 256 Gone 0 "a;b" 1 "c" ;\nVAL_ 256 Temp 0 "cold" ;\n').encode(), "a.dbc"
    )
    assert dbc.warnings == ("VAL_ 256 Gone describes a signal that is not there: left out",)
    assert dbc.database.get_message_by_name("Engine").get_signal_by_name("Temp").choices


def test_a_long_id_without_the_flag_becomes_extended_everywhere():
    text = (
        HEAD
        + MESSAGE.replace("256", "4660")
        + 'CM_ SG_ 4660 Temp "see BO_ 4660";\nVAL_ 4660 Temp 0 "cold" ;\n'
    )
    dbc = load_dbc(text.encode(), "a.dbc")
    (message,) = dbc.database.messages
    assert (message.frame_id, message.is_extended_frame) == (0x1234, True)
    assert message.get_signal_by_name("Temp").comment == "see BO_ 4660"
    assert message.get_signal_by_name("Temp").choices
    assert "extended: 0x1234" in dbc.warnings[0]


@pytest.mark.parametrize("frame_id", [1 << 29, (1 << 31) + (1 << 29)])
def test_an_id_of_more_than_29_bits_is_refused(frame_id):
    with pytest.raises(BadDbc, match="bits"):
        load_dbc((HEAD + MESSAGE.replace("256", str(frame_id))).encode(), "a.dbc")


def test_sloppy_syntax_is_mended_with_a_warning():
    text = (
        'CM_ "no semicolon"\n'
        + HEAD.replace('VERSION ""\n', "")
        + MESSAGE.replace("(0.5", "(.5")
        + 'CM_ SG_ 256 "no name.5";\n'
    )
    dbc = load_dbc(text.encode(), "a.dbc")
    assert len(dbc.warnings) == 3
    message = dbc.database.get_message_by_name("Engine")
    assert message.get_signal_by_name("Speed").scale == 0.5
    assert message.comment == "no name.5"


def test_overlapping_and_ill_fitting_signals_are_warned_about():
    text = HEAD + MESSAGE.replace("8|16@", "4|16@") + ' SG_ Far : 60|8@1+ (1,0) [0|0] "" ECU\n'
    dbc = load_dbc(text.encode(), "a.dbc")
    assert any("strictness" in warning for warning in dbc.warnings)
    assert "message Engine, signal Far: does not fit in 8 bytes, so it is not decoded" in dbc.warnings


def test_ids_and_names_that_are_there_twice_are_warned_about():
    other = 'BO_ 257 Engine: 8 ECU\n SG_ Y : 0|8@1+ (1,0) [0|0] "" ECU\n'
    dbc = load_dbc((HEAD + MESSAGE + other + MESSAGE.replace("Engine", "Again")).encode(), "a.dbc")
    assert dbc.warnings == (
        "message name Engine is there twice",
        "id 0x100 is there twice: Again replaces Engine",
    )


def test_the_pseudo_message_is_no_lost_message():
    text = (
        HEAD
        + MESSAGE
        + 'BO_ 3221225472 VECTOR__INDEPENDENT_SIG_MSG: 0 Vector__XXX\n SG_ Loose : 0|8@1+ (1,0) [0|0] "" ECU\n'
    )
    assert len(load_dbc(text.encode(), "a.dbc").database.messages) == 1


def test_words_in_comments_are_no_statements():
    text = HEAD + MESSAGE + 'CM_ "BO_ 300 Fake: 8 ECU\n SG_ Fake : 0|8@1+ VAL_";\n// BO_ 301 Fake: 8 ECU\n'
    assert load_dbc(text.encode(), "a.dbc").warnings == ()


def test_other_formats_are_read_by_the_ending_and_never_guessed(small):
    kcd = small.database.as_kcd_string().encode()
    assert {message.name for message in load_dbc(kcd, "A.KCD").database.messages} == {
        "Engine",
        "Engine29",
        "Paged",
        "Silent",
    }
    with pytest.raises(BadDbc):
        load_dbc(kcd, "a.dbc")


def test_xml_with_entities_is_refused():
    with pytest.raises(BadDbc, match="document type"):
        load_dbc(b'<?xml version="1.0"?><!DOCTYPE x [<!ENTITY a "b">]><x>&a;</x>', "a.kcd")
