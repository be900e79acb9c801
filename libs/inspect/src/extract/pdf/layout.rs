//! From positioned glyphs to lines of text. What is near joins, what is apart is parted by a space,
//! a tab or a line break: by position, never by the order of operators alone.

/// Pieces of text of one page that are placed; later ones are read in the order drawn.
const PIECES_MAX: usize = 500_000;
/// In parts of the font size: a gap wider than this is a space, one wider still is a tab, and
/// a step this far up or down is another line.
const SPACE_GAP: f32 = 0.18;
const TAB_GAP: f32 = 1.5;
const LINE_STEP: f32 = 0.45;

/// Text drawn by one operator.
#[derive(Clone, Debug)]
pub(crate) struct Piece {
    pub(crate) x: f32,
    pub(crate) y: f32,
    pub(crate) end_x: f32,
    pub(crate) size: f32,
    pub(crate) text: String,
}

/// The page's text as drawn and, where the drawing jumps about, once more as placed.
pub(crate) fn readings(pieces: &[Piece]) -> Vec<String> {
    let drawn = join(pieces.iter());
    let mut readings = Vec::new();
    if jumps(pieces) && pieces.len() <= PIECES_MAX {
        let placed = join(by_place(pieces).into_iter());
        if placed != drawn {
            readings.push(placed);
        }
    }
    if !drawn.trim().is_empty() {
        readings.insert(0, drawn);
    }
    readings
}

/// Whether something is drawn to the left of what was drawn before on its line, or above it.
fn jumps(pieces: &[Piece]) -> bool {
    pieces.windows(2).any(|pair| {
        let (last, next) = (&pair[0], &pair[1]);
        let size = last.size.max(next.size);
        let same_line = (next.y - last.y).abs() <= LINE_STEP * size;
        (same_line && next.x < last.x - size) || next.y > last.y + 2.0 * size
    })
}

fn by_place(pieces: &[Piece]) -> Vec<&Piece> {
    let mut sorted: Vec<&Piece> = pieces.iter().collect();
    sorted.sort_by(|a, b| b.y.total_cmp(&a.y));
    let mut from = 0;
    while from < sorted.len() {
        let (top, size) = (sorted[from].y, sorted[from].size);
        let length = sorted[from..]
            .iter()
            .take_while(|p| top - p.y <= LINE_STEP * size)
            .count();
        let length = length.max(1);
        sorted[from..from + length].sort_by(|a, b| a.x.total_cmp(&b.x));
        from += length;
    }
    sorted
}

fn join<'p>(pieces: impl Iterator<Item = &'p Piece>) -> String {
    let mut text = String::new();
    let mut last: Option<&Piece> = None;
    for piece in pieces {
        if let Some(last) = last {
            let between = between(last, piece);
            let blank = text.ends_with([' ', '\n', '\t']) || piece.text.starts_with(' ');
            if !(blank && between == Some(' ')) {
                text.extend(between);
            }
        }
        text.push_str(&piece.text);
        last = Some(piece);
    }
    text
}

/// What parts `next` from `last`: nothing when they touch.
fn between(last: &Piece, next: &Piece) -> Option<char> {
    let size = last.size.max(next.size);
    let gap = next.x - last.end_x;
    if (next.y - last.y).abs() > LINE_STEP * size || gap < -2.0 * size {
        Some('\n')
    } else if gap > TAB_GAP * size {
        Some('\t')
    } else if gap > SPACE_GAP * size {
        Some(' ')
    } else {
        None
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn piece(x: f32, y: f32, text: &str) -> Piece {
        let end_x = x + 5.0 * text.chars().count() as f32;
        Piece {
            x,
            y,
            end_x,
            size: 10.0,
            text: text.to_owned(),
        }
    }

    #[test]
    fn position_decides_what_joins() {
        let rows = [
            (
                vec![piece(0., 0., "41"), piece(10., 0., "11")],
                vec!["4111"],
            ),
            (
                vec![piece(0., 0., "41"), piece(13., 0., "11")],
                vec!["41 11"],
            ),
            (
                vec![piece(0., 0., "41"), piece(60., 0., "11")],
                vec!["41\t11"],
            ),
            (
                vec![piece(0., 20., "41"), piece(0., 0., "11")],
                vec!["41\n11"],
            ),
            // Drawn backwards, read forwards as well.
            (
                vec![piece(40., 0., "b"), piece(0., 0., "a")],
                vec!["b\na", "a\tb"],
            ),
        ];
        for (pieces, texts) in rows {
            assert_eq!(readings(&pieces), texts);
        }
    }
}
