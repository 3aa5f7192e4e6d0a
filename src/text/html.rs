//! Text as a web page: the view in which a browser shapes and orders every script by itself.

/// The text for HTML, between tags or inside a quoted attribute. Control characters, which HTML
/// does not allow, become their pictures (`␛`); tabs and line breaks stay. Everything else stays
/// as it is, bidi controls included: put it into an element of its own with `dir`.
pub fn escape_html(text: &str) -> String {
    let mut out = String::with_capacity(text.len() + text.len() / 8);
    for c in text.chars() {
        match c {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '"' => out.push_str("&quot;"),
            '\'' => out.push_str("&#39;"),
            '\t' | '\n' | '\r' => out.push(c),
            '\0'..='\u{1f}' => {
                out.push(char::from_u32(0x2400 + u32::from(c)).unwrap_or('\u{fffd}'));
            }
            '\u{7f}' => out.push('\u{2421}'),
            '\u{80}'..='\u{9f}' | '\u{fdd0}'..='\u{fdef}' => out.push('\u{fffd}'),
            c if u32::from(c) & 0xfffe == 0xfffe => out.push('\u{fffd}'),
            c => out.push(c),
        }
    }
    out
}

/// Colours follow the reader's system. Fonts: whatever the system has for the script.
const STYLE: &str = "\
:root { color-scheme: light dark; }
body { margin: 2rem auto; padding: 0 1rem; max-width: 72rem;
  font: 1.25rem/1.7 system-ui, \"Noto Sans\", \"Noto Naskh Arabic\", \"Noto Sans Bengali\",
  \"Noto Sans CJK SC\", sans-serif; }
h1 { font-size: 1.1rem; font-weight: 600; }
main { display: flex; flex-wrap: wrap; gap: 1rem; align-items: stretch; }
section { flex: 1 1 24rem; min-width: 0; border: 1px solid; border-radius: .4rem; padding: 1rem; }
h2 { margin: 0 0 .5rem; font-size: .9rem; font-weight: 600; opacity: .75; }
p { margin: 0; white-space: pre-wrap; overflow-wrap: anywhere; text-align: start;
  unicode-bidi: isolate; }
";

/// A page that shows texts side by side (one under the other where there is no room), each as
/// `(label, text, language)`: `dir=\"auto\"`, nothing fetched, no scripts, the texts unchanged. A
/// language is a BCP 47 tag such as `ar` or `zh-Hans`; another value is left out.
pub fn pair_page(title: &str, texts: &[(&str, &str, &str)]) -> String {
    let title = escape_html(title);
    let mut out = format!(
        "<!doctype html>\n<html>\n<head>\n<meta charset=\"utf-8\">\n\
         <meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; style-src \
         'unsafe-inline'\">\n<meta name=\"viewport\" content=\"width=device-width\">\n\
         <title>{title}</title>\n<style>\n{STYLE}</style>\n</head>\n<body>\n\
         <h1 dir=\"auto\">{title}</h1>\n<main>\n"
    );
    for (label, text, language) in texts {
        let lang = if is_tag(language) { format!(" lang=\"{language}\"") } else { String::new() };
        out += &format!(
            "<section>\n<h2 dir=\"auto\">{}</h2>\n<p dir=\"auto\"{lang}>{}</p>\n</section>\n",
            escape_html(label),
            escape_html(text),
        );
    }
    out + "</main>\n</body>\n</html>\n"
}

fn is_tag(language: &str) -> bool {
    language.len() <= 35
        && language.starts_with(|c: char| c.is_ascii_alphabetic())
        && language
            .split('-')
            .all(|p| (1..=8).contains(&p.len()) && p.bytes().all(|b| b.is_ascii_alphanumeric()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn markup_in_data_stays_text() {
        assert_eq!(
            escape_html("<script>alert('x') & \"y\"</script>\u{1b}[31m\u{0}\u{9b}\u{ffff}\n"),
            "&lt;script&gt;alert(&#39;x&#39;) &amp; &quot;y&quot;&lt;/script&gt;␛[31m␀\u{fffd}\u{fffd}\n"
        );
        let page = pair_page("</title><b>", &[("<i>", "</p><img src=x>", "en\" onload=\"x")]);
        assert!(!page.contains("<b>") && !page.contains("<i>") && !page.contains("<img"));
        assert!(!page.contains("onload") && !page.contains("<script"));
    }

    #[test]
    fn every_text_has_a_direction_and_a_language_of_its_own() {
        let page = pair_page(
            "Pair 7",
            &[("Seed", "القهوة بعد الصلاة", "ar"), ("Sample", "Tea, at five.", "en-GB")],
        );
        for part in [
            "<p dir=\"auto\" lang=\"ar\">القهوة بعد الصلاة</p>",
            "<p dir=\"auto\" lang=\"en-GB\">Tea, at five.</p>",
            "<h2 dir=\"auto\">Seed</h2>",
            "default-src 'none'",
        ] {
            assert!(page.contains(part), "{part}");
        }
        assert!(!page.contains("http:") && !page.contains("https:"), "nothing is fetched");
        for (tag, good) in [
            ("zh-Hans-CN", true),
            ("", false),
            ("a b", false),
            ("-", false),
            ("en-", false),
            ("1", false),
        ] {
            assert_eq!(is_tag(tag), good, "{tag}");
        }
    }

    proptest! {
        #[test]
        fn what_was_escaped_can_be_read_back(text in "[\\PC\n\t]{0,40}") {
            let escaped = escape_html(&text);
            prop_assert!(!escaped.contains(['<', '>', '"', '\'']));
            let back = escaped.replace("&lt;", "<").replace("&gt;", ">").replace("&quot;", "\"").replace("&#39;", "'").replace("&amp;", "&");
            prop_assert_eq!(back, text);
        }
    }
}
