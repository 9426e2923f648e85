//! Tables on paper: A4, one title, a few facts, one table over as many pages as it needs. Pure: what it
//! gives depends on what it is given alone.
//!
//! The font comes along (Liberation Sans, SIL Open Font License 1.1, `pdf/LICENSE`) and what is used of
//! it is embedded, so that ä, ö and å are the same wherever it is opened. Heading, paragraphs and cells are
//! tagged as what they are (PDF/UA-1, ISO 14289-1), so that it can be read aloud too.

use krilla::configure::{Accessibility, ConfigurationBuilder};
use krilla::destination::XyzDestination;
use krilla::error::KrillaError;
use krilla::geom::Point;
use krilla::metadata::Metadata;
use krilla::outline::{Outline, OutlineNode};
use krilla::page::PageSettings;
use krilla::paint::Fill;
use krilla::tagging::{TableHeaderScope, Tag, TagGroup, TagKind, TagTree};
use krilla::{Document, SerializeSettings};

mod draw;
mod face;
mod head;
mod layout;

use draw::{artifact, draw_row, rule};
use face::{Face, clean};
use head::Head;
use layout::{height, paginate, widths, wrapped};

const REGULAR: &[u8] = include_bytes!("pdf/LiberationSans-Regular.ttf");
const BOLD: &[u8] = include_bytes!("pdf/LiberationSans-Bold.ttf");

/// ISO 216 A4 in points (1/72 inch).
const PAPER: (f32, f32) = (595.28, 841.89);
/// Free on every side, points.
const MARGIN: f32 = 42.0;
/// Between two columns, points.
const GAP: f32 = 8.0;
/// Letters of the table, points.
const SMALL: f32 = 8.5;
/// Letters of facts, points.
const PLAIN: f32 = 10.0;
/// Letters of the title, points.
const TITLE: f32 = 17.0;
/// From one line of the table to the next, points.
const LINE: f32 = 11.0;
/// Between two rows of the table, points.
const BETWEEN: f32 = 5.0;
/// Where the foot of a page begins, points from above.
const FOOT: f32 = PAPER.1 - 28.0;
/// Where the table must end, points from above.
const END: f32 = PAPER.1 - MARGIN - 12.0;

/// Why there is no paper.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum PdfError {
    /// The font that comes along cannot be read: the program is broken.
    #[error("the font cannot be read")]
    Font,
    /// The parts could not be put together.
    #[error("the file could not be put together")]
    Made,
}

/// A column of the table.
#[derive(Clone, Debug)]
pub struct Column {
    /// What is written above it.
    pub label: String,
    /// How much of the width it gets, beside what the others get.
    pub share: f32,
}

/// What is to be on paper.
#[derive(Clone)]
pub struct Report<'a> {
    /// The language of the text (ISO 639-1), for whoever reads it aloud.
    pub language: &'a str,
    /// The title.
    pub title: &'a str,
    /// Facts below the title: what, and how it is.
    pub facts: &'a [(String, String)],
    /// A paragraph below them.
    pub note: &'a str,
    /// The columns of the table.
    pub columns: &'a [Column],
    /// Its rows, a cell a column.
    pub rows: &'a [Vec<String>],
    /// What stands at the foot of each page: given its number and how many there are.
    pub foot: &'a dyn Fn(usize, usize) -> String,
}

/// The report as a PDF file.
///
/// # Errors
/// [`PdfError`]; never for what the report says.
pub fn a4(report: &Report<'_>) -> Result<Vec<u8>, PdfError> {
    let by_standard = ConfigurationBuilder::new()
        .with_accessibility_validator(Accessibility::UA1)
        .finish()
        .map_err(|_| PdfError::Made)?;
    let strict = SerializeSettings {
        configuration: by_standard,
        ..SerializeSettings::default()
    };
    match made(report, strict)? {
        Ok(file) => Ok(file),
        // A letter without a shape, say: it comes without the mark that it holds to the standard.
        Err(KrillaError::Validation(_)) => {
            made(report, SerializeSettings::default())?.map_err(|_| PdfError::Made)
        }
        Err(_) => Err(PdfError::Made),
    }
}

fn made(
    report: &Report<'_>,
    settings: SerializeSettings,
) -> Result<Result<Vec<u8>, KrillaError>, PdfError> {
    let regular = Face::new(REGULAR)?;
    let bold = Face::new(BOLD)?;
    let widths = widths(report.columns);
    let head = Head::of(report, &regular, &bold);
    let labels = report.columns.iter().zip(&widths);
    let labels = wrapped(&bold, labels.map(|(c, width)| (c.label.as_str(), *width)));
    let rows = report.rows.iter().map(|row| {
        let cells = row.iter().zip(&widths);
        wrapped(&regular, cells.map(|(text, width)| (text.as_str(), *width)))
    });
    let pages = paginate(rows, head.below, MARGIN, height(&labels) + BETWEEN);
    let mut document = Document::new_with(settings);
    let title = clean(report.title);
    document.set_metadata(
        Metadata::new()
            .title(title.clone())
            .language(report.language.to_owned())
            .creator("Sopu".to_owned()),
    );
    let mut outline = Outline::new();
    let begins = XyzDestination::new(0, Point::from_xy(MARGIN, MARGIN));
    outline.push_child(OutlineNode::new(title, begins));
    document.set_outline(outline);
    let mut tree = TagTree::new().with_lang(Some(report.language.to_owned()));
    let mut names = TagGroup::new(Tag::THead);
    let mut body = TagGroup::new(Tag::TBody);
    for (number, rows) in pages.iter().enumerate() {
        let settings = PageSettings::from_wh(PAPER.0, PAPER.1).ok_or(PdfError::Made)?;
        let mut page = document.start_page_with(settings);
        let mut surface = page.surface();
        surface.set_fill(Some(Fill::default()));
        let mut y = MARGIN;
        if number == 0 {
            head.draw(&mut surface, &regular, &bold, &mut tree);
            y = head.below;
            let column = || TagKind::from(Tag::TH(TableHeaderScope::Column));
            names.push(draw_row(&mut surface, &bold, &labels, &widths, y, &column));
        } else {
            // Said once; on later pages they are for the eye.
            artifact(&mut surface, |surface| {
                draw::draw_plain(surface, &bold, &labels, &widths, y);
            });
        }
        y += height(&labels);
        rule(&mut surface, y + 1.0, 0.9);
        y += BETWEEN;
        for row in rows {
            let cell = || TagKind::from(Tag::TD);
            body.push(draw_row(&mut surface, &regular, row, &widths, y, &cell));
            y += height(row) + BETWEEN;
            rule(&mut surface, y - BETWEEN + 2.0, 0.25);
        }
        let foot = clean(&(report.foot)(number + 1, pages.len()));
        let x = PAPER.0 - MARGIN - regular.width(&foot, SMALL);
        artifact(&mut surface, |surface| {
            regular.draw(surface, &foot, (x, FOOT), SMALL);
        });
        surface.finish();
        page.finish();
    }
    let mut table = TagGroup::new(Tag::Table);
    table.push(names);
    if !report.rows.is_empty() {
        table.push(body);
    }
    tree.push(table);
    document.set_tag_tree(tree);
    Ok(document.finish())
}

#[cfg(test)]
pub(crate) mod tests;
