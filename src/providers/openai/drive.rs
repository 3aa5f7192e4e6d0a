//! The loop: draws requests as fast as there is room, sends, judges what comes back, tries again,
//! and stops. Everything runs on the caller's thread, calls included: while the caller thinks about a
//! reply, others wait in their sockets.

use std::sync::Arc;
use std::time::Duration;

use tokio::task::JoinSet;
use tokio::time::sleep_until;

use super::OpenAi;
use super::call::{Answer, Trouble};
use super::dialect::{Dialect, Sent};
use super::judge::{Verdict, judge, pause};
use super::{envelope, wire};
use crate::providers::budget::{Charge, Leave, Meter};
use crate::providers::estimate::{prompt_tokens, text_tokens};
use crate::providers::replies::{Desk, Job, Next, Raw};
use crate::providers::{CallFailed, ProviderError, Usage};

/// Requests given up in a row after which no further one is tried.
const HOPELESS: u32 = 8;
/// Tries of a request whose replies cannot be read, whatever the settings say: they may be paid for.
const BAD_REPLIES: u32 = 2;
/// Being too fast is nobody's fault: such a request is tried this many times as often.
const PATIENCE: u32 = 4;
/// A request with its history.
struct Item {
    job: Job,
    /// Answers of no use so far.
    failures: u32,
    /// Not before.
    at: f64,
}

/// A call under way.
struct Flight {
    item: Item,
    sent_at: f64,
    sent: Sent,
    /// The options as they were when it was sent.
    dialect: Arc<Dialect>,
    charge: Charge,
    /// Tokens that the pace was charged with.
    guessed: u64,
}

type Calls = JoinSet<(Flight, Result<Answer, Trouble>)>;

struct Drive<'d, 'a> {
    api: &'d mut OpenAi,
    desk: &'d mut Desk<'a>,
    meter: Arc<Meter>,
    calls: Calls,
    later: Vec<Item>,
    held: Option<Item>,
    stop: Option<ProviderError>,
    /// When calls under way are dropped.
    drop_at: Option<f64>,
}

/// Answers everything on the desk.
pub(super) async fn drive(api: &mut OpenAi, desk: &mut Desk<'_>) -> Result<(), ProviderError> {
    let meter = Arc::clone(desk.meter());
    let mut d = Drive {
        api,
        desk,
        meter,
        calls: JoinSet::new(),
        later: Vec::new(),
        held: None,
        stop: None,
        drop_at: None,
    };
    d.run().await?;
    d.stop.map_or(Ok(()), Err)
}

impl Drive<'_, '_> {
    async fn run(&mut self) -> Result<(), ProviderError> {
        loop {
            let mut wake = self.send()?;
            if self.desk.has_enough() || self.stop.is_some() {
                self.later.clear();
                self.held = None;
                let budget = matches!(self.stop, Some(ProviderError::Budget(_)));
                if !budget || self.desk.has_enough() {
                    let at = *self.drop_at.get_or_insert(self.api.now() + self.api.grace);
                    if self.api.now() >= at {
                        return Ok(());
                    }
                    wake = wake.min(at);
                }
            }
            let idle = self.calls.is_empty();
            if idle && self.held.is_none() && self.later.is_empty() && !self.wants_more() {
                return Ok(());
            }
            let until = self.api.start + Duration::from_secs_f64(wake.clamp(0.0, 1e8));
            tokio::select! {
                biased;
                done = self.calls.join_next(), if !idle => {
                    if let Some(done) = done {
                        self.landed(done)?;
                    }
                }
                () = sleep_until(until), if wake.is_finite() => {}
            }
            while let Some(done) = self.calls.try_join_next() {
                self.landed(done)?;
            }
        }
    }

    fn wants_more(&self) -> bool {
        self.desk.is_open() && self.stop.is_none()
    }

