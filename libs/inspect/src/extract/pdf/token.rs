//! Tokens of PDF content streams. Linear and without recursion: arrays and dictionaries are tokens,
//! not trees, and whatever is not closed runs to the end.

use memchr::memmem;

#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Token<'s> {
    Number(f32),
    String(Vec<u8>),
    Name(&'s [u8]),
    ArrayStart,
    ArrayEnd,
    Operator(&'s [u8]),
}

pub(crate) struct Tokens<'s> {
    source: &'s [u8],
    at: usize,
}

impl<'s> Tokens<'s> {
    pub(crate) fn new(source: &'s [u8]) -> Self {
        Self { source, at: 0 }
    }

    /// Skips the data of an inline image, of which `ID` was just read.
    pub(crate) fn skip_image(&mut self) {
        let rest = &self.source[self.at..];
        let end = memmem::find_iter(rest, b"EI").find(|end| {
            let before = end
                .checked_sub(1)
                .is_some_and(|b| rest[b].is_ascii_whitespace());
            before && rest.get(end + 2).is_none_or(u8::is_ascii_whitespace)
        });
        self.at = end.map_or(self.source.len(), |end| self.at + end + 2);
    }

    fn peek(&self, ahead: usize) -> Option<u8> {
        self.source.get(self.at + ahead).copied()
    }

    fn skip_blank(&mut self) {
        while let Some(byte) = self.peek(0) {
            match byte {
                0 | 9 | 10 | 12 | 13 | 32 => self.at += 1,
                b'%' => {
                    let rest = &self.source[self.at..];
                    let end = rest.iter().position(|b| matches!(b, b'\r' | b'\n'));
                    self.at += end.unwrap_or(rest.len());
                }
                _ => return,
            }
        }
    }

    fn word(&mut self) -> &'s [u8] {
        let rest = &self.source[self.at..];
        let end = rest
            .iter()
            .position(|b| is_delimiter(*b))
            .unwrap_or(rest.len());
        self.at += end;
        &rest[..end]
    }

    fn literal(&mut self) -> Vec<u8> {
        let mut text = Vec::new();
        let mut open = 1usize;
        self.at += 1;
        while let Some(byte) = self.peek(0) {
            self.at += 1;
            match byte {
                b'(' => open += 1,
                b')' => {
                    open -= 1;
                    if open == 0 {
                        break;
                    }
                }
                b'\\' => {
                    text.extend(self.escape());
                    continue;
                }
                _ => {}
            }
            text.push(byte);
        }
        text
    }

    fn escape(&mut self) -> Option<u8> {
        let byte = self.peek(0)?;
        self.at += 1;
        match byte {
            b'n' => Some(b'\n'),
            b'r' => Some(b'\r'),
            b't' => Some(b'\t'),
            b'b' => Some(8),
            b'f' => Some(12),
            b'\r' => {
                self.at += usize::from(self.peek(0) == Some(b'\n'));
                None
            }
            b'\n' => None,
            b'0'..=b'7' => {
                let mut code = u32::from(byte - b'0');
                for _ in 0..2 {
                    let Some(digit @ b'0'..=b'7') = self.peek(0) else {
                        break;
                    };
                    code = code * 8 + u32::from(digit - b'0');
                    self.at += 1;
                }
                Some((code & 0xFF) as u8)
            }
            other => Some(other),
        }
    }

    fn hexadecimal(&mut self) -> Vec<u8> {
        self.at += 1;
        let rest = &self.source[self.at..];
        let end = rest.iter().position(|b| *b == b'>').unwrap_or(rest.len());
        self.at = (self.at + end + 1).min(self.source.len());
        let digits: Vec<u8> = rest[..end]
            .iter()
            .filter_map(|b| char::from(*b).to_digit(16))
            .map(|d| d as u8)
            .collect();
        digits
            .chunks(2)
            .map(|pair| pair[0] << 4 | pair.get(1).copied().unwrap_or(0))
            .collect()
    }
}

fn is_delimiter(byte: u8) -> bool {
    matches!(byte, 0 | 9 | 10 | 12 | 13 | 32) || b"()<>[]{}/%".contains(&byte)
}

impl<'s> Iterator for Tokens<'s> {
    type Item = Token<'s>;

    fn next(&mut self) -> Option<Token<'s>> {
        loop {
            self.skip_blank();
            return Some(match self.peek(0)? {
                b'(' => Token::String(self.literal()),
                b'<' if self.peek(1) != Some(b'<') => Token::String(self.hexadecimal()),
                b'[' => {
                    self.at += 1;
                    Token::ArrayStart
                }
                b']' => {
                    self.at += 1;
                    Token::ArrayEnd
                }
                b'/' => {
                    self.at += 1;
                    Token::Name(self.word())
                }
                b'<' => {
                    self.at += 2;
                    continue;
                }
                b'>' | b'{' | b'}' | b')' => {
                    self.at += 1;
                    continue;
                }
                _ => number_or_operator(self.word()),
            });
        }
    }
}

fn number_or_operator(word: &[u8]) -> Token<'_> {
    let numeric = word
        .iter()
        .all(|b| b.is_ascii_digit() || b"+-.".contains(b));
    let number = std::str::from_utf8(word)
        .ok()
        .filter(|_| numeric)
        .and_then(|w| w.parse().ok());
    number.map_or(Token::Operator(word), Token::Number)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_stands_in_a_dictionary_is_read() {
        let read: Vec<Token<'_>> = Tokens::new(b"/Span<</ActualText<61>/E(b)>>BDC").collect();
        let expected = [
            Token::Name(b"Span"),
            Token::Name(b"ActualText"),
            Token::String(b"a".to_vec()),
            Token::Name(b"E"),
            Token::String(b"b".to_vec()),
            Token::Operator(b"BDC"),
        ];
        assert_eq!(read, expected);
    }

    #[test]
    fn strings_escapes_and_nesting_read_as_the_standard_says() {
        let rows: [(&[u8], &[u8]); 8] = [
            (b"(a(b)c)", b"a(b)c"),
            (b"(\\101\\7x\\))", b"A\x07x)"),
            (b"(a\\\nb)", b"ab"),
            (b"<48 65 6C6>", b"Hel`"),
            (b"(never closed", b"never closed"),
            (b"<4", b"@"),
            (b"(\\", b""),
            (b"()", b""),
        ];
        for (source, text) in rows {
            assert_eq!(
                Tokens::new(source).next(),
                Some(Token::String(text.to_vec()))
            );
        }
    }
}
