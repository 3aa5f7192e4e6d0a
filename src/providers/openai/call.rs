//! One call over the wire: from a body to an answer, or why there is none.

use std::time::Duration;

use reqwest::header::{
    AUTHORIZATION, CONTENT_TYPE, HeaderMap, HeaderName, HeaderValue, USER_AGENT,
};
use reqwest::{Client, Method, Request, Url};

use super::headers::Waits;
use super::secret::Secret;
use crate::config::{KeyStyle, ProviderSettings};
use crate::providers::ProviderError;

/// Longest body that is read, in bytes.
pub const LONGEST_BODY: usize = 10_000_000;

/// What came back.
#[derive(Debug)]
pub struct Answer {
    /// HTTP status.
    pub status: u16,
    /// Waits that the headers ask for.
    pub waits: Waits,
    /// The body as text (bytes that are no UTF-8 replaced), the key struck out.
    pub body: String,
}

/// Why nothing came back.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Trouble {
    /// No connection.
    Connection(String),
    /// The connection broke in the middle.
    Cut(String),
    /// Nothing, or not all of it, within the time.
    Timeout(String),
    /// More than [`LONGEST_BODY`]. The first part of it.
    TooLong(String),
}

/// The client of one provider. Cheap to clone.
#[derive(Clone)]
pub struct Caller {
    client: Client,
    url: Url,
    headers: HeaderMap,
    secret: Secret,
    reply_timeout: Duration,
}

impl std::fmt::Debug for Caller {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        // A query may hold a key.
        f.debug_struct("Caller").field("host", &self.host()).finish_non_exhaustive()
    }
}

impl Caller {
    /// From the user's settings and the key.
    ///
    /// # Errors
    /// An address, header or proxy that cannot be used.
    pub fn new(settings: &ProviderSettings, secret: Secret) -> Result<Self, ProviderError> {
        let wrong =
            |what: &str| ProviderError::Config(format!("provider `{}`: {what}", settings.name));
        let mut url = Url::parse(&format!("{}/chat/completions", settings.base_url))
            .map_err(|e| wrong(&format!("base_url: {e}")))?;
        if !settings.query.is_empty() {
            url.query_pairs_mut().extend_pairs(&settings.query);
        }
        let mut headers = HeaderMap::new();
        headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
        headers.insert(
            USER_AGENT,
            HeaderValue::from_static(concat!("polyculture/", env!("CARGO_PKG_VERSION"))),
        );
        for (name, value) in &settings.headers {
            let value = HeaderValue::from_str(value);
            let (Ok(name), Ok(mut value)) = (name.parse::<HeaderName>(), value) else {
                return Err(wrong(&format!("header `{name}` cannot be sent")));
            };
            value.set_sensitive(true);
            headers.insert(name, value);
        }
        if !secret.is_empty() {
            let (name, text) = match &settings.key_style {
                KeyStyle::Bearer => (AUTHORIZATION, format!("Bearer {}", secret.reveal())),
                KeyStyle::Header(h) => {
                    let name = h.parse().map_err(|_| wrong("auth: no header's name"))?;
                    (name, secret.reveal().to_owned())
                }
            };
            let mut value = HeaderValue::from_str(&text)
                .map_err(|_| wrong("the key cannot be sent in a header"))?;
            value.set_sensitive(true);
            headers.insert(name, value);
        }
        // Fails when a provider is installed already, and that is all we want.
        let _ = rustls::crypto::ring::default_provider().install_default();
        let mut builder = Client::builder()
            // A key must not follow a redirect.
            .redirect(reqwest::redirect::Policy::none())
            .http1_only()
            .tcp_nodelay(true)
            .pool_max_idle_per_host(settings.in_flight)
            .pool_idle_timeout(Duration::from_secs(50))
            .connect_timeout(Duration::from_secs_f64(settings.connect_timeout_s));
        if let Some(proxy) = &settings.proxy {
            let proxy = reqwest::Proxy::all(proxy).map_err(|_| wrong("proxy: no address"))?;
            builder = builder.proxy(proxy.no_proxy(reqwest::NoProxy::from_env()));
        }
        let client = builder.build().map_err(|e| wrong(&e.to_string()))?;
        let reply_timeout = Duration::from_secs_f64(settings.reply_timeout_s);
        Ok(Self { client, url, headers, secret, reply_timeout })
    }

    /// Sends one call and reads its answer whole.
    ///
    /// # Errors
    /// [`Trouble`], in words without the key.
    pub async fn call(&self, body: Vec<u8>) -> Result<Answer, Trouble> {
        self.send(Method::POST, self.url.clone(), Vec::new(), body).await
    }

    /// The address of another part of the service: `/files` beside `/chat/completions`.
    pub fn beside(&self, path: &str) -> Option<Url> {
        let mut url = self.url.clone();
        let root = url.path().strip_suffix("/chat/completions")?.to_owned();
        url.set_path(&format!("{root}{path}"));
        Some(url)
    }

    /// Sends any request with the service's headers, those given in their place.
    ///
    /// # Errors
    /// As [`Caller::call`].
    pub async fn send(
        &self,
        method: Method,
        url: Url,
        headers: Vec<(HeaderName, HeaderValue)>,
        body: Vec<u8>,
    ) -> Result<Answer, Trouble> {
        let mut request = Request::new(method, url);
        request.headers_mut().clone_from(&self.headers);
        for (name, value) in headers {
            request.headers_mut().insert(name, value);
        }
        *request.body_mut() = Some(body.into());
        *request.timeout_mut() = Some(self.reply_timeout);
        let mut response =
            self.client.execute(request).await.map_err(|e| self.trouble(&e, false))?;
        let status = response.status().as_u16();
        let waits = Waits::read(response.headers(), jiff::Timestamp::now());
        let length = response.content_length().unwrap_or(0).min(LONGEST_BODY as u64) as usize;
        let mut bytes = Vec::with_capacity(length);
        while let Some(chunk) = response.chunk().await.map_err(|e| self.trouble(&e, true))? {
            bytes.extend_from_slice(&chunk);
            if bytes.len() > LONGEST_BODY {
                bytes.truncate(4096);
                return Err(Trouble::TooLong(self.text(bytes)));
            }
        }
        Ok(Answer { status, waits, body: self.text(bytes) })
    }

    fn text(&self, bytes: Vec<u8>) -> String {
        let text = String::from_utf8(bytes)
            .unwrap_or_else(|e| String::from_utf8_lossy(e.as_bytes()).into_owned());
        self.secret.strike(text)
    }

    fn trouble(&self, e: &reqwest::Error, begun: bool) -> Trouble {
        if e.is_timeout() && !e.is_connect() {
            return Trouble::Timeout(format!(
                "no whole reply within {} s",
                self.reply_timeout.as_secs_f64()
            ));
        }
        // The last cause says it: `Connection refused`. The outer ones repeat the address.
        let mut cause: &dyn std::error::Error = e;
        while let Some(next) = cause.source() {
            cause = next;
        }
        let words = super::envelope::clip(&self.secret.strike(cause.to_string()));
        if e.is_connect() {
            Trouble::Connection(words)
        } else if begun {
            Trouble::Cut(words)
        } else {
            Trouble::Connection(words)
        }
    }

    /// Scheme, host and port, for messages.
    pub fn host(&self) -> String {
        let port = self.url.port().map(|p| format!(":{p}")).unwrap_or_default();
        format!("{}://{}{port}", self.url.scheme(), self.url.host_str().unwrap_or(""))
    }
}
