//! A small report: lines on the screen and in a file, and a bar chart.

use std::path::{Path, PathBuf};

use anyhow::Context;

use crate::cli::Stream;
use crate::say;

/// One bar of a chart.
pub(crate) struct Bar<'a> {
    pub(crate) name: &'a str,
    pub(crate) value: f64,
}

/// What was measured.
pub(crate) struct Report {
    name: &'static str,
    folder: PathBuf,
    text: String,
    chart: Option<String>,
}

impl Report {
    pub(crate) fn new(name: &'static str, folder: &Path) -> Self {
        Report {
            name,
            folder: folder.to_owned(),
            text: String::new(),
            chart: None,
        }
    }

    /// Says a line now and keeps it.
    pub(crate) fn line(&mut self, line: &str) {
        say(line, Stream::Out);
        self.text.push_str(line);
        self.text.push('\n');
    }

    /// Draws bars from zero, the longest over the whole width.
    pub(crate) fn chart(&mut self, title: &str, bars: &[Bar<'_>]) {
        const ROW: usize = 28;
        let longest = bars
            .iter()
            .map(|bar| bar.value)
            .fold(f64::MIN_POSITIVE, f64::max);
        let height = 40 + bars.len() * ROW;
        let mut svg = format!(
            "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"640\" height=\"{height}\" font-family=\"sans-serif\" font-size=\"13\">\n\
             <rect width=\"100%\" height=\"100%\" fill=\"#fff\"/>\n<text x=\"12\" y=\"22\" font-weight=\"bold\">{title}</text>\n"
        );
        for (row, bar) in bars.iter().enumerate() {
            let y = 36 + row * ROW;
            let width = (bar.value / longest * 330.0).max(1.0);
            svg.push_str(&format!(
                "<text x=\"12\" y=\"{}\">{}</text><rect x=\"200\" y=\"{y}\" width=\"{width:.0}\" height=\"18\" fill=\"#2f6f8f\"/><text x=\"{:.0}\" y=\"{}\">{:.0}</text>\n",
                y + 14,
                bar.name,
                208.0 + width,
                y + 14,
                bar.value,
            ));
        }
        svg.push_str("</svg>\n");
        self.chart = Some(svg);
    }

    /// Writes the files and says where they are.
    pub(crate) fn write(self) -> anyhow::Result<()> {
        let context = || {
            format!(
                "the report cannot be written to `{}`",
                self.folder.display()
            )
        };
        std::fs::create_dir_all(&self.folder).with_context(context)?;
        let path = |ending: &str| self.folder.join(format!("{}.{ending}", self.name));
        std::fs::write(path("txt"), &self.text).with_context(context)?;
        if let Some(chart) = &self.chart {
            std::fs::write(path("svg"), chart).with_context(context)?;
        }
        say(&format!("\nreport: {}", path("txt").display()), Stream::Out);
        Ok(())
    }
}
