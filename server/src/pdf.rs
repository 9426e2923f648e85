//! Tables on paper: A4, one title, a few facts, one table over as many pages as it needs. Pure: what it
//! gives depends on what it is given alone.
//!
//! The font comes along (Liberation Sans, SIL Open Font License 1.1, `pdf/LICENSE`) and what is used of
//! it is embedded, so that ä, ö and å are the same wherever it is opened.

use krilla::Document;
use krilla::SerializeSettings;
use krilla::color::rgb;
use krilla::geom::{PathBuilder, Point};
use krilla::metadata::Metadata;
use krilla::page::PageSettings;
use krilla::paint::{Fill, Stroke};
use krilla::surface::Surface;
use krilla::text::{Font, GlyphId, KrillaGlyph};
use skrifa::instance::{LocationRef, Size};
use skrifa::{FontRef, MetadataProvider};
use unicode_normalization::UnicodeNormalization;

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
    let mut document = Document::new_with(SerializeSettings::default());
    document.set_metadata(
        Metadata::new()
            .title(clean(report.title))
            .language(report.language.to_owned())
            .creator("Sopu".to_owned()),
    );
    for (number, rows) in pages.iter().enumerate() {
        let settings = PageSettings::from_wh(PAPER.0, PAPER.1).ok_or(PdfError::Made)?;
        let mut page = document.start_page_with(settings);
        let mut surface = page.surface();
        surface.set_fill(Some(Fill::default()));
        let mut y = MARGIN;
        if number == 0 {
            head.draw(&mut surface, &regular, &bold);
            y = head.below;
        }
        draw_row(&mut surface, &bold, &labels, &widths, y);
        y += height(&labels);
        rule(&mut surface, y + 1.0, 0.9);
        y += BETWEEN;
        for row in rows {
            draw_row(&mut surface, &regular, row, &widths, y);
            y += height(row) + BETWEEN;
            rule(&mut surface, y - BETWEEN + 2.0, 0.25);
        }
        let foot = clean(&(report.foot)(number + 1, pages.len()));
        let x = PAPER.0 - MARGIN - regular.width(&foot, SMALL);
        regular.draw(&mut surface, &foot, (x, FOOT), SMALL);
        surface.finish();
        page.finish();
    }
    document.finish().map_err(|_| PdfError::Made)
}

/// A row as the lines of each of its cells.
type Wrapped = Vec<Vec<String>>;

/// Which rows stand on which page. The first page begins lower; a row that is higher than a page goes on
/// on the next one, any other stays together.
fn paginate(
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

fn height(row: &Wrapped) -> f32 {
    row.iter().map(Vec::len).max().unwrap_or(0).max(1) as f32 * LINE
}

fn widths(columns: &[Column]) -> Vec<f32> {
    let all: f32 = columns.iter().map(|column| column.share).sum();
    let room = PAPER.0 - 2.0 * MARGIN - GAP * columns.len().saturating_sub(1) as f32;
    let share = |column: &Column| room * column.share / all.max(f32::MIN_POSITIVE);
    columns.iter().map(share).collect()
}

fn wrapped<'a>(face: &Face<'_>, cells: impl Iterator<Item = (&'a str, f32)>) -> Wrapped {
    cells
        .map(|(text, width)| face.wrap(text, SMALL, width))
        .collect()
}

fn draw_row(surface: &mut Surface<'_>, face: &Face<'_>, row: &Wrapped, widths: &[f32], y: f32) {
    let mut x = MARGIN;
    for (lines, width) in row.iter().zip(widths) {
        let mut baseline = y + SMALL;
        for line in lines {
            face.draw(surface, line, (x, baseline), SMALL);
            baseline += LINE;
        }
        x += width + GAP;
    }
}

/// A line over the whole width.
fn rule(surface: &mut Surface<'_>, y: f32, width: f32) {
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
    surface.draw_path(&path);
    surface.set_stroke(None);
    surface.set_fill(fill);
}

/// What stands above the table on the first page.
struct Head {
    /// Text, where its line stands, size, whether it is bold.
    lines: Vec<(String, (f32, f32), f32, bool)>,
    /// Where the table may begin.
    below: f32,
}

impl Head {
    fn of(report: &Report<'_>, regular: &Face<'_>, bold: &Face<'_>) -> Self {
        const FACT: f32 = 120.0;
        let room = PAPER.0 - 2.0 * MARGIN;
        let mut lines = Vec::new();
        let mut y = MARGIN + TITLE;
        for line in bold.wrap(report.title, TITLE, room) {
            lines.push((line, (MARGIN, y), TITLE, true));
            y += TITLE + 4.0;
        }
        y += 4.0;
        for (what, how) in report.facts {
            lines.push((clean(what), (MARGIN, y), PLAIN, true));
            for line in regular.wrap(how, PLAIN, room - FACT) {
                lines.push((line, (MARGIN + FACT, y), PLAIN, false));
                y += PLAIN + 4.0;
            }
        }
        y += 6.0;
        for line in regular.wrap(report.note, SMALL, room) {
            lines.push((line, (MARGIN, y), SMALL, false));
            y += LINE;
        }
        // However much is said above, the table begins on a page with room for it.
        let below = (y + 6.0).min(END - 8.0 * LINE);
        Self { lines, below }
    }

    fn draw(&self, surface: &mut Surface<'_>, regular: &Face<'_>, bold: &Face<'_>) {
        for (text, at, size, is_bold) in &self.lines {
            let face = if *is_bold { bold } else { regular };
            face.draw(surface, text, *at, *size);
        }
    }
}

/// A font with its measures.
struct Face<'a> {
    font: Font,
    metrics: FontRef<'a>,
    per_em: f32,
}

