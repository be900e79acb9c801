//! Who may delete when, what is left, and that every act is in the trail.

use std::time::Duration;

use event_model::PageRequest;
use ports::{AuditTrail, Clock};

use super::*;
use crate::format::PART_CONTENT_BYTES;

const DAY: Duration = Duration::from_secs(24 * 60 * 60);

#[tokio::test]
async fn an_item_is_kept_for_its_time_and_while_a_hold_lies_on_it() {
    let world = World::on(Storage::memory()).await;
    let until = world.clock.now() + DAY;
    let new = NewItem {
        keep_until: Some(until),
        ..new_item()
    };
    let mut put = world.vault.put(new, "ada").await.unwrap();
    put.copy_from(&mut &b"salaries"[..], |_| ()).await.unwrap();
    let id = put.finish().await.unwrap().id;

    let kept = world.vault.delete(id, "bob").await.unwrap_err();
    assert!(matches!(kept, VaultError::Kept { .. }), "{kept}");
    world.vault.hold(id, "case 7", "grace").await.unwrap();
    let twice = world.vault.hold(id, "case 8", "bob").await.unwrap_err();
    assert_eq!(
        twice.to_string(),
        format!("a legal hold lies on the item `{id}`: case 7")
    );
    world.clock.advance(2 * DAY);
    let held = world.vault.delete(id, "bob").await.unwrap_err();
    assert!(matches!(held, VaultError::OnHold { .. }), "{held}");
    let swept = world.vault.sweep(DAY, true, "bob").await.unwrap();
    assert_eq!(swept, Swept::default(), "a hold stays sweeps, too");
    assert_eq!(world.get(id).await.unwrap(), b"salaries");

    world.vault.release(id, "grace").await.unwrap();
    let gone = world.vault.delete(id, "bob").await.unwrap();
    assert_eq!((gone.state, gone.key), (VaultState::Deleted, None));
    let refused = world.get(id).await.unwrap_err();
    assert_eq!(refused.to_string(), format!("the item `{id}` is deleted"));
    world.vault.delete(id, "bob").await.unwrap();
}

#[tokio::test]
async fn a_sweep_finishes_gives_up_and_lets_go_of_what_is_over() {
    let folder = tempfile::tempdir().unwrap();
    let world = World::on(Storage::folder(folder.path()).unwrap()).await;
    let kept = world.put(b"for ever").await.id;
    let expiring = {
        let keep_until = Some(world.clock.now() + DAY);
        let new = NewItem {
            keep_until,
            ..new_item()
        };
        let mut put = world.vault.put(new, "ada").await.unwrap();
        put.copy_from(&mut &b"for a day"[..], |_| ()).await.unwrap();
        put.finish().await.unwrap().id
    };
    let mut put = world.vault.put(new_item(), "ada").await.unwrap();
    let given_up = put.id();
    put.copy_from(&mut &content(2 * PART_CONTENT_BYTES)[..], |_| ())
        .await
        .unwrap();
    put.pause().await;
    // A deletion that died after its first step.
    let half = world.put(b"half").await;
    let deleting = VaultItem {
        state: VaultState::Deleting,
        key: None,
        ..half.clone()
    };
    world.store.save_vault_item(&deleting).await.unwrap();
    assert!(world.get(half.id).await.is_err(), "its key is gone");

    let rows = [
        (
            Duration::ZERO,
            false,
            Swept {
                finished: 1,
                ..Swept::default()
            },
        ),
        (
            2 * DAY,
            false,
            Swept {
                given_up: 1,
                ..Swept::default()
            },
        ),
        (
            Duration::ZERO,
            true,
            Swept {
                expired: 1,
                ..Swept::default()
            },
        ),
        (2 * DAY, true, Swept::default()),
    ];
    for (later, expired_too, expected) in rows {
        world.clock.advance(later);
        let swept = world.vault.sweep(DAY, expired_too, "system").await;
        assert_eq!(swept.unwrap(), expected);
    }
    for id in [half.id, given_up, expiring] {
        assert_eq!(world.item(id).await.state, VaultState::Deleted);
    }
    assert_eq!(world.get(kept).await.unwrap(), b"for ever");
    let left: Vec<_> = std::fs::read_dir(folder.path()).unwrap().collect();
    assert_eq!(left.len(), 1, "only what is held: {left:?}");
}

#[tokio::test]
async fn every_act_is_in_the_trail_with_who_did_it() {
    let world = World::on(Storage::memory()).await;
    let id = world.put(b"salaries").await.id;
    world.get(id).await.unwrap();
    world.vault.open(id, "eve", Act::Restore).await.unwrap();
    world.vault.verify(id, "bob", |_| ()).await.unwrap();
    world.vault.hold(id, "case 7", "grace").await.unwrap();
    world.vault.release(id, "bob").await.unwrap();
    world.vault.delete(id, "bob").await.unwrap();
    let trail = world
        .store
        .audit_page(&PageRequest::first(50))
        .await
        .unwrap();
    let lines: Vec<String> = trail
        .items
        .iter()
        .rev()
        .map(|entry| {
            assert_eq!(entry.subject, id.to_string());
            format!("{} {}: {}", entry.actor, entry.action, entry.detail)
        })
        .collect();
    let expected = [
        "ada vault.receive: begins, as `salaries.xlsx`",
        "ada vault.put: 8 bytes, as `salaries.xlsx`",
        "ada vault.read: `salaries.xlsx`",
        "eve vault.restore: `salaries.xlsx`",
        "bob vault.verify: `salaries.xlsx`",
        "grace vault.hold: case 7",
        "bob vault.release: laid on by grace: case 7",
        "bob vault.delete: `salaries.xlsx`, which was held",
    ];
    assert_eq!(lines, expected);
    assert_eq!(world.store.verify_audit().await.unwrap(), 8);
}

#[tokio::test]
async fn what_is_not_there_is_said() {
    let world = World::on(Storage::memory()).await;
    let id = VaultId::new(world.clock.now(), 9);
    let told = world.get(id).await.unwrap_err();
    assert_eq!(
        told.to_string(),
        format!("there is no item `{id}` in the vault")
    );
    assert!(world.vault.delete(id, "ada").await.is_err());
    assert!(world.vault.resume(id, "ada").await.is_err());
}
