//! `BENCHMARKS.md`: each section's last result between two marks, the words around them kept.

use std::io;
use std::path::Path;

/// Puts a section's text between its marks; a section that is not there yet goes to the end.
///
/// # Errors
/// The file's.
pub fn keep(file: &Path, name: &str, text: &str) -> io::Result<()> {
    let old = match std::fs::read_to_string(file) {
        Ok(old) => old,
        Err(error) if error.kind() == io::ErrorKind::NotFound => String::new(),
        Err(error) => return Err(error),
    };
    std::fs::write(file, put(&old, name, text))
}

fn put(old: &str, name: &str, text: &str) -> String {
    let (begin, end) = (
        format!("<!-- begin {name} -->"),
        format!("<!-- end {name} -->"),
    );
    let new = format!("{begin}\n{}\n{end}", text.trim_end());
    let span = old.find(&begin).and_then(|from| {
        let to = old[from..].find(&end)?;
        Some(from..from + to + end.len())
    });
    match span {
        Some(span) => format!("{}{new}{}", &old[..span.start], &old[span.end..]),
        None if old.is_empty() => format!("{new}\n"),
        None => format!("{}\n\n{new}\n", old.trim_end()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_section_replaces_itself_and_nothing_else() {
        let first = put("# Costs\n\nWords.\n", "day", "one\n");
        let both = put(&first, "idle", "two\n");
        let again = put(&both, "day", "three");
        assert_eq!(
            again,
            "# Costs\n\nWords.\n\n<!-- begin day -->\nthree\n<!-- end day -->\n\n\
             <!-- begin idle -->\ntwo\n<!-- end idle -->\n"
        );
    }
}
