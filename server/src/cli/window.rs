//! Windows of time as people type them.

use clap::Args;

use super::CliError;
use crate::access::people::Window;
use crate::civil;

/// When something holds.
#[derive(Debug, Args)]
pub(super) struct WindowArgs {
    /// From this moment on: 2026-11-22 or 2026-11-22T07:00, Finland's time [default: now]
    #[arg(long, value_name = "TIME")]
    from: Option<String>,
    /// Until this moment (a date: until that day begins)
    #[arg(long, value_name = "TIME")]
    until: Option<String>,
}

impl WindowArgs {
    pub(super) fn window(&self, now_ms: i64) -> Result<Window, CliError> {
        let from_ms = self
            .from
            .as_deref()
            .map(moment)
            .transpose()?
            .unwrap_or(now_ms);
        let until_ms = self.until.as_deref().map(moment).transpose()?;
        if until_ms.is_some_and(|until| until <= from_ms) {
            return Err(CliError::Usage(
                "--until must be later than --from".to_owned(),
            ));
        }
        Ok(Window { from_ms, until_ms })
    }
}

fn moment(text: &str) -> Result<i64, CliError> {
    civil::moment(text).ok_or_else(|| {
        CliError::Usage(format!(
            "`{text}` is not a time; write it like 2026-11-22 or 2026-11-22T07:00"
        ))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_window_that_ends_before_it_begins_is_refused() {
        let args = WindowArgs {
            from: Some("2026-02-02".into()),
            until: Some("2026-02-01".into()),
        };
        assert!(args.window(0).is_err());
    }
}
