//! What a run may spend, and what it has spent. `input/budget.json` freezes the limits; every model
//! of a run counts into one [`Meter`], and earlier attempts of the run are counted in from their
//! stored replies.

use std::path::Path;
use std::sync::{Mutex, MutexGuard, PoisonError};

use serde::{Deserialize, Serialize};

use super::{ProviderError, Usage};

/// Limits of a run, as `input/budget.json`. Without a limit there is none.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Budget {
    /// Calls sent, tries included.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub max_calls: Option<u64>,
    /// Tokens of prompts and replies together.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub max_tokens: Option<u64>,
    /// Money, in the currency of the provider's price list.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub max_cost: Option<f64>,
}

impl Budget {
    /// The file in a run's `input/`.
    pub const NAME: &'static str = "budget.json";

    /// Reads the file; a missing one sets no limit.
    ///
    /// # Errors
    /// It does not parse.
    pub fn read(path: &Path) -> Result<Self, ProviderError> {
        let said =
            |detail: String| ProviderError::Replies { path: path.display().to_string(), detail };
        match std::fs::read_to_string(path) {
            Ok(text) => serde_json::from_str(&text).map_err(|e| said(e.to_string())),
            Err(e) if e.kind() == std::io::ErrorKind::NotFound => Ok(Self::default()),
            Err(e) => Err(said(e.to_string())),
        }
    }

    /// True when nothing is limited.
    pub fn is_open(&self) -> bool {
        *self == Self::default()
    }
}

/// Money by tokens.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Price {
    /// Per million tokens of prompts.
    pub prompt: f64,
    /// Per million tokens of replies.
    pub completion: f64,
    /// `USD`, `EUR`, ..
    pub currency: String,
}

impl Price {
    /// What tokens cost.
    pub fn of(&self, usage: Usage) -> f64 {
        (usage.prompt as f64 * self.prompt + usage.completion as f64 * self.completion) / 1e6
    }
}

/// Running sums of a run.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Spent {
    /// Calls sent, tries included.
    pub calls: u64,
    /// Tokens of calls that were answered.
    pub usage: Usage,
    /// Money; `None` while no priced call was answered.
    pub cost: Option<f64>,
    /// Its currency.
    pub currency: Option<String>,
    /// Highest that calls under way may still add.
    under_way: Charge,
}

/// What one call may take at most.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub struct Charge {
    /// Tokens of prompt and reply.
    pub tokens: u64,
    /// Money.
    pub cost: f64,
}

/// Whether one more call may be sent.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Leave {
    /// It may; the charge is taken.
    Granted,
    /// Not while the calls under way might spend what is left.
    Later,
    /// Never: the limit, in words.
    Refused(String),
}

/// Counts what a run spends, and says when to stop. Shared by the models of a job.
#[derive(Debug)]
pub struct Meter {
    budget: Budget,
    spent: Mutex<Spent>,
}

impl Meter {
    /// Nothing is spent yet.
    pub fn new(budget: Budget) -> Self {
        Self { budget, spent: Mutex::new(Spent::default()) }
    }

    fn held(&self) -> MutexGuard<'_, Spent> {
        self.spent.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The limits.
    pub fn budget(&self) -> &Budget {
        &self.budget
    }

    /// The sums now, for showing them as the run goes.
    pub fn spent(&self) -> Spent {
        self.held().clone()
    }

    /// Names the currency in which [`Budget::max_cost`] is meant.
    ///
    /// # Errors
    /// Another model of the run is paid in another one: sums would mean nothing.
    pub fn use_currency(&self, currency: &str) -> Result<(), String> {
        let mut spent = self.held();
        match &spent.currency {
            Some(other) if other != currency => {
                Err(format!("priced in {currency}, but another model of this run in {other}"))
            }
            Some(_) => Ok(()),
            None => {
                spent.currency = Some(currency.to_owned());
                Ok(())
            }
        }
    }

