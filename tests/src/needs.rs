//! What a test needs of the machine it runs on.

/// Says that a test was left out because `what` is not here.
///
/// # Panics
/// With the environment variable `CI` set: there, a test that did not run has not passed.
pub fn lacking(what: &str) {
    let ci = std::env::var_os("CI").is_some_and(|ci| !ci.is_empty());
    assert!(!ci, "this test needs {what}");
    eprintln!("SKIPPED: it needs {what}");
}
