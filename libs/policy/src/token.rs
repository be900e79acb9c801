//! Cuts a rule into tokens, and goes on after what it cannot read so that every mistake is found.
//!
//! Quotes may be straight or typographic, because rules are pasted from articles and mails: a text
//! opened by a typographic quote ends at the next typographic quote of the same sort, and a doubled
//! closing quote counts as one.

use crate::mistake::{Fault, MistakeCode, Span};

/// Largest number that can be written: beyond it, not every whole number is exact.
pub(crate) const NUMBER_MAX: f64 = 9_007_199_254_740_992.0;

#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Token {
    Text(String),
    Number(f64),
    Name(String),
    And,
    Or,
    Not,
    In,
    True,
    False,
    Equal,
    NotEqual,
    Less,
    LessOrEqual,
    Greater,
    GreaterOrEqual,
    Open,
    Close,
    OpenList,
    CloseList,
    Comma,
    Dot,
    End,
}

impl Token {
    /// The token in words, for messages.
    pub(crate) fn describe(&self) -> String {
        let fixed = match self {
            Token::Text(_) => "a text",
            Token::Number(_) => "a number",
            Token::Name(name) => return format!("`{}`", cut(name)),
            Token::End => "the end of the rule",
            Token::And => "`and`",
            Token::Or => "`or`",
            Token::Not => "`not`",
            Token::In => "`in`",
            Token::True => "`true`",
            Token::False => "`false`",
            Token::Equal => "`==`",
            Token::NotEqual => "`!=`",
            Token::Less => "`<`",
            Token::LessOrEqual => "`<=`",
            Token::Greater => "`>`",
            Token::GreaterOrEqual => "`>=`",
            Token::Open => "`(`",
            Token::Close => "`)`",
            Token::OpenList => "`[`",
            Token::CloseList => "`]`",
            Token::Comma => "`,`",
            Token::Dot => "`.`",
        };
        fixed.to_owned()
    }
}

/// At most 60 characters of what the user wrote, on one line and without control characters.
pub(crate) fn cut(text: &str) -> String {
    let mut shown = String::new();
    for letter in crate::explain::cut(text, 60).chars() {
        if letter.is_control() {
            shown.extend(letter.escape_default());
        } else {
            shown.push(letter);
        }
    }
    shown
}

/// The tokens of the rule, the last of which is [`Token::End`], and what could not be read.
pub(crate) fn tokens(rule: &str) -> (Vec<(Token, Span)>, Vec<Fault>) {
    let mut lexer = Lexer {
        rule,
        at: 0,
        faults: Vec::new(),
    };
    let mut tokens = Vec::new();
    loop {
        lexer.skip_space();
        let start = lexer.at;
        let Some(letter) = lexer.peek() else {
            break;
        };
        if let Some(token) = lexer.token(letter) {
            tokens.push((token, lexer.since(start)));
        }
    }
    tokens.push((Token::End, lexer.since(rule.len())));
    (tokens, lexer.faults)
}

struct Lexer<'r> {
    rule: &'r str,
    at: usize,
    faults: Vec<Fault>,
}

