//! Which policies a scan applies.

use event_model::{PolicyVersion, Scan, ScanAsk, ScanMode};
use policy::PolicySet;
use ports::StoreError;

use super::{Scans, Stop};

impl Scans {
    /// The policies that are asked for, compiled. Acting takes those in use only.
    pub(super) async fn policies(
        &self,
        scan: &Scan,
    ) -> Result<Result<PolicySet, Stop>, StoreError> {
        let ask = &scan.ask;
        let store = &self.ports.evaluator.policies;
        let mut versions: Vec<PolicyVersion> = Vec::new();
        if ask.policies.is_empty() || ask.mode == ScanMode::Act {
            let used = store.policies_in_use().await?;
            let is_asked_for = |version: &PolicyVersion| {
                ask.policies.is_empty() || ask.policies.contains(&version.id)
            };
            versions.extend(used.into_iter().filter(is_asked_for));
        } else {
            for id in ask.policies.iter().take(ScanAsk::POLICIES_MAX) {
                let latest = store.latest_policy(*id).await?;
                versions.extend(latest.map(|version| PolicyVersion {
                    // As if it were: a preview does nothing.
                    enabled: true,
                    ..version
                }));
            }
        }
        if scan.labels_of.is_some() {
            versions.retain(|version| policy::reads_labels(&version.document));
        }
        let (policies, _) = PolicySet::compile(&versions);
        Ok(match policies.is_empty() {
            true if scan.labels_of.is_some() => Err(Stop::Failed(
                "no policy in use reads labels any more".into(),
            )),
            true => Err(Stop::Held(
                "none of the policies is in use: put one into use, then continue".into(),
            )),
            false => Ok(policies),
        })
    }
}
