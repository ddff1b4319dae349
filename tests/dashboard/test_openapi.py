"""The dashboard's types come from the document that the service describes itself with."""

from scripts.export_openapi import TARGET, document


def test_the_committed_document_is_the_services_own() -> None:
    assert TARGET.read_text(encoding="utf-8") == document(), (
        "the endpoints changed: python scripts/export_openapi.py && npm --prefix dashboard run types"
    )
