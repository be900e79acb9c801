use anyhow::Context;
use clap::Args;
use tokio::sync::watch;

use super::signals::Drain;
use super::{Settings, Stream};
use crate::demo::Demo;
use crate::say;
use crate::wiring::{Platform, Role};

/// `tidegate up`
#[derive(Debug, Args)]
pub(crate) struct Up {
    #[command(flatten)]
    settings: Settings,
    /// Start toy-cloud beside it, connect two tenants, and play a short scenario.
    #[arg(long)]
    demo: bool,
    /// With --demo: end after the scenario instead of staying up.
    #[arg(long, requires = "demo")]
    once: bool,
}

impl Up {
    pub(super) fn run(self) -> anyhow::Result<()> {
        let mut config = self.settings.load()?;
        if self.demo && std::env::var_os("TIDEGATE_LOG_FILTER").is_none() {
            // The scenario tells the story; only what needs a person is in its way.
            config.log_filter = "error".into();
        }
        let runtime = super::runtime()?;
        runtime.block_on(async {
            let collector = config.collector("tidegate");
            let collector =
                telemetry::start(&config.log_filter, config.log_format, collector.as_ref())?;
            let first = config.admin_token.is_none() && !config.data.join("admin-token").exists();
            let (stop, stopped) = watch::channel(false);
            let platform = Platform::open(&config, &Role::ALL, stopped).await?;
            let address = platform.address();
            let token = match config.admin_token {
                Some(_) => "as configured (setting `admin_token`)".to_owned(),
                None => config.data.join("admin-token").display().to_string(),
            };
            address_book(&address.to_string(), &token, first);
            let admin_token = platform.admin_token().cloned();
            let demo = match admin_token.filter(|_| self.demo) {
                Some(token) => Some(Demo::start(address, token).await?),
                None => None,
            };
            let drain = Drain::of(&config, &platform);
            let running = tokio::spawn(platform.run());
            if let Some(demo) = &demo {
                demo.play().await?;
            }
            if !self.once {
                drain.wait_for_signal().await?;
            }
            stop.send_replace(true);
            running
                .await
                .context("the platform stopped unexpectedly")??;
            if let Some(demo) = demo {
                demo.shutdown().await;
            }
            super::close(collector).await?;
            Ok(())
        })
    }
}

fn address_book(address: &str, token_file: &str, first: bool) {
    let made = if first { " (made now)" } else { "" };
    say("Tidegate is up\n", Stream::Out);
    say(&format!("  console   http://{address}/"), Stream::Out);
    say(
        &format!("  API       http://{address}/api/v1/   description at /api/v1/openapi.json"),
        Stream::Out,
    );
    say(
        &format!("  webhooks  http://{address}/webhooks/<connection>"),
        Stream::Out,
    );
    say(
        &format!("  probes    http://{address}/healthz  /readyz  /metrics"),
        Stream::Out,
    );
    say(&format!("  token     {token_file}{made}"), Stream::Out);
}
