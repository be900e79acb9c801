use super::Lint;

impl Lint<'_> {
    /// What the manifest says how to do, the service can do.
    pub(super) fn cannot(&self) {
        for (kind, _) in &self.connector.cannot {
            if self.connector.action(*kind).is_some() {
                let message =
                    format!("`{kind}` is in `actions`, so it is not one that it cannot do");
                self.at("cannot").wrong::<()>(message);
            }
        }
    }
}
