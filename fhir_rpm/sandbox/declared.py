"""What the vendors' CapabilityStatements list as search parameters."""

DECLARED = {
    "epic": {
        "Encounter": ("patient", "subject", "class", "date", "identifier", "status", "type", "participant"),
        "Observation": ("patient", "subject", "category", "code", "date", "issued", "status", "component-code"),
        "DocumentReference": (
            *("patient", "subject", "author", "category", "date", "docstatus", "encounter", "period", "status", "type"),
            *("identifier", "_lastupdated"),
        ),
        "CareTeam": ("patient", "subject", "status", "category"),
    },
    "oracle": {
        "Encounter": ("patient", "subject", "status", "date", "identifier", "account", "_lastUpdated"),
        "Observation": ("patient", "subject", "category", "code", "date", "_lastUpdated"),
        "DocumentReference": ("patient", "encounter", "period", "type", "category", "date", "_lastUpdated"),
        "CareTeam": ("patient", "status", "category", "encounter"),
        "Communication": ("category", "received", "recipient", "-email-status"),
    },
}
"""Search parameters by type: Epic's sandbox CapabilityStatement of 2026-07-24, Oracle's secure tier of 2026-08-14."""
