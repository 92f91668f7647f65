//! How long decisions took, counted in hours that have begun.

/// Of the decisions of a period.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Pace {
    pub decisions: i64,
    /// Half of them took no more hours than this, and nine of ten no more than that.
    pub median: i32,
    pub ninetieth: i32,
}

impl Pace {
    /// Of how many decisions took how many hours; none of none.
    pub fn of(mut taken: Vec<(i32, i64)>) -> Option<Self> {
        taken.sort_unstable();
        let decisions = taken.iter().map(|(_, count)| count).sum();
        Some(Self { decisions, median: rank(&taken, decisions, 50)?, ninetieth: rank(&taken, decisions, 90)? })
    }

    pub fn days(hours: i32) -> f64 {
        f64::from(hours) / 24.0
    }
}

/// The nearest rank: the smallest value that is not less than so many of a hundred.
fn rank(sorted: &[(i32, i64)], all: i64, percent: i64) -> Option<i32> {
    let place = (all * percent + 99) / 100;
    let mut passed = 0;
    sorted.iter().find_map(|(hours, count)| {
        passed += count;
        (passed >= place && passed > 0).then_some(*hours)
    })
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn half_and_nine_of_ten() {
        assert_eq!(Pace::of(vec![]), None);
        assert_eq!(Pace::of(vec![(5, 1)]), Some(Pace { decisions: 1, median: 5, ninetieth: 5 }));
        assert_eq!(Pace::of(vec![(9, 1), (1, 9)]), Some(Pace { decisions: 10, median: 1, ninetieth: 1 }));
        assert_eq!(Pace::of(vec![(9, 2), (1, 8)]), Some(Pace { decisions: 10, median: 1, ninetieth: 9 }));
    }

    proptest! {
        /// As somebody counts who has written every decision on a slip of paper and laid the slips in a row.
        #[test]
        fn it_is_the_slip_at_half_and_at_nine_tenths_of_the_row(mut slips in prop::collection::vec(0_i32..400, 1..300)) {
            let pace = Pace::of(slips.iter().map(|hours| (*hours, 1)).collect()).unwrap();
            slips.sort_unstable();
            let slip = |percent: usize| slips[(slips.len() * percent).div_ceil(100) - 1];
            prop_assert_eq!((pace.median, pace.ninetieth), (slip(50), slip(90)));
            prop_assert_eq!(pace.decisions, slips.len() as i64);
        }
    }
}
