//! Putting rows and lines on a page, each tagged as what it is.

use krilla::color::rgb;
use krilla::geom::PathBuilder;
use krilla::paint::Stroke;
use krilla::surface::Surface;
use krilla::tagging::{Artifact, ArtifactType, ContentTag, Tag, TagGroup, TagKind};

use super::face::Face;
use super::layout::Wrapped;
use super::{GAP, LINE, MARGIN, PAPER, SMALL};

/// What is for the eye alone: page numbers, lines, labels that were read already.
pub(super) fn artifact(surface: &mut Surface<'_>, draw: impl FnOnce(&mut Surface<'_>)) {
    let kind = Artifact::with_kind(ArtifactType::PaginationOther);
    surface.start_tagged(ContentTag::Artifact(kind));
    draw(surface);
    surface.end_tagged();
}

/// A row, each cell tagged by `tag`; the row as the reader is told of it.
pub(super) fn draw_row(
    surface: &mut Surface<'_>,
    face: &Face<'_>,
    row: &Wrapped,
    widths: &[f32],
    y: f32,
    tag: &dyn Fn() -> TagKind,
) -> TagGroup {
    let mut read = TagGroup::new(Tag::TR);
    let mut x = MARGIN;
    for (lines, width) in row.iter().zip(widths) {
        let shown = surface.start_tagged(ContentTag::Other);
        draw_cell(surface, face, lines, (x, y));
        surface.end_tagged();
        let mut cell = TagGroup::new(tag());
        cell.push(shown);
        read.push(cell);
        x += width + GAP;
    }
    read
}

/// A row that nobody is told of.
pub(super) fn draw_plain(
    surface: &mut Surface<'_>,
    face: &Face<'_>,
    row: &Wrapped,
    widths: &[f32],
    y: f32,
) {
    let mut x = MARGIN;
    for (lines, width) in row.iter().zip(widths) {
        draw_cell(surface, face, lines, (x, y));
        x += width + GAP;
    }
}

fn draw_cell(surface: &mut Surface<'_>, face: &Face<'_>, lines: &[String], (x, y): (f32, f32)) {
    let mut baseline = y + SMALL;
    for line in lines {
        face.draw(surface, line, (x, baseline), SMALL);
        baseline += LINE;
    }
    if lines.is_empty() {
        // A cell with nothing in it would not be there for whoever is told the table.
        face.draw(surface, " ", (x, baseline), SMALL);
    }
}

/// A line over the whole width.
pub(super) fn rule(surface: &mut Surface<'_>, y: f32, width: f32) {
    let mut path = PathBuilder::new();
    path.move_to(MARGIN, y);
    path.line_to(PAPER.0 - MARGIN, y);
    let Some(path) = path.finish() else {
        return;
    };
    let fill = surface.get_fill().cloned();
    surface.set_fill(None);
    surface.set_stroke(Some(Stroke {
        paint: rgb::Color::new(90, 90, 90).into(),
        width,
        ..Stroke::default()
    }));
    artifact(surface, |surface| surface.draw_path(&path));
    surface.set_stroke(None);
    surface.set_fill(fill);
}
