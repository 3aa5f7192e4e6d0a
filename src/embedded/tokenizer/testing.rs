//! Tokenizers of the shapes that model folders have, trained on a few sentences of our own, with
//! templates of our own writing that use what published ones use.
#![allow(missing_docs, reason = "for tests only")]

use std::path::Path;

use serde_json::{Value, json};
use tokenizers::models::bpe::{BPE, BpeTrainer};
use tokenizers::{
    AddedToken, DecoderWrapper, NormalizerWrapper, PostProcessorWrapper, PreTokenizerWrapper,
    Tokenizer, TokenizerBuilder,
};

/// A family's way of writing tokens and of speaking.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Shape {
    /// Byte-level; `<|im_start|>role .. <|im_end|>`, a default system message, reasoning blocks.
    Turns,
    /// Byte-level with whole words looked up first; `<|header|>role<|/header|> .. <|end|>`, the
    /// begin token, trimmed contents, a date.
    Headers,
    /// Sentencepiece-like with byte fallback; `[INST] .. [/INST]`, the system inside, `</s>`.
    Inst,
}

impl Shape {
    pub const ALL: [Self; 3] = [Self::Turns, Self::Headers, Self::Inst];

    pub fn name(self) -> &'static str {
        match self {
            Self::Turns => "turns",
            Self::Headers => "headers",
            Self::Inst => "inst",
        }
    }

    /// Its special tokens; the last two are the begin (or none) and the end of a turn.
    pub fn special(self) -> &'static [&'static str] {
        match self {
            Self::Turns => &["<|endoftext|>", "<|im_start|>", "<|im_end|>"],
            Self::Headers => {
                &["<|begin|>", "<|end_of_text|>", "<|header|>", "<|/header|>", "<|end|>"]
            }
            Self::Inst => &["<unk>", "<s>", "</s>"],
        }
    }

    /// Added tokens that are not special.
    fn added(self) -> &'static [&'static str] {
        if self == Self::Turns { &["<think>", "</think>", "<tool>"] } else { &[] }
    }

    pub fn template(self) -> &'static str {
        match self {
            Self::Turns => TURNS,
            Self::Headers => HEADERS,
            Self::Inst => INST,
        }
    }

    fn config(self) -> Value {
        match self {
            Self::Turns => json!({"eos_token": "<|im_end|>", "pad_token": "<|endoftext|>",
                "bos_token": null}),
            Self::Headers => json!({"bos_token": "<|begin|>", "eos_token": "<|end|>"}),
            Self::Inst => json!({
                "bos_token": {"__type": "AddedToken", "content": "<s>", "normalized": false},
                "eos_token": {"__type": "AddedToken", "content": "</s>"}, "unk_token": "<unk>", "add_bos_token": true}),
        }
    }
}

const TURNS: &str = r#"{%- set ns = namespace(last=messages|length - 1, found=false) %}
{%- for m in messages[::-1] %}
    {%- set i = messages|length - 1 - loop.index0 %}
    {%- if not ns.found and m.role == "user" and not m.content.startswith('<tool>') %}
        {%- set ns.found = true %}
        {%- set ns.last = i %}
    {%- endif %}
{%- endfor %}
{%- if messages[0].role != 'system' %}
    {{- '<|im_start|>system\nBe of use.<|im_end|>\n' }}
{%- endif %}
{%- for m in messages %}
    {%- if m.content is string %}
        {%- set said = m.content %}
    {%- else %}
        {%- set said = '' %}
    {%- endif %}
    {%- if m.role == 'assistant' %}
        {%- set thought = '' %}
        {%- if '</think>' in said %}
            {%- set thought = said.split('</think>')[0].rstrip('\n').split('<think>')[-1].lstrip('\n') %}
            {%- set said = said.split('</think>')[-1].lstrip('\n') %}
        {%- endif %}
        {%- if loop.index0 > ns.last and (loop.last or thought) %}
            {{- '<|im_start|>' + m.role + '\n<think>\n' + thought.strip('\n') + '\n</think>\n\n' + said }}
        {%- else %}
            {{- '<|im_start|>' ~ m.role ~ '\n' ~ said }}
        {%- endif %}
        {{- '<|im_end|>\n' }}
    {%- else %}
        {{- '<|im_start|>' + m.role + '\n' + said + '<|im_end|>' + '\n' }}
    {%- endif %}
{%- endfor %}
{%- if add_generation_prompt %}
    {{- '<|im_start|>assistant\n' }}
    {%- if enable_thinking is defined and enable_thinking is false %}
        {{- '<think>\n\n</think>\n\n' }}
    {%- endif %}
{%- endif %}"#;

