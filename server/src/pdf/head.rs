//! What stands above the table on the first page.

use krilla::surface::Surface;
use krilla::tagging::{ContentTag, Tag, TagGroup, TagKind, TagTree};

use super::face::{Face, clean};
use super::{END, LINE, MARGIN, PAPER, PLAIN, Report, SMALL, TITLE};

/// Where what a fact says begins, points from its name.
const FACT: f32 = 120.0;

/// Title, facts and note, laid out.
pub(super) struct Head {
    blocks: Vec<Block>,
    /// Where the table may begin.
    pub below: f32,
}

/// What is read as one.
struct Block {
    tag: TagKind,
    lines: Vec<Line>,
}

struct Line {
    text: String,
    at: (f32, f32),
    size: f32,
    bold: bool,
}

impl Head {
    pub(super) fn of(report: &Report<'_>, regular: &Face<'_>, bold: &Face<'_>) -> Self {
        let room = PAPER.0 - 2.0 * MARGIN;
        let mut blocks = Vec::new();
        let mut y = MARGIN + TITLE;
        let mut lines = Vec::new();
        for text in bold.wrap(report.title, TITLE, room) {
            lines.push(Line {
                text,
                at: (MARGIN, y),
                size: TITLE,
                bold: true,
            });
            y += TITLE + 4.0;
        }
        let heading = Tag::Hn(std::num::NonZeroU16::MIN, Some(clean(report.title)));
        blocks.push(Block {
            tag: heading.into(),
            lines,
        });
        y += 4.0;
        for (what, how) in report.facts {
            let mut lines = vec![Line {
                text: format!("{} ", clean(what)),
                at: (MARGIN, y),
                size: PLAIN,
                bold: true,
            }];
            for text in regular.wrap(how, PLAIN, room - FACT) {
                lines.push(Line {
                    text,
                    at: (MARGIN + FACT, y),
                    size: PLAIN,
                    bold: false,
                });
                y += PLAIN + 4.0;
            }
            blocks.push(Block {
                tag: Tag::P.into(),
                lines,
            });
        }
        y += 6.0;
        let mut lines = Vec::new();
        for text in regular.wrap(report.note, SMALL, room) {
            lines.push(Line {
                text,
                at: (MARGIN, y),
                size: SMALL,
                bold: false,
            });
            y += LINE;
        }
        blocks.push(Block {
            tag: Tag::P.into(),
            lines,
        });
        // However much is said above, the table begins on a page with room for it.
        let below = (y + 6.0).min(END - 8.0 * LINE);
        Self { blocks, below }
    }

    pub(super) fn draw(
        &self,
        surface: &mut Surface<'_>,
        regular: &Face<'_>,
        bold: &Face<'_>,
        tree: &mut TagTree,
    ) {
        for block in self.blocks.iter().filter(|block| !block.lines.is_empty()) {
            let shown = surface.start_tagged(ContentTag::Other);
            for line in &block.lines {
                let face = if line.bold { bold } else { regular };
                face.draw(surface, &line.text, line.at, line.size);
            }
            surface.end_tagged();
            let mut read = TagGroup::new(block.tag.clone());
            read.push(shown);
            tree.push(read);
        }
    }
}
