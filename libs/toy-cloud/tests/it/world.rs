//! A running toy-cloud, and one who talks to it.

use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use reqwest::header::HeaderMap;
use reqwest::{Client, Method};
use serde_json::{Value, json};
use toy_cloud::{Config, ToyCloud};

pub(crate) const CALLBACK: &str = "http://127.0.0.1:9/oauth/callback";
pub(crate) const VERIFIER: &str = "a-verifier-that-is-long-enough-to-be-taken-123";
pub(crate) const ALL: &str =
    "activity:read content:read content:write webhooks:manage users:read users:manage";

pub(crate) struct World {
    pub(crate) cloud: ToyCloud,
    pub(crate) http: Client,
}

#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) headers: HeaderMap,
    pub(crate) text: String,
}

impl Answer {
    pub(crate) fn json(&self) -> Value {
        serde_json::from_str(&self.text).unwrap_or(Value::Null)
    }

    pub(crate) fn header(&self, name: &str) -> &str {
        self.headers
            .get(name)
            .map_or("", |value| value.to_str().unwrap())
    }

    pub(crate) fn id(&self) -> String {
        assert!(matches!(self.status, 200 | 201), "{self:?}");
        self.json()["id"].as_str().unwrap().to_owned()
    }

    #[track_caller]
    pub(crate) fn expect(self, status: u16, code: &str) {
        assert_eq!(
            (self.status, self.json()["error"].as_str()),
            (status, Some(code)),
            "{self:?}"
        );
    }
}

impl World {
    pub(crate) async fn new() -> Self {
        Self::with(Config::default()).await
    }

    pub(crate) async fn with(config: Config) -> Self {
        let cloud = ToyCloud::start(config).await.unwrap();
        let http = Client::builder()
            .redirect(reqwest::redirect::Policy::none())
            .no_proxy()
            .timeout(Duration::from_secs(20))
            .build()
            .unwrap();
        Self { cloud, http }
    }

    pub(crate) fn url(&self, path: &str) -> String {
        format!("{}{path}", self.cloud.url())
    }

    pub(crate) async fn send(&self, request: reqwest::RequestBuilder) -> Answer {
        let response = request.send().await.unwrap();
        let (status, headers) = (response.status().as_u16(), response.headers().clone());
        Answer {
            status,
            headers,
            text: response.text().await.unwrap(),
        }
    }

    /// An API call; an object is sent as JSON, null sends nothing.
    pub(crate) async fn call(&self, token: &str, method: &str, path: &str, body: Value) -> Answer {
        let method = Method::from_bytes(method.as_bytes()).unwrap();
        let mut request = self.http.request(method, self.url(path)).bearer_auth(token);
        if !body.is_null() {
            request = request.json(&body);
        }
        self.send(request).await
    }

    /// An API call of which only the status matters.
    pub(crate) async fn status(&self, token: &str, method: &str, path: &str, body: Value) -> u16 {
        self.call(token, method, path, body).await.status
    }

    pub(crate) async fn get(&self, token: &str, path: &str) -> Answer {
        self.call(token, "GET", path, Value::Null).await
    }

    pub(crate) async fn control(&self, method: &str, path: &str, body: Value) -> Answer {
        let method = Method::from_bytes(method.as_bytes()).unwrap();
        let request = self.http.request(method, self.url(path));
        let request = request.header("x-toy-control", "toy-control");
        self.send(if body.is_null() {
            request
        } else {
            request.json(&body)
        })
        .await
    }

    pub(crate) async fn faults(&self, plan: Value) {
        let answer = self.control("PUT", "/control/faults", plan).await;
        assert_eq!(answer.status, 204, "{answer:?}");
    }

    pub(crate) async fn act(&self, act: Value) -> Value {
        let answer = self.control("POST", "/control/act", act).await;
        assert_eq!(answer.status, 200, "{answer:?}");
        answer.json()
    }

    /// Alice uploads a text into her home folder.
    pub(crate) async fn alice_uploads(&self, name: &str, text: &str) -> String {
        let act = json!({"tenant": "acme", "user": "alice", "do": "upload", "name": name, "content": text});
        self.act(act).await["file_id"].as_str().unwrap().to_owned()
    }

