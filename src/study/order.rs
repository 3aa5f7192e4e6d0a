//! The order in which one rater sees their items: by chance, each repeat well after its original.

use std::collections::BTreeMap;

use crate::domain::ItemId;
use crate::stats::dice::Dice;
use crate::store::Item;

/// Items from an original to its repeat at least, where a rater has so many: a pair that comes
/// back at once measures memory of the last screen.
pub const LAG: usize = 10;

/// An item by its index, with its slot.
type Mine = (usize, u32);

/// Puts a rater's items in random order. A repeat stands [`LAG`] places after its original or
/// more; where the rater has too few items, as far after it as they allow.
pub(super) fn in_order(items: &[Item], mine: Vec<Mine>, dice: &mut Dice) -> Vec<Mine> {
    let (repeats, mut list): (Vec<Mine>, Vec<Mine>) =
        mine.into_iter().partition(|(i, _)| items[*i].repeat_of.is_some());
    dice.shuffle(&mut list);
    let mut waiting: BTreeMap<&ItemId, Vec<Mine>> = BTreeMap::new();
    for m in repeats {
        if let Some(of) = &items[m.0].repeat_of {
            waiting.entry(of).or_default().push(m);
        }
    }
    make_room(items, &mut list, &waiting, dice);
    // each insertion moves later items back: no distance that was wide enough becomes less
    for (of, again) in waiting {
        for m in again {
            // a repeat whose original is not here (it was released) may stand anywhere
            let first = list.iter().position(|(i, _)| items[*i].id == *of).map_or(0, |p| p + LAG);
            let first = first.min(list.len());
            list.insert(first + dice.below(list.len() - first + 1), m);
        }
    }
    list
}

/// Moves originals out of the tail of the list, where no room is left for their repeats.
fn make_room(
    items: &[Item],
    list: &mut [Mine],
    waiting: &BTreeMap<&ItemId, Vec<Mine>>,
    dice: &mut Dice,
) {
    let original = |m: &Mine| waiting.contains_key(&items[m.0].id);
    let originals = list.iter().filter(|m| original(m)).count();
    if list.len() < LAG + originals {
        // too few for the distance: all originals first makes it as wide as it can be
        list.sort_by_key(|m| !original(m));
        return;
    }
    let last = list.len() - LAG;
    for at in last + 1..list.len() {
        if original(&list[at]) {
            let free: Vec<usize> = (0..=last).filter(|p| !original(&list[*p])).collect();
            if !free.is_empty() {
                list.swap(at, free[dice.below(free.len())]);
            }
        }
    }
}
