//! Which Python runs the training program, which packages it has, and the one command that installs
//! what is missing.

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use serde::{Deserialize, Serialize};

use crate::config::{UserConfig, torch_environment};
use crate::finetune::{FinetuneError, Quant, Recipe};

/// The variable that names a Python.
pub const VARIABLE: &str = "POLYCULTURE_TORCH_PYTHON";

const PROBE: &str = include_str!("../../torch/probe.py");

/// Packages that every run needs, with the oldest version that has what we call.
const NEEDED: [(&str, &str); 5] = [
    ("torch", "2.6"),
    ("transformers", "4.56"),
    ("peft", "0.17"),
    ("accelerate", "1.0"),
    ("safetensors", "0.4.3"),
];
/// And for quantised bases.
const NF4: (&str, &str) = ("bitsandbytes", "0.45");

/// A Python and why it was taken.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Python {
    /// The program.
    pub program: PathBuf,
    /// `--python`, the variable, the configuration, the environment of ours, or the path.
    pub named_by: String,
}

/// One package.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Needed {
    /// As the package index calls it.
    pub name: String,
    /// The version that is there.
    pub found: Option<String>,
    /// The oldest that will do.
    pub needed: String,
    /// Found, and new enough.
    pub ok: bool,
    /// Only some recipes need it.
    pub optional: bool,
}

/// What a Python has.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Probed {
    /// Which it is.
    pub python: Python,
    /// Its own version.
    pub version: String,
    /// It stands in an environment of its own.
    pub venv: bool,
    /// Packages, in the order of need.
    pub packages: Vec<Needed>,
}

impl Python {
    /// The first of: the one asked for, the variable, the user's configuration, the environment in
    /// the user's data folder, `python3`.
    ///
    /// # Errors
    /// The user's configuration cannot be read.
    pub fn find(asked: Option<&Path>) -> Result<Self, FinetuneError> {
        let of = |program: PathBuf, by: &str| Self { program, named_by: by.to_owned() };
        if let Some(p) = asked {
            return Ok(of(p.to_owned(), "--python"));
        }
        if let Some(p) = std::env::var_os(VARIABLE).filter(|v| !v.is_empty()) {
            return Ok(of(p.into(), VARIABLE));
        }
        let config = UserConfig::load().map_err(|e| FinetuneError::Plan(e.to_string()))?;
        if let Some(p) = config.torch_python {
            return Ok(of(p, &format!("[torch] python in {}", config.file.display())));
        }
        if let Some(p) =
            torch_environment().ok().map(|d| d.join("bin/python")).filter(|p| p.exists())
        {
            return Ok(of(p, "the environment in the data folder"));
        }
        Ok(of("python3".into(), "the path"))
    }

    /// Asks it what it has. Nothing is imported: it takes a fraction of a second.
    ///
    /// # Errors
    /// It cannot be started, or does not answer.
    pub fn probe(&self) -> Result<Probed, FinetuneError> {
        #[derive(Deserialize)]
        struct Says {
            python: String,
            venv: bool,
            packages: std::collections::BTreeMap<String, Option<String>>,
        }
        let no = |what: String| {
            FinetuneError::Plan(format!(
                "the Python {} (named by {}) {what}. Another one: --python, {VARIABLE}, or [torch] \
                 python in the configuration; `polyculture doctor --torch` says what there is",
                self.program.display(),
                self.named_by
            ))
        };
        let all = || NEEDED.iter().chain([&NF4]);
        let out = Command::new(&self.program)
            .args(["-c", PROBE])
            .args(all().map(|n| n.0))
            .stdin(Stdio::null())
            .output()
            .map_err(|e| no(format!("cannot be started: {e}")))?;
        let says: Says = serde_json::from_slice(&out.stdout).map_err(|_| {
            let words = String::from_utf8_lossy(&out.stderr);
            no(format!("does not answer: {}", words.lines().last().unwrap_or("it prints nothing")))
        })?;
        let packages = all()
            .map(|(name, needed)| {
                let found = says.packages.get(*name).cloned().flatten();
                let ok = found.as_deref().is_some_and(|f| at_least(f, needed));
                Needed {
                    name: (*name).to_owned(),
                    found,
                    needed: (*needed).to_owned(),
                    ok,
                    optional: *name == NF4.0,
                }
            })
            .collect();
        Ok(Probed { python: self.clone(), version: says.python, venv: says.venv, packages })
    }
}

impl Probed {
    /// The one command that installs what is missing; none where nothing is. A Python of the system
    /// is left as it is: an environment of ours is made beside it.
    pub fn mend(&self, optional_too: bool) -> Option<String> {
        let missing: Vec<String> = self
            .packages
            .iter()
            .filter(|p| !p.ok && (optional_too || !p.optional))
            .map(|p| format!("'{}>={}'", p.name, p.needed))
            .collect();
        if missing.is_empty() {
            return None;
        }
        let program = self.python.program.display();
        if self.venv {
            return Some(format!("{program} -m pip install {}", missing.join(" ")));
        }
        let dir = torch_environment().unwrap_or_else(|_| "polyculture-torch".into());
        let all: Vec<String> = self
            .packages
            .iter()
            .filter(|p| optional_too || !p.optional)
            .map(|p| format!("'{}>={}'", p.name, p.needed))
            .collect();
        let dir = dir.display();
        Some(format!("{program} -m venv {dir} && {dir}/bin/pip install {}", all.join(" ")))
    }

