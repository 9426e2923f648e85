//! A font, what it measures, and text broken into lines by it.

use krilla::geom::Point;
use krilla::surface::Surface;
use krilla::text::{Font, GlyphId, KrillaGlyph};
use skrifa::instance::{LocationRef, Size};
use skrifa::{FontRef, MetadataProvider};
use unicode_normalization::UnicodeNormalization;

use super::PdfError;

/// A font with its measures.
pub(super) struct Face<'a> {
    font: Font,
    metrics: FontRef<'a>,
    per_em: f32,
}

impl Face<'static> {
    pub(super) fn new(data: &'static [u8]) -> Result<Self, PdfError> {
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

    pub(super) fn width(&self, text: &str, size: f32) -> f32 {
        let glyphs = self.glyphs(text);
        glyphs.iter().map(|glyph| glyph.x_advance).sum::<f32>() * size
    }

    /// A text in lines that are no wider than this; a longer word is cut.
    pub(super) fn wrap(&self, text: &str, size: f32, width: f32) -> Vec<String> {
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
                // Whoever reads it aloud must not join the words.
                line.push(' ');
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

    pub(super) fn draw(
        &self,
        surface: &mut Surface<'_>,
        text: &str,
        (x, y): (f32, f32),
        size: f32,
    ) {
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
pub(super) fn clean(text: &str) -> String {
    let one_line = text.chars().map(|c| if c.is_control() { ' ' } else { c });
    one_line.nfc().collect()
}