    /// Sends what may go now; when to look again.
    fn send(&mut self) -> Result<f64, ProviderError> {
        let mut wake = f64::INFINITY;
        while self.stop.is_none() && !self.desk.has_enough() {
            let size = self.api.gate.window.size();
            if self.calls.len() >= size {
                break;
            }
            let now = self.api.now();
            let may = self.api.gate.earliest(now);
            if self.held.is_none() {
                let due = self.later.iter().position(|i| i.at <= now);
                self.held = due.map(|i| self.later.swap_remove(i));
            }
            if self.held.is_none() {
                wake = self.later.iter().map(|i| i.at).fold(wake, f64::min);
                // Those that wait for their next try take room too.
                if !self.desk.is_open() || self.calls.len() + self.later.len() >= size {
                    break;
                }
                if may > now {
                    wake = wake.min(may);
                    break;
                }
                match self.desk.next()? {
                    Next::Job(job) => self.held = Some(Item { job: *job, failures: 0, at: now }),
                    Next::Stored => {
                        while let Some(done) = self.calls.try_join_next() {
                            self.landed(done)?;
                        }
                        continue;
                    }
                    Next::End => continue,
                }
            }
            if may > now {
                wake = wake.min(may);
                break;
            }
            let Some(item) = self.held.take() else { break };
            let charge = self.api.charge(&item.job);
            match self.meter.ask(charge) {
                Leave::Granted => self.put(item, charge, now)?,
                Leave::Refused(limit) => {
                    self.stop = Some(ProviderError::Budget(limit));
                }
                Leave::Later => {
                    self.held = Some(item);
                    // Another model of this job may be the one that is under way.
                    wake = wake.min(now + 0.05);
                    break;
                }
            }
        }
        Ok(wake)
    }

    fn put(&mut self, mut item: Item, charge: Charge, now: f64) -> Result<(), ProviderError> {
        let api = &mut *self.api;
        let made = wire::body(
            &api.model,
            &item.job.request,
            item.job.log_probs,
            &api.dialect,
            &api.settings.extra_body,
        );
        let (body, sent) = match made {
            Ok(made) => made,
            Err(e) => {
                self.meter.ended(charge, Usage::default(), None);
                return Err(e);
            }
        };
        let guessed = api.guess(&item.job);
        api.gate.take(now, guessed);
        self.desk.sent(&mut item.job);
        let dialect = Arc::clone(&api.dialect);
        let flight = Flight { item, sent_at: now, sent, dialect, charge, guessed };
        let caller = api.caller.clone();
        self.calls.spawn_on(
            async move {
                let answer = caller.call(body).await;
                (flight, answer)
            },
            api.runtime.handle(),
        );
        Ok(())
    }

    /// Takes in the end of a call.
    fn landed(
        &mut self,
        done: Result<(Flight, Result<Answer, Trouble>), tokio::task::JoinError>,
    ) -> Result<(), ProviderError> {
        let (flight, answer) = done.map_err(|e| ProviderError::Unreachable {
            provider: self.api.provider.clone(),
            detail: format!("a call broke off: {e}"),
        })?;
        let now = self.api.now();
        let Flight { item, sent_at, sent, dialect, charge, guessed } = flight;
        let (verdict, raw, waits) = match answer {
            Ok(a) => {
                let verdict = judge(a.status, &a.body, &dialect, &sent);
                (verdict, Raw { body: a.body, status: a.status, ..Raw::default() }, a.waits)
            }
            Err(trouble) => {
                let (verdict, body) = self.api.of_trouble(trouble);
                (verdict, Raw { body, ..Raw::default() }, super::headers::Waits::default())
            }
        };
        let mut raw = raw;
        if verdict == Verdict::Answered {
            raw.usage =
                envelope::usage(&raw.body).unwrap_or_else(|| guess_usage(&item.job, &raw.body));
            raw.cost = self.api.price.as_ref().map(|p| p.of(raw.usage));
            self.api.replies.0 += raw.usage.completion;
            self.api.replies.1 += 1;
        }
        self.meter.ended(charge, raw.usage, raw.cost);
        self.api.gate.took(guessed, raw.usage.prompt + raw.usage.completion);
        match pause(&verdict, waits) {
            Ok(Some(seconds)) => self.api.gate.pause(now, seconds),
            Ok(None) => {}
            Err(detail) => self.give_notice(detail),
        }
        match verdict {
            Verdict::Answered => {
                self.api.gate.window.answered();
                match self.desk.reply(item.job, raw)? {
                    None => {
                        self.api.successes += 1;
                        self.api.given_up = 0;
                        Ok(())
                    }
                    Some((job, failed)) => {
                        let item = Item { job, ..item };
                        self.again(item, "bad-reply", failed.detail, None, now)
                    }
                }
            }
            Verdict::Other(next) => {
                // Calls that were under way meanwhile complain about the same.
                if self.api.dialect == dialect {
                    self.api.dialect = Arc::new(*next);
                }
                self.later.push(Item { at: now, ..item });
                Ok(())
            }
            Verdict::Again { code, detail, too_much } => {
                if too_much {
                    self.api.gate.window.too_much(sent_at, now);
                }
                self.again(item, code, detail, Some(raw), now)
            }
            Verdict::Failed(code, detail) => self.give_up(item.job, code, detail, Some(raw)),
            Verdict::Stop(detail) => {
                if self.stop.is_none() {
                    self.stop = Some(ProviderError::Refused {
                        provider: self.api.provider.clone(),
                        detail,
                    });
                }
                Ok(())
            }
        }
    }

