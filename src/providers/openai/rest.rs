//! The rest of a service's interface, beside chat completions: plain calls with its key, one at a
//! time. What an answer means is the caller's business.

use std::time::Duration;

use reqwest::header::{CONTENT_TYPE, HeaderValue};
use reqwest::{Method, Url};
use serde_json::Value;

use super::call::{Caller, Trouble};
use crate::config::ProviderSettings;
use crate::providers::ProviderError;

/// An answer.
#[derive(Debug, Clone, PartialEq)]
pub struct RestAnswer {
    /// HTTP status.
    pub status: u16,
    /// The body, the key struck out.
    pub body: String,
    /// Seconds that the service asks to wait.
    pub wait_s: Option<f64>,
}

impl RestAnswer {
    /// Its JSON; `null` where it is none.
    pub fn json(&self) -> Value {
        serde_json::from_str(&self.body).unwrap_or_default()
    }

    /// The service's own words about what went wrong, as they are; the body where there are none.
    pub fn words(&self) -> String {
        let json = self.json();
        let error = &json["error"];
        let said = error["message"].as_str().or(error.as_str()).or(json["message"].as_str());
        said.map_or_else(|| self.body.trim().to_owned(), str::to_owned)
    }

    /// 200 to 299.
    pub fn ok(&self) -> bool {
        (200..300).contains(&self.status)
    }
}

/// One service.
#[derive(Debug)]
pub struct Rest {
    caller: Caller,
    runtime: tokio::runtime::Runtime,
}

impl Rest {
    /// Makes the client; fetches the key. Nothing is sent.
    ///
    /// # Errors
    /// The key is missing, an address or header cannot be used.
    pub fn new(settings: &ProviderSettings) -> Result<Self, ProviderError> {
        let caller = Caller::new(settings, super::secret::fetch(settings)?)?;
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()
            .map_err(|e| ProviderError::Config(format!("no threads for calls: {e}")))?;
        Ok(Self { caller, runtime })
    }

    /// Scheme, host and port, for messages.
    pub fn host(&self) -> String {
        self.caller.host()
    }

    /// Reads `/path` with a query.
    ///
    /// # Errors
    /// No answer came: in words.
    pub fn get(&self, path: &str, query: &[(&str, &str)]) -> Result<RestAnswer, String> {
        let mut url = self.url(path)?;
        if !query.is_empty() {
            url.query_pairs_mut().extend_pairs(query);
        }
        self.send(Method::GET, url, None, Vec::new(), None)
    }

    /// Sends JSON. `key`: the same request is to be carried out once, where the service knows how.
    ///
    /// # Errors
    /// No answer came: it may have been carried out all the same.
    pub fn post(&self, path: &str, body: &Value, key: Option<&str>) -> Result<RestAnswer, String> {
        let json = HeaderValue::from_static("application/json");
        self.send(Method::POST, self.url(path)?, Some(json), body.to_string().into_bytes(), key)
    }

    /// Sends a file as a form, with one field beside it.
    ///
    /// # Errors
    /// No answer came.
    pub fn upload(
        &self,
        path: &str,
        field: (&str, &str),
        name: &str,
        bytes: &[u8],
    ) -> Result<RestAnswer, String> {
        let boundary = format!("polyculture-{}", uuid::Uuid::new_v4().simple());
        let mut body = format!(
            "--{boundary}\r\nContent-Disposition: form-data; name=\"{}\"\r\n\r\n{}\r\n\
             --{boundary}\r\nContent-Disposition: form-data; name=\"file\"; filename=\"{name}\"\r\n\
             Content-Type: application/jsonl\r\n\r\n",
            field.0, field.1
        )
        .into_bytes();
        body.extend_from_slice(bytes);
        body.extend_from_slice(format!("\r\n--{boundary}--\r\n").as_bytes());
        let kind = HeaderValue::from_str(&format!("multipart/form-data; boundary={boundary}"))
            .map_err(|e| e.to_string())?;
        self.send(Method::POST, self.url(path)?, Some(kind), body, None)
    }

    fn url(&self, path: &str) -> Result<Url, String> {
        self.caller.beside(path).ok_or_else(|| format!("no address for {path}"))
    }

    fn send(
        &self,
        method: Method,
        url: Url,
        kind: Option<HeaderValue>,
        body: Vec<u8>,
        key: Option<&str>,
    ) -> Result<RestAnswer, String> {
        let mut headers = Vec::new();
        if let Some(k) = kind {
            headers.push((CONTENT_TYPE, k));
        }
        if let Some(k) = key {
            let value = HeaderValue::from_str(k).map_err(|e| e.to_string())?;
            headers.push((reqwest::header::HeaderName::from_static("idempotency-key"), value));
        }
        let answered = self.runtime.block_on(async {
            let most = Duration::from_secs(600);
            let sent = self.caller.send(method, url, headers, body);
            tokio::time::timeout(most, sent)
                .await
                .unwrap_or_else(|_| Err(Trouble::Timeout("no answer within 600 s".into())))
        });
        match answered {
            Ok(a) => {
                let wait_s = a.waits.asked.or(a.waits.reset);
                Ok(RestAnswer { status: a.status, body: a.body, wait_s })
            }
            Err(
                Trouble::Connection(w)
                | Trouble::Cut(w)
                | Trouble::Timeout(w)
                | Trouble::TooLong(w),
            ) => Err(w),
        }
    }
}
