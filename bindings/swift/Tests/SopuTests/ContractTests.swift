import Foundation
import Sopu
import Testing

@MainActor
@Suite
final class ContractTests: TwoDevices {
    static let customer = "0190b5a0-0000-7000-8000-000000000001"
    static let provider = "0190b5a0-0000-7000-8000-000000000002"
    static let item = "0190b5a0-0000-7000-8000-000000000003"
    static let price = "0190b5a0-0000-7000-8000-000000000004"
    static let other = "0190b5a0-0000-7000-8000-000000000005"

    static func party(
        _ role: String, _ signatory: String, name: String, legalForm: String,
        businessId: String? = nil
    ) -> Contract.Party {
        var snapshot = Contract.PartySnapshot()
        snapshot.name = name
        snapshot.legalForm = legalForm
        snapshot.businessId = businessId
        snapshot.address = "Koivukuja 1"
        snapshot.postcode = "54710"
        snapshot.city = "Lemi"
        var party = Contract.Party()
        party.role = role
        party.signatoryIds = [signatory]
        party.snapshot = snapshot
        return party
    }

    /// One that may be locked.
    static func careContract() -> Contract {
        var contract = Contract()
        contract.contractKind = "care_service"
        contract.title = "Kotihoito"
        contract.language = "fi"
        contract.responsiblePerson = other
        contract.subjectKind = "client"
        contract.subjectId = other
        contract.parties = [
            customer: party("customer", customer, name: "Aune Aalto", legalForm: "person"),
            provider: party(
                "provider", provider, name: "Kotiapu Oy", legalForm: "company",
                businessId: "0996167-6"),
        ]
        contract.validFrom = "2026-12-01"
        contract.indefinite = true
        contract.dataProcessing = "Tietoja käsitellään vain hoitoa varten."

        var visit = Contract.ScopeItem()
        visit.name = "Käynti"
        visit.unit = "visit"
        visit.plannedQty = "12.5"
        visit.priceRef = price
        contract.scopeItems = [item: visit]

        var plan = Contract.ServicePlan()
        for heading: WritableKeyPath<Contract.ServicePlan, String> in [
            \.need, \.services, \.startAndDuration, \.visitFrequency, \.strengths, \.goals,
            \.expectedLength, \.partners, \.followUp,
        ] {
            plan[keyPath: heading] = "x"
        }
        contract.servicePlan = plan

        var notice = Contract.NoticePeriod()
        notice.unit = "month"
        notice.customer = 1
        notice.provider = 2
        contract.noticePeriod = notice

        var amount = Contract.Price()
        amount.item = item
        amount.unit = "visit"
        amount.amountCents = 4200
        amount.currency = "EUR"
        amount.vatClass = "exempt_social"
        amount.from = "2026-12-01"
        contract.prices = [price: amount]

        var register = Contract.RegisterEntry()
        register.register = "soteri"
        register.number = "S-1"
        contract.providerRegister = register

        var monitoring = Contract.PlanRef()
        monitoring.url = "https://kotiapu.example/omavalvonta"
        contract.selfMonitoringPlan = monitoring

        var funding = Contract.Funding()
        funding.source = "self"
        funding.share = "100"
        contract.funding = [other: funding]

        var quota = Contract.Quota()
        quota.item = item
        quota.limit = "20"
        quota.unit = "visit"
        quota.period = "month"
        quota.overdrawPolicy = "warn"
        contract.quotas = [other: quota]
        return contract
    }

    @Test("A contract with gaps is not locked and says what is missing")
    func gaps() async throws {
        var gappy = Contract()
        gappy.scopeText = "Siivous"
        let form = try await aino.create(in: space, gappy)
        let asked = try await form.problems(towards: "locked")
        do {
            try await form.lock()
            Issue.record("it was locked")
        } catch SopuError.Mend(let problems) {
            let blocking = problems.filter(\.blocks).map(\.path)
            #expect(!blocking.isEmpty)
            #expect(Set(blocking).isSubset(of: asked.map(\.path)))
        }
        #expect(try await !form.signingState().locked)
    }

    @Test("A contract is locked and signed offline on two devices")
    func signed() async throws {
        let form = try await aino.create(in: space, Self.careContract())
        try await form.lock()
        #expect(form.value.status == "locked")
        try await form.sign(
            Statement(party: Self.customer, signer: Self.customer, signerName: "Aune Aalto"))
        let half = try await form.signingState()
        #expect(half.locked && !half.complete)
        #expect(try await form.signedContent() == nil)
        try await syncAll(aino, eero)

        let theirs = try await eero.open(form.id, as: Contract.self)
        try await theirs.sign(
            Statement(party: Self.provider, signer: Self.provider, signerName: "Kaisa Kotiapu"))
        try await syncAll(eero, aino)
        let signed = try await form.signingState()
        #expect(signed.complete)
        #expect(signed.hash == half.hash)
        #expect(Set(signed.signatories.map(\.standing)) == [.signed])

        try await form.refresh()
        form.value.title = "Kotihoito ja siivous"
        try await form.save()
        #expect(try await form.signingState().content == .changed)
        #expect(try await form.signedContent()?.title == "Kotihoito")
    }
}
