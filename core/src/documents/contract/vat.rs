//! The VAT class of a contract's work: computed, never ticked by hand, but a person may overrule
//! it with a reason.

use jiff::civil::Date;
use uuid::Uuid;

use super::{Contract, Price};
use crate::codes;

/// Code of social services exempt from VAT (VAT Act section 37).
pub const EXEMPT_SOCIAL: &str = "exempt_social";

/// The four conditions of the exemption; only all at once free a service from VAT (Tax
/// Administration's guidance on the VAT exemption of social services).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SocialExemption {
    /// The provider is in a register of social service providers.
    pub registered: bool,
    /// There is a written contract, or an authority's decision that funds the service.
    pub written_contract: bool,
    /// The service plan was made together: all nine headings are filled.
    pub joint_plan: bool,
    /// There is a self-monitoring plan.
    pub self_monitoring: bool,
}

impl SocialExemption {
    /// All four hold.
    pub fn all(self) -> bool {
        self.registered && self.written_contract && self.joint_plan && self.self_monitoring
    }
}

/// Which of the four conditions this contract shows.
pub fn social_exemption(contract: &Contract) -> SocialExemption {
    let register = contract.provider_register.as_ref();
    let plan = contract.self_monitoring_plan.as_ref();
    let decided = |source: &str| matches!(source, "county" | "voucher");
    SocialExemption {
        registered: register.is_some_and(|r| r.register.is_some() && r.number.is_some()),
        written_contract: contract.parties.len() >= 2
            || contract
                .funding
                .values()
                .any(|f| f.source.as_deref().is_some_and(decided)),
        joint_plan: contract
            .service_plan
            .headings()
            .iter()
            .all(|(_, text)| !text.trim().is_empty()),
        self_monitoring: plan.is_some_and(|p| p.id.is_some() || p.url.is_some()),
    }
}

impl Contract {
    /// The price row of a scope item in a unit on the day of the service: one for the item goes
    /// before one for the whole contract, a later row before an open-ended earlier one.
    pub fn price_on(&self, item: Uuid, unit: &str, service_date: Date) -> Option<&Price> {
        let day = service_date.to_string();
        let holds = |p: &Price| {
            p.item.is_none_or(|i| i == item)
                && p.unit.as_deref() == Some(unit)
                && p.from.as_ref().is_some_and(|from| *from <= day)
                && p.to.as_ref().is_none_or(|to| day <= *to)
        };
        let rows = self
            .live_prices()
            .into_iter()
            .map(|(_, p)| p)
            .filter(|p| holds(p));
        rows.max_by_key(|p| (p.item.is_some(), p.from.clone()))
    }

    /// The VAT class of a price: what a person decided, else the row's own, except that an
    /// exemption without its four conditions falls back to the standard class.
    pub fn vat_class(&self, price: &Price) -> Option<String> {
        if let Some(class) = self.vat_override.as_ref().and_then(|o| o.class.clone()) {
            return Some(class);
        }
        match price.vat_class.as_deref() {
            Some(EXEMPT_SOCIAL) if !social_exemption(self).all() => Some("standard".to_owned()),
            class => class.map(str::to_owned),
        }
    }

    /// The VAT rate of a price in per cent on the day of the service.
    pub fn vat_rate(&self, price: &Price, service_date: Date) -> Option<&'static str> {
        codes::vat_rate(&self.vat_class(price)?, service_date)
    }
}