    fn give_notice(&mut self, detail: String) {
        if self.stop.is_none() {
            self.stop =
                Some(ProviderError::Unreachable { provider: self.api.provider.clone(), detail });
        }
    }

    /// Another try later, or none.
    fn again(
        &mut self,
        mut item: Item,
        code: &'static str,
        detail: String,
        raw: Option<Raw>,
        now: f64,
    ) -> Result<(), ProviderError> {
        item.failures += 1;
        let retries = self.api.settings.retries;
        let most = match code {
            "rate-limit" => retries.saturating_mul(PATIENCE),
            "bad-reply" => retries.min(BAD_REPLIES),
            _ => retries,
        };
        if item.failures > most {
            return self.give_up(item.job, code, detail, raw);
        }
        item.at = now + self.api.gate.backoff(item.failures, self.api.first_backoff);
        self.later.push(item);
        Ok(())
    }

    fn give_up(
        &mut self,
        job: Job,
        code: &'static str,
        detail: String,
        raw: Option<Raw>,
    ) -> Result<(), ProviderError> {
        let tries = job.tries;
        // What a service says of one text is no sign that it will not take others.
        let counts = match code {
            "refused" | "too-long" => false,
            "bad-request" => self.api.successes == 0,
            _ => true,
        };
        self.api.given_up += u32::from(counts);
        let never = code == "connection" && self.api.successes == 0;
        if never || self.api.given_up >= HOPELESS {
            let host = self.api.caller.host();
            let place = if detail.starts_with(&host) { String::new() } else { host + ": " };
            let after = if never {
                format!("{tries} tries")
            } else {
                format!("{} requests in a row were given up", self.api.given_up)
            };
            self.give_notice(format!("{place}{detail} ({after})"));
        }
        let detail = if tries > 1 { format!("{detail} ({tries} tries)") } else { detail };
        self.desk.fail(job, CallFailed { code: code.into(), detail }, raw)
    }
}

impl OpenAi {
    /// What a call may take at most.
    fn charge(&self, job: &Job) -> Charge {
        let usage = Usage {
            prompt: prompt_tokens(&job.request),
            completion: job.request.sampling.max_tokens.into(),
        };
        let cost = self.price.as_ref().map_or(0.0, |p| p.of(usage));
        Charge { tokens: usage.prompt + usage.completion, cost }
    }

    /// What a call will probably take: services count about that against a limit.
    fn guess(&self, job: &Job) -> u64 {
        let most = u64::from(job.request.sampling.max_tokens);
        let (tokens, replies) = self.replies;
        let usual = tokens.checked_div(replies).map_or(most, |mean| mean.min(most));
        prompt_tokens(&job.request) + usual
    }

    fn of_trouble(&self, trouble: Trouble) -> (Verdict, String) {
        let again = |code, detail| Verdict::Again { code, detail, too_much: false };
        match trouble {
            Trouble::Connection(e) => {
                (again("connection", format!("{}: {e}", self.caller.host())), String::new())
            }
            Trouble::Cut(e) => {
                (again("connection", format!("the reply was cut: {e}")), String::new())
            }
            Trouble::Timeout(e) => (again("timeout", e), String::new()),
            Trouble::TooLong(start) => {
                let most = super::call::LONGEST_BODY / 1_000_000;
                (Verdict::Failed("too-long", format!("a reply of more than {most} MB")), start)
            }
        }
    }
}

/// Tokens of a call whose service does not count them.
fn guess_usage(job: &Job, body: &str) -> Usage {
    let completion = envelope::reply(body).map_or(0, |r| text_tokens(&r.text));
    Usage { prompt: prompt_tokens(&job.request), completion }
}
