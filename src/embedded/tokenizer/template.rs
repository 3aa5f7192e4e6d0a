//! Chat templates: the Jinja text of a model folder, rendered as transformers renders it
//! (`trim_blocks`, `lstrip_blocks`, loop controls, Python's string methods, `tojson` with Python's
//! separators, `raise_exception`, `strftime_now`).
//!
//! What is said never becomes a special token: see [`Guard`].

use std::collections::BTreeMap;

use minijinja::value::{Kwargs, Rest};
use minijinja::{Environment, Error, ErrorKind, UndefinedBehavior, Value, context};
use serde::Serialize;

use super::guard::Guard;
use crate::embedded::EmbeddedError;

/// Who speaks, in the words of the templates.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Speaker {
    /// Instructions.
    System,
    /// The person.
    User,
    /// The model.
    Assistant,
}

/// One turn of a conversation.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct Turn<'a> {
    /// Who speaks.
    pub role: Speaker,
    /// What is said.
    pub content: &'a str,
}

/// The moment that `strftime_now` tells, whenever it is asked: a prompt that changes from day to
/// day could not be paid for once or compared. It is the day that published templates write where
/// they are told none.
const NOW: jiff::civil::DateTime = jiff::civil::date(2024, 7, 26).at(0, 0, 0, 0);

/// A compiled template with the special tokens that it may name.
pub(super) struct ChatTemplate {
    env: Environment<'static>,
    /// `bos_token`, `eos_token`, ..: what the tokenizer's config calls them, and their texts.
    names: BTreeMap<String, String>,
    /// The template has no place for a system message: it goes into the first user message.
    fold_system: bool,
    thinking: bool,
}

impl std::fmt::Debug for ChatTemplate {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("ChatTemplate")
            .field("fold_system", &self.fold_system)
            .finish_non_exhaustive()
    }
}

impl ChatTemplate {
    /// Compiles a template and tries it. `thinking`: asked of templates that know
    /// `enable_thinking`; without it they close the reasoning block before the answer begins.
    ///
    /// # Errors
    /// Not a template, or it refuses the simplest conversation there is.
    pub(super) fn new(
        source: &str,
        names: BTreeMap<String, String>,
        thinking: bool,
    ) -> Result<Self, EmbeddedError> {
        let mut env = Environment::new();
        env.set_trim_blocks(true);
        env.set_lstrip_blocks(true);
        env.set_undefined_behavior(UndefinedBehavior::Lenient);
        env.set_unknown_method_callback(minijinja_contrib::pycompat::unknown_method_callback);
        env.add_function("raise_exception", |why: String| -> Result<Value, Error> {
            Err(Error::new(ErrorKind::InvalidOperation, why))
        });
        env.add_function("strftime_now", |format: &str| {
            jiff::fmt::strtime::format(format, NOW)
                .map_err(|e| Error::new(ErrorKind::InvalidOperation, e.to_string()))
        });
        env.add_filter("tojson", to_json);
        // transformers marks what the assistant says for its trainer with a tag of its own.
        // Jinja reads every line end as \n.
        let source = generation_tags(&source.replace("\r\n", "\n").replace('\r', "\n"));
        env.add_template_owned("chat", source).map_err(|e| bad(&e))?;
        let mut template = Self { env, names, fold_system: false, thinking };
        let user = Turn { role: Speaker::User, content: "question" };
        let system = Turn { role: Speaker::System, content: "instructions" };
        let guard = Guard::default();
        let alone = template.render(&[user], true, &guard)?;
        if !alone.contains("question") {
            return Err(EmbeddedError::Tokenizer(
                "the chat template leaves out what the user says".into(),
            ));
        }
        template.fold_system = !template
            .render(&[system, user], true, &guard)
            .is_ok_and(|t| t.contains("instructions") && t.contains("question"));
        Ok(template)
    }

