//! Recipes at the door: what is refused, and at which line.

use super::*;
use crate::embedded::training::Schedule;

fn with(change: impl Fn(&str) -> String) -> String {
    preset("tiny").unwrap().lines().map(|l| change(l) + "\n").collect()
}

#[test]
fn the_presets_are_recipes_and_come_back_from_their_own_text() {
    for name in preset_names() {
        let r = Recipe::parse(preset(name).unwrap(), name).unwrap();
        assert_eq!(r.name, name);
        assert_eq!(Recipe::parse(&r.to_toml().unwrap(), "again").unwrap(), r);
    }
    assert!(preset("huge").is_none());
}

#[test]
fn what_is_wrong_is_named_with_its_line() {
    let cases = [
        ("lr =", "lr = \"fast\"", "invalid type"),
        ("lr =", "lr = -1.0", "learning rate"),
        ("lr =", "learning_rate = 1e-3", "learning_rate"),
        ("batch =", "batch = 0", "one example"),
        ("backend =", "backend = \"cloud\"", "cloud"),
        ("schedule =", "schedule = \"steep\"", "steep"),
        ("warmup =", "warmup = 3", "share"),
        ("target =", "target = \"soft\"", "soft"),
        ("max_grad_norm =", "max_grad_norm = 0.0", "above 0"),
        ("max_grad_norm =", "max_grad_norm = nan", "above 0"),
        ("beta2 =", "beta2 = 1.0", "0.999999"),
        ("hidden_size =", "width = 3", "width"),
        ("forms =", "forms = [\"haiku\"]", "haiku"),
        ("forms =", "forms = []", "prompt form"),
        ("symbols =", "symbols = []", "codes"),
        ("threads =", "threads = 0", "thread"),
        ("threads =", "cores = 3", "cores"),
        ("gpus =", "gpus = 1", "CPU"),
        ("gpus =", "time_limit = \"soon\"", "90m"),
        ("steps =", "epochs = 0", "epoch"),
        ("name =", "name = \"../x\"", "letters"),
    ];
    for (start, instead, word) in cases {
        let text = with(|l| if l.starts_with(start) { instead.into() } else { l.into() });
        let line = text.lines().position(|l| l == instead).unwrap() + 1;
        let e = Recipe::parse(&text, "r.toml").unwrap_err().to_string();
        assert!(e.contains(word), "{instead}: {e}");
        assert!(e.starts_with(&format!("r.toml, line {line}:")), "{instead}: {e}");
    }
}

#[test]
fn a_time_limit_is_read_in_words() {
    for good in ["90m", "12h", "1h 30m"] {
        let limit = format!("time_limit = \"{good}\"");
        let text = with(|l| if l.starts_with("gpus") { limit.clone() } else { l.into() });
        assert_eq!(Recipe::parse(&text, "r").unwrap().resources.time_limit.as_deref(), Some(good));
    }
}

#[test]
fn steps_and_epochs_exclude_each_other_and_one_is_needed() {
    let both = with(|l| if l.starts_with("batch") { format!("{l}\nepochs = 2") } else { l.into() });
    assert!(Recipe::parse(&both, "r").unwrap_err().to_string().contains("not both"));
    let none = with(|l| if l.starts_with("steps") { String::new() } else { l.into() });
    assert!(Recipe::parse(&none, "r").unwrap_err().to_string().contains("`steps` or `epochs`"));
    assert_eq!(Length::Epochs(3).steps(10, 4), 8);
    assert_eq!(Length::Steps(5).steps(10, 4), 5);
}

#[test]
fn a_model_is_tiny_or_a_name() {
    let named = |m: &str| {
        let text: String = preset("tiny")
            .unwrap()
            .lines()
            .map(|l| {
                if l.starts_with("seed") {
                    format!("{l}\nmodel = \"{m}\"\n")
                } else {
                    format!("{l}\n")
                }
            })
            .collect();
        let (start, end) = (text.find("[model.tiny]").unwrap(), text.find("[prompts]").unwrap());
        Recipe::parse(&[&text[..start], &text[end..]].concat(), "r")
    };
    assert_eq!(named("tiny").unwrap().model, ModelChoice::Tiny(TinyModel::default()));
    let r = named("path:/m").unwrap();
    assert_eq!(r.model, ModelChoice::Named(ModelRef::Path("/m".into())));
    let text = r.to_toml().unwrap();
    assert!(text.contains("[model]\nfrom = \"path:/m\""), "{text}");
    assert_eq!(Recipe::parse(&text, "again").unwrap(), r);
    let both = text.replace("from = \"path:/m\"", "from = \"path:/m\"\ntiny = {}");
    assert!(Recipe::parse(&both, "r").unwrap_err().to_string().contains("either"));
    assert!(named("s3:x").unwrap_err().to_string().contains("names no model"));
}

