//! Prompts: how a question is put to a model, in which order its options stand, and by which
//! symbols they are called. The text keeps its codes; results are mapped back to ranks here.
//!
//! Source of the wording: CultureLLM, section 3.3 (the `paper` form). The other forms exist
//! because one form measures the form (science: "at least three prompt forms").

use serde::{Deserialize, Serialize};

use super::{Culture, Direction, DomainError, Form, Question, ScaleKind};

/// A way of asking.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum PromptForm {
    /// The paper's: system message names the culture, `Give me the answer from 1 to 4: Do you agree
    /// with .. ? 1. .. You can only choose one option.`
    Paper,
    /// A survey interview: the question, its options one a line, and last the people who answer,
    /// so that the cultures of one question share the rest of the prompt.
    Interview,
    /// The culture is named in the question itself, after it: "How would people in .. answer?"
    Persona,
}

impl PromptForm {
    /// All forms, in the order of printed tables.
    pub const ALL: [Self; 3] = [Self::Paper, Self::Interview, Self::Persona];

    /// `paper`, `interview`, `persona`.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Paper => "paper",
            Self::Interview => "interview",
            Self::Persona => "persona",
        }
    }
}

impl std::str::FromStr for PromptForm {
    type Err = DomainError;
    fn from_str(s: &str) -> Result<Self, DomainError> {
        Self::ALL.into_iter().find(|p| p.as_str() == s).ok_or_else(|| DomainError::UnknownWord {
            what: "prompt form",
            value: s.into(),
            expected: Self::ALL.map(Self::as_str).join(", "),
        })
    }
}

/// What options are called in the prompt, and so what the answer is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Symbols {
    /// The survey's own codes: `1`, `10`.
    Codes,
    /// Letters in printed order: `A`, `B`.
    Letters,
}

/// The order in which options are printed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", tag = "order", content = "by")]
pub enum OptionOrder {
    /// As in the questionnaire.
    Printed,
    /// Back to front (ordinal scales).
    Reversed,
    /// Rotated by this many places (nominal scales).
    Rotated(u8),
}

impl OptionOrder {
    /// The orders that science asks for: printed and reversed for ordinal scales, every rotation
    /// for nominal ones.
    pub fn for_scale(kind: ScaleKind, len: usize) -> Vec<Self> {
        match kind {
            ScaleKind::Ordinal => vec![Self::Printed, Self::Reversed],
            ScaleKind::Nominal => (0..len)
                .map(|i| if i == 0 { Self::Printed } else { Self::Rotated(i as u8) })
                .collect(),
        }
    }
}

/// A prompt ready to be put to a model, with the way back from its answers.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Prompt {
    /// System message; empty for culture-blind prompts of forms that name the culture there.
    pub system: String,
    /// User message.
    pub user: String,
    /// Complete answers by rank of the scale: `answers[rank]` is what the model says for it.
    pub answers: Vec<String>,
}

/// Everything that varies between prompts of one question and culture.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Variant {
    /// The form.
    pub form: PromptForm,
    /// The order of options.
    pub order: OptionOrder,
    /// What options are called.
    pub symbols: Symbols,
}

impl Variant {
    /// The paper's own: its form, printed order, codes.
    pub const PAPER: Self =
        Self { form: PromptForm::Paper, order: OptionOrder::Printed, symbols: Symbols::Codes };
}

