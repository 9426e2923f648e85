//! Which lines and rows stand on which page.

use super::face::Face;
use super::{BETWEEN, Column, END, GAP, LINE, MARGIN, PAPER, SMALL};

/// A row as the lines of each of its cells.
pub(super) type Wrapped = Vec<Vec<String>>;

/// Which rows stand on which page. The first page begins lower; a row that is higher than a page goes on
/// on the next one, any other stays together.
pub(super) fn paginate(
    rows: impl Iterator<Item = Wrapped>,
    first: f32,
    later: f32,
    labels: f32,
) -> Vec<Vec<Wrapped>> {
    let mut pages = vec![Vec::new()];
    let mut y = first + labels;
    for mut row in rows {
        loop {
            let fits = y + height(&row) <= END;
            let fresh = y <= later + labels;
            if fits || fresh {
                let room = ((END - y) / LINE).max(1.0) as usize;
                let rest = split(&mut row, room);
                y += height(&row) + BETWEEN;
                if let Some(page) = pages.last_mut() {
                    page.push(std::mem::take(&mut row));
                }
                match rest {
                    Some(rest) => row = rest,
                    None => break,
                }
            }
            pages.push(Vec::new());
            y = later + labels;
        }
    }
    pages
}

/// What of a row is beyond so many lines.
fn split(row: &mut Wrapped, lines: usize) -> Option<Wrapped> {
    if row.iter().all(|cell| cell.len() <= lines) {
        return None;
    }
    let rest = row.iter_mut().map(|cell| match cell.len() > lines {
        true => cell.split_off(lines),
        false => Vec::new(),
    });
    Some(rest.collect())
}

pub(super) fn height(row: &Wrapped) -> f32 {
    row.iter().map(Vec::len).max().unwrap_or(0).max(1) as f32 * LINE
}

pub(super) fn widths(columns: &[Column]) -> Vec<f32> {
    let all: f32 = columns.iter().map(|column| column.share).sum();
    let room = PAPER.0 - 2.0 * MARGIN - GAP * columns.len().saturating_sub(1) as f32;
    let share = |column: &Column| room * column.share / all.max(f32::MIN_POSITIVE);
    columns.iter().map(share).collect()
}

pub(super) fn wrapped<'a>(face: &Face<'_>, cells: impl Iterator<Item = (&'a str, f32)>) -> Wrapped {
    cells
        .map(|(text, width)| face.wrap(text, SMALL, width))
        .collect()
}
