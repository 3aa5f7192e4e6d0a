//! What trainers call a metric, and what it is called here.

/// Our name of a metric: `train/learning_rate` is `lr`, `eval/loss` is `eval_loss`.
pub fn ours(name: &str) -> String {
    let name = name.trim();
    let (eval, rest) = if let Some(r) = name.strip_prefix("train/") {
        ("", r)
    } else if let Some(r) = name.strip_prefix("eval/").or_else(|| name.strip_prefix("eval_")) {
        ("eval_", r)
    } else {
        ("", name)
    };
    let rest = match rest {
        "learning_rate" => "lr",
        "throughput" | "train_tokens_per_second" | "tokens_per_second" => "tokens_per_s",
        "gradient_norm" | "grad_norm" => "grad_norm",
        other => other,
    };
    format!("{eval}{rest}")
}

/// True for what is no measurement of its own but says how far the run is.
pub fn is_position(name: &str) -> bool {
    matches!(
        name,
        "step" | "current_steps" | "total_steps" | "percentage" | "elapsed_time" | "remaining_time"
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_same_thing_has_one_name() {
        for (theirs, name) in [
            ("train/loss", "loss"),
            ("eval/loss", "eval_loss"),
            ("eval_loss", "eval_loss"),
            ("train/learning_rate", "lr"),
            ("learning_rate", "lr"),
            ("throughput", "tokens_per_s"),
            ("rewards/accuracies", "rewards/accuracies"),
        ] {
            assert_eq!(ours(theirs), name);
        }
    }
}