/// Puts `text` (the seed's wording or a sample of it) as a prompt with the scale of `question`.
/// `culture` is `None` for culture-blind prompts: the culture is then not named at all.
pub fn render(question: &Question, text: &str, culture: Option<&Culture>, v: Variant) -> Prompt {
    let scale = &question.scale;
    let mut options: Vec<_> = scale.options().to_vec();
    match v.order {
        OptionOrder::Printed => {}
        OptionOrder::Reversed => options.reverse(),
        OptionOrder::Rotated(by) => {
            let by = usize::from(by) % options.len().max(1);
            options.rotate_left(by);
        }
    }
    let symbol = |place: usize, code: u8| match v.symbols {
        Symbols::Codes => code.to_string(),
        Symbols::Letters => letter(place),
    };
    let mut answers = vec![String::new(); scale.len()];
    for (place, o) in options.iter().enumerate() {
        if let Some(rank) = scale.rank(o.code) {
            answers[rank] = symbol(place, o.code);
        }
    }
    let listed: Vec<(String, &str)> = options
        .iter()
        .enumerate()
        .map(|(place, o)| (symbol(place, o.code), o.label.as_str()))
        .collect();
    let (first, last) = match v.symbols {
        // The range reads upwards, whatever the order of the options.
        Symbols::Codes => {
            let codes = scale.codes();
            (codes[0].to_string(), codes[codes.len() - 1].to_string())
        }
        Symbols::Letters => (letter(0), letter(scale.len() - 1)),
    };
    let asked = ask(question.form, text);
    let inline = listed
        .iter()
        .map(|(s, l)| if s == l { format!("{s}.") } else { format!("{s}. {l}") })
        .collect::<Vec<_>>()
        .join(" ");
    let (system, user) = match v.form {
        PromptForm::Paper => (
            culture.map_or_else(String::new, |c| {
                format!("You are a {} chatbot that knows {} very well.", c.name, c.place)
            }),
            format!(
                "Give me the answer from {first} to {last}: {asked} {inline}. You can only choose one option."
            )
            .replace("..", "."),
        ),
        PromptForm::Interview => {
            let lines =
                listed.iter().map(|(s, l)| format!("{s} = {l}")).collect::<Vec<_>>().join("\n");
            (
                "You answer a survey.".to_owned(),
                match culture {
                    Some(c) => format!("{asked}\n{lines}\nAnswer as people in {}:", c.place),
                    None => format!("{asked}\n{lines}\nAnswer:"),
                },
            )
        }
        PromptForm::Persona => (
            String::new(),
            match culture {
                Some(c) => {
                    format!("{asked} {inline} How would people in {} answer?", c.place)
                }
                None => format!("{asked} {inline} How would people answer?"),
            },
        ),
    };
    Prompt { system, user, answers }
}

/// `Do you agree with ..?` for statements; a question keeps its own form.
fn ask(form: Form, text: &str) -> String {
    let bare = text.trim().trim_end_matches(['.', '?', '!']);
    match form {
        Form::Statement => format!("Do you agree with {bare}?"),
        Form::Question => format!("{bare}?"),
    }
}

fn letter(place: usize) -> String {
    char::from(b'A' + (place % 26) as u8).to_string()
}

/// The prompts of one question that an evaluation averages over: every form x the scale's orders,
/// symbols by form number so that digits and letters vary apart from the order. Ten-point scales
/// with end labels vary in direction only: their numbers are their wording.
pub fn variants(question: &Question, symbols: &[Symbols]) -> Vec<Variant> {
    let scale = &question.scale;
    let symbols: &[Symbols] =
        if scale.end_labels_only() || scale.direction() == Direction::None && symbols.is_empty() {
            &[Symbols::Codes]
        } else {
            symbols
        };
    let mut out = Vec::new();
    for form in PromptForm::ALL {
        for order in OptionOrder::for_scale(scale.kind(), scale.len()) {
            for &symbols in symbols {
                out.push(Variant { form, order, symbols });
            }
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::super::*;
    use super::*;

    fn question(codes: &[u8], form: Form) -> Question {
        Question {
            id: QuestionId::new("Q1").unwrap(),
            topic: Topic("t".into()),
            language: "en".into(),
            text: "Work is a duty.".into(),
            form,
            scale: Scale::new(
                codes
                    .iter()
                    .map(|&code| ScaleOption { code, label: format!("label {code}") })
                    .collect(),
                ScaleKind::Ordinal,
                Direction::HigherIsLess,
            )
            .unwrap(),
            notes: vec![],
        }
    }

    #[test]
    fn the_paper_form_is_the_papers() {
        let p =
            render(&question(&[1, 2], Form::Statement), "Work is a duty.", None, Variant::PAPER);
        assert_eq!(
            p.user,
            "Give me the answer from 1 to 2: Do you agree with Work is a duty? 1. label 1 2. label 2. You can only choose one option."
        );
        assert_eq!(p.answers, ["1", "2"]);
    }

    #[test]
    fn answers_follow_ranks_whatever_the_order_and_the_symbols() {
        let q = question(&[2, 1, 0], Form::Question);
        let v = |order, symbols| Variant { form: PromptForm::Interview, order, symbols };
        let p = render(&q, "Why?", None, v(OptionOrder::Printed, Symbols::Letters));
        assert_eq!(p.answers, ["C", "B", "A"]);
        let p = render(&q, "Why?", None, v(OptionOrder::Reversed, Symbols::Letters));
        assert_eq!(p.answers, ["A", "B", "C"]);
        let p = render(&q, "Why?", None, v(OptionOrder::Reversed, Symbols::Codes));
        assert_eq!(p.answers, ["0", "1", "2"]);
        assert!(p.user.starts_with("Why?\n0 = label 0"), "{}", p.user);
    }
}