impl Lexer<'_> {
    fn rest(&self) -> &str {
        &self.rule[self.at..]
    }

    fn peek(&self) -> Option<char> {
        self.rest().chars().next()
    }

    fn since(&self, start: usize) -> Span {
        Span {
            start,
            end: self.at,
        }
    }

    fn skip_space(&mut self) {
        let rest = self.rest();
        self.at += rest.len() - rest.trim_start().len();
    }

    fn take_while(&mut self, wanted: impl Fn(char) -> bool) -> &str {
        let start = self.at;
        let length = self.rest().find(|c| !wanted(c));
        self.at += length.unwrap_or(self.rest().len());
        &self.rule[start..self.at]
    }

    fn fault(&mut self, start: usize, message: impl Into<String>, hint: Option<&str>) {
        let fault = Fault::new(self.since(start), MistakeCode::Syntax, message);
        self.faults.push(match hint {
            Some(hint) => fault.hint(hint),
            None => fault,
        });
    }

    fn token(&mut self, letter: char) -> Option<Token> {
        match letter {
            'a'..='z' | 'A'..='Z' | '_' => Some(self.name()),
            '0'..='9' => self.number(),
            '\'' | '"' => self.text(letter, |c, open| c == open),
            '‘' | '’' | '‚' | '‛' => self.text(letter, |c, _| matches!(c, '‘' | '’' | '‛')),
            '“' | '”' | '„' | '‟' => self.text(letter, |c, _| matches!(c, '“' | '”' | '‟')),
            _ => self.sign(letter),
        }
    }

    fn name(&mut self) -> Token {
        let name = self.take_while(|c| c.is_ascii_alphanumeric() || c == '_');
        match name.to_ascii_lowercase().as_str() {
            "and" => Token::And,
            "or" => Token::Or,
            "not" => Token::Not,
            "in" => Token::In,
            "true" => Token::True,
            "false" => Token::False,
            _ => Token::Name(name.to_owned()),
        }
    }

    fn number(&mut self) -> Option<Token> {
        let start = self.at;
        self.take_while(|c| c.is_ascii_digit());
        let mut fraction = self.rest().chars();
        if fraction.next() == Some('.') && fraction.next().is_some_and(|c| c.is_ascii_digit()) {
            self.at += 1;
            self.take_while(|c| c.is_ascii_digit());
        }
        match self.rule[start..self.at].parse::<f64>() {
            Ok(number) if number <= NUMBER_MAX => Some(Token::Number(number)),
            _ => {
                let message = format!("a number is at most {NUMBER_MAX}");
                self.fault(start, message, None);
                Some(Token::Number(NUMBER_MAX))
            }
        }
    }

    fn text(&mut self, open: char, closes: fn(char, char) -> bool) -> Option<Token> {
        let start = self.at;
        self.at += open.len_utf8();
        let mut text = String::new();
        loop {
            let Some(letter) = self.peek() else {
                let hint = format!("close the text with `{open}`");
                self.fault(start, "the text has no closing quote", Some(&hint));
                return Some(Token::Text(text));
            };
            let here = self.at;
            self.at += letter.len_utf8();
            if closes(letter, open) {
                // A pasted rule sometimes has its closing quote twice.
                let typographic = !open.is_ascii();
                let doubled = self
                    .peek()
                    .filter(|next| typographic && closes(*next, open));
                self.at += doubled.map_or(0, char::len_utf8);
                return Some(Token::Text(text));
            }
            if letter == '\\' {
                self.escape(here, &mut text);
            } else {
                text.push(letter);
            }
        }
    }

    fn escape(&mut self, start: usize, text: &mut String) {
        let Some(letter) = self.peek() else {
            return;
        };
        self.at += letter.len_utf8();
        match letter {
            '\\' | '\'' | '"' | '‘' | '’' | '‛' | '“' | '”' | '‟' => text.push(letter),
            'n' => text.push('\n'),
            'r' => text.push('\r'),
            't' => text.push('\t'),
            _ => {
                let message = format!("`\\{letter}` means nothing in a text");
                self.fault(start, message, Some("write a backslash twice: `\\\\`"));
            }
        }
    }

    fn sign(&mut self, letter: char) -> Option<Token> {
        const SIGNS: [(&str, Token); 17] = [
            ("||", Token::Or),
            ("&&", Token::And),
            ("==", Token::Equal),
            ("!=", Token::NotEqual),
            ("<>", Token::NotEqual),
            ("<=", Token::LessOrEqual),
            (">=", Token::GreaterOrEqual),
            ("<", Token::Less),
            (">", Token::Greater),
            ("!", Token::Not),
            ("(", Token::Open),
            (")", Token::Close),
            ("[", Token::OpenList),
            ("]", Token::CloseList),
            (",", Token::Comma),
            (".", Token::Dot),
            ("≠", Token::NotEqual),
        ];
        const ALMOST: [(&str, Option<Token>, &str); 6] = [
            ("===", Some(Token::Equal), "write `==`"),
            ("!==", Some(Token::NotEqual), "write `!=`"),
            ("=", Some(Token::Equal), "to compare, write `==`"),
            ("&", Some(Token::And), "write `and` or `&&`"),
            ("|", Some(Token::Or), "write `or` or `||`"),
            ("~", None, "texts cannot be joined in a rule"),
        ];
        let start = self.at;
        let known = SIGNS.iter().find(|(sign, _)| self.rest().starts_with(sign));
        let almost = ALMOST
            .iter()
            .find(|(sign, ..)| self.rest().starts_with(sign));
        match (known, almost) {
            (Some((sign, token)), None) => {
                self.at += sign.len();
                Some(token.clone())
            }
            (Some((sign, token)), Some((other, ..))) if sign.len() >= other.len() => {
                self.at += sign.len();
                Some(token.clone())
            }
            (_, Some((sign, meant, hint))) => {
                self.at += sign.len();
                self.fault(start, format!("`{sign}` is not an operator"), Some(hint));
                meant.clone()
            }
            (None, None) => {
                self.at += letter.len_utf8();
                let shown = letter.escape_debug();
                self.fault(start, format!("`{shown}` has no place in a rule"), None);
                None
            }
        }
    }
}
