package fi.sopu

import fi.sopu.documents.Contract
import fi.sopu.documents.Funding
import fi.sopu.documents.NoticePeriod
import fi.sopu.documents.Party
import fi.sopu.documents.PartySnapshot
import fi.sopu.documents.PlanRef
import fi.sopu.documents.Price
import fi.sopu.documents.Quota
import fi.sopu.documents.RegisterEntry
import fi.sopu.documents.ScopeItem
import fi.sopu.documents.ServicePlan

const val CUSTOMER = "0190b5a0-0000-7000-8000-000000000001"
const val PROVIDER = "0190b5a0-0000-7000-8000-000000000002"
private const val ITEM = "0190b5a0-0000-7000-8000-000000000003"
private const val PRICE = "0190b5a0-0000-7000-8000-000000000004"
private const val OTHER = "0190b5a0-0000-7000-8000-000000000005"

private fun party(role: String, signatory: String, snapshot: PartySnapshot) = Party(
    role = role,
    signatoryIds = listOf(signatory),
    snapshot = snapshot.copy(address = "Koivukuja 1", postcode = "54710", city = "Lemi"),
)

/** A care contract that may be locked. */
fun careContract() = Contract(
    contractKind = "care_service",
    title = "Kotihoito",
    language = "fi",
    responsiblePerson = OTHER,
    subjectKind = "client",
    subjectId = OTHER,
    parties = mapOf(
        CUSTOMER to party("customer", CUSTOMER, PartySnapshot(name = "Aune Aalto", legalForm = "person")),
        PROVIDER to party(
            "provider",
            PROVIDER,
            PartySnapshot(name = "Kotiapu Oy", legalForm = "company", businessId = "0996167-6"),
        ),
    ),
    scopeItems = mapOf(ITEM to ScopeItem(name = "Käynti", unit = "visit", plannedQty = "12.5", priceRef = PRICE)),
    servicePlan = ServicePlan("x", "x", "x", "x", "x", "x", "x", "x", "x"),
    validFrom = "2026-12-01",
    indefinite = true,
    noticePeriod = NoticePeriod(unit = "month", customer = 1, provider = 2),
    prices = mapOf(
        PRICE to Price(
            item = ITEM,
            unit = "visit",
            amountCents = 4200,
            currency = "EUR",
            vatClass = "exempt_social",
            from = "2026-12-01",
        ),
    ),
    providerRegister = RegisterEntry(register = "soteri", number = "S-1"),
    selfMonitoringPlan = PlanRef(url = "https://kotiapu.example/omavalvonta"),
    funding = mapOf(OTHER to Funding(source = "self", share = "100")),
    quotas = mapOf(
        OTHER to Quota(item = ITEM, limit = "20", unit = "visit", period = "month", overdrawPolicy = "warn"),
    ),
    dataProcessing = "Tietoja käsitellään vain hoitoa varten.",
)
