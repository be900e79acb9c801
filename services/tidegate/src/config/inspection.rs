use std::thread::available_parallelism;

use inspector::PictureOptions;

use super::source::Reading;

/// Most processes that inspect, and most of them when nobody says how many: the evaluator has no
/// more contents at a time.
const WORKERS_MAX: usize = 256;
const WORKERS_BY_ITSELF_MAX: usize = 6;
/// Languages of pictures, and characters of the name of one.
const LANGUAGES_MAX: usize = 8;
const LANGUAGE_CHARS_MAX: usize = 32;

/// How content is inspected.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Inspection {
    /// Processes at a time; none inspects within the evaluator's own.
    pub workers: usize,
    /// Address space of one of them, in MiB.
    pub memory_mb: u64,
    /// Longest that one content may take, in seconds.
    pub seconds: u64,
    /// How pictures are read; not at all without it.
    pub pictures: Option<PictureOptions>,
}

impl Inspection {
    pub(super) fn read(reading: &mut Reading) -> Self {
        let processors = available_parallelism().map_or(1, usize::from);
        Inspection {
            workers: reading
                .take("inspect_workers", |text| {
                    within(text, 0, WORKERS_MAX, "processes")
                })
                .unwrap_or(processors.min(WORKERS_BY_ITSELF_MAX)),
            memory_mb: reading
                .take("inspect_memory_mb", |text| within(text, 256, 65_536, "MiB"))
                .unwrap_or(1_024),
            seconds: reading
                .take("inspect_seconds", |text| within(text, 1, 600, "seconds"))
                .unwrap_or(30),
            pictures: pictures(reading),
        }
    }
}

fn pictures(reading: &mut Reading) -> Option<PictureOptions> {
    let usual = PictureOptions::default();
    let is_read = reading.take("inspect_ocr", |text| match text {
        "auto" => Ok(true),
        "off" => Ok(false),
        other => Err(format!("`{other}` is neither `auto` nor `off`")),
    });
    let options = PictureOptions {
        program: reading
            .take("inspect_ocr_program", |text| Ok(text.to_owned()))
            .unwrap_or(usual.program),
        languages: reading
            .take("inspect_ocr_languages", languages)
            .unwrap_or(usual.languages),
        seconds_max: reading
            .take("inspect_ocr_seconds", |text| {
                within(text, 1, 600, "seconds")
            })
            .unwrap_or(usual.seconds_max),
        ..usual
    };
    is_read.unwrap_or(true).then_some(options)
}

/// Names of languages as the reader has them: they become part of its command line.
fn languages(text: &str) -> Result<Vec<String>, String> {
    let names: Vec<String> = text.split(',').map(|name| name.trim().to_owned()).collect();
    let is_name = |name: &String| {
        let is_letter = |letter: char| letter.is_ascii_alphanumeric() || letter == '_';
        (1..=LANGUAGE_CHARS_MAX).contains(&name.len()) && name.chars().all(is_letter)
    };
    if names.len() > LANGUAGES_MAX || !names.iter().all(is_name) {
        return Err(format!(
            "`{text}` is not a list of up to {LANGUAGES_MAX} languages such as `eng,deu`"
        ));
    }
    Ok(names)
}

fn within<N: std::str::FromStr + PartialOrd + std::fmt::Display>(
    text: &str,
    least: N,
    most: N,
    unit: &str,
) -> Result<N, String> {
    let number = text
        .parse()
        .ok()
        .filter(|number| *number >= least && *number <= most);
    number.ok_or_else(|| format!("`{text}` is not a number of {unit} from {least} to {most}"))
}
