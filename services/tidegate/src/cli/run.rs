use anyhow::Context;
use clap::Args;
use tokio::sync::watch;

use super::signals::Drain;
use super::{Settings, Stream};
use crate::say;
use crate::wiring::{Platform, Role};

/// `tidegate run`
#[derive(Debug, Args)]
pub(crate) struct Run {
    /// Which roles: several may run in one process, each in as many processes as it takes.
    #[arg(required = true, value_name = "ROLE")]
    roles: Vec<Role>,
    #[command(flatten)]
    settings: Settings,
}

impl Run {
    pub(super) fn run(self) -> anyhow::Result<()> {
        let config = self.settings.load()?;
        let names: Vec<&str> = self.roles.iter().map(|role| role.name()).collect();
        let service_name = format!("tidegate-{}", names.join("-"));
        let names = names.join(", ");
        super::runtime()?.block_on(async {
            let collector = config.collector(&service_name);
            let collector =
                telemetry::start(&config.log_filter, config.log_format, collector.as_ref())?;
            let (stop, stopped) = watch::channel(false);
            let platform = Platform::open(&config, &self.roles, stopped).await?;
            let address = platform.address();
            say(
                &format!("Tidegate runs {names} at http://{address}/  (probes: /healthz /readyz /metrics)"),
                Stream::Out,
            );
            let drain = Drain::of(&config, &platform);
            let mut running = tokio::spawn(platform.run());
            tokio::select! {
                stopping = drain.wait_for_signal() => stopping?,
                ended = &mut running => return ended.context("a role stopped unexpectedly")?,
            }
            stop.send_replace(true);
            let ended = running.await.context("a role stopped unexpectedly")?;
            super::close(collector).await?;
            ended
        })
    }
}
