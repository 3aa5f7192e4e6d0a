//! Fields of every form that may ask a paid service: what the run may spend.

use super::{Field, Form, positive};

/// Name of the field, its label, the flag that it stands for.
const LIMITS: [(&str, &str, &str); 3] = [
    ("calls", "Calls at most", "--max-calls"),
    ("tokens", "Tokens at most", "--max-tokens"),
    ("cost", "Cost at most", "--max-cost"),
];

fn money(text: &str) -> Option<String> {
    match (text.trim().is_empty(), text.trim().parse::<f64>()) {
        (true, _) => None,
        (_, Ok(x)) if x.is_finite() && x >= 0.0 => None,
        _ => Some("an amount such as 2.50, or nothing".into()),
    }
}

/// A whole number from 1 on, or nothing.
pub fn count_or_nothing(text: &str) -> Option<String> {
    if text.trim().is_empty() { None } else { positive(text) }
}

/// The fields, empty: no limit.
pub fn budget_fields() -> Vec<Field> {
    let help = [
        "Stop the run after so many calls, tries included; empty: no limit",
        "Stop the run after so many tokens, of prompts and replies together; empty: no limit",
        "Stop at this cost, in the currency of the provider's prices; empty: no limit",
    ];
    LIMITS
        .iter()
        .zip(help)
        .map(|((name, label, _), help)| {
            let check = if *name == "cost" { money } else { count_or_nothing };
            Field::line(name, label, "", check, help)
        })
        .collect()
}

/// The flags of what was filled in.
pub fn budget_args(form: &Form) -> Vec<String> {
    LIMITS
        .iter()
        .map(|(name, _, flag)| (*flag, form.value(name).trim()))
        .filter(|(_, value)| !value.is_empty())
        .flat_map(|(flag, value)| [flag.to_owned(), value.to_owned()])
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_limit_that_is_none_is_refused_and_an_empty_one_is_no_flag() {
        let mut form = Form::new("f", "Start", budget_fields());
        for (field, wrong) in [("calls", "0"), ("tokens", "-3"), ("cost", "much"), ("cost", "NaN")]
        {
            form.set(field, wrong);
            assert!(form.wrong().is_some(), "{field} {wrong}");
            form.set(field, "");
        }
        assert_eq!(budget_args(&form), Vec::<String>::new());
        form.set("calls", "100");
        form.set("cost", "2.50");
        assert_eq!(budget_args(&form), ["--max-calls", "100", "--max-cost", "2.50"]);
    }
}
