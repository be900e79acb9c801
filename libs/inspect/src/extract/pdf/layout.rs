//! From positioned glyphs to lines of text. What is near joins, what is apart is parted by a space,
//! a tab or a line break: by position, never by the order of operators alone.

/// Pieces of text of one page that are placed; later ones are read in the order drawn.
const PIECES_MAX: usize = 500_000;
/// In parts of the font size: a gap wider than this is a space, one wider still is a tab, and
/// a step this far up or down is another line.
const SPACE_GAP: f32 = 0.18;
const TAB_GAP: f32 = 1.5;
const LINE_STEP: f32 = 0.45;
/// Letters that are drawn apart on purpose: so many in a row, and no further apart than this.
const SPACED_LETTERS_MIN: usize = 6;
const SPACED_GAP_MAX: f32 = 0.8;
/// How much further than its letters the words of such text are apart.
const SPACED_WORDS: f32 = 1.5;

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
    let drawn = join(&pieces.iter().collect::<Vec<_>>());
    let mut readings = Vec::new();
    if jumps(pieces) && pieces.len() <= PIECES_MAX {
        let placed = join(&by_place(pieces));
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

fn join(pieces: &[&Piece]) -> String {
    let mut text = String::new();
    let mut last: Option<&Piece> = None;
    let mut spaced = Spaced::default();
    for (index, piece) in pieces.iter().enumerate() {
        if let Some(last) = last {
            if index >= spaced.end {
                spaced = Spaced::from(&pieces[index - 1..], index - 1);
            }
            let is_in_word = index < spaced.end && piece.x - last.end_x <= spaced.gap_max;
            let between = between(last, piece).filter(|_| !is_in_word);
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

/// A row of letters that are drawn one by one.
#[derive(Default)]
struct Spaced {
    /// The index of the piece behind it.
    end: usize,
    /// The widest gap that parts no words; less than nothing where letters are not spaced.
    gap_max: f32,
}

impl Spaced {
    /// The row that begins with the first of `pieces`, whose index is `start`.
    fn from(pieces: &[&Piece], start: usize) -> Self {
        let gaps = pieces.windows(2).map_while(|pair| {
            let (last, next) = (pair[0], pair[1]);
            let size = last.size.max(next.size);
            let is_row = (next.y - last.y).abs() <= LINE_STEP * size
                && [last, next]
                    .iter()
                    .all(|piece| piece.text.chars().nth(1).is_none());
            let gap = next.x - last.end_x;
            (is_row && gap >= 0.0 && gap <= TAB_GAP * size).then_some((gap, size))
        });
        let (mut count, mut least) = (1, (f32::MAX, 1.0));
        for (gap, size) in gaps {
            count += 1;
            if gap < least.0 {
                least = (gap, size);
            }
        }
        let (gap, size) = least;
        let are_spaced = count >= SPACED_LETTERS_MIN && gap <= SPACED_GAP_MAX * size;
        Spaced {
            end: start + count,
            gap_max: if are_spaced { gap * SPACED_WORDS } else { -1.0 },
        }
    }
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

    #[test]
    fn letters_drawn_apart_are_words_and_figures_in_columns_are_not() {
        let row = |letters: &str, step: f32| -> Vec<Piece> {
            let each = letters.chars().enumerate().filter(|(_, c)| *c != '_');
            each.map(|(at, c)| piece(at as f32 * step, 0., &c.to_string()))
                .collect()
        };
        for (letters, step, text) in [
            ("41111111", 8.0, "41111111"),
            ("4111_1111", 8.0, "4111 1111"),
            ("411111__411111", 8.0, "411111\t411111"),
            ("411", 8.0, "4 1 1"),
            ("41111111", 14.0, "4 1 1 1 1 1 1 1"),
            ("41111111", 24.0, "4\t1\t1\t1\t1\t1\t1\t1"),
            ("41111111", 5.0, "41111111"),
        ] {
            assert_eq!(readings(&row(letters, step)), [text], "{letters} {step}");
        }
    }
}
