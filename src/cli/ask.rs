//! `polyculture ask`: one question to one model, to hear how it talks. Nothing is kept.

use super::args_ask::AskArgs;
use super::{Context, Failure, models};
use crate::finetune::ModelRef;
use crate::launch::named_source;
use crate::providers::{self, ChatRequest, Message, ReplyPlaces, Sampling, ask_all};

/// `polyculture ask`
///
/// # Errors
/// No such model; it cannot be opened; it gave no reply.
pub fn run(ctx: &Context, a: AskArgs) -> Result<(), Failure> {
    if !(a.temperature >= 0.0 && a.temperature.is_finite()) {
        return Err(Failure::usage("--temperature: expected 0 or more"));
    }
    if !(a.top_p > 0.0 && a.top_p <= 1.0) {
        return Err(Failure::usage("--top-p: expected more than 0, up to 1"));
    }
    if let Ok(reference) = a.model.parse::<ModelRef>() {
        models::fetch(&reference)?;
    }
    let source = named_source(&ctx.place()?, &a.model)?;
    let threads = std::thread::available_parallelism().map_or(1, std::num::NonZero::get);
    let mut model =
        providers::open(&source, &ReplyPlaces::default(), threads).map_err(Failure::failed)?;
    let mut messages = Vec::new();
    if !a.system.is_empty() {
        messages.push(Message::system(a.system));
    }
    messages.push(Message::user(a.text));
    let sampling = Sampling {
        temperature: a.temperature,
        top_p: a.top_p,
        max_tokens: a.max_tokens,
        stop: a.stop,
        seed: a.seed,
    };
    let requests: Vec<ChatRequest> = (0..a.draws)
        .map(|draw| ChatRequest { draw, ..ChatRequest::new(messages.clone(), sampling.clone()) })
        .collect();
    let (replies, _) = ask_all(model.as_mut(), &requests).map_err(Failure::failed)?;
    let replies: Result<Vec<_>, _> = replies.into_iter().collect();
    let replies = replies
        .map_err(|e| Failure::failed(format!("{}: {} ({})", model.name(), e.detail, e.code)))?;
    ctx.out.list(&replies, None, || {
        let texts: Vec<String> =
            replies.iter().map(|r| crate::text::display_lines(&r.text)).collect();
        texts.join("\n---\n")
    })
}