#[test]
fn the_papers_preset_has_the_papers_figures() {
    let r = Recipe::parse(preset("paper").unwrap(), "paper").unwrap();
    let l = r.lora.unwrap();
    assert_eq!((l.r, l.alpha, l.dropout), (64, 16.0, 0.1));
    assert_eq!((r.lr, r.schedule, r.warmup), (2e-4, Schedule::Constant, 0.03));
    assert_eq!((r.epochs, r.batch, r.weight_decay, r.max_grad_norm), (Some(6), 4, 0.001, 0.3));
    assert_eq!((r.target, r.model), (TargetKind::Hard, ModelChoice::ANY));
}

#[test]
fn an_adapters_settings_are_checked_at_their_line() {
    let text = preset("lora").unwrap();
    let cases = [
        ("r =", "r = 0", "rank 0"),
        ("alpha =", "alpha = -1.0", "above 0"),
        ("dropout =", "dropout = 1.0", "below 1"),
        ("targets =", "targets = [\"q_proj\", \"lm_head\"]", "lm_head"),
        ("targets =", "targets = []", "at least one"),
        ("piece_tokens =", "piece_tokens = 0", "one token"),
    ];
    for (start, instead, word) in cases {
        let text: String = text
            .lines()
            .map(|l| if l.starts_with(start) { instead.to_owned() } else { l.into() } + "\n")
            .collect();
        let line = text.lines().position(|l| l == instead).unwrap() + 1;
        let e = Recipe::parse(&text, "r.toml").unwrap_err().to_string();
        assert!(e.contains(word), "{instead}: {e}");
        assert!(e.starts_with(&format!("r.toml, line {line}:")), "{instead}: {e}");
    }
    let tiny = text.replace("from = \"--base\"", "from = \"tiny\"");
    assert!(Recipe::parse(&tiny, "r").unwrap_err().to_string().contains("tiny is new"));
}

#[test]
fn what_a_backend_cannot_follow_is_refused_at_its_line() {
    let torch = preset("lora-torch").unwrap();
    let nf4 = preset("paper-torch").unwrap();
    let service = preset("openai").unwrap();
    let tiny = preset("tiny").unwrap();
    let lora = preset("lora").unwrap();
    // (recipe, a line of it, what stands there instead, line of the refusal, a word of it)
    let cases = [
        (lora, "[lora]", "[torch]\nquant = \"nf4\"\n[lora]", "[torch]", "backend = \"torch\""),
        (lora, "gpus =", "gpus = 2", "gpus = 2", "backend = \"torch\""),
        (tiny, "backend =", "backend = \"torch\"", "backend = \"torch\"", "tiny is new"),
        (torch, "from =", "from = \"provider:x/y\"", "from = \"provider:x/y\"", "path:DIR"),
        (torch, "dtype =", "dtype = \"f8\"", "dtype = \"f8\"", "f8"),
        (torch, "dtype =", "processes = 3", "processes = 3", "each GPU"),
        (torch, "[torch]", "[openai]\n[torch]", "[openai]", "openai"),
        (nf4, "parallel =", "parallel = \"fsdp\"", "parallel = \"fsdp\"", "ddp"),
        (service, "epochs =", "epochs = 3\nlr = 1e-4", "lr = 1e-4", "learning_rate_multiplier"),
        (service, "epochs =", "steps = 3", "steps = 3", "epochs"),
        (
            service,
            "epochs =",
            "epochs = 3\nweight_decay = 0.0",
            "weight_decay = 0.0",
            "service's own",
        ),
        (service, "target =", "target = \"distribution\"", "target = \"distribution\"", "hard"),
        (service, "[prompts]", "[lora]\nr = 4\n[prompts]", "[lora]", "service's own"),
        (service, "from =", "from = \"path:/m\"", "from = \"path:/m\"", "provider:NAME/MODEL"),
    ];
    for (text, start, instead, at, word) in cases {
        let text: String = text
            .lines()
            .map(|l| if l.starts_with(start) { instead.to_owned() } else { l.into() } + "\n")
            .collect();
        let line = text.lines().position(|l| l == at).unwrap() + 1;
        let e = Recipe::parse(&text, "r.toml").unwrap_err().to_string();
        assert!(e.starts_with(&format!("r.toml, line {line}:")), "{instead}: {e}");
        assert!(e.contains(word), "{instead}: {e}");
    }
    let full = nf4.replace("[lora]", "[openai]");
    assert!(Recipe::parse(&full, "r").is_err());
}

#[test]
fn the_papers_recipe_on_torch_is_its_local_one_with_four_bits() {
    let mut nf4 = Recipe::parse(preset("paper-torch").unwrap(), "r").unwrap();
    let paper = Recipe::parse(preset("paper").unwrap(), "r").unwrap();
    assert_eq!(nf4.torch.take().and_then(|t| t.quant), Some(Quant::Nf4));
    (nf4.name, nf4.backend) = (paper.name.clone(), paper.backend);
    (nf4.resources, nf4.piece_tokens) = (paper.resources.clone(), paper.piece_tokens);
    assert_eq!(nf4, paper);
}
