//! The text operators of page contents. Each string shown becomes a piece of text at a position;
//! forms are followed as if they stood in the page, never within themselves and never deeper than
//! [`FORMS_DEPTH_MAX`]. All of it spends the extraction's work.

use std::collections::HashMap;
use std::rc::Rc;

use lopdf::{Dictionary, Document, Object, ObjectId};

use super::asides;
use super::font::{self, Font};
use super::inflate;
use super::layout::{self, Piece};
use super::token::{Token, Tokens};
use crate::extract::harvest::Harvest;

/// Forms within forms.
const FORMS_DEPTH_MAX: usize = 16;
/// Saved graphics states.
const STATES_MAX: usize = 512;
/// Operands of one operator.
const OPERANDS_MAX: usize = 4_096;
/// Lines and curves of a page without text that make it a drawing of text, perhaps.
const STROKES_MIN: usize = 200;
/// Pictures of one page that are told apart.
const PICTURES_MAX: usize = 1_000;
/// Characters of the shortest text that is kept of what marked content says.
const SAID_CHARS_MIN: usize = 4;
/// Fonts kept for all pages.
const FONTS_MAX: usize = 1_000;

/// A page's text, what it says instead of what it shows, the pictures it shows, and how many others it shows in itself,
/// or so many strokes that they may be writing.
pub(crate) struct Shown {
    pub(crate) text: Vec<String>,
    pub(crate) said: String,
    pub(crate) pictures: Vec<ObjectId>,
    pub(crate) other_pictures: usize,
}

pub(crate) struct Interpreter<'d> {
    document: &'d Document,
    fonts: HashMap<ObjectId, Rc<Font>>,
    pieces: Vec<Piece>,
    piece_bytes: usize,
    pictures: Vec<ObjectId>,
    other_pictures: usize,
    strokes: usize,
    /// What stands there instead of what is shown.
    said: String,
    open_forms: Vec<ObjectId>,
    unmapped: usize,
    mapped: usize,
}

/// `[a b c d e f]`, as the standard writes it.
type Matrix = [f32; 6];
const IDENTITY: Matrix = [1.0, 0.0, 0.0, 1.0, 0.0, 0.0];

fn multiply(first: &Matrix, second: &Matrix) -> Matrix {
    let [a, b, c, d, e, f] = first;
    let [g, h, i, j, k, l] = second;
    [
        a * g + b * i,
        a * h + b * j,
        c * g + d * i,
        c * h + d * j,
        e * g + f * i + k,
        e * h + f * j + l,
    ]
}

#[derive(Clone)]
struct State {
    page: Matrix,
    font: Option<Rc<Font>>,
    size: f32,
    character_space: f32,
    word_space: f32,
    scale: f32,
    leading: f32,
    rise: f32,
}

impl<'d> Interpreter<'d> {
    pub(crate) fn new(document: &'d Document) -> Self {
        Self {
            document,
            fonts: HashMap::new(),
            pieces: Vec::new(),
            piece_bytes: 0,
            pictures: Vec::new(),
            other_pictures: 0,
            strokes: 0,
            said: String::new(),
            open_forms: Vec::new(),
            unmapped: 0,
            mapped: 0,
        }
    }

    /// Whether so many codes had no character that text may be hidden in them.
    pub(crate) fn met_unmapped(&self) -> bool {
        self.unmapped * 20 > self.mapped
    }

    /// Reads one page's content.
    pub(crate) fn page(
        &mut self,
        harvest: &mut Harvest<'_>,
        source: &[u8],
        resources: Option<&Dictionary>,
    ) -> Shown {
        let state = State {
            page: IDENTITY,
            font: None,
            size: 1.0,
            character_space: 0.0,
            word_space: 0.0,
            scale: 1.0,
            leading: 0.0,
            rise: 0.0,
        };
        self.run(harvest, source, resources, state);
        let pieces = std::mem::take(&mut self.pieces);
        self.piece_bytes = 0;
        let drawn = usize::from(std::mem::take(&mut self.strokes) >= STROKES_MIN);
        Shown {
            text: layout::readings(&pieces),
            said: std::mem::take(&mut self.said),
            pictures: std::mem::take(&mut self.pictures),
            other_pictures: std::mem::take(&mut self.other_pictures) + drawn,
        }
    }

