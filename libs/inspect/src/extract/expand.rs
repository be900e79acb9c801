//! Decompressing within the budget that the whole extraction shares.

use std::io::Read;

use super::harvest::Harvest;

/// What `source` decompresses to, as much of it as the budget allows; `compressed` is how many
/// bytes it is made from. `None` when there is nothing. What broke is noted as `what`.
pub(crate) fn expand(
    harvest: &mut Harvest<'_>,
    compressed: usize,
    source: impl Read,
    what: &str,
) -> Option<Vec<u8>> {
    let most = harvest.expansion_left(compressed);
    let mut content = Vec::new();
    let outcome = source.take(most as u64 + 1).read_to_end(&mut content);
    if outcome.is_err() {
        harvest.malformed(what);
    }
    if content.len() > most {
        harvest.expansion_refused(compressed);
        content.truncate(most);
    }
    harvest.expanded(content.len());
    (harvest.work(content.len() as u64) && !content.is_empty()).then_some(content)
}
