//! The words that `tesseract` saw, from its table: lines of twelve columns with tabs between them. Source: the manual
//! page of tesseract, configuration `tsv`.

/// Columns of a word: which block, paragraph and line it is of, how sure it is, and the word itself.
const LEVEL: usize = 0;
const LINE: std::ops::RangeInclusive<usize> = 1..=4;
const CONFIDENCE: usize = 10;
const WORD: usize = 11;
/// The level that words are of.
const WORDS: &str = "5";

/// The text, line by line, and how sure the reader is of it, 0 to 100, weighed by the words' lengths.
pub(super) fn of(table: &str) -> (String, u8) {
    let mut text = String::new();
    let mut line: Option<Vec<&str>> = None;
    let (mut sure, mut weight) = (0.0_f64, 0.0_f64);
    for row in table.lines() {
        let columns: Vec<&str> = row.splitn(WORD + 1, '\t').collect();
        if columns.len() != WORD + 1 || columns[LEVEL] != WORDS {
            continue;
        }
        let (confidence, word) = (columns[CONFIDENCE], columns[WORD].trim());
        if word.is_empty() {
            continue;
        }
        let of = columns[LINE].to_vec();
        if let Some(before) = &line {
            // Paragraphs stand apart.
            let same_paragraph = before[..3] == of[..3];
            text.push_str(match (*before == of, same_paragraph) {
                (true, _) => " ",
                (false, true) => "\n",
                (false, false) => "\n\n",
            });
        }
        line = Some(of);
        text.push_str(word);
        let told: f64 = confidence.parse().unwrap_or(0.0);
        let length = word.chars().count() as f64;
        sure += told.clamp(0.0, 100.0) * length;
        weight += length;
    }
    let mean = if weight > 0.0 { sure / weight } else { 0.0 };
    (text, mean as u8)
}

#[cfg(test)]
mod tests {
    use super::*;

    const HEAD: &str = "level\tpage_num\tblock_num\tpar_num\tline_num\tword_num\tleft\ttop\twidth\theight\tconf\ttext";

    fn word(place: [u8; 4], confidence: &str, text: &str) -> String {
        let [page, block, paragraph, line] = place;
        format!("5\t{page}\t{block}\t{paragraph}\t{line}\t1\t0\t0\t9\t9\t{confidence}\t{text}")
    }

    #[test]
    fn words_become_lines_and_paragraphs_and_a_mean() {
        let nothing = [HEAD, "1\t1\t0\t0\t0\t0\t0\t0\t9\t9\t-1\t"].join("\n");
        let lines = [
            HEAD.to_owned(),
            "4\t1\t1\t1\t1\t0\t0\t0\t9\t9\t-1\t".to_owned(),
            word([1, 1, 1, 1], "96.5", "card"),
            word([1, 1, 1, 1], "90", "4539"),
            word([1, 1, 1, 2], "10.0", "x"),
            word([1, 1, 1, 2], "95", " "),
            word([1, 2, 1, 1], "80", "total"),
        ];
        let rows = [
            ("", "", 0),
            (nothing.as_str(), "", 0),
            (&lines.join("\n"), "card 4539\nx\n\ntotal", 82),
            (&word([1, 1, 1, 1], "no number", "a"), "a", 0),
            ("5\t1\t1", "", 0),
        ];
        for (table, text, confidence) in rows {
            assert_eq!(of(table), (text.to_owned(), confidence), "{table}");
        }
    }
}