    fn run(
        &mut self,
        harvest: &mut Harvest<'_>,
        source: &[u8],
        resources: Option<&Dictionary>,
        state: State,
    ) {
        let mut run = Run {
            interpreter: self,
            resources,
            state,
            saved: Vec::new(),
            text: IDENTITY,
            line: IDENTITY,
            operands: Vec::new(),
        };
        let mut tokens = Tokens::new(source);
        while let Some(token) = tokens.next() {
            match token {
                Token::Operator(b"ID") => {
                    tokens.skip_image();
                    run.interpreter.other_pictures += 1;
                    run.operands.clear();
                }
                Token::Operator(operator) => {
                    if !harvest.work(1 + run.operands.len() as u64) {
                        return;
                    }
                    run.operator(harvest, operator);
                    run.operands.clear();
                }
                operand if run.operands.len() < OPERANDS_MAX => run.operands.push(operand),
                // A list too long for one operator is shown in parts.
                operand => {
                    run.show_list();
                    run.operands.clear();
                    run.operands.push(operand);
                }
            }
            if run.interpreter.piece_bytes > harvest.text_bytes_left() {
                return harvest.limit("text_bytes_max");
            }
        }
    }
}

/// One content stream being read.
struct Run<'i, 'd, 's> {
    interpreter: &'i mut Interpreter<'d>,
    resources: Option<&'i Dictionary>,
    state: State,
    saved: Vec<State>,
    text: Matrix,
    line: Matrix,
    operands: Vec<Token<'s>>,
}

