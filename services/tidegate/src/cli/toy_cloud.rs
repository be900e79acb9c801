use std::net::SocketAddr;

use clap::Args;

use super::Stream;
use crate::say;

/// `tidegate toy-cloud`
#[derive(Debug, Args)]
pub(crate) struct ToyCloud {
    /// Address and port to listen on.
    #[arg(long, value_name = "ADDR", default_value = "127.0.0.1:8090")]
    listen: SocketAddr,
    /// The token of its control endpoints.
    #[arg(long, value_name = "TOKEN", default_value = "toy-control")]
    control_token: String,
    /// Folder where files stand that have more than 64 MiB; without it there are none.
    #[arg(long, value_name = "DIR")]
    large_files: Option<std::path::PathBuf>,
    /// Seed of its faults.
    #[arg(long, value_name = "NUMBER", default_value_t = 1)]
    seed: u64,
}

impl ToyCloud {
    pub(super) fn run(self) -> anyhow::Result<()> {
        telemetry::start_logging("info", telemetry::LogFormat::Text)?;
        super::runtime()?.block_on(async {
            let config = toy_cloud::Config {
                listen: self.listen,
                control_token: self.control_token,
                seed: self.seed,
                large_files: self.large_files,
                ..toy_cloud::Config::default()
            };
            let cloud = toy_cloud::ToyCloud::start(config).await?;
            say(&format!("toy-cloud is up at {}", cloud.url()), Stream::Out);
            say("  OAuth client tidegate / toy-secret; users u_acme_admin, u_acme_alice and so on; password toy", Stream::Out);
            say(&format!("  control token {}", cloud.control_token()), Stream::Out);
            tokio::signal::ctrl_c().await?;
            cloud.shutdown().await;
            Ok(())
        })
    }
}
