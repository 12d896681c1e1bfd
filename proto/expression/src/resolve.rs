//! Puts named conditions into an expression, so that what is evaluated is one tree of a bounded size.

use crate::check::Scope;
use crate::flaw::Flaw;
use crate::node::{Kind, Node};
use crate::parse::{self, NODES_MAX};
use labkeeper_model::Name;

/// Most parts with all conditions put in: five full texts; an evaluation stays below a millisecond.
pub const RESOLVED_NODES_MAX: usize = 5 * NODES_MAX;
/// Most conditions that refer to each other in a row. Each adds up to [`crate::DEPTH_MAX`] levels of a few frames to the stack, so ten of
/// them stay within a tenth of a thread's two megabytes.
pub const RESOLVED_DEPTH_MAX: usize = 10;

/// The tree with its conditions put in.
pub(crate) fn resolve(root: &Node, scope: &dyn Scope) -> Result<Node, Flaw> {
    let mut resolver = Resolver { scope, path: Vec::new(), nodes: 0 };
    resolver.count(root, root.at)?;
    resolver.node(root)
}

struct Resolver<'a> {
    scope: &'a dyn Scope,
    /// The conditions that are being put in, the outermost first.
    path: Vec<Name>,
    nodes: usize,
}

impl Resolver<'_> {
    fn node(&mut self, node: &Node) -> Result<Node, Flaw> {
        let kind = match &node.kind {
            Kind::Condition(name) => return self.condition(node.at, name),
            Kind::Named(name, inner) => Kind::Named(name.clone(), self.boxed(inner)?),
            Kind::Not(inner) => Kind::Not(self.boxed(inner)?),
            Kind::Negate(inner) => Kind::Negate(self.boxed(inner)?),
            Kind::All(members) => Kind::All(self.each(members)?),
            Kind::Any(members) => Kind::Any(self.each(members)?),
            Kind::Call(function, members) => Kind::Call(*function, self.each(members)?),
            Kind::Compare(left, how, right) => Kind::Compare(self.boxed(left)?, *how, self.boxed(right)?),
            Kind::Chain(first, rest) => {
                let first = self.boxed(first)?;
                let rest = rest.iter().map(|(operator, member)| Ok((*operator, self.node(member)?))).collect::<Result<_, Flaw>>()?;
                Kind::Chain(first, rest)
            }
            leaf => leaf.clone(),
        };
        Ok(Node { at: node.at, kind })
    }

    fn boxed(&mut self, node: &Node) -> Result<Box<Node>, Flaw> {
        self.node(node).map(Box::new)
    }

    fn each(&mut self, nodes: &[Node]) -> Result<Vec<Node>, Flaw> {
        nodes.iter().map(|node| self.node(node)).collect()
    }

    fn condition(&mut self, at: usize, name: &Name) -> Result<Node, Flaw> {
        if let Some(start) = self.path.iter().position(|earlier| earlier == name) {
            let circle: Vec<&str> = self.path[start..].iter().chain([name]).map(Name::as_str).collect();
            return Err(Flaw::new(at, format!("conditions refer to each other in a circle: {}", circle.join(" -> ")), "break the circle"));
        }
        if self.path.len() >= RESOLVED_DEPTH_MAX {
            let what = format!("more than {RESOLVED_DEPTH_MAX} conditions refer to each other in a row");
            return Err(Flaw::new(at, what, "write some of them out"));
        }
        let Some(text) = self.scope.condition(name) else {
            return Err(Flaw::new(
                at,
                format!("there is no condition {:?}", name.as_str()),
                "declare it under [conditions] or correct the name",
            ));
        };
        // Whatever is wrong inside is told with the place where the condition is named.
        let inside = |flaw: Flaw| Flaw::new(at, format!("in condition {name}: {}", flaw.what), flaw.remedy);
        let root = parse::parse(text).map_err(inside)?;
        self.count(&root, at)?;
        self.path.push(name.clone());
        let body = self.node(&root).map_err(inside);
        self.path.pop();
        Ok(Node { at, kind: Kind::Named(name.clone(), Box::new(body?)) })
    }

    fn count(&mut self, root: &Node, at: usize) -> Result<(), Flaw> {
        root.visit(&mut |_| self.nodes += 1);
        if self.nodes <= RESOLVED_NODES_MAX {
            return Ok(());
        }
        Err(Flaw::new(at, format!("more than {RESOLVED_NODES_MAX} parts with its conditions put in"), "use fewer or smaller conditions"))
    }
}
