//! Which variables of the submitting client a run gets, and is allowed to write down.

use std::collections::BTreeMap;

/// The variable that marks every process of an attempt: `RUN/attempt-N`.
pub const MARK: &str = "POLYCULTURE_ATTEMPT";

/// Whole names that are stored.
const NAMES: &[&str] = &[
    "PATH",
    "HOME",
    "USER",
    "LOGNAME",
    "SHELL",
    "LANG",
    "LANGUAGE",
    "TZ",
    "TMPDIR",
    "TERM",
    "VIRTUAL_ENV",
    "PYTHONPATH",
    "PYTHONHOME",
    "LD_LIBRARY_PATH",
    "LD_PRELOAD",
    "SLURM_CONF",
    "RUST_LOG",
    "RUST_BACKTRACE",
    "NO_COLOR",
    "SSL_CERT_FILE",
    "SSL_CERT_DIR",
    "NO_PROXY",
    "no_proxy",
];

/// Families of names that are stored.
const PREFIXES: &[&str] = &[
    "LC_",
    "XDG_",
    "CONDA_",
    "CUDA_",
    "NVIDIA_",
    "NCCL_",
    "GLOO_",
    "TORCH_",
    "PYTORCH_",
    "OMP_",
    "MKL_",
    "OPENBLAS_",
    "RAYON_",
    "TOKENIZERS_",
    "HF_",
    "TRANSFORMERS_",
    "ACCELERATE_",
    "WANDB_",
    "POLYCULTURE_",
];

/// True for names that look like secrets: never stored, whatever else they are.
pub fn is_secret_name(name: &str) -> bool {
    let upper = name.to_ascii_uppercase();
    ["KEY", "TOKEN", "SECRET", "PASSW", "CREDENTIAL", "AUTH", "COOKIE"]
        .iter()
        .any(|s| upper.contains(s))
        // HF_TOKENIZERS.. and TOKENIZERS_PARALLELISM are no secrets.
        && !upper.contains("TOKENIZERS")
}

/// The allowed part of this process's environment. Values that are not UTF-8 stay behind.
pub fn allowed_environment() -> BTreeMap<String, String> {
    allowed(
        std::env::vars_os()
            .filter_map(|(k, v)| Some((k.into_string().ok()?, v.into_string().ok()?))),
    )
}

fn allowed(vars: impl Iterator<Item = (String, String)>) -> BTreeMap<String, String> {
    vars.filter(|(name, _)| {
        let listed = NAMES.contains(&name.as_str()) || PREFIXES.iter().any(|p| name.starts_with(p));
        listed && !is_secret_name(name) && name != MARK && name != super::crash::VARIABLE
    })
    .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn secrets_and_unknown_names_are_left_out() {
        let vars = [
            ("PATH", true),
            ("LC_ALL", true),
            ("CUDA_VISIBLE_DEVICES", true),
            ("TOKENIZERS_PARALLELISM", true),
            ("HF_HOME", true),
            ("HF_TOKEN", false),
            ("WANDB_API_KEY", false),
            ("OPENAI_API_KEY", false),
            ("AWS_SECRET_ACCESS_KEY", false),
            ("SSH_AUTH_SOCK", false),
            ("DISPLAY", false),
            (MARK, false),
        ];
        let kept = allowed(vars.iter().map(|(k, _)| ((*k).to_owned(), "v".to_owned())));
        for (name, stays) in vars {
            assert_eq!(kept.contains_key(name), stays, "{name}");
        }
    }
}
