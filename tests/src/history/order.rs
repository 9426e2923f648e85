//! Orders in which the letters of one document were seen. Two letters of a text never change
//! places, so all reads together must fit one order: the graph of "stands right before" has no
//! cycle. (The append-only list of Elle: Kingsbury and Alvaro, VLDB 2020.)

use std::collections::{BTreeMap, BTreeSet};

/// What stood right before what.
#[derive(Default)]
pub struct Order {
    after: BTreeMap<char, BTreeSet<char>>,
}

impl Order {
    /// One read.
    pub fn add(&mut self, marks: &str) {
        for (first, second) in marks.chars().zip(marks.chars().skip(1)) {
            self.after.entry(first).or_default().insert(second);
        }
    }

    /// Two letters that stand before each other, if the reads contradict each other.
    pub fn cycle(&self) -> Option<(char, char)> {
        // Depth first without recursion: texts are long.
        let mut done: BTreeSet<char> = BTreeSet::new();
        for start in self.after.keys() {
            if done.contains(start) {
                continue;
            }
            let mut path: Vec<(char, Vec<char>)> = vec![(*start, self.next(*start))];
            let mut open: BTreeSet<char> = BTreeSet::from([*start]);
            while let Some((letter, ahead)) = path.last_mut() {
                let letter = *letter;
                match ahead.pop() {
                    Some(next) if open.contains(&next) => return Some((next, letter)),
                    Some(next) if done.contains(&next) => {}
                    Some(next) => {
                        open.insert(next);
                        path.push((next, self.next(next)));
                    }
                    None => {
                        open.remove(&letter);
                        done.insert(letter);
                        path.pop();
                    }
                }
            }
        }
        None
    }

    fn next(&self, letter: char) -> Vec<char> {
        self.after
            .get(&letter)
            .into_iter()
            .flatten()
            .copied()
            .collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_that_fit_one_order_have_no_cycle_and_others_do() {
        let mut order = Order::default();
        for marks in ["ac", "abc", "abdc", "dce"] {
            order.add(marks);
        }
        assert_eq!(order.cycle(), None);
        order.add("ed");
        let (first, second) = order.cycle().expect("a cycle");
        assert!("cde".contains(first) && "cde".contains(second));
    }
}