    /// The text of a conversation; `answer_next` adds what comes before the model's answer. What
    /// is said stands in it as [`Guard::wrap`] leaves it.
    ///
    /// # Errors
    /// The template's own refusal (roles must take turns, ..).
    pub(super) fn render(
        &self,
        turns: &[Turn<'_>],
        answer_next: bool,
        guard: &Guard,
    ) -> Result<String, EmbeddedError> {
        let folded: String;
        let mut messages: Vec<BTreeMap<&str, String>> = Vec::with_capacity(turns.len());
        let mut turns = turns;
        if self.fold_system
            && let [system, user, ..] = turns
            && (system.role, user.role) == (Speaker::System, Speaker::User)
        {
            folded = format!("{}\n\n{}", system.content, user.content);
            messages.push(message(&Turn { role: Speaker::User, content: &folded }, guard));
            turns = &turns[2..];
        }
        messages.extend(turns.iter().map(|t| message(t, guard)));
        let names = &self.names;
        let ctx = context! {
            messages,
            add_generation_prompt => answer_next,
            enable_thinking => self.thinking,
            ..Value::from_serialize(names)
        };
        let template = self.env.get_template("chat").map_err(|e| bad(&e))?;
        template.render(ctx).map_err(|e| bad(&e))
    }
}

fn message<'a>(turn: &Turn<'_>, guard: &Guard) -> BTreeMap<&'a str, String> {
    let role = match turn.role {
        Speaker::System => "system",
        Speaker::User => "user",
        Speaker::Assistant => "assistant",
    };
    [("role", role.to_owned()), ("content", guard.wrap(turn))].into()
}

fn bad(e: &Error) -> EmbeddedError {
    let line = e.line().map_or_else(String::new, |n| format!(" (line {n} of the template)"));
    let what = e.detail().map_or_else(|| e.kind().to_string(), str::to_owned);
    EmbeddedError::Tokenizer(format!("the chat template says: {what}{line}"))
}

/// `{% generation %} .. {% endgeneration %}` as a block that changes nothing.
fn generation_tags(source: &str) -> String {
    if !source.contains("generation") {
        return source.to_owned();
    }
    let mut out = String::with_capacity(source.len());
    let mut rest = source;
    while let Some(at) = rest.find("{%") {
        let Some(end) = rest[at..].find("%}") else { break };
        let (tag, after) = (&rest[at..at + end + 2], &rest[at + end + 2..]);
        out.push_str(&rest[..at]);
        let word = tag.trim_matches(['{', '}', '%', '-', '+', ' ', '\n', '\t']);
        match word {
            "generation" => out.push_str(&tag.replace("generation", "if true")),
            "endgeneration" => out.push_str(&tag.replace("endgeneration", "endif")),
            _ => out.push_str(tag),
        }
        rest = after;
    }
    out.push_str(rest);
    out
}

/// JSON as Python's `json.dumps` writes it with `ensure_ascii=False`: `, ` and `: ` between, no
/// escapes for HTML (minijinja's own filter has both otherwise).
fn to_json(value: &Value, args: Rest<Value>, options: Kwargs) -> Result<Value, Error> {
    let no = |e: String| Error::new(ErrorKind::BadSerialization, e);
    let indent: Option<usize> = match args.first() {
        Some(v) if !v.is_none() => Some(v.clone().try_into()?),
        _ => options.get("indent")?,
    };
    // Read so that they count as known; they do not change what templates write.
    let _: Option<bool> = options.get("ensure_ascii")?;
    let _: Option<bool> = options.get("sort_keys")?;
    options.assert_all_used()?;
    let mut out = Vec::new();
    if let Some(n) = indent {
        let by = vec![b' '; n];
        let f = serde_json::ser::PrettyFormatter::with_indent(&by);
        let mut ser = serde_json::Serializer::with_formatter(&mut out, f);
        value.serialize(&mut ser).map_err(|e| no(e.to_string()))?;
    } else {
        let mut ser = serde_json::Serializer::with_formatter(&mut out, PythonJson);
        value.serialize(&mut ser).map_err(|e| no(e.to_string()))?;
    }
    String::from_utf8(out).map(Value::from).map_err(|e| no(e.to_string()))
}

struct PythonJson;

impl serde_json::ser::Formatter for PythonJson {
    fn begin_array_value<W: ?Sized + std::io::Write>(
        &mut self,
        w: &mut W,
        first: bool,
    ) -> std::io::Result<()> {
        if first { Ok(()) } else { w.write_all(b", ") }
    }
    fn begin_object_key<W: ?Sized + std::io::Write>(
        &mut self,
        w: &mut W,
        first: bool,
    ) -> std::io::Result<()> {
        if first { Ok(()) } else { w.write_all(b", ") }
    }
    fn begin_object_value<W: ?Sized + std::io::Write>(&mut self, w: &mut W) -> std::io::Result<()> {
        w.write_all(b": ")
    }
}
