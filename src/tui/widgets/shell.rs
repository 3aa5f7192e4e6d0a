//! The command line that a form stands for, as a person would type it.

/// `polyculture` with these arguments, each quoted where a shell would take it for something else.
pub fn shell_line(args: &[String]) -> String {
    let quoted = |a: &String| {
        // Within a word these are none of a shell's business; at its beginning the tilde is, and for
        // zsh the equals sign.
        let plain = |c: char| c.is_alphanumeric() || "-_=/.,:@+~%".contains(c);
        if !a.is_empty() && !a.starts_with(['~', '=']) && a.chars().all(plain) {
            a.clone()
        } else {
            format!("'{}'", a.replace('\'', r"'\''"))
        }
    };
    let words: Vec<String> = args.iter().map(quoted).collect();
    format!("polyculture {}", words.join(" "))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_shell_gets_the_words_that_the_form_means() {
        let words = [
            "evaluate",
            "",
            "a b",
            "it's",
            "$HOME",
            "~/x",
            "x~y",
            "*",
            "#no",
            "بيانات",
            "a\nb",
            "--on=slurm",
            "`id`",
            "a;b",
            "provider:lab/org-7b@3",
        ];
        let args: Vec<String> = words.iter().map(|w| (*w).to_owned()).collect();
        let line = shell_line(&args);
        let script = format!("polyculture() {{ printf '%s\\0' \"$@\"; }}; {line}");
        let done = std::process::Command::new("sh").args(["-c", &script]).output().unwrap();
        let heard: Vec<String> = String::from_utf8(done.stdout)
            .unwrap()
            .split_terminator('\0')
            .map(str::to_owned)
            .collect();
        assert_eq!(heard, args, "{line}");
    }
}
