"""Assessment → DocumentReference, published once."""

from fhir_rpm.writeback.document import DocumentShape, build_document, choose_anchor
from fhir_rpm.writeback.publish import Published, publish
from fhir_rpm.writeback.render import content_hash, hash_in, render_text

__all__ = [
    "DocumentShape",
    "Published",
    "build_document",
    "choose_anchor",
    "content_hash",
    "hash_in",
    "publish",
    "render_text",
]
