//! Everything that a tenant has, for dialects whose services list what toy-cloud keeps with its objects.

use crate::model::listing::{PAGE_MAX, Wanted};
use crate::model::views::FileView;
use crate::model::{By, Model, Refusal};

/// Every object that the caller may see, of the trash or outside of it.
pub(crate) fn every_file(model: &Model, by: &By, trashed: bool) -> Result<Vec<FileView>, Refusal> {
    let wanted = Wanted {
        owner: None,
        parent_id: None,
        path: None,
        trashed,
    };
    let (mut files, mut after) = (Vec::new(), None);
    loop {
        let page = model.files(by, &wanted, after.as_deref(), PAGE_MAX)?;
        files.extend(page.items);
        match page.next {
            Some(next) => after = Some(next),
            None => return Ok(files),
        }
    }
}
