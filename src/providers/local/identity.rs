//! What makes two folders the same model: the bytes of what decides its replies.

use std::fs::File;
use std::io::Read;
use std::path::{Path, PathBuf};

use rayon::prelude::*;
use sha2::{Digest, Sha256};

/// Bytes hashed at a time; the parts of a file are hashed side by side.
const PART: usize = 16 << 20;

/// Files beside the weights that change what the model says.
const DECIDING: [&str; 7] = [
    "config.json",
    "generation_config.json",
    "tokenizer.json",
    "tokenizer_config.json",
    "special_tokens_map.json",
    "chat_template.jinja",
    "adapter_config.json",
];

/// SHA-256 over the config, the tokenizer, the template and every safetensors file of the folders
/// (a model, and perhaps an adapter), as 64 hexadecimal digits. Names of folders do not count, so
/// a model that was moved or copied finds its replies again; times do not count either. The weights
/// are read whole: some seconds for a large model, beside reading them to run it.
///
/// # Errors
/// A file cannot be read: its path.
pub fn identity(folders: &[&Path]) -> Result<String, (PathBuf, std::io::Error)> {
    let mut hash = Sha256::new();
    for dir in folders {
        hash.update(b"folder");
        let mut names: Vec<String> = std::fs::read_dir(dir)
            .map_err(|e| (dir.to_path_buf(), e))?
            .flatten()
            .filter_map(|e| e.file_name().into_string().ok())
            .filter(|n| {
                DECIDING.contains(&n.as_str())
                    || Path::new(n).extension().is_some_and(|e| e == "safetensors")
            })
            .collect();
        names.sort();
        for name in names {
            let path = dir.join(&name);
            hash.update((name.len() as u64).to_le_bytes());
            hash.update(name.as_bytes());
            hash.update(file(&path).map_err(|e| (path, e))?);
        }
    }
    Ok(hash.finalize().iter().map(|b| format!("{b:02x}")).collect())
}

/// The hash of the hashes of a file's parts.
fn file(path: &Path) -> std::io::Result<[u8; 32]> {
    let length = std::fs::metadata(path)?.len();
    let parts = length.div_ceil(PART as u64);
    let hashes: std::io::Result<Vec<[u8; 32]>> = (0..parts)
        .into_par_iter()
        .map(|i| {
            use std::io::Seek;
            let mut file = File::open(path)?;
            file.seek(std::io::SeekFrom::Start(i * PART as u64))?;
            let mut part = Vec::new();
            file.take(PART as u64).read_to_end(&mut part)?;
            Ok(Sha256::digest(&part).into())
        })
        .collect();
    let mut all = Sha256::new();
    all.update(length.to_le_bytes());
    hashes?.iter().for_each(|h| all.update(h));
    Ok(all.finalize().into())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bytes_decide_and_names_of_folders_do_not() {
        let (a, b) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
        let write = |dir: &tempfile::TempDir, name: &str, bytes: &[u8]| {
            std::fs::write(dir.path().join(name), bytes).unwrap();
        };
        let id = |dir: &tempfile::TempDir| identity(&[dir.path()]).unwrap();
        let mut weights = vec![7u8; PART + 100];
        for dir in [&a, &b] {
            write(dir, "config.json", b"{}");
            write(dir, "model.safetensors", &weights);
        }
        write(&b, "README.md", b"does not count");
        assert_eq!(id(&a), id(&b));
        assert_eq!(id(&a).len(), 64);
        *weights.last_mut().unwrap() = 8;
        write(&b, "model.safetensors", &weights);
        assert_ne!(id(&a), id(&b), "the last byte counts");
        write(&b, "model.safetensors", &vec![7u8; PART + 100]);
        write(&b, "chat_template.jinja", b"x");
        assert_ne!(id(&a), id(&b));
        assert_ne!(id(&a), identity(&[a.path(), b.path()]).unwrap());
        assert!(identity(&[Path::new("/no/such/folder")]).is_err());
    }
}
