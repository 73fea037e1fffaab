"""Assessment → DocumentReference, published once."""

from fhir_rpm.writeback.correct import resolve, retract
from fhir_rpm.writeback.desk import Desk, NoBook, Published
from fhir_rpm.writeback.document import DocumentShape, build_document, choose_anchor
from fhir_rpm.writeback.fingerprint import content_hash
from fhir_rpm.writeback.publish import publish
from fhir_rpm.writeback.render import hash_in, render_text
from fhir_rpm.writeback.rules import WriteRules, require_permission

__all__ = [
    "Desk",
    "DocumentShape",
    "NoBook",
    "Published",
    "WriteRules",
    "build_document",
    "choose_anchor",
    "content_hash",
    "hash_in",
    "publish",
    "render_text",
    "require_permission",
    "resolve",
    "retract",
]
