//! Signing a contract.

use sopu_core::documents::contract;
use sopu_core::signing;

use crate::error::SopuError;

/// What a person states when signing. Device, time, hash and signature are filled in.
#[derive(Clone, Debug, PartialEq, Eq, uniffi::Record)]
pub struct Statement {
    /// Key of the party in `parties`.
    pub party: String,
    /// Who signs.
    pub signer: String,
    /// The signer's name as shown when signing.
    pub signer_name: String,
    /// A code of the list `signature_method`.
    #[uniffi(default = None)]
    pub method: Option<String>,
    /// Where, in words.
    #[uniffi(default = None)]
    pub place: Option<String>,
}

/// Whether the contract still says what its seal says.
#[derive(Clone, Copy, Debug, PartialEq, Eq, uniffi::Enum)]
pub enum Comparison {
    /// It does.
    Same,
    /// Somebody wrote a sealed field afterwards; what they wrote belongs into an amendment.
    Changed,
    /// The seal was made by a field list this version does not know.
    CannotJudge,
}

/// How one signatory stands towards the seal.
#[derive(Clone, Copy, Debug, PartialEq, Eq, uniffi::Enum)]
pub enum Standing {
    /// Has not signed anything.
    Missing,
    /// Signed another content than the one sealed.
    OtherVersion,
    /// There is an entry, but its signature is not right.
    Invalid,
    /// The office vouches for a signature given elsewhere.
    Vouched,
    /// Signed on a device, and the signature is right.
    Signed,
}

/// One signatory of one party.
#[derive(Clone, Debug, PartialEq, Eq, uniffi::Record)]
pub struct Signatory {
    /// Key of the party in `parties`.
    pub party: String,
    /// Who is to sign.
    pub signer: String,
    /// How they stand.
    pub standing: Standing,
}

/// How far the signing is.
#[derive(Clone, Debug, PartialEq, Eq, uniffi::Record)]
pub struct SigningState {
    /// Whether the contract was ever locked.
    pub locked: bool,
    /// The seal's SHA-256, hex: what people may compare aloud.
    pub hash: Option<String>,
    /// Whether the contract still says the same.
    pub content: Option<Comparison>,
    /// Everybody the sealed content names as a signatory.
    pub signatories: Vec<Signatory>,
    /// All have signed, on devices or vouched for by the office.
    pub complete: bool,
}

impl TryFrom<Statement> for contract::Signature {
    type Error = SopuError;

    fn try_from(statement: Statement) -> Result<Self, SopuError> {
        let id = |name: &str, id: &str| id.parse().map_err(|_| SopuError::argument(name));
        Ok(Self {
            party: Some(id("party", &statement.party)?),
            signer: Some(id("signer", &statement.signer)?),
            signer_name: Some(statement.signer_name),
            method: statement.method,
            place: statement.place,
            ..Self::default()
        })
    }
}

impl From<signing::Comparison> for Comparison {
    fn from(comparison: signing::Comparison) -> Self {
        match comparison {
            signing::Comparison::Same => Self::Same,
            signing::Comparison::Changed => Self::Changed,
            signing::Comparison::CannotJudge => Self::CannotJudge,
        }
    }
}

impl From<signing::Standing> for Standing {
    fn from(standing: signing::Standing) -> Self {
        match standing {
            signing::Standing::Missing => Self::Missing,
            signing::Standing::OtherVersion => Self::OtherVersion,
            signing::Standing::Invalid => Self::Invalid,
            signing::Standing::Vouched => Self::Vouched,
            signing::Standing::Signed => Self::Signed,
        }
    }
}

impl From<signing::SigningState> for SigningState {
    fn from(state: signing::SigningState) -> Self {
        Self {
            locked: state.seal.is_some(),
            complete: state.complete(),
            hash: state.hash,
            content: state.content.map(Comparison::from),
            signatories: state
                .signatories
                .into_iter()
                .map(|signatory| Signatory {
                    party: signatory.party.to_string(),
                    signer: signatory.signer.to_string(),
                    standing: signatory.standing.into(),
                })
                .collect(),
        }
    }
}
