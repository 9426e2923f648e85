"""A care contract that may be locked."""

from typing import Any

CUSTOMER = "0190b5a0-0000-7000-8000-000000000001"
PROVIDER = "0190b5a0-0000-7000-8000-000000000002"
ITEM = "0190b5a0-0000-7000-8000-000000000003"
PRICE = "0190b5a0-0000-7000-8000-000000000004"
OTHER = "0190b5a0-0000-7000-8000-000000000005"


def party(role: str, signatory: str, **snapshot: str) -> dict[str, Any]:
    address = {"address": "Koivukuja 1", "postcode": "54710", "city": "Lemi"}
    return {
        "role": role,
        "signatory_ids": [signatory],
        "snapshot": {**address, **snapshot},
    }


def care_contract() -> dict[str, Any]:
    plan = (
        "need services start_and_duration visit_frequency strengths goals expected_length "
        "partners follow_up"
    )
    return {
        "contract_kind": "care_service",
        "title": "Kotihoito",
        "language": "fi",
        "responsible_person": OTHER,
        "subject_kind": "client",
        "subject_id": OTHER,
        "parties": {
            CUSTOMER: party("customer", CUSTOMER, name="Aune Aalto", legal_form="person"),
            PROVIDER: party(
                "provider",
                PROVIDER,
                name="Kotiapu Oy",
                legal_form="company",
                business_id="0996167-6",
            ),
        },
        "scope_items": {
            ITEM: {"name": "Käynti", "unit": "visit", "planned_qty": "12.5", "price_ref": PRICE}
        },
        "service_plan": {heading: "x" for heading in plan.split()},
        "valid_from": "2026-12-01",
        "indefinite": True,
        "notice_period": {"unit": "month", "customer": 1, "provider": 2},
        "prices": {
            PRICE: {
                "item": ITEM,
                "unit": "visit",
                "amount_cents": 4200,
                "currency": "EUR",
                "vat_class": "exempt_social",
                "from": "2026-12-01",
            }
        },
        "provider_register": {"register": "soteri", "number": "S-1"},
        "self_monitoring_plan": {"url": "https://kotiapu.example/omavalvonta"},
        "funding": {OTHER: {"source": "self", "share": "100"}},
        "quotas": {
            OTHER: {
                "item": ITEM,
                "limit": "20",
                "unit": "visit",
                "period": "month",
                "overdraw_policy": "warn",
            }
        },
        "data_processing": "Tietoja käsitellään vain hoitoa varten.",
    }