impl Face<'static> {
    fn new(data: &'static [u8]) -> Result<Self, PdfError> {
        let font = Font::new(data.into(), 0).ok_or(PdfError::Font)?;
        let metrics = FontRef::new(data).map_err(|_| PdfError::Font)?;
        let per_em = font.units_per_em().max(1.0);
        Ok(Self {
            font,
            metrics,
            per_em,
        })
    }
}

impl Face<'_> {
    /// The glyphs of a text, one a character: Finnish, Swedish and English need no more.
    fn glyphs(&self, text: &str) -> Vec<KrillaGlyph> {
        let of = self.metrics.charmap();
        let measures = self
            .metrics
            .glyph_metrics(Size::unscaled(), LocationRef::default());
        let one = |(start, letter): (usize, char)| {
            let glyph = of.map(letter).unwrap_or_default();
            KrillaGlyph::new(
                GlyphId::new(glyph.to_u32()),
                measures.advance_width(glyph).unwrap_or_default() / self.per_em,
                0.0,
                0.0,
                0.0,
                start..start + letter.len_utf8(),
                None,
            )
        };
        text.char_indices().map(one).collect()
    }

    fn width(&self, text: &str, size: f32) -> f32 {
        let glyphs = self.glyphs(text);
        glyphs.iter().map(|glyph| glyph.x_advance).sum::<f32>() * size
    }

    /// A text in lines that are no wider than this; a longer word is cut.
    fn wrap(&self, text: &str, size: f32, width: f32) -> Vec<String> {
        let mut lines = Vec::new();
        let mut line = String::new();
        for word in clean(text).split(' ').filter(|word| !word.is_empty()) {
            let longer = match line.is_empty() {
                true => word.to_owned(),
                false => format!("{line} {word}"),
            };
            if self.width(&longer, size) <= width {
                line = longer;
                continue;
            }
            if !line.is_empty() {
                lines.push(std::mem::take(&mut line));
            }
            for letter in word.chars() {
                line.push(letter);
                if line.len() > letter.len_utf8() && self.width(&line, size) > width {
                    line.pop();
                    lines.push(std::mem::replace(&mut line, letter.to_string()));
                }
            }
        }
        if !line.is_empty() {
            lines.push(line);
        }
        lines
    }

    fn draw(&self, surface: &mut Surface<'_>, text: &str, (x, y): (f32, f32), size: f32) {
        if text.is_empty() {
            return;
        }
        let start = Point::from_xy(x, y);
        surface.draw_glyphs(
            start,
            &self.glyphs(text),
            self.font.clone(),
            text,
            size,
            false,
        );
    }
}

/// One line without control characters, each letter with its marks one character where there is one.
fn clean(text: &str) -> String {
    let one_line = text.chars().map(|c| if c.is_control() { ' ' } else { c });
    one_line.nfc().collect()
}

#[cfg(test)]
pub(crate) mod tests;