    pub(crate) async fn consent(&self, form: &[(&str, &str)]) -> Answer {
        let challenge = URL_SAFE_NO_PAD.encode(ring::digest::digest(
            &ring::digest::SHA256,
            VERIFIER.as_bytes(),
        ));
        let defaults = [
            ("response_type", "code"),
            ("client_id", "tidegate"),
            ("redirect_uri", CALLBACK),
            ("scope", ALL),
            ("state", "s1"),
            ("code_challenge", &challenge),
            ("code_challenge_method", "S256"),
            ("tenant", "acme"),
            ("user", "admin"),
            ("password", "toy"),
            ("decision", "allow"),
        ];
        let given = |name: &str| form.iter().find(|pair| pair.0 == name);
        let form: Vec<_> = defaults
            .iter()
            .map(|pair| given(pair.0).copied().unwrap_or(*pair))
            .collect();
        self.send(self.http.post(self.url("/oauth/consent")).form(&form))
            .await
    }

    pub(crate) async fn code(&self, form: &[(&str, &str)]) -> String {
        let answer = self.consent(form).await;
        assert_eq!(answer.status, 303, "{answer:?}");
        parameter(answer.header("location"), "code").unwrap()
    }

    /// The token endpoint, as the client `tidegate`.
    pub(crate) async fn token(&self, form: &[(&str, &str)]) -> Answer {
        let request = self.http.post(self.url("/oauth/token"));
        self.send(
            request
                .basic_auth("tidegate", Some("toy-secret"))
                .form(form),
        )
        .await
    }

    pub(crate) async fn exchange(&self, code: &str) -> Answer {
        self.token(&[
            ("grant_type", "authorization_code"),
            ("code", code),
            ("redirect_uri", CALLBACK),
            ("code_verifier", VERIFIER),
        ])
        .await
    }

    pub(crate) async fn refresh(&self, token: &str) -> Answer {
        self.token(&[("grant_type", "refresh_token"), ("refresh_token", token)])
            .await
    }

    /// An access token that this user granted.
    pub(crate) async fn granted(&self, user: &str, scope: &str) -> String {
        let code = self.code(&[("user", user), ("scope", scope)]).await;
        let tokens = self.exchange(&code).await.json();
        tokens["access_token"].as_str().unwrap().to_owned()
    }

    pub(crate) async fn administrator(&self) -> String {
        self.granted("admin", ALL).await
    }

    /// A file of the grant's own, uploaded over the API.
    pub(crate) async fn upload(&self, token: &str, query: &str, bytes: &[u8]) -> Answer {
        let request = self.http.post(self.url(&format!("/api/v1/files?{query}")));
        let request = request
            .header("content-type", "text/plain")
            .bearer_auth(token);
        self.send(request.body(bytes.to_vec())).await
    }

    /// All entries of the ledger of one kind.
    pub(crate) async fn ledger(&self, kind: &str) -> Vec<Value> {
        let page = self
            .control("GET", "/control/ledger?limit=10000", Value::Null)
            .await
            .json();
        let items = page["items"].as_array().unwrap().iter();
        items
            .filter(|entry| entry["kind"] == kind)
            .cloned()
            .collect()
    }
}

pub(crate) fn parameter(url: &str, name: &str) -> Option<String> {
    let url = url::Url::parse(url).unwrap();
    url.query_pairs()
        .find(|pair| pair.0 == name)
        .map(|pair| pair.1.into_owned())
}

/// Asks until there is an answer, for at most 10 seconds.
pub(crate) async fn until<T>(what: &str, mut ask: impl AsyncFnMut() -> Option<T>) -> T {
    let waiting = async {
        loop {
            if let Some(answer) = ask().await {
                return answer;
            }
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    };
    match tokio::time::timeout(Duration::from_secs(10), waiting).await {
        Ok(answer) => answer,
        Err(_) => panic!("waited in vain until {what}"),
    }
}