    /// Takes in what an earlier attempt spent.
    pub fn spent_before(&self, calls: u32, usage: Usage, cost: Option<f64>) {
        let mut spent = self.held();
        spent.calls += u64::from(calls);
        spent.add(usage, cost);
    }

    /// Asks for one call. What is granted must be given back by [`Meter::ended`].
    pub fn ask(&self, charge: Charge) -> Leave {
        let mut spent = self.held();
        if let Some(max) = self.budget.max_calls
            && spent.calls >= max
        {
            return Leave::Refused(format!("{max} calls"));
        }
        let waits = spent.under_way.tokens > 0;
        if let Some(max) = self.budget.max_tokens {
            let sure = spent.usage.prompt + spent.usage.completion + charge.tokens;
            if sure > max {
                return Leave::Refused(format!("{max} tokens"));
            }
            if sure + spent.under_way.tokens > max && waits {
                return Leave::Later;
            }
        }
        if let Some(max) = self.budget.max_cost {
            let sure = spent.cost.unwrap_or(0.0) + charge.cost;
            if sure > max {
                let currency = spent.currency.clone().unwrap_or_default();
                return Leave::Refused(format!("{max} {currency}"));
            }
            if sure + spent.under_way.cost > max && waits {
                return Leave::Later;
            }
        }
        spent.calls += 1;
        spent.under_way.tokens += charge.tokens.max(1);
        spent.under_way.cost += charge.cost;
        Leave::Granted
    }

    /// A granted call ended, with what it really took.
    pub fn ended(&self, charge: Charge, usage: Usage, cost: Option<f64>) {
        let mut spent = self.held();
        spent.under_way.tokens = spent.under_way.tokens.saturating_sub(charge.tokens.max(1));
        spent.under_way.cost = (spent.under_way.cost - charge.cost).max(0.0);
        spent.add(usage, cost);
    }
}

impl Spent {
    fn add(&mut self, usage: Usage, cost: Option<f64>) {
        self.usage.prompt += usage.prompt;
        self.usage.completion += usage.completion;
        if let Some(cost) = cost {
            self.cost = Some(self.cost.unwrap_or(0.0) + cost);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn usage(prompt: u64, completion: u64) -> Usage {
        Usage { prompt, completion }
    }

    #[test]
    fn a_limit_is_never_passed_and_what_is_left_is_used() {
        let meter = Meter::new(Budget { max_tokens: Some(100), ..Budget::default() });
        let charge = Charge { tokens: 40, cost: 0.0 };
        assert_eq!(meter.ask(charge), Leave::Granted);
        assert_eq!(meter.ask(charge), Leave::Granted);
        assert_eq!(meter.ask(charge), Leave::Later, "two under way might take 80");
        meter.ended(charge, usage(10, 5), None);
        assert_eq!(meter.ask(charge), Leave::Granted, "15 spent, 40 under way, 40 more");
        meter.ended(charge, usage(20, 20), None);
        meter.ended(charge, usage(20, 20), None);
        assert_eq!(meter.ask(charge), Leave::Refused("100 tokens".into()));
        let small = Charge { tokens: 5, cost: 0.0 };
        assert_eq!(meter.ask(small), Leave::Granted);
        assert_eq!(meter.spent().calls, 4);
    }

    #[test]
    fn calls_and_money_have_limits_of_their_own() {
        let meter = Meter::new(Budget { max_calls: Some(1), ..Budget::default() });
        assert_eq!(meter.ask(Charge::default()), Leave::Granted);
        assert_eq!(meter.ask(Charge::default()), Leave::Refused("1 calls".into()));
        let meter = Meter::new(Budget { max_cost: Some(0.5), ..Budget::default() });
        meter.use_currency("EUR").unwrap();
        assert!(meter.use_currency("USD").unwrap_err().contains("EUR"));
        meter.spent_before(3, usage(1, 1), Some(0.4));
        let charge = Charge { tokens: 10, cost: 0.2 };
        assert_eq!(meter.ask(charge), Leave::Refused("0.5 EUR".into()));
        assert_eq!(meter.spent().calls, 3);
    }
}
