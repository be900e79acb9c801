//! The one address under which services and browsers reach the installation: deliveries go to an ingest
//! that lives, everything else to the console. Whoever finds nobody behind it is cut off.

use std::collections::VecDeque;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex};

use tokio::net::{TcpListener, TcpStream};

/// Enough of a request to see its path.
const SEEN_BYTES: usize = 32;

/// Who stands behind the front.
#[derive(Default)]
struct Behind {
    ingests: VecDeque<SocketAddr>,
    console: Option<SocketAddr>,
}

/// The front.
#[derive(Clone)]
pub(crate) struct Front {
    address: SocketAddr,
    behind: Arc<Mutex<Behind>>,
}

impl Front {
    pub(crate) async fn open() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let front = Front {
            address: listener.local_addr().unwrap(),
            behind: Arc::default(),
        };
        let accepting = front.clone();
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                let front = accepting.clone();
                tokio::spawn(async move { front.forward(stream).await });
            }
        });
        front
    }

    pub(crate) fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    pub(crate) fn leads_to_ingest(&self, ingest: SocketAddr) {
        self.behind.lock().unwrap().ingests.push_back(ingest);
    }

    pub(crate) fn leads_to_console(&self, console: SocketAddr) {
        self.behind.lock().unwrap().console = Some(console);
    }

    async fn forward(&self, mut client: TcpStream) -> Option<()> {
        let is_delivery = is_delivery(&client).await?;
        let mut server = match is_delivery {
            true => self.living_ingest().await?,
            false => {
                let console = self.behind.lock().unwrap().console?;
                TcpStream::connect(console).await.ok()?
            }
        };
        // Either going away in the middle is part of the run.
        let _ = tokio::io::copy_bidirectional(&mut client, &mut server).await;
        Some(())
    }

    /// The next in turn that accepts.
    async fn living_ingest(&self) -> Option<TcpStream> {
        let known = self.behind.lock().unwrap().ingests.len();
        for _ in 0..known {
            let next = {
                let mut behind = self.behind.lock().unwrap();
                behind.ingests.rotate_left(1);
                behind.ingests.front().copied()?
            };
            if let Ok(stream) = TcpStream::connect(next).await {
                return Some(stream);
            }
        }
        None
    }
}

/// Looks at the request line without taking it. None when the client goes away first.
async fn is_delivery(client: &TcpStream) -> Option<bool> {
    let mut seen = [0; SEEN_BYTES];
    loop {
        let length = client.peek(&mut seen).await.ok()?;
        if length == 0 {
            return None;
        }
        if let Some(path) = seen[..length].iter().position(|byte| *byte == b' ')
            && length == SEEN_BYTES
        {
            return Some(seen[path + 1..].starts_with(b"/webhooks/"));
        }
        // Peeking again at once would give the same: wait until more is there.
        tokio::task::yield_now().await;
    }
}
