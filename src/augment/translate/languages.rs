//! What tells languages of one script apart: letters that one never uses, and small words that
//! come in every second sentence. Enough to see that a model answered in the wrong language; not
//! enough to say which one it was in every case.

use crate::domain::primary_language;

/// Letters that texts of a language do not hold.
const NEVER: [(&str, &str); 9] = [
    ("ru", "іїєґў"),
    ("uk", "ыэъёў"),
    ("bg", "ыэёіїєґў"),
    ("be", "щъиїєґ"),
    ("ar", "پچژگٹڈڑںےۓۀ"),
    ("fa", "ٹڈڑںےةىي"),
    ("zh", "のはをがにですまあいう"),
    ("es", "ãõçßäößłşğı"),
    ("de", "ñãõłşğı¿¡"),
];

/// Letters of which one should come up in a text of more than a few words.
const ALWAYS: [(&str, &str); 2] = [
    ("ja", "のはをがにでとたてるいすうくしなっまりこれか"),
    ("vi", "ăâđêôơưạảấầẩẫậắằẳẵặẹẻẽếềểễệịọỏốồổỗộớờởỡợụủứừửữựỳỷỹáàãéèíìóòõúùý"),
];

/// Small words, of Latin-script languages.
const SMALL: [(&str, &str); 14] = [
    ("en", "the of and to is that it are be with this have not should their when people"),
    ("es", "el los las que es una por con para más no son como del está la y su"),
    ("pt", "os as que é uma por com para mais não são como do da em e um seu"),
    ("fr", "le les des est une que dans pour pas plus sont du et qui sur avec la ne"),
    ("de", "der die das und ist nicht ein eine zu mit den von für auf sind dass sich im"),
    ("it", "il gli che è una per con non più sono della di un la nel come e si"),
    ("nl", "de het een van en is niet dat te zijn voor met op hebben moet worden ik in"),
    ("tr", "bir ve bu için çok daha ile değil olan gibi olarak kadar en ben benim var mı ne"),
    (
        "id",
        "yang dan di untuk dengan tidak adalah ini dari lebih saya pada itu akan harus oleh anak orang",
    ),
    ("pl", "i w nie na jest się to że do z są jak dla oraz przez być co ma"),
    ("sv", "och att det som en är på för inte av med den har till ett jag om bör"),
    ("vi", "là của và một không có những cho người được các trong phải khi tôi này với nên"),
    ("ro", "și de în la este nu că pentru cu mai sunt un o din care pe ca să"),
    ("sw", "ya na wa ni kwa la katika za kuwa watu si hii kama au yangu wao cha wakati"),
];

fn of<'a>(table: &'a [(&str, &str)], tag: &str) -> Option<&'a str> {
    table.iter().find(|(t, _)| *t == tag).map(|(_, v)| *v)
}

/// Why a text is not in this language, as far as letters and small words tell. `source` is the
/// language it was translated from.
pub(super) fn wrong_language(text: &str, target: &str, source: &str) -> Option<String> {
    let target = primary_language(target);
    let lower = text.to_lowercase();
    if let Some(never) = of(&NEVER, &target)
        && let Some(c) = lower.chars().find(|c| never.contains(*c))
    {
        return Some(format!("`{c}` is no letter of `{target}`"));
    }
    let letters = lower.chars().filter(|c| c.is_alphabetic()).count();
    if let Some(always) = of(&ALWAYS, &target)
        && letters >= 12
        && !lower.chars().any(|c| always.contains(c))
    {
        return Some(format!("none of the common letters of `{target}` is in it"));
    }
    let words = crate::text::folded_words(text);
    let score =
        |small: &str| words.iter().filter(|w| small.split(' ').any(|s| s == w.as_str())).count();
    let ours = of(&SMALL, &target).map(score);
    let source = primary_language(source);
    SMALL
        .iter()
        .filter(|(tag, _)| *tag != target)
        .map(|(tag, small)| (*tag, score(small)))
        // Without a list of the target's own words only the source language gives itself away.
        .filter(|(tag, _)| ours.is_some() || *tag == source)
        .max_by_key(|(_, n)| *n)
        .filter(|(_, n)| match ours {
            Some(0) => *n >= 2,
            Some(own) => *n >= own * 3,
            None => *n >= 3,
        })
        .map(|(tag, n)| format!("{n} small words of `{tag}`, {} of `{target}`", ours.unwrap_or(0)))
}
