//! Rows as `COPY` takes them: text, a tab between values, `\N` where there is none.

use ports::StoreError;
use sqlx::PgConnection;
use store_rows::transfer::{Content, Table, Value};

use crate::failure::failed;
use crate::texts::{key, text};

/// Bytes sent at once, about.
const PART_BYTES: usize = 1024 * 1024;

/// Adds the rows; all of them or none.
pub(super) async fn copy(
    connection: &mut PgConnection,
    table: &Table,
    rows: &[Vec<Value>],
) -> Result<(), StoreError> {
    let statement = format!("COPY {} ({}) FROM STDIN", table.name, table.column_names());
    let mut copy = connection.copy_in_raw(&statement).await.map_err(failed)?;
    let mut part = String::with_capacity(PART_BYTES * 2);
    for row in rows {
        write(&mut part, table, row);
        if part.len() > PART_BYTES {
            copy.send(part.as_bytes()).await.map_err(failed)?;
            part.clear();
        }
    }
    copy.send(part.as_bytes()).await.map_err(failed)?;
    copy.finish().await.map(drop).map_err(failed)
}

fn write(out: &mut String, table: &Table, row: &[Value]) {
    for (place, ((_, content), value)) in table.columns.iter().zip(row).enumerate() {
        if place > 0 {
            out.push('\t');
        }
        match value {
            Value::Absent => out.push_str("\\N"),
            Value::Number(number) if *content == Content::Flag => {
                out.push(if *number == 0 { 'f' } else { 't' });
            }
            Value::Number(number) => out.push_str(&number.to_string()),
            Value::Text(given) => match content {
                Content::Text => escape(out, &text(given)),
                Content::Key => escape(out, &key(given)),
                _ => escape(out, given),
            },
            Value::Bytes(bytes) => {
                out.push_str("\\\\x");
                out.push_str(&hex::encode(bytes));
            }
        }
    }
    out.push('\n');
}

fn escape(out: &mut String, given: &str) {
    for letter in given.chars() {
        match letter {
            '\\' => out.push_str("\\\\"),
            '\t' => out.push_str("\\t"),
            '\n' => out.push_str("\\n"),
            '\r' => out.push_str("\\r"),
            letter => out.push(letter),
        }
    }
}