    /// Refuses a recipe that this Python cannot train.
    ///
    /// # Errors
    /// Which packages are missing or too old, and the command that installs them.
    pub fn check(&self, recipe: &Recipe) -> Result<(), FinetuneError> {
        let nf4 = recipe.torch.as_ref().and_then(|t| t.quant) == Some(Quant::Nf4);
        let lacking: Vec<String> = self
            .packages
            .iter()
            .filter(|p| !p.ok && (!p.optional || nf4))
            .map(|p| match &p.found {
                None => format!("{} (not there)", p.name),
                Some(f) => format!("{} ({f}; needed: {})", p.name, p.needed),
            })
            .collect();
        if lacking.is_empty() {
            return Ok(());
        }
        let what = if nf4 { " for quant = \"nf4\"" } else { "" };
        Err(FinetuneError::Plan(format!(
            "backend = \"torch\"{what}: the Python {} (named by {}) lacks {}. Install: {}",
            self.python.program.display(),
            self.python.named_by,
            lacking.join(", "),
            self.mend(nf4).unwrap_or_default()
        )))
    }
}

/// Whether a version is as new as another, by its leading numbers.
fn at_least(found: &str, needed: &str) -> bool {
    let numbers = |v: &str| -> Vec<u64> {
        v.split('.')
            .map_while(|p| {
                let digits: String = p.chars().take_while(char::is_ascii_digit).collect();
                digits.parse().ok()
            })
            .collect()
    };
    let (f, n) = (numbers(found), numbers(needed));
    !f.is_empty() && f >= n
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::finetune::preset;

    fn probed(versions: &[Option<&str>], venv: bool) -> Probed {
        let packages = NEEDED.iter().chain([&NF4]).zip(versions);
        Probed {
            python: Python { program: "/p/python".into(), named_by: "--python".into() },
            version: "3.12.1".into(),
            venv,
            packages: packages
                .map(|((name, needed), found)| Needed {
                    name: (*name).into(),
                    found: found.map(str::to_owned),
                    needed: (*needed).into(),
                    ok: found.is_some_and(|f| at_least(f, needed)),
                    optional: *name == "bitsandbytes",
                })
                .collect(),
        }
    }

    #[test]
    fn a_missing_or_old_package_is_named_with_the_command_that_installs_it() {
        let lora = Recipe::parse(preset("lora-torch").unwrap(), "r").unwrap();
        let nf4 = Recipe::parse(preset("paper-torch").unwrap(), "r").unwrap();
        let good =
            [Some("2.15.0+cu132"), Some("5.23.0"), Some("0.21.2"), Some("1.15"), Some("0.6")];
        let with = |bnb: Option<&'static str>| [&good[..], &[bnb]].concat();
        probed(&with(None), true).check(&lora).unwrap();
        probed(&with(Some("0.48.1")), true).check(&nf4).unwrap();
        let e = probed(&with(None), true).check(&nf4).unwrap_err().to_string();
        assert!(e.contains("/p/python -m pip install 'bitsandbytes>=0.45'"), "{e}");
        let old = [Some("2.5.1"), None, Some("0.21"), Some("1.0.0"), Some("0.5"), None];
        let e = probed(&old, false).check(&lora).unwrap_err().to_string();
        assert!(e.contains("torch (2.5.1; needed: 2.6)") && e.contains("transformers (not there)"));
        assert!(e.contains("-m venv") && e.contains("bin/pip install 'torch>=2.6'"), "{e}");
        assert!(!e.contains("bitsandbytes"), "{e}");
    }

    #[test]
    fn versions_compare_by_number() {
        for (found, needed, ok) in [
            ("2.10.0", "2.6", true),
            ("2.6.0a0+git1", "2.6", true),
            ("2.5.9", "2.6", false),
            ("5.0.0rc1", "4.56", true),
            ("unknown", "1.0", false),
            ("1", "1.0", false),
        ] {
            assert_eq!(at_least(found, needed), ok, "{found} for {needed}");
        }
    }

    #[test]
    fn a_python_that_is_none_is_refused_with_the_other_ways() {
        let p = Python { program: "/no/such/python".into(), named_by: "--python".into() };
        let e = p.probe().unwrap_err().to_string();
        assert!(e.contains("/no/such/python") && e.contains("doctor --torch"), "{e}");
        let p = Python { program: "/bin/true".into(), named_by: "--python".into() };
        assert!(p.probe().unwrap_err().to_string().contains("does not answer"));
    }
}
