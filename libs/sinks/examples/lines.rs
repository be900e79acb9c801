//! Every OCSF event of a file, one a line, in every form that sinks write: JSON with `id`, `form` and `line`. For
//! `scripts/siem-check`, which has others read them.

use std::io::{BufRead, BufWriter, Write, stdin, stdout};

use bytes::Bytes;
use sinks::{Format, Told};

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let mut out = BufWriter::new(stdout().lock());
    for event in stdin().lock().lines() {
        let told = Told::read(Bytes::from(event?))?;
        for (form, format) in [("cef", Format::Cef), ("leef", Format::Leef)] {
            let line = format.line(&told);
            let written = serde_json::json!({"id": told.id(), "form": form, "line": line});
            writeln!(out, "{written}")?;
        }
    }
    Ok(())
}
