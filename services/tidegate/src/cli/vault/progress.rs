use indicatif::{ProgressBar, ProgressStyle};

/// A bar on standard error for content of that length; none is drawn where nobody sees it.
pub(in crate::cli) fn of_bytes(what: &str, bytes: Option<u64>) -> ProgressBar {
    let bar = match bytes {
        Some(bytes) => ProgressBar::new(bytes),
        None => ProgressBar::new_spinner(),
    };
    let line = match bytes {
        Some(_) => "{msg} {bar:30} {bytes}/{total_bytes} {bytes_per_sec} {eta}",
        None => "{msg} {spinner} {bytes} {bytes_per_sec}",
    };
    styled(bar, line, what)
}

/// A bar on standard error that counts items.
pub(super) fn of_items(what: &str) -> ProgressBar {
    styled(ProgressBar::new_spinner(), "{msg} {spinner} {pos}", what)
}

fn styled(bar: ProgressBar, line: &str, what: &str) -> ProgressBar {
    let style = ProgressStyle::with_template(line).expect("the line has no mistake");
    bar.set_style(style);
    bar.set_message(what.to_owned());
    bar
}
