//! Readers of the office pages over HTTP.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::thread::JoinHandle;
use std::time::Duration;

use sopu_core::id::{DocId, SpaceId};
use ureq::Agent;

use super::process::Log;
use crate::history::checker::OFFICE;
use crate::history::{What, marks_in};
use crate::storm::dice::Dice;

/// One signed-in browser.
#[derive(Clone)]
pub struct Reader {
    agent: Agent,
    base: String,
    session: String,
}

impl Reader {
    /// With a session's token.
    pub fn new(base: &str, session: &str) -> Self {
        let config = Agent::config_builder()
            .http_status_as_error(false)
            .max_redirects(0)
            .timeout_global(Some(Duration::from_secs(20)))
            .build();
        Self {
            agent: Agent::new_with_config(config),
            base: base.to_owned(),
            session: session.to_owned(),
        }
    }

    /// The marks in the content of a document as its page shows them; a code if there is no page.
    ///
    /// # Errors
    /// The status, or `no_answer`.
    pub fn marks(&self, space: SpaceId, doc: DocId) -> Result<String, String> {
        let address = format!("{}/office/spaces/{space}/documents/{doc}", self.base);
        let answer = self
            .agent
            .get(address)
            .header("cookie", format!("sopu_session={}", self.session))
            .call();
        let mut answer = answer.map_err(|_| "no_answer".to_owned())?;
        let status = answer.status().as_u16();
        let page = answer.body_mut().read_to_string();
        let page = page.map_err(|_| "no_answer".to_owned())?;
        if status != 200 {
            return Err(format!("status_{status}"));
        }
        let content = page
            .split_once("aria-labelledby=\"content-h\"")
            .and_then(|(_, rest)| rest.split_once("</section>"))
            .map(|(content, _)| content)
            .ok_or("page_unreadable")?;
        Ok(marks_in(content))
    }
}

/// Reads documents by chance until told to stop.
pub fn read_on(
    reader: Reader,
    docs: Vec<(SpaceId, DocId)>,
    seed: u64,
    ops: Arc<AtomicU64>,
    stop: Arc<AtomicBool>,
    log: Log,
) -> JoinHandle<()> {
    std::thread::spawn(move || {
        let dice = Dice::new(seed);
        while !stop.load(Ordering::Relaxed) {
            let (space, doc) = docs[dice.below(docs.len())];
            let op = ops.fetch_add(1, Ordering::Relaxed);
            let name = doc.to_string();
            log.note(OFFICE, op, What::Reading { doc: name.clone() });
            let what = match reader.marks(space, doc) {
                Ok(marks) => What::Read {
                    doc: name,
                    marks,
                    seq: None,
                },
                Err(reason) => What::Failed { reason },
            };
            log.note(OFFICE, op, what);
            std::thread::sleep(Duration::from_millis(20 + dice.below(80) as u64));
        }
    })
}
