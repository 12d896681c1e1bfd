//! From words to parts, by descent: `or` over `and` over `not` over comparison over sum over product over sign.

use crate::flaw::Flaw;
use crate::node::{Comparison, Function, Kind, Node, Operator};
use crate::token::{Placed, Token, tokens};
use crate::unit::Unit;
use labkeeper_model::{Name, TagPath};

/// Longest text in bytes: as long as any other text of a declaration, a paragraph.
pub const TEXT_LEN_MAX: usize = 2_000;
/// Most parts of one text: at well under a microsecond for each, an evaluation is shorter than a tenth of the shortest poll interval.
pub const NODES_MAX: usize = 200;
/// Deepest nesting of parentheses, functions and signs: deeper ones are for machines, and each level takes a few frames of the stack.
pub const DEPTH_MAX: usize = 20;

/// Words that are neither a unit nor a name.
const KEYWORDS: [&str; 6] = ["and", "or", "not", "true", "false", "condition"];

const NOT_A_PATH: &str = "a tag is written segment/device/tag, a named condition as `condition NAME`, a text between quotes; \
                          put spaces around - and / beside a name";

/// Reads a whole text.
pub(crate) fn parse(text: &str) -> Result<Node, Flaw> {
    if text.len() > TEXT_LEN_MAX {
        return Err(Flaw::new(0, format!("{} bytes are more than {TEXT_LEN_MAX}", text.len()), "split it into named conditions"));
    }
    let mut parser = Parser { tokens: tokens(text)?, next: 0, end: text.len(), nodes: 0, depth: 0 };
    let root = parser.any()?;
    match parser.tokens.get(parser.next) {
        None => Ok(root),
        Some(extra) => Err(Flaw::new(extra.at, "the expression has ended before this", "put and, or, a comparison or an operator between")),
    }
}

struct Parser {
    tokens: Vec<Placed>,
    next: usize,
    end: usize,
    nodes: usize,
    depth: usize,
}

impl Parser {
    fn any(&mut self) -> Result<Node, Flaw> {
        self.members(&["or", "||"], Self::all, Kind::Any)
    }

    fn all(&mut self) -> Result<Node, Flaw> {
        self.members(&["and", "&&"], Self::not, Kind::All)
    }

    /// One member, or several with a word between them.
    fn members(
        &mut self,
        between: &[&str],
        member: fn(&mut Self) -> Result<Node, Flaw>,
        together: fn(Vec<Node>) -> Kind,
    ) -> Result<Node, Flaw> {
        let first = member(self)?;
        if !self.is_next(between) {
            return Ok(first);
        }
        let at = first.at;
        let mut members = vec![first];
        while self.take(between).is_some() {
            members.push(member(self)?);
        }
        self.node(at, together(members))
    }

    fn not(&mut self) -> Result<Node, Flaw> {
        let at = self.at();
        if self.take(&["not", "!"]).is_none() {
            return self.comparison();
        }
        let inner = self.deeper(Self::not)?;
        self.node(at, Kind::Not(Box::new(inner)))
    }

    fn comparison(&mut self) -> Result<Node, Flaw> {
        let left = self.sum()?;
        let Some(how) = self.take_comparison() else { return Ok(left) };
        let right = self.sum()?;
        let at = self.at();
        if self.take_comparison().is_some() {
            return Err(Flaw::new(at, "a comparison has two sides", "write between(x, low, high), or two comparisons with `and`"));
        }
        self.node(left.at, Kind::Compare(Box::new(left), how, Box::new(right)))
    }

    fn take_comparison(&mut self) -> Option<Comparison> {
        Some(match self.take(&["<=", ">=", "==", "!=", "<", ">", "="])? {
            "<=" => Comparison::LessOrEqual,
            ">=" => Comparison::GreaterOrEqual,
            "!=" => Comparison::NotEqual,
            "<" => Comparison::Less,
            ">" => Comparison::Greater,
            _ => Comparison::Equal,
        })
    }

    fn sum(&mut self) -> Result<Node, Flaw> {
        self.chain(&["+", "-"], Self::product)
    }

    fn product(&mut self) -> Result<Node, Flaw> {
        self.chain(&["*", "/"], Self::signed)
    }

    fn chain(&mut self, operators: &[&str], member: fn(&mut Self) -> Result<Node, Flaw>) -> Result<Node, Flaw> {
        let first = member(self)?;
        let mut rest = Vec::new();
        while let Some(sign) = self.take(operators) {
            let operator = match sign {
                "+" => Operator::Add,
                "-" => Operator::Subtract,
                "*" => Operator::Multiply,
                _ => Operator::Divide,
            };
            rest.push((operator, member(self)?));
        }
        if rest.is_empty() { Ok(first) } else { self.node(first.at, Kind::Chain(Box::new(first), rest)) }
    }

    fn signed(&mut self) -> Result<Node, Flaw> {
        let at = self.at();
        if self.take(&["-"]).is_none() {
            return self.primary();
        }
        let inner = self.deeper(Self::signed)?;
        self.node(at, Kind::Negate(Box::new(inner)))
    }

