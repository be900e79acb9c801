use std::net::{Ipv4Addr, SocketAddr};
use std::path::PathBuf;

/// How a toy-cloud is started.
#[derive(Debug, Clone)]
pub struct Config {
    /// Where to listen; port 0 takes a free one.
    pub listen: SocketAddr,
    /// The address under which others reach the service, without a slash at the end; `http://{listen}` when absent.
    pub public_url: Option<String>,
    /// What `X-Toy-Control` must carry.
    pub control_token: String,
    /// The seed of all faults until a plan brings its own.
    pub seed: u64,
    /// The OAuth clients; they are global, so each can be granted access to any tenant.
    pub clients: Vec<Client>,
    /// The folder where files stand that have more than 64 MiB; without it there are none.
    pub large_files: Option<PathBuf>,
    /// Life of an access token in seconds until a plan brings its own; 1 to 86,400.
    pub access_token_ttl_s: u64,
}

impl Default for Config {
    fn default() -> Self {
        Self {
            listen: SocketAddr::from((Ipv4Addr::LOCALHOST, 0)),
            public_url: None,
            control_token: "toy-control".to_owned(),
            seed: 1,
            clients: vec![Client::tidegate()],
            large_files: None,
            access_token_ttl_s: 3_600,
        }
    }
}

/// A global OAuth client.
#[derive(Debug, Clone)]
pub struct Client {
    /// The `client_id`.
    pub id: String,
    /// The `client_secret`.
    pub secret: String,
    /// Redirect URIs that must match to the letter.
    pub redirect_uris: Vec<String>,
    /// Whether `http://{127.0.0.1, localhost, [::1]}:{any port}/oauth/callback` is a redirect URI too.
    pub loopback: bool,
}

impl Client {
    /// The client that is there at start: `tidegate` with the secret `toy-secret` and any loopback redirect.
    #[must_use]
    pub fn tidegate() -> Self {
        Self {
            id: "tidegate".to_owned(),
            secret: "toy-secret".to_owned(),
            redirect_uris: Vec::new(),
            loopback: true,
        }
    }
}
