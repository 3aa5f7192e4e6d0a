//! State, keys, state; and what stands on the screen.

use crate::tui::screen::ScreenId;
use crate::tui::testing::Bench;

#[test]
fn look() {
    let mut b = Bench::new((80, 24)).at(ScreenId::Seeds);
    println!("{}", b.screen());
    b.keys("v");
    println!("{}", b.screen());
    b.keys("v j j j");
    println!("{}", b.screen());
    b.keys("m");
    println!("{}", b.screen());
    b.keys("v enter").settle();
    println!("{}", b.screen());
    b.keys("esc c").settle();
    println!("{}", b.screen());
    b.keys("enter").settle();
    println!("{}", b.screen());
    b.keys("v space space space a").settle();
    println!("{}", b.screen());
    b.keys("esc n").settle();
    println!("{}", b.screen());
    let mut b = Bench::new((120, 40)).at(ScreenId::Seeds);
    println!("{}", b.screen());
    let mut b = Bench::new((40, 10)).at(ScreenId::Seeds);
    println!("{}", b.screen());
    let mut b = Bench::new((80, 24)).at(ScreenId::Seeds).plain();
    println!("{}", b.screen());
    let mut b = Bench::empty((80, 24)).at(ScreenId::Seeds);
    println!("{}", b.screen());
}
