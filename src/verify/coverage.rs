//! Which time verified digests cover.

use jiff::{SignedDuration, Timestamp};

use super::time::{TimeRange, minus, plus};

/// A set of instants, held as ranges that are in order and apart from one another.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Covered {
    ranges: Vec<TimeRange>,
}

impl Covered {
    /// Adds a range; an empty one adds nothing.
    pub fn add(&mut self, range: TimeRange) {
        if range.is_empty() {
            return;
        }
        // Digests come newest first, so what they touch is nearly always the first range.
        let from = self
            .ranges
            .partition_point(|known| known.end() < range.start());
        let to = self
            .ranges
            .partition_point(|known| known.start() <= range.end());
        let touched = &self.ranges[from..to];
        let start = touched
            .first()
            .map_or(range.start(), |known| known.start().min(range.start()));
        let end = touched
            .last()
            .map_or(range.end(), |known| known.end().max(range.end()));
        let merged = TimeRange::new(start, end);
        self.ranges.splice(from..to, merged);
    }

    /// Adds all of another set.
    pub fn add_all(&mut self, other: &Self) {
        for range in &other.ranges {
            self.add(*range);
        }
    }

    /// The ranges, in order.
    pub fn ranges(&self) -> &[TimeRange] {
        &self.ranges
    }

    /// Whether `at` lies at least `margin` inside.
    pub fn holds(&self, at: Timestamp, margin: SignedDuration) -> bool {
        self.around(at).is_some_and(|range| {
            minus(at, margin) >= range.start() && plus(at, margin) <= range.end()
        })
    }

    /// Whether all of `range` lies inside.
    pub fn holds_all(&self, range: TimeRange) -> bool {
        self.around(range.start())
            .is_some_and(|known| known.end() >= range.end())
    }

    /// Whether any of `range` lies inside.
    pub fn touches(&self, range: TimeRange) -> bool {
        !self.within(range).ranges.is_empty()
    }

    /// The latest instant covered.
    pub fn end(&self) -> Option<Timestamp> {
        self.ranges.last().map(TimeRange::end)
    }

    /// The earliest instant covered.
    pub fn start(&self) -> Option<Timestamp> {
        self.ranges.first().map(TimeRange::start)
    }

    /// What of it lies in `range`.
    #[must_use]
    pub fn within(&self, range: TimeRange) -> Self {
        let clipped = self.ranges.iter().filter_map(|known| {
            TimeRange::new(
                known.start().max(range.start()),
                known.end().min(range.end()),
            )
        });
        Self {
            ranges: clipped.filter(|range| !range.is_empty()).collect(),
        }
    }

    fn around(&self, at: Timestamp) -> Option<TimeRange> {
        let after = self.ranges.partition_point(|known| known.start() <= at);
        let range = self.ranges.get(after.checked_sub(1)?)?;
        (range.end() >= at).then_some(*range)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::verify::testing::{at, range};

    fn covered(ranges: &[(i64, i64)]) -> Covered {
        let mut covered = Covered::default();
        for (start, end) in ranges {
            covered.add(range(*start, *end));
        }
        covered
    }

    #[test]
    fn ranges_that_touch_become_one_in_any_order() {
        let expected = [range(0, 180)];
        assert_eq!(
            covered(&[(120, 180), (60, 120), (0, 60)]).ranges(),
            expected
        );
        assert_eq!(
            covered(&[(0, 60), (120, 180), (50, 130)]).ranges(),
            expected
        );
        assert_eq!(covered(&[(0, 180), (10, 20), (30, 30)]).ranges(), expected);
    }

    #[test]
    fn ranges_apart_stay_apart() {
        let covered = covered(&[(120, 180), (0, 60)]);
        assert_eq!(covered.ranges(), [range(0, 60), range(120, 180)]);
        assert_eq!(
            (covered.start(), covered.end()),
            (Some(at(0)), Some(at(180)))
        );
        let within = covered.within(range(30, 130));
        assert_eq!(within.ranges(), [range(30, 60), range(120, 130)]);
        assert!(covered.within(range(60, 120)).ranges().is_empty());
    }

    #[test]
    fn edges_are_inside_only_without_a_margin() {
        let covered = covered(&[(0, 60)]);
        let none = SignedDuration::ZERO;
        let margin = SignedDuration::from_mins(15);
        assert!(covered.holds(at(0), none) && covered.holds(at(60), none));
        assert!(!covered.holds(at(61), none));
        assert!(covered.holds(at(15), margin) && covered.holds(at(45), margin));
        assert!(!covered.holds(at(14), margin) && !covered.holds(at(46), margin));
        assert!(covered.holds_all(range(0, 60)) && !covered.holds_all(range(0, 61)));
    }

    #[test]
    fn only_what_is_touched_is_merged() {
        let three = [(10, 20), (30, 40), (50, 60)];
        let with = |more: &[(i64, i64)]| covered(&[&three, more].concat());
        assert_eq!(
            with(&[(35, 45)]).ranges(),
            [range(10, 20), range(30, 45), range(50, 60)]
        );
        assert_eq!(with(&[(40, 50)]).ranges(), [range(10, 20), range(30, 60)]);
        assert_eq!(with(&[(20, 30)]).ranges(), [range(10, 40), range(50, 60)]);
        assert_eq!(with(&[(70, 80)]).ranges().len(), 4);
        assert_eq!(with(&[(60, 80)]).ranges()[2], range(50, 80));
        let mut both = covered(&[(10, 20)]);
        both.add_all(&covered(&[(20, 30), (50, 60)]));
        assert_eq!(both.ranges(), [range(10, 30), range(50, 60)]);
        assert_eq!((both.start(), both.end()), (Some(at(10)), Some(at(60))));
        assert_eq!(Covered::default().start(), None);
    }

    #[test]
    fn what_lies_beside_is_not_touched() {
        let covered = covered(&[(10, 20), (30, 40)]);
        for (start, end) in [(0, 11), (15, 16), (19, 25), (5, 50), (30, 31)] {
            assert!(covered.touches(range(start, end)), "{start} {end}");
        }
        for (start, end) in [(0, 10), (20, 30), (22, 25), (40, 90), (15, 15)] {
            assert!(!covered.touches(range(start, end)), "{start} {end}");
        }
    }
}
