//! What an administrator is told who starts it wrong.

use tidegate::wiring::{Platform, Role};
use tokio::sync::watch;

use super::World;

#[tokio::test(flavor = "multi_thread")]
async fn a_second_start_on_the_same_data_says_that_the_log_is_in_use() {
    let world = World::new(26).await;
    let (_stop, stopped) = watch::channel(false);
    let Err(refused) = Platform::open(&world.config, &Role::ALL, stopped).await else {
        panic!("two platforms have the same log");
    };
    let said = format!("{refused:#}");
    assert!(said.contains("(setting `log`)"), "{said}");
    assert!(said.contains("open in another process"), "{said}");
    assert!(
        world.tidegate.get_text("/readyz").await.is_ok(),
        "the first goes on"
    );
    world.ends_at_rest().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_taken_address_is_told_with_the_setting_to_change() {
    let world = World::new(27).await;
    let mut config = world.config.clone();
    config.listen = world.url.trim_start_matches("http://").parse().unwrap();
    let (_stop, stopped) = watch::channel(false);
    let Err(refused) = Platform::open(&config, &Role::ALL, stopped).await else {
        panic!("two platforms listen at the same address");
    };
    let said = format!("{refused:#}");
    assert!(said.contains("set `listen`"), "{said}");
    world.ends_at_rest().await;
}
