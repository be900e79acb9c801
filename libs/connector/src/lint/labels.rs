use super::Lint;
use crate::mistake::did_you_mean;

impl Lint<'_> {
    /// What tells that labels changed must be there, and so must what lists the objects that are looked at again.
    pub(super) fn label_changes(&self) {
        let connector = self.connector;
        let places = connector.labels.iter();
        let mut changes = places.filter_map(|place| place.changes.as_ref()).peekable();
        if changes.peek().is_some() && connector.crawls.is_empty() {
            let message = "`changes` needs `crawl`: an object whose labels changed is looked at again by a scan";
            self.at("labels").wrong::<()>(message);
        }
        for named in changes.map(|changes| &changes.stream) {
            let mut streams = connector.streams.all();
            if streams.any(|stream| stream.name == *named) {
                continue;
            }
            let hint = did_you_mean(named, connector.streams().iter().map(String::as_str));
            let hint = hint.unwrap_or_else(|| "name one of `pull`, or write a stream there".into());
            let message = format!("`changes` names no stream: `{named}`");
            self.at("labels").wrong_with::<()>(message, Some(hint));
        }
    }
}