    fn primary(&mut self) -> Result<Node, Flaw> {
        let Some(Placed { at, token }) = self.tokens.get(self.next).cloned() else {
            return Err(Flaw::new(self.end, "something is missing at the end", "complete it, or remove what stands before"));
        };
        self.next += 1;
        match token {
            Token::Number(number) => {
                let unit = self.unit();
                self.node(at, Kind::Number(number, unit))
            }
            Token::Text(text) => self.node(at, Kind::Text(text)),
            Token::Word(word) => self.word(at, &word),
            Token::Sign("(") => {
                let inner = self.deeper(Self::any)?;
                self.close()?;
                Ok(inner)
            }
            Token::Sign(sign) => Err(Flaw::new(at, format!("{sign:?} stands where a value should"), "put a tag, a number or a text there")),
            Token::Bracketed(_) => Err(Flaw::new(at, "a unit stands without its number", "write it behind a number: 3 [unit]")),
        }
    }

    /// The unit behind a number, if there is one.
    fn unit(&mut self) -> Unit {
        let unit = match self.tokens.get(self.next).map(|placed| &placed.token) {
            Some(Token::Word(word)) if !KEYWORDS.contains(&word.as_str()) => Unit::new(word),
            Some(Token::Bracketed(text)) => Unit::new(text),
            _ => return Unit::ANY,
        };
        self.next += 1;
        unit
    }

    fn word(&mut self, at: usize, word: &str) -> Result<Node, Flaw> {
        if self.is_next(&["("]) && !KEYWORDS.contains(&word) {
            return self.call(at, word);
        }
        match word {
            "true" => self.node(at, Kind::Bool(true)),
            "false" => self.node(at, Kind::Bool(false)),
            "condition" => self.named(at),
            _ if KEYWORDS.contains(&word) => {
                Err(Flaw::new(at, format!("{word:?} stands where a value should"), "put what it joins on both sides"))
            }
            _ => match TagPath::parse(word) {
                Ok(path) => self.node(at, Kind::Tag(path)),
                Err(_) => Err(Flaw::new(at, format!("{word:?} is not the path of a tag"), NOT_A_PATH)),
            },
        }
    }

    fn named(&mut self, at: usize) -> Result<Node, Flaw> {
        let name = match self.tokens.get(self.next).map(|placed| &placed.token) {
            Some(Token::Word(word)) => Name::new(word).ok(),
            _ => None,
        };
        let Some(name) = name else { return Err(Flaw::new(at, "the condition's name is missing", "write `condition NAME`")) };
        self.next += 1;
        self.node(at, Kind::Condition(name))
    }

    fn call(&mut self, at: usize, word: &str) -> Result<Node, Flaw> {
        self.next += 1;
        if let "good" | "age" = word {
            return self.about_tag(at, word);
        }
        let Some(function) = Function::parse(word) else {
            return Err(Flaw::new(at, format!("there is no function {word:?}"), "use abs, min, max, between, good or age"));
        };
        let mut arguments = vec![self.deeper(Self::any)?];
        while self.take(&[","]).is_some() {
            arguments.push(self.deeper(Self::any)?);
        }
        self.close()?;
        if let Some(remedy) = function.wrong_count(arguments.len()) {
            return Err(Flaw::new(at, format!("{} does not take {} values", function.as_str(), arguments.len()), remedy));
        }
        self.node(at, Kind::Call(function, arguments))
    }

    /// `good` and `age` are about a tag, not about a value.
    fn about_tag(&mut self, at: usize, word: &str) -> Result<Node, Flaw> {
        let tag = match self.tokens.get(self.next).map(|placed| &placed.token) {
            Some(Token::Word(path)) => TagPath::parse(path).ok(),
            _ => None,
        };
        let Some(tag) = tag else {
            return Err(Flaw::new(self.at(), format!("{word} is about a tag"), format!("write {word}(segment/device/tag)")));
        };
        self.next += 1;
        self.close()?;
        self.node(at, if word == "good" { Kind::Good(tag) } else { Kind::Age(tag) })
    }

    fn close(&mut self) -> Result<(), Flaw> {
        let at = self.at();
        self.take(&[")"]).map(|_| ()).ok_or_else(|| Flaw::new(at, "a closing parenthesis is missing", "put ) there"))
    }

    fn deeper(&mut self, inner: fn(&mut Self) -> Result<Node, Flaw>) -> Result<Node, Flaw> {
        self.depth += 1;
        if self.depth > DEPTH_MAX {
            return Err(Flaw::new(self.at(), format!("nested more than {DEPTH_MAX} deep"), "split it into named conditions"));
        }
        let node = inner(self);
        self.depth -= 1;
        node
    }

    fn node(&mut self, at: usize, kind: Kind) -> Result<Node, Flaw> {
        self.nodes += 1;
        if self.nodes > NODES_MAX {
            return Err(Flaw::new(at, format!("more than {NODES_MAX} parts"), "split it into named conditions"));
        }
        Ok(Node { at, kind })
    }

    /// Where the next word begins.
    fn at(&self) -> usize {
        self.tokens.get(self.next).map_or(self.end, |placed| placed.at)
    }

    fn is_next(&self, wanted: &[&str]) -> bool {
        self.wanted(wanted).is_some()
    }

    /// Passes the next word if it is one of these.
    fn take<'a>(&mut self, wanted: &[&'a str]) -> Option<&'a str> {
        let found = self.wanted(wanted)?;
        self.next += 1;
        Some(found)
    }

    fn wanted<'a>(&self, wanted: &[&'a str]) -> Option<&'a str> {
        let next = match &self.tokens.get(self.next)?.token {
            Token::Sign(sign) => sign,
            Token::Word(word) => word.as_str(),
            _ => return None,
        };
        wanted.iter().copied().find(|word| *word == next)
    }
}

#[cfg(test)]
#[path = "parse_tests.rs"]
mod tests;
