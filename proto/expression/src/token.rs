//! From text to words. Names may have `-` and `.`, paths have `/`: a word goes on as long as its characters do, and operators beside a
//! name have a space around them.

use crate::flaw::Flaw;

/// One word of an expression.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Token {
    /// A finite number that is not negative.
    Number(f64),
    /// A name, a path, a keyword, a function or a unit.
    Word(String),
    /// A unit in brackets, which may have any text.
    Bracketed(String),
    /// A text between quotes.
    Text(String),
    /// An operator, a parenthesis or a comma.
    Sign(&'static str),
}

/// A word and where it begins, in bytes from the start.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Placed {
    pub(crate) at: usize,
    pub(crate) token: Token,
}

/// Longer ones before their beginnings.
const SIGNS: [&str; 18] = ["<=", ">=", "==", "!=", "&&", "||", "<", ">", "=", "!", "+", "-", "*", "/", "(", ")", ",", "%"];

/// The words of a text, in their order.
pub(crate) fn tokens(text: &str) -> Result<Vec<Placed>, Flaw> {
    let mut found = Vec::new();
    let mut at = 0;
    while let Some(first) = text[at..].chars().next() {
        let (token, len) = if first.is_whitespace() {
            at += first.len_utf8();
            continue;
        } else {
            next(&text[at..], first).map_err(|(what, remedy)| Flaw::new(at, what, remedy))?
        };
        found.push(Placed { at, token });
        at += len;
    }
    Ok(found)
}

type Read = Result<(Token, usize), (String, &'static str)>;

fn next(rest: &str, first: char) -> Read {
    if matches!(first, '"' | '\'') {
        return until(rest, first, "end the text with the quote that it begins with", |text| Token::Text(text.to_owned()));
    }
    if first == '[' {
        return until(rest, ']', "end the unit with ]", |unit| Token::Bracketed(unit.trim().to_owned()));
    }
    if first.is_ascii_digit() && !is_path(word(rest)) {
        return number(rest);
    }
    if is_of_word(first) && first != '/' && first != '-' && first != '.' {
        let word = word(rest);
        return Ok((Token::Word(word.to_owned()), word.len()));
    }
    match SIGNS.iter().find(|sign| rest.starts_with(**sign)) {
        Some(&"%") => Ok((Token::Word("%".into()), 1)),
        Some(sign) => Ok((Token::Sign(sign), sign.len())),
        None => Err((format!("{first:?} has no meaning here"), "remove it, or put a text between quotes and a unit between brackets")),
    }
}

/// What stands between the first character and `end`.
fn until(rest: &str, end: char, remedy: &'static str, token: impl Fn(&str) -> Token) -> Read {
    // Quotes and brackets are one byte long.
    let inner = rest.get(1..).unwrap_or_default();
    let len = inner.find(end).ok_or_else(|| ("it has no end".to_owned(), remedy))?;
    Ok((token(inner.get(..len).unwrap_or_default()), len + 2))
}

fn is_of_word(c: char) -> bool {
    c.is_alphanumeric() || matches!(c, '_' | '-' | '.' | '/' | '^' | '°')
}

/// The longest word at the start.
fn word(rest: &str) -> &str {
    rest.split(|c| !is_of_word(c)).next().unwrap_or_default()
}

/// Whether a word that begins with a digit is the path of a tag: names may begin with one. Digits alone are a calculation.
fn is_path(word: &str) -> bool {
    word.split('/').count() == 3 && word.contains(|c: char| c.is_ascii_alphabetic()) && labkeeper_model::TagPath::parse(word).is_ok()
}

/// Digits, a fraction, an exponent. An `e` that no digit follows begins a unit.
fn number(rest: &str) -> Read {
    let digits = |text: &str| text.bytes().take_while(u8::is_ascii_digit).count();
    let mut len = digits(rest);
    if let Some(fraction) = rest[len..].strip_prefix('.') {
        len += 1 + digits(fraction);
    }
    if let Some(exponent) = rest[len..].strip_prefix(['e', 'E']) {
        let unsigned = exponent.strip_prefix(['+', '-']).unwrap_or(exponent);
        if digits(unsigned) > 0 {
            len += 1 + (exponent.len() - unsigned.len()) + digits(unsigned);
        }
    }
    let text = &rest[..len];
    match text.parse::<f64>() {
        Ok(number) if number.is_finite() => Ok((Token::Number(number), len)),
        _ => Err((format!("{text} is not a number that a value can have"), "write a finite number")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn words(text: &str) -> Vec<Token> {
        tokens(text).expect("words").into_iter().map(|placed| placed.token).collect()
    }

    #[test]
    fn names_keep_their_dashes_and_numbers_give_theirs_up() {
        assert_eq!(words("cryo/chiller-1/t - 5"), [Token::Word("cryo/chiller-1/t".into()), Token::Sign("-"), Token::Number(5.0)]);
        assert_eq!(words("5-3"), [Token::Number(5.0), Token::Sign("-"), Token::Number(3.0)]);
        assert_eq!(words("1lab/2nd/3"), [Token::Word("1lab/2nd/3".into())]);
        assert_eq!(words("8/4/2").len(), 5, "digits alone are a calculation");
    }

    #[test]
    fn numbers_end_where_their_unit_begins() {
        assert_eq!(words("1.5e-3mbar"), [Token::Number(1.5e-3), Token::Word("mbar".into())]);
        assert_eq!(words("3 eV"), [Token::Number(3.0), Token::Word("eV".into())]);
        assert_eq!(words("3eV"), [Token::Number(3.0), Token::Word("eV".into())]);
        assert_eq!(words("40%"), [Token::Number(40.0), Token::Word("%".into())]);
        assert_eq!(words("7 [kg m2]"), [Token::Number(7.0), Token::Bracketed("kg m2".into())]);
        assert_eq!(words("20 °C"), [Token::Number(20.0), Token::Word("°C".into())]);
    }

    #[test]
    fn what_has_no_end_or_no_meaning_is_shown() {
        assert_eq!(tokens("1 < \"abc").map_err(|flaw| flaw.at), Err(4));
        assert_eq!(tokens("1 # 2").map_err(|flaw| flaw.at), Err(2));
        assert_eq!(tokens("1e999").map_err(|flaw| flaw.at), Err(0));
    }
}
