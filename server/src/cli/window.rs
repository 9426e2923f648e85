//! Windows of time as people type them: `2026-11-22` or `2026-11-22T07:00`, in Finland's time.

use clap::Args;

use super::CliError;
use crate::access::people::Window;

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
    let wrong = || {
        CliError::Usage(format!(
            "`{text}` is not a time; write it like 2026-11-22 or 2026-11-22T07:00"
        ))
    };
    let civil: jiff::civil::DateTime = match text.parse() {
        Ok(time) => time,
        Err(_) => text
            .parse::<jiff::civil::Date>()
            .map_err(|_| wrong())?
            .at(0, 0, 0, 0),
    };
    let zoned = civil.in_tz("Europe/Helsinki").map_err(|_| wrong())?;
    Ok(zoned.timestamp().as_millisecond())
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "a test that fails should say where")]
    use super::*;

    #[test]
    fn a_typed_time_is_finland_s_time() {
        assert_eq!(moment("2026-11-22T02:00").unwrap(), 1_795_305_600_000);
        assert_eq!(
            moment("2026-06-01").unwrap(),
            moment("2026-06-01T00:00").unwrap()
        );
        assert!(moment("huomenna").is_err());
    }

    #[test]
    fn a_window_that_ends_before_it_begins_is_refused() {
        let args = WindowArgs {
            from: Some("2026-02-02".into()),
            until: Some("2026-02-01".into()),
        };
        assert!(args.window(0).is_err());
    }
}
