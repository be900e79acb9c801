//! What is said on the socket, byte for byte as `docs/vault.md` has it. Numbers are unsigned, the greatest
//! byte first. A frame is its length, a word of one byte, and what the word needs.

use bytes::{Buf, BufMut, Bytes, BytesMut};
use event_model::VaultId;
use thiserror::Error;

/// What both ends say first.
pub const GREETING: [u8; 8] = *b"TGGUARD1";
/// Most bytes of content in a frame.
pub const DATA_BYTES_MAX: u32 = 1024 * 1024;
/// Longest name, in bytes.
pub const NAME_BYTES_MAX: usize = 4 * 1024;
/// Most bytes of a frame after its length. A list has most: see [`crate::door`].
pub(crate) const FRAME_BYTES_MAX: usize = DATA_BYTES_MAX as usize + 64;
/// Bytes of an item's id as text.
const ID_BYTES: usize = 30;

/// A frame that is none.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
#[error("what came is not a frame of this protocol")]
pub struct Malformed;

/// What a client asks.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Request {
    /// Opens an item, by its id or its name.
    Open {
        /// To write it.
        write: bool,
        /// Which.
        name: String,
    },
    /// Reads some of it.
    Read {
        /// What `Opened` gave.
        handle: u32,
        /// From this byte on.
        offset: u64,
        /// At most so many, and at most [`DATA_BYTES_MAX`].
        bytes: u32,
    },
    /// Writes what comes next.
    Write {
        /// What `Opened` gave.
        handle: u32,
        /// How much came before.
        offset: u64,
        /// At most [`DATA_BYTES_MAX`].
        data: Bytes,
    },
    /// Lists what is held.
    List {
        /// What `Listed` gave; empty for the beginning.
        after: String,
    },
    /// Ends with an item. What was written is there once this is answered.
    Close {
        /// What `Opened` gave.
        handle: u32,
    },
}

/// As what an item was opened.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Shown {
    /// As it is stored.
    Ciphertext,
    /// As it is.
    Plaintext,
}

/// Why something was not done.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Code {
    /// No policy gives it.
    Denied,
    /// There is no such item.
    NotFound,
    /// Several have the name.
    Ambiguous,
    /// It was asked wrongly.
    Asked,
    /// The content is not what it was.
    Damaged,
    /// Something else failed.
    Failed,
    /// There is too much to do.
    Busy,
}

impl Code {
    const ALL: [Code; 7] = [
        Code::Denied,
        Code::NotFound,
        Code::Ambiguous,
        Code::Asked,
        Code::Damaged,
        Code::Failed,
        Code::Busy,
    ];

    /// Its number: 1 and on.
    fn number(self) -> u16 {
        Code::ALL
            .iter()
            .position(|one| *one == self)
            .map_or(0, |at| at as u16 + 1)
    }
}

/// An item in a list.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Listed {
    /// Which.
    pub id: VaultId,
    /// How long its content is, in bytes.
    pub bytes: u64,
    /// What it is called.
    pub name: String,
}

/// What the server answers.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Reply {
    /// It is open.
    Opened {
        /// What to ask with from now on.
        handle: u32,
        /// As what it is read or written.
        shown: Shown,
        /// How long it is as that, in bytes; 0 where it is written.
        bytes: u64,
    },
    /// Content; shorter than was asked for at the end, and at the end of a part of ciphertext.
    Data(Bytes),
    /// So much has come in all.
    Written(u64),
    /// Items.
    Listed {
        /// The newest first.
        items: Vec<Listed>,
        /// To go on with; empty at the end.
        next: String,
    },
    /// It is closed; which item it is.
    Closed(VaultId),
    /// It was not done.
    Refused {
        /// Why, for a program.
        code: Code,
        /// Why, for a person.
        why: String,
    },
}

impl Request {
    /// The frame, its length first.
    pub fn frame(&self) -> Bytes {
        frame(|out| match self {
            Request::Open { write, name } => {
                out.put_u8(0x01);
                out.put_u8(u8::from(*write));
                put_text(out, name);
            }
            Request::Read {
                handle,
                offset,
                bytes,
            } => {
                out.put_u8(0x02);
                out.put_u32(*handle);
                out.put_u64(*offset);
                out.put_u32(*bytes);
            }
            Request::Write {
                handle,
                offset,
                data,
            } => {
                out.put_u8(0x03);
                out.put_u32(*handle);
                out.put_u64(*offset);
                out.put_slice(data);
            }
            Request::List { after } => {
                out.put_u8(0x04);
                put_text(out, after);
            }
            Request::Close { handle } => {
                out.put_u8(0x05);
                out.put_u32(*handle);
            }
        })
    }

    /// What a frame asks, without its length.
    ///
    /// # Errors
    /// When it is none.
    pub fn read(mut frame: Bytes) -> Result<Self, Malformed> {
        let from = &mut frame;
        let request = match u8_of(from)? {
            0x01 => Request::Open {
                write: flag(from)?,
                name: text(from)?,
            },
            0x02 => Request::Read {
                handle: u32_of(from)?,
                offset: u64_of(from)?,
                bytes: u32_of(from)?,
            },
            0x03 => Request::Write {
                handle: u32_of(from)?,
                offset: u64_of(from)?,
                data: data(from)?,
            },
            0x04 => Request::List { after: text(from)? },
            0x05 => Request::Close {
                handle: u32_of(from)?,
            },
            _ => return Err(Malformed),
        };
        ended(from, request)
    }
}

