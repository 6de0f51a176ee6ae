//! New inputs of old ones: a few changes of a document's tree, so that its shape, and that of the JSON inside its
//! strings, stays good enough to lead deep into a parser.

use fastrand::Rng;

use crate::document::{Node, quoted};
use crate::wild::{CHARACTERS, NAMES, TEXTS, VALUES};

/// Most changes at a time.
const MOST_CHANGES: usize = 4;
/// Most copies of one element.
const MOST_COPIES: usize = 30;

/// Another document like `text`, of at most `most` bytes. The same seed makes the same change.
pub fn mutated(text: &str, seed: u64, most: usize) -> String {
    let mut rng = Rng::with_seed(seed);
    let mut document = Node::parse(text);
    for _ in 0..rng.usize(1..=MOST_CHANGES) {
        change(&mut document, &mut rng);
    }
    let changed = document.text();
    if changed.len() <= most { changed } else { text.to_owned() }
}

fn change(document: &mut Node, rng: &mut Rng) {
    let count = document.count();
    let donor = document.nth(rng.usize(..count)).cloned();
    let Some(node) = document.nth(rng.usize(..count)) else { return };
    match rng.u8(..8) {
        0 => *node = value(rng),
        1 => *node = donor.unwrap_or_else(|| value(rng)),
        2 => wrap(node, rng),
        3 => *node = Node::Leaf(format!("\n {}\t ", node.text())),
        _ => match node {
            Node::Object(members) => change_members(members, donor, rng),
            Node::Array(values) => change_elements(values, donor, rng),
            Node::Embedded(inner) if rng.bool() => *node = Node::Leaf(change_leaf(&quoted(&inner.text()), rng)),
            Node::Embedded(inner) => change(inner, rng),
            Node::Leaf(leaf) => *leaf = change_leaf(leaf, rng),
        },
    }
}

fn value(rng: &mut Rng) -> Node {
    match rng.u8(..4) {
        0 | 1 => Node::Leaf(pick(VALUES, rng).to_owned()),
        2 => Node::Leaf(quoted(pick(TEXTS, rng))),
        _ => {
            let length = [1, 36, 63, 64, 65, 127, 128, 129, 300];
            Node::Leaf(quoted(&pick(&["x", "7", "é"], rng).repeat(pick(&length, rng))))
        }
    }
}

fn wrap(node: &mut Node, rng: &mut Rng) {
    let inner = std::mem::replace(node, Node::Leaf(String::new()));
    *node = match rng.u8(..3) {
        0 => Node::Array(vec![inner]),
        1 => Node::Object(vec![(pick(NAMES, rng).to_owned(), inner)]),
        _ => Node::Embedded(Box::new(inner)),
    };
}

fn change_members(members: &mut Vec<(String, Node)>, donor: Option<Node>, rng: &mut Rng) {
    let at = rng.usize(..=members.len());
    match (rng.u8(..5), members.is_empty()) {
        (0, _) | (_, true) => {
            let new = donor.filter(|_| rng.bool()).unwrap_or_else(|| value(rng));
            members.insert(at, (pick(NAMES, rng).to_owned(), new));
        }
        (1, _) => drop(members.remove(rng.usize(..members.len()))),
        (2, _) => {
            let again = members[rng.usize(..members.len())].clone();
            members.insert(at, again);
        }
        (3, _) => {
            let other = members[rng.usize(..members.len())].0.clone();
            let name = if rng.bool() { other } else { pick(NAMES, rng).to_owned() };
            let length = members.len();
            members[rng.usize(..length)].0 = name;
        }
        _ => rng.shuffle(members),
    }
}

fn change_elements(values: &mut Vec<Node>, donor: Option<Node>, rng: &mut Rng) {
    let at = rng.usize(..=values.len());
    match (rng.u8(..4), values.is_empty()) {
        (0, _) | (_, true) => values.insert(at, donor.unwrap_or_else(|| value(rng))),
        (1, _) => drop(values.remove(rng.usize(..values.len()))),
        (2, _) => {
            let again = values[rng.usize(..values.len())].clone();
            let copies = rng.usize(1..=MOST_COPIES);
            values.splice(at..at, std::iter::repeat_n(again, copies));
        }
        _ => rng.shuffle(values),
    }
}

/// A leaf with another character in it, or one less, or one more, or with another number.
fn change_leaf(leaf: &str, rng: &mut Rng) -> String {
    if let Ok(number) = leaf.trim_matches('"').parse::<u64>() {
        let near = [number.wrapping_sub(1), number.wrapping_add(1), number.wrapping_mul(2), u64::MAX - number];
        return leaf.replace(&number.to_string(), &pick(&near, rng).to_string());
    }
    let Ok(content) = serde_json::from_str::<String>(leaf) else { return pick(VALUES, rng).to_owned() };
    let mut characters: Vec<char> = content.chars().collect();
    let at = rng.usize(..=characters.len());
    let new = if rng.bool() { pick(CHARACTERS, rng) } else { rng.char(..) };
    match rng.u8(..4) {
        0 => characters.insert(at, new),
        1 => {
            characters.splice(at..at, pick(TEXTS, rng).chars());
        }
        2 if at < characters.len() => drop(characters.remove(at)),
        _ if at < characters.len() => characters[at] = new,
        _ => characters.push(new),
    }
    quoted(&characters.into_iter().collect::<String>())
}

fn pick<T: Copy>(from: &[T], rng: &mut Rng) -> T {
    from[rng.usize(..from.len())]
}
