//! Requests that wait for news, and what each of them waits for. What happens in a space wakes
//! those who are in it and nobody else, so that a thousand idle devices cost nothing when one saves.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex};

use sopu_core::id::{DeviceId, SpaceId};
use tokio::sync::Notify;

use super::lock;

/// What there may be news about.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Topic {
    /// The feed or the people of a space.
    Space(SpaceId),
    /// The verdicts and orders of a device.
    Device(DeviceId),
}

/// Everyone who waits.
#[derive(Default)]
pub struct Listeners {
    all: Mutex<All>,
}

#[derive(Default)]
struct All {
    next: u64,
    waiting: BTreeMap<u64, Arc<Notify>>,
    by_topic: BTreeMap<Topic, BTreeSet<u64>>,
}

impl Listeners {
    /// Listens from now on: what is told between this and [`Listener::told`] is not missed.
    pub fn listen(self: &Arc<Self>, topics: Vec<Topic>) -> Listener {
        let mut all = lock(&self.all);
        let number = all.next;
        all.next += 1;
        let bell = Arc::new(Notify::new());
        all.waiting.insert(number, bell.clone());
        for topic in &topics {
            all.by_topic.entry(*topic).or_default().insert(number);
        }
        drop(all);
        Listener {
            number,
            topics,
            bell,
            listeners: self.clone(),
        }
    }

    /// There may be something new about this.
    pub fn tell(&self, topics: impl IntoIterator<Item = Topic>) {
        let all = lock(&self.all);
        for topic in topics {
            for number in all.by_topic.get(&topic).into_iter().flatten() {
                if let Some(bell) = all.waiting.get(number) {
                    bell.notify_one();
                }
            }
        }
    }

    /// There may be something new for anybody.
    pub fn tell_all(&self) {
        for bell in lock(&self.all).waiting.values() {
            bell.notify_one();
        }
    }
}

/// One who waits; leaves when dropped.
pub struct Listener {
    number: u64,
    topics: Vec<Topic>,
    bell: Arc<Notify>,
    listeners: Arc<Listeners>,
}

impl Listener {
    /// Returns once something was told since it began to listen, or since the last return.
    pub async fn told(&self) {
        self.bell.notified().await;
    }
}

impl Drop for Listener {
    fn drop(&mut self) {
        let mut all = lock(&self.listeners.all);
        all.waiting.remove(&self.number);
        for topic in &self.topics {
            if let Some(numbers) = all.by_topic.get_mut(topic) {
                numbers.remove(&self.number);
                if numbers.is_empty() {
                    all.by_topic.remove(topic);
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    fn space(number: u128) -> Topic {
        Topic::Space(SpaceId(uuid::Uuid::from_u128(number)))
    }

    async fn is_told(listener: &Listener) -> bool {
        tokio::time::timeout(Duration::from_millis(20), listener.told())
            .await
            .is_ok()
    }

    #[tokio::test]
    async fn what_happens_in_one_space_wakes_nobody_of_another() {
        let listeners = Arc::new(Listeners::default());
        let here = listeners.listen(vec![space(1), space(2)]);
        let elsewhere = listeners.listen(vec![space(3)]);
        listeners.tell([space(2)]);
        assert!(is_told(&here).await, "told before it waited, not missed");
        assert!(!is_told(&elsewhere).await);
        assert!(!is_told(&here).await, "told once");
        listeners.tell_all();
        assert!(is_told(&here).await && is_told(&elsewhere).await);
    }

    #[tokio::test]
    async fn who_stops_waiting_leaves_nothing_behind() {
        let listeners = Arc::new(Listeners::default());
        drop(listeners.listen(vec![space(1)]));
        let all = lock(&listeners.all);
        assert!(all.waiting.is_empty() && all.by_topic.is_empty());
    }
}