impl Run<'_, '_, '_> {
    fn number(&self, from_last: usize) -> f32 {
        let index = self.operands.len().checked_sub(from_last + 1);
        match index.and_then(|index| self.operands.get(index)) {
            Some(Token::Number(number)) if number.is_finite() => *number,
            _ => 0.0,
        }
    }

    fn matrix(&self) -> Matrix {
        [5, 4, 3, 2, 1, 0].map(|from_last| self.number(from_last))
    }

    fn operator(&mut self, harvest: &mut Harvest<'_>, operator: &[u8]) {
        match operator {
            b"q" if self.saved.len() < STATES_MAX => self.saved.push(self.state.clone()),
            b"Q" => self.state = self.saved.pop().unwrap_or_else(|| self.state.clone()),
            b"cm" => self.state.page = multiply(&self.matrix(), &self.state.page),
            b"BT" => (self.text, self.line) = (IDENTITY, IDENTITY),
            b"Tf" => self.select_font(harvest),
            b"Tc" => self.state.character_space = self.number(0),
            b"Tw" => self.state.word_space = self.number(0),
            b"Tz" => self.state.scale = self.number(0) / 100.0,
            b"TL" => self.state.leading = self.number(0),
            b"Ts" => self.state.rise = self.number(0),
            b"Td" => self.move_line(self.number(1), self.number(0)),
            b"TD" => {
                self.state.leading = -self.number(0);
                self.move_line(self.number(1), self.number(0));
            }
            b"Tm" => (self.text, self.line) = (self.matrix(), self.matrix()),
            b"T*" => self.move_line(0.0, -self.state.leading),
            b"Tj" | b"TJ" => self.show_list(),
            b"'" => {
                self.move_line(0.0, -self.state.leading);
                self.show_list();
            }
            b"\"" => {
                (self.state.word_space, self.state.character_space) =
                    (self.number(2), self.number(1));
                self.move_line(0.0, -self.state.leading);
                self.show_strings();
            }
            b"Do" => self.draw(harvest),
            b"BDC" => self.say(),
            b"l" | b"c" | b"v" | b"y" => self.interpreter.strokes += 1,
            _ => {}
        }
    }

    /// Keeps what marked content says instead of what it shows. Source: ISO 32000-2, 14.9.
    fn say(&mut self) {
        for pair in self.operands.windows(2) {
            let [
                Token::Name(b"ActualText" | b"Alt" | b"E"),
                Token::String(told),
            ] = pair
            else {
                continue;
            };
            // Shorter ones say how letters are joined or hyphenated.
            let told = asides::decoded(told);
            if told.chars().count() >= SAID_CHARS_MIN {
                self.interpreter.piece_bytes += told.len();
                self.interpreter.said.push_str(&told);
                self.interpreter.said.push('\n');
            }
        }
    }

    fn move_line(&mut self, x: f32, y: f32) {
        self.line = multiply(&[1.0, 0.0, 0.0, 1.0, x, y], &self.line);
        self.text = self.line;
    }

    /// Shows the strings among the operands; numbers between them move on.
    fn show_list(&mut self) {
        for operand in std::mem::take(&mut self.operands) {
            match operand {
                Token::String(shown) => self.show(&shown),
                Token::Number(back) => {
                    self.advance(-back / 1_000.0 * self.state.size * self.state.scale);
                }
                _ => {}
            }
        }
    }

    fn show_strings(&mut self) {
        self.operands
            .retain(|operand| matches!(operand, Token::String(_)));
        self.show_list();
    }

    fn advance(&mut self, x: f32) {
        self.text = multiply(&[1.0, 0.0, 0.0, 1.0, x, 0.0], &self.text);
    }

    fn position(&self) -> (f32, f32) {
        let placed = multiply(&self.text, &self.state.page);
        let finite = |value: f32| if value.is_finite() { value } else { 0.0 };
        (finite(placed[4]), finite(placed[5] + self.state.rise))
    }

    fn show(&mut self, shown: &[u8]) {
        let Some(font) = self.state.font.clone() else {
            self.interpreter.unmapped += shown.len();
            return;
        };
        let (x, y) = self.position();
        let mut text = String::new();
        let mut width = 0.0;
        for glyph in font.glyphs(shown) {
            match glyph.text {
                Some(told) => {
                    text.push_str(&told);
                    self.interpreter.mapped += 1;
                }
                None => self.interpreter.unmapped += 1,
            }
            let word_space = if glyph.is_space {
                self.state.word_space
            } else {
                0.0
            };
            width +=
                glyph.width / 1_000.0 * self.state.size + self.state.character_space + word_space;
        }
        self.advance(width * self.state.scale);
        let (end_x, _) = self.position();
        let placed = multiply(&self.text, &self.state.page);
        // Turned text runs along another axis: its height is in the other column.
        let height = placed[2].hypot(placed[3]) * self.state.size.abs();
        let size = if height.is_finite() && height > 0.01 {
            height
        } else {
            1.0
        };
        if text.is_empty() {
            return;
        }
        self.interpreter.piece_bytes += text.len();
        self.interpreter.pieces.push(Piece {
            x,
            y,
            end_x: end_x.max(x),
            size,
            text,
        });
    }

    fn select_font(&mut self, harvest: &mut Harvest<'_>) {
        self.state.size = self.number(0);
        let Some(Token::Name(name)) = self.operands.first() else {
            return;
        };
        let document = self.interpreter.document;
        let Some(font) = self.resource(b"Font", name) else {
            self.state.font = None;
            return;
        };
        let id = font.as_reference().ok();
        if let Some(known) = id.and_then(|id| self.interpreter.fonts.get(&id)) {
            self.state.font = Some(known.clone());
            return;
        }
        let Ok((_, Object::Dictionary(dictionary))) = document.dereference(font) else {
            return;
        };
        let map = font::unicode_map(document, dictionary).and_then(|map| inflate(harvest, map));
        let read = Rc::new(Font::read(document, dictionary, map.as_deref()));
        if let Some(id) = id.filter(|_| self.interpreter.fonts.len() < FONTS_MAX) {
            self.interpreter.fonts.insert(id, read.clone());
        }
        self.state.font = Some(read);
    }

    fn resource(&self, kind: &[u8], name: &[u8]) -> Option<&Object> {
        let document = self.interpreter.document;
        self.resources?
            .get_deref(kind, document)
            .ok()?
            .as_dict()
            .ok()?
            .get(name)
            .ok()
    }

    /// Draws a form as part of the page, or notes a picture.
    fn draw(&mut self, harvest: &mut Harvest<'_>) {
        let Some(Token::Name(name)) = self.operands.last() else {
            return;
        };
        let document = self.interpreter.document;
        let Some(id) = self
            .resource(b"XObject", name)
            .and_then(|found| found.as_reference().ok())
        else {
            return;
        };
        let Ok(stream) = document.get_object(id).and_then(Object::as_stream) else {
            return;
        };
        if !stream
            .dict
            .get(b"Subtype")
            .and_then(Object::as_name)
            .is_ok_and(|kind| kind == b"Form")
        {
            if self.interpreter.pictures.len() < PICTURES_MAX {
                self.interpreter.pictures.push(id);
            } else {
                self.interpreter.other_pictures += 1;
            }
            return;
        }
        let open = &self.interpreter.open_forms;
        if open.contains(&id) || open.len() >= FORMS_DEPTH_MAX {
            return harvest.malformed("pdf form within itself");
        }
        let Some(source) = inflate(harvest, stream) else {
            return;
        };
        let own = stream
            .dict
            .get_deref(b"Resources", document)
            .and_then(Object::as_dict)
            .ok();
        let mut state = self.state.clone();
        if let Ok(matrix) = stream
            .dict
            .get_deref(b"Matrix", document)
            .and_then(Object::as_array)
            && matrix.len() == 6
        {
            let mut values = IDENTITY;
            for (value, told) in values.iter_mut().zip(matrix) {
                *value = told.as_float().unwrap_or(0.0);
            }
            state.page = multiply(&values, &state.page);
        }
        self.interpreter.open_forms.push(id);
        self.interpreter
            .run(harvest, &source, own.or(self.resources), state);
        self.interpreter.open_forms.pop();
    }
}