const HEADERS: &str = r#"{{- bos_token }}
{%- if not date is defined %}
    {%- if strftime_now is defined %}
        {%- set date = strftime_now("%d %b %Y") %}
    {%- else %}
        {%- set date = "26 Jul 2024" %}
    {%- endif %}
{%- endif %}
{%- if messages[0]['role'] == 'system' %}
    {%- set system = messages[0]['content']|trim %}
    {%- set messages = messages[1:] %}
{%- else %}
    {%- set system = "" %}
{%- endif %}
{#- A comment, and blocks on lines of their own. #}
{{- "<|header|>system<|/header|>\n\nToday: " + date + "\n" }}
{{- system }}
{{- "<|end|>" }}
{% for message in messages %}
    {% if message['role'] not in ['user', 'assistant'] %}
        {{ raise_exception('Only user and assistant, not ' + message['role'] | tojson) }}
    {% endif %}
    {%- generation %}{{- '<|header|>' + message['role'] + '<|/header|>\n\n' + message['content'] | trim + '<|end|>' }}{% endgeneration %}
{% endfor %}
{%- if add_generation_prompt %}
    {{- '<|header|>assistant<|/header|>\n\n' }}
{%- endif %}
"#;

const INST: &str = "{% if messages[0]['role'] == 'system' %}{% set loop_messages = messages[1:] %}\
{% set system_message = messages[0]['content'] %}{% else %}{% set loop_messages = messages %}\
{% set system_message = false %}{% endif %}{% for message in loop_messages %}\
{% if (message['role'] == 'user') != (loop.index0 % 2 == 0) %}\
{{ raise_exception('Roles must take turns') }}{% endif %}\
{% if loop.index0 == 0 and system_message != false %}\
{% set content = '<<SYS>>\\n' + system_message + '\\n<</SYS>>\\n\\n' + message['content'] %}\
{% else %}{% set content = message['content'] %}{% endif %}\
{% if message['role'] == 'user' %}{{ bos_token + '[INST] ' + content.strip() + ' [/INST]' }}\
{% elif message['role'] == 'assistant' %}{{ ' ' + content.strip() + ' ' + eos_token }}{% endif %}\
{% endfor %}";

/// Sentences of our own to learn pieces from.
const TEXTS: [&str; 8] = [
    "Do you agree that work is a duty towards society? Yes, I agree. No, I do not.",
    "How would people in Greece answer? Most of them would say that they agree strongly.",
    "Give me the answer from 1 to 4: 1. Strongly agree 2. Agree 3. Disagree 4. Strongly disagree",
    "The weather in the mountains is colder than by the sea, and the nights are longer.",
    "You can only choose one option. Please say only the number of your answer.",
    "Le caf\u{e9} est chaud; \u{3ba}\u{3b1}\u{3bb}\u{3b7}\u{3bc}\u{3ad}\u{3c1}\u{3b1} \u{3c3}\u{3b5} \u{3cc}\u{3bb}\u{3bf}\u{3c5}\u{3c2}.",
    "A question about trust: do you trust your neighbours, your family, your government?",
    "  Two spaces, three   spaces,\n\nand two lines.\tA tab.",
];

type Bpe = tokenizers::TokenizerImpl<
    BPE,
    NormalizerWrapper,
    PreTokenizerWrapper,
    PostProcessorWrapper,
    DecoderWrapper,
>;

/// The tokenizer of a shape, as `tokenizer.json` has it.
pub fn tokenizer_json(shape: Shape, vocab_size: usize) -> Value {
    let from = |v: Value| serde_json::from_value(v).unwrap();
    let split = r"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}{1,3}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+";
    let byte_level = json!({"type": "ByteLevel", "add_prefix_space": false, "trim_offsets": true,
        "use_regex": false});
    let pieces = shape == Shape::Inst;
    let (normalizer, pre, decoder): (
        Option<NormalizerWrapper>,
        Option<PreTokenizerWrapper>,
        Value,
    ) = if pieces {
        let n = json!({"type": "Sequence", "normalizers": [
                {"type": "Prepend", "prepend": "\u{2581}"},
                {"type": "Replace", "pattern": {"String": " "}, "content": "\u{2581}"}]});
        let d = json!({"type": "Sequence", "decoders": [
                {"type": "Replace", "pattern": {"String": "\u{2581}"}, "content": " "},
                {"type": "ByteFallback"}, {"type": "Fuse"},
                {"type": "Strip", "content": " ", "start": 1, "stop": 0}]});
        (Some(from(n)), None, d)
    } else {
        let p = json!({"type": "Sequence", "pretokenizers": [
                {"type": "Split", "pattern": {"Regex": split}, "behavior": "Isolated",
                    "invert": false},
                byte_level]});
        let n = (shape == Shape::Turns).then(|| from(json!({"type": "NFC"})));
        (n, Some(serde_json::from_value(p).unwrap()), byte_level)
    };
    let mut model = BPE::builder();
    if pieces {
        model = model.unk_token("<unk>".into()).byte_fallback(true).fuse_unk(true);
    }
    let mut t: Bpe = TokenizerBuilder::default()
        .with_model(model.build().unwrap())
        .with_normalizer(normalizer)
        .with_pre_tokenizer(pre)
        .with_decoder(Some(serde_json::from_value(decoder).unwrap()))
        .build()
        .unwrap();
    let mut special: Vec<AddedToken> = Vec::new();
    if pieces {
        special.extend(shape.special().iter().map(|s| AddedToken::from(*s, true)));
        special.extend((0..256).map(|b| AddedToken::from(format!("<0x{b:02X}>"), false)));
    }
    let mut trainer = BpeTrainer::builder()
        .vocab_size(vocab_size)
        .show_progress(false)
        .special_tokens(special)
        .initial_alphabet(if pieces {
            std::collections::HashSet::default()
        } else {
            tokenizers::pre_tokenizers::byte_level::ByteLevel::alphabet().into_iter().collect()
        })
        .build();
    t.train(&mut trainer, TEXTS.iter().copied()).unwrap();
    let mut json: Value = serde_json::from_str(&t.to_string(false).unwrap()).unwrap();
    if pieces {
        // Bytes are pieces of the model, not added tokens.
        let keep = shape.special().len();
        json["added_tokens"].as_array_mut().unwrap().truncate(keep);
    } else {
        json["model"]["ignore_merges"] = (shape == Shape::Headers).into();
    }
    let mut t: Tokenizer = serde_json::from_value(json).unwrap();
    let add = |names: &[&str], special| -> Vec<AddedToken> {
        names.iter().map(|s| AddedToken::from(*s, special).normalized(false)).collect()
    };
    t.add_special_tokens(add(shape.special(), true)).unwrap();
    t.add_tokens(add(shape.added(), false)).unwrap();
    serde_json::from_str(&t.to_string(false).unwrap()).unwrap()
}

/// Writes `tokenizer.json` and `tokenizer_config.json`; gives the vocabulary's size.
pub fn write_tokenizer(dir: &Path, shape: Shape) -> usize {
    let json = tokenizer_json(shape, if shape == Shape::Inst { 520 } else { 420 });
    std::fs::write(dir.join("tokenizer.json"), json.to_string()).unwrap();
    let mut config = shape.config();
    config["chat_template"] = shape.template().into();
    config["tokenizer_class"] = "PreTrainedTokenizerFast".into();
    config["clean_up_tokenization_spaces"] = false.into();
    std::fs::write(dir.join("tokenizer_config.json"), format!("{config:#}")).unwrap();
    let t: Tokenizer = serde_json::from_value(json).unwrap();
    t.get_vocab_size(true)
}