impl Reply {
    /// The frame, its length first.
    pub fn frame(&self) -> Bytes {
        frame(|out| match self {
            Reply::Opened {
                handle,
                shown,
                bytes,
            } => {
                out.put_u8(0x81);
                out.put_u32(*handle);
                out.put_u8(u8::from(*shown == Shown::Plaintext) + 1);
                out.put_u64(*bytes);
            }
            Reply::Data(data) => {
                out.put_u8(0x82);
                out.put_slice(data);
            }
            Reply::Written(bytes) => {
                out.put_u8(0x83);
                out.put_u64(*bytes);
            }
            Reply::Listed { items, next } => {
                out.put_u8(0x84);
                put_text(out, next);
                for Listed { id, bytes, name } in items {
                    out.put_slice(id.to_string().as_bytes());
                    out.put_u64(*bytes);
                    put_text(out, name);
                }
            }
            Reply::Closed(id) => {
                out.put_u8(0x85);
                out.put_slice(id.to_string().as_bytes());
            }
            Reply::Refused { code, why } => {
                out.put_u8(0xFF);
                out.put_u16(code.number());
                put_text(out, why);
            }
        })
    }

    /// What a frame answers, without its length.
    ///
    /// # Errors
    /// When it is none.
    pub fn read(mut frame: Bytes) -> Result<Self, Malformed> {
        let from = &mut frame;
        let reply = match u8_of(from)? {
            0x81 => Reply::Opened {
                handle: u32_of(from)?,
                shown: match u8_of(from)? {
                    1 => Shown::Ciphertext,
                    2 => Shown::Plaintext,
                    _ => return Err(Malformed),
                },
                bytes: u64_of(from)?,
            },
            0x82 => Reply::Data(data(from)?),
            0x83 => Reply::Written(u64_of(from)?),
            0x84 => listed(from)?,
            0x85 => Reply::Closed(id(from)?),
            0xFF => {
                let number = usize::from(from.try_get_u16().map_err(|_| Malformed)?);
                let code = Code::ALL.get(number.wrapping_sub(1)).copied();
                Reply::Refused {
                    // A number of a later version is a failure all the same.
                    code: code.unwrap_or(Code::Failed),
                    why: text(from)?,
                }
            }
            _ => return Err(Malformed),
        };
        ended(from, reply)
    }
}

fn listed(from: &mut Bytes) -> Result<Reply, Malformed> {
    let (next, mut items) = (text(from)?, Vec::new());
    while from.has_remaining() {
        items.push(Listed {
            id: id(from)?,
            bytes: u64_of(from)?,
            name: text(from)?,
        });
    }
    Ok(Reply::Listed { items, next })
}

fn frame(body: impl FnOnce(&mut BytesMut)) -> Bytes {
    let mut out = BytesMut::new();
    out.put_u32(0);
    body(&mut out);
    let bytes = (out.len() - 4) as u32;
    out[..4].copy_from_slice(&bytes.to_be_bytes());
    out.freeze()
}

/// A text is its length in two bytes, and UTF-8. What is longer than a name may be is cut.
fn put_text(out: &mut BytesMut, text: &str) {
    let cut = &text[..text.floor_char_boundary(NAME_BYTES_MAX)];
    out.put_u16(cut.len() as u16);
    out.put_slice(cut.as_bytes());
}

fn text(from: &mut Bytes) -> Result<String, Malformed> {
    let bytes = usize::from(from.try_get_u16().map_err(|_| Malformed)?);
    if bytes > NAME_BYTES_MAX || bytes > from.len() {
        return Err(Malformed);
    }
    let text = std::str::from_utf8(&from.split_to(bytes)).map(str::to_owned);
    text.map_err(|_| Malformed)
}

fn id(from: &mut Bytes) -> Result<VaultId, Malformed> {
    if from.len() < ID_BYTES {
        return Err(Malformed);
    }
    let text = from.split_to(ID_BYTES);
    let text = std::str::from_utf8(&text).map_err(|_| Malformed)?;
    text.parse().map_err(|_| Malformed)
}

fn data(from: &mut Bytes) -> Result<Bytes, Malformed> {
    match from.len() > DATA_BYTES_MAX as usize {
        true => Err(Malformed),
        false => Ok(from.split_to(from.len())),
    }
}

fn flag(from: &mut Bytes) -> Result<bool, Malformed> {
    match u8_of(from)? {
        0 => Ok(false),
        1 => Ok(true),
        _ => Err(Malformed),
    }
}

fn u8_of(from: &mut Bytes) -> Result<u8, Malformed> {
    from.try_get_u8().map_err(|_| Malformed)
}

fn u32_of(from: &mut Bytes) -> Result<u32, Malformed> {
    from.try_get_u32().map_err(|_| Malformed)
}

fn u64_of(from: &mut Bytes) -> Result<u64, Malformed> {
    from.try_get_u64().map_err(|_| Malformed)
}

fn ended<T>(from: &Bytes, read: T) -> Result<T, Malformed> {
    match from.has_remaining() {
        true => Err(Malformed),
        false => Ok(read),
    }
}
