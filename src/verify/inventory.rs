//! What is there minus what verified digests name: what is out of chain.
//!
//! A log's usual name is kept in 24 bytes, and in four more the mark that a digest names it, so
//! that an account's region with a million logs takes 28 MB.

mod leftover;

use std::collections::btree_map::Entry;
use std::collections::{BTreeMap, BTreeSet};

use super::hashing::Sha256Hash;
use super::location::{
    AccountRegion, LogFolder, LogKind, LogName, LogPath, folder_day, read_log_name,
};

use leftover::Name;
pub use leftover::{Circumstances, Leftover, LeftoverTime, Standing, open_after};

/// Whether a log that a digest names was named before.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Naming {
    /// For the first time: it is to be judged.
    First {
        /// Whether a listing shows it.
        listed: bool,
        /// Whether the listing shows that it would have to be restored before it can be read.
        archived: bool,
    },
    /// Again, with the same hash: it is judged already.
    Again,
}

/// One day's logs of one kind, in order, and the mark of each.
#[derive(Debug, Default)]
struct Day {
    names: Vec<LogName>,
    /// Until the listing ends, those that would have to be restored before they can be read.
    archived: Vec<LogName>,
    /// Parallel to `names`, once the listing has ended.
    marks: Vec<Mark>,
}

impl Day {
    /// Sorts what was listed. Marks of an earlier listing stay.
    fn seal(&mut self) {
        if self.marks.len() == self.names.len() {
            return;
        }
        let marks = std::mem::take(&mut self.marks);
        let before = self.names.iter().copied().zip(marks);
        let before: Vec<_> = before
            .filter(|(_, mark)| *mark != Mark::default())
            .collect();
        self.names.sort_unstable();
        self.names.dedup();
        self.names.shrink_to_fit();
        let mut archived = std::mem::take(&mut self.archived);
        archived.sort_unstable();
        let mark = |name: &LogName| {
            let known = before.binary_search_by_key(name, |(name, _)| *name);
            let known = known.ok().and_then(|at| before.get(at));
            known.map_or_else(
                || Mark::unnamed(archived.binary_search(name).is_ok()),
                |(_, mark)| *mark,
            )
        };
        self.marks = self.names.iter().map(mark).collect();
    }
}

/// What is known of a listed log, in four bytes: whether it is archived, whether a digest names
/// it, and if so, a part of the hash that it names; or whether only digests name it whose logs
/// are not asked for.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
struct Mark(u32);

impl Mark {
    const NAMED: u32 = 1;
    const ARCHIVED: u32 = 2;
    const MENTIONED: u32 = 4;

    fn unnamed(archived: bool) -> Self {
        Self(if archived { Self::ARCHIVED } else { 0 })
    }

    /// The mark of a log that is named with `hash`.
    fn named(hash: &Sha256Hash) -> Self {
        let [a, b, c, d, ..] = *hash.as_bytes();
        let hash = u32::from_be_bytes([a, b, c, d]);
        Self(hash & !(Self::ARCHIVED | Self::MENTIONED) | Self::NAMED)
    }

    /// The mark of a log that is mentioned.
    fn mentioned() -> Self {
        Self(Self::MENTIONED)
    }

    fn is_named(self) -> bool {
        self.0 & Self::NAMED != 0
    }

    /// Whether any digest names it.
    fn is_known(self) -> bool {
        self.0 & (Self::NAMED | Self::MENTIONED) != 0
    }

    fn is_archived(self) -> bool {
        self.0 & Self::ARCHIVED != 0
    }

    /// This log, named with the hash of `named`.
    fn with(self, named: Self) -> Self {
        Self(self.0 & Self::ARCHIVED | named.0)
    }
}

/// The logs of an account's region in one root.
#[derive(Debug)]
pub struct Inventory {
    place: AccountRegion,
    days: BTreeMap<(LogKind, i32), Day>,
    /// Logs under other names, or in other folders, than the usual ones.
    odd: BTreeMap<Box<str>, Mark>,
    /// What digests name and the listing does not have.
    unlisted: BTreeSet<(Box<str>, Mark)>,
}

impl Inventory {
    /// An empty inventory of `place`.
    pub fn new(place: AccountRegion) -> Self {
        Self {
            place,
            days: BTreeMap::new(),
            odd: BTreeMap::new(),
            unlisted: BTreeSet::new(),
        }
    }

    /// Takes in an object that the listing shows at `rest` below this region's folder in `folder`. Only what
    /// is named `.json.gz` can be a log: folder markers and other objects are passed over.
    pub fn add(&mut self, folder: &LogFolder, rest: &str, archived: bool) {
        if !rest.ends_with(".json.gz") {
            return;
        }
        let kind = folder.kind();
        let (_, name) = read_log_name(&self.place, kind, rest);
        if let Some(name) = name.filter(|_| folder.is_usual()) {
            let day = self.days.entry((kind, name.day())).or_default();
            let names = &mut day.names;
            if names.len() == names.capacity() {
                // Twice as much, as is usual, would leave a third of it unused in a million names.
                names.reserve_exact(names.len() / 4 + 32);
            }
            names.push(name);
            if archived {
                day.archived.push(name);
            }
        } else {
            let path = format!("{}/{rest}", self.place.folder(folder.path()));
            self.odd.insert(path.into(), Mark::unnamed(archived));
        }
    }

    /// Takes in all that another listing of the same place saw.
    pub fn absorb(&mut self, other: Self) {
        for (day, mut listed) in other.days {
            match self.days.entry(day) {
                Entry::Vacant(day) => drop(day.insert(listed)),
                Entry::Occupied(mut day) => {
                    day.get_mut().names.append(&mut listed.names);
                    day.get_mut().archived.append(&mut listed.archived);
                }
            }
        }
        for (path, mark) in other.odd {
            self.odd.entry(path).or_insert(mark);
        }
    }

    /// Ends a listing. Only then may logs be named that it shows. A further listing may follow,
    /// where a chain leads to another place: what was named stays named.
    pub fn seal(&mut self) {
        for day in self.days.values_mut() {
            day.seal();
        }
        for (path, mark) in std::mem::take(&mut self.unlisted) {
            let name = LogPath::parse(&path).and_then(|log| log.name);
            match self.listed(&path, name) {
                Some(known) if !known.is_named() => *known = known.with(mark),
                Some(known) if *known == known.with(mark) || !mark.is_named() => {}
                Some(_) | None => {
                    self.unlisted.insert((path, mark));
                }
            }
        }
    }

    /// The mark of a listed log.
    fn listed(&mut self, path: &str, name: Option<LogName>) -> Option<&mut Mark> {
        let Some(name) = name else {
            return self.odd.get_mut(path);
        };
        let day = self.days.get_mut(&(name.kind(), name.day()))?;
        let at = day.names.binary_search(&name).ok()?;
        day.marks.get_mut(at)
    }

    /// How many logs are listed.
    pub fn len(&self) -> usize {
        self.odd.len() + self.days.values().map(|day| day.names.len()).sum::<usize>()
    }

    /// Whether no log is listed.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Marks the log at `path` as named by a verified digest.
    ///
    /// `name` is its compact name, where it has one.
    pub fn name(&mut self, path: &str, name: Option<LogName>, hash: &Sha256Hash) -> Naming {
        let mark = Mark::named(hash);
        match self.listed(path, name) {
            Some(known) if !known.is_named() => {
                *known = known.with(mark);
                Naming::First {
                    listed: true,
                    archived: known.is_archived(),
                }
            }
            Some(known) if *known == known.with(mark) => Naming::Again,
            // Not listed, or named before with another hash: judged for each hash once.
            known => {
                let listed = known.is_some();
                let archived = known.is_some_and(|known| known.is_archived());
                if self.unlisted.insert((path.into(), mark)) {
                    Naming::First { listed, archived }
                } else {
                    Naming::Again
                }
            }
        }
    }

    /// Takes note that a verified digest names the log at `path` which is not asked for. Should
    /// another one name it that is, it is to be judged.
    pub fn mention(&mut self, path: &str, name: Option<LogName>) {
        match self.listed(path, name) {
            Some(known) if !known.is_named() => *known = known.with(Mark::mentioned()),
            Some(_) => {}
            None => {
                self.unlisted.insert((path.into(), Mark::mentioned()));
            }
        }
    }

    /// Whether a digest names the log at `path`, which has this compact name if any; nothing where no listing
    /// shows it.
    pub fn is_named(&mut self, path: &str, name: Option<LogName>) -> Option<bool> {
        self.listed(path, name).map(|known| known.is_known())
    }

    /// Whether it has logs under unusual names.
    pub fn has_odd(&self) -> bool {
        !self.odd.is_empty()
    }

    /// The kinds and days (counted from 1970) that it has logs of under their usual names.
    pub fn days(&self) -> impl Iterator<Item = (LogKind, i32)> {
        self.days.keys().copied()
    }

    /// Whether a digest names a log that has the path of `log` here.
    pub fn names(&self, log: &Leftover) -> bool {
        let (path, known) = match &log.name {
            Name::Odd(path) => (path.clone(), self.odd.get(path).copied()),
            Name::Usual(name) => {
                let day = self.days.get(&(name.kind(), name.day()));
                let at = |day: &&Day| day.names.binary_search(name).ok();
                let mark = day.and_then(|day| day.marks.get(at(&day)?)).copied();
                (name.path(&self.place).into(), mark)
            }
        };
        let mut unlisted = self.unlisted.range((path.clone(), Mark::default())..);
        known.is_some_and(Mark::is_known) || unlisted.next().is_some_and(|(next, _)| *next == path)
    }

    /// What no digest named.
    pub fn leftovers(&self) -> Vec<Leftover> {
        let usual = self.days.iter().flat_map(|((kind, _), day)| {
            let unnamed = day.names.iter().zip(&day.marks);
            unnamed
                .filter(|(_, mark)| !mark.is_known())
                .map(|(name, _)| Leftover {
                    kind: *kind,
                    time: LeftoverTime::At(name.time()),
                    name: Name::Usual(*name),
                })
        });
        let odd = self.odd.iter().filter(|(_, mark)| !mark.is_known());
        let odd = odd.filter_map(|(path, _)| {
            let log = LogPath::parse(path)?;
            let time = match (log.time, folder_day(path)) {
                (Some(time), Some(day)) if day.contains(time) => LeftoverTime::At(time),
                (Some(time), day) => LeftoverTime::Apart(time, day),
                (None, Some(day)) => LeftoverTime::Day(day),
                (None, None) => LeftoverTime::Unknown,
            };
            Some(Leftover {
                kind: log.kind,
                time,
                name: Name::Odd(path.clone()),
            })
        });
        usual.chain(odd).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn place() -> AccountRegion {
        AccountRegion::new(None, "123456789012", "us-east-1").unwrap()
    }

    const A: &str =
        "2020/01/02/123456789012_CloudTrail_us-east-1_20200102T0304Z_aaaaaaaaaaaaaaaa.json.gz";
    const B: &str =
        "2020/01/02/123456789012_CloudTrail_us-east-1_20200102T0304Z_bbbbbbbbbbbbbbbb.json.gz";
    const ARCHIVED: &str =
        "2020/01/02/123456789012_CloudTrail_us-east-1_20200102T0304Z_cccccccccccccccc.json.gz";
    const FIRST: Naming = Naming::First {
        listed: true,
        archived: false,
    };
    const UNLISTED: Naming = Naming::First {
        listed: false,
        archived: false,
    };
    const ARCHIVED_FIRST: Naming = Naming::First {
        listed: true,
        archived: true,
    };
    const ODD: &str = "2020/01/02/evil.json.gz";

    fn path(rest: &str) -> String {
        format!("AWSLogs/123456789012/CloudTrail/us-east-1/{rest}")
    }

    fn inventory(listed: &[&str]) -> Inventory {
        let mut inventory = Inventory::new(place());
        for rest in listed {
            inventory.add(&LogKind::CloudTrail.into(), rest, *rest == ARCHIVED);
        }
        inventory.seal();
        inventory
    }

    fn name(inventory: &mut Inventory, rest: &str, content: &[u8]) -> Naming {
        let path = path(rest);
        let log = LogPath::parse(&path).unwrap();
        inventory.name(&path, log.name, &Sha256Hash::of(content))
    }

    #[test]
    fn what_no_digest_names_is_left_over() {
        let mut inventory = inventory(&[B, A, ODD, "2020/01/02/", "notes.txt"]);
        assert_eq!(inventory.len(), 3);
        assert_eq!(name(&mut inventory, A, b"a"), FIRST);
        let left: Vec<_> = inventory
            .leftovers()
            .iter()
            .map(|log| log.path(&place()))
            .collect();
        assert_eq!(left, [path(B), path(ODD)]);
    }

    #[test]
    fn a_log_in_a_further_folder_is_none_with_its_usual_path() {
        let mut inventory = inventory(&[A]);
        assert_eq!(name(&mut inventory, A, b"a"), FIRST);
        let mut more = Inventory::new(place());
        more.add(&LogFolder::from(LogKind::CloudTrail).below("x"), A, false);
        inventory.absorb(more);
        inventory.seal();
        let left = inventory.leftovers();
        assert_eq!(left.len(), 1, "{left:?}");
        let path = format!("AWSLogs/123456789012/CloudTrail/x/us-east-1/{A}");
        assert_eq!(left[0].path(&place()), path);
        let time = "2020-01-02T03:04:00Z".parse().unwrap();
        assert_eq!(left[0].time, LeftoverTime::At(time));
        assert_eq!(inventory.name(&path, None, &Sha256Hash::of(b"b")), FIRST);
        assert_eq!(inventory.leftovers(), []);
    }

    #[test]
    fn a_left_over_log_may_be_named_elsewhere() {
        let mut inventory = inventory(&[A, ODD]);
        let others = |rest: &[&str]| self::inventory(rest).leftovers();
        let named = |inventory: &Inventory| {
            let left = others(&[A, B, ODD, "2020/01/02/evil.json"]);
            let named = left.iter().filter(|log| inventory.names(log));
            named.map(|log| log.path(&place())).collect::<Vec<_>>()
        };
        assert_eq!(named(&inventory), [""; 0]);
        name(&mut inventory, A, b"a");
        assert_eq!(named(&inventory), [path(A)]);
        name(&mut inventory, ODD, b"a");
        assert_eq!(named(&inventory), [path(A), path(ODD)]);
        // Named, and not there.
        name(&mut inventory, B, b"a");
        assert_eq!(named(&inventory), [path(A), path(B), path(ODD)]);
    }

    #[test]
    fn a_listed_log_is_named_or_not() {
        let of = |rest: &str| LogPath::parse(&path(rest)).unwrap().name;
        let mut listed = inventory(&[A, ARCHIVED, ODD]);
        let is_named = |listed: &mut Inventory, rest| listed.is_named(&path(rest), of(rest));
        assert_eq!(is_named(&mut listed, B), None);
        for rest in [A, ARCHIVED, ODD] {
            assert_eq!(is_named(&mut listed, rest), Some(false));
            name(&mut listed, rest, b"1");
            assert_eq!(is_named(&mut listed, rest), Some(true));
        }
        let days: Vec<_> = listed.days().collect();
        assert_eq!(days, [(LogKind::CloudTrail, of(A).unwrap().day())]);
        assert!(listed.has_odd() && !inventory(&[A]).has_odd());
    }

    #[test]
    fn an_archived_log_stays_known_as_one() {
        let mut inventory = inventory(&[A, ARCHIVED]);
        for content in [&b"1"[..], b"2"] {
            assert_eq!(name(&mut inventory, ARCHIVED, content), ARCHIVED_FIRST);
            assert_eq!(name(&mut inventory, ARCHIVED, content), Naming::Again);
            assert_eq!(name(&mut inventory, A, content), FIRST);
        }
    }

    #[test]
    fn a_log_is_judged_once_for_each_hash() {
        let mut inventory = inventory(&[A]);
        for (rest, first) in [(A, FIRST), (B, UNLISTED)] {
            assert_eq!(name(&mut inventory, rest, b"1"), first);
            assert_eq!(name(&mut inventory, rest, b"1"), Naming::Again);
            assert_eq!(name(&mut inventory, rest, b"2"), first);
            assert_eq!(name(&mut inventory, rest, b"2"), Naming::Again);
        }
        assert_eq!(inventory.leftovers(), []);
    }

    #[test]
    fn what_was_named_stays_named_when_more_is_listed() {
        let mut inventory = inventory(&[A, ODD]);
        assert_eq!(name(&mut inventory, A, b"1"), FIRST);
        assert_eq!(name(&mut inventory, ODD, b"1"), FIRST);
        // Named before anybody has looked where it lies.
        assert_eq!(name(&mut inventory, B, b"1"), UNLISTED);
        let mut more = Inventory::new(place());
        for rest in [A, B, ODD, ARCHIVED] {
            more.add(&LogKind::CloudTrail.into(), rest, rest == ARCHIVED);
        }
        inventory.absorb(more);
        inventory.seal();
        inventory.seal();
        for rest in [A, B, ODD] {
            assert_eq!(name(&mut inventory, rest, b"1"), Naming::Again, "{rest}");
            assert_eq!(name(&mut inventory, rest, b"2"), FIRST, "{rest}");
        }
        assert_eq!(name(&mut inventory, ARCHIVED, b"1"), ARCHIVED_FIRST);
        assert_eq!(inventory.leftovers(), []);
    }

    #[test]
    fn what_is_mentioned_is_judged_once_it_is_asked_for() {
        let mention = |inventory: &mut Inventory, rest: &str| {
            let path = path(rest);
            let log = LogPath::parse(&path).unwrap();
            inventory.mention(&path, log.name);
        };
        let mut inventory = inventory(&[A, ODD, ARCHIVED]);
        for rest in [A, B, ODD, ARCHIVED] {
            mention(&mut inventory, rest);
            mention(&mut inventory, rest);
        }
        assert_eq!(inventory.leftovers(), []);
        for (rest, first) in [
            (A, FIRST),
            (B, UNLISTED),
            (ODD, FIRST),
            (ARCHIVED, ARCHIVED_FIRST),
        ] {
            assert_eq!(name(&mut inventory, rest, b"1"), first, "{rest}");
            mention(&mut inventory, rest);
            assert_eq!(name(&mut inventory, rest, b"1"), Naming::Again, "{rest}");
        }
        assert_eq!(inventory.leftovers(), []);
    }

    #[test]
    fn what_is_mentioned_before_it_is_listed_is_not_left_over() {
        for is_named in [false, true] {
            let mut inventory = inventory(&[]);
            let path = path(B);
            inventory.mention(&path, LogPath::parse(&path).unwrap().name);
            if is_named {
                assert_eq!(name(&mut inventory, B, b"1"), UNLISTED);
            }
            let mut more = Inventory::new(place());
            more.add(&LogKind::CloudTrail.into(), B, false);
            inventory.absorb(more);
            inventory.seal();
            assert_eq!(inventory.leftovers(), []);
            let again = if is_named { Naming::Again } else { FIRST };
            assert_eq!(name(&mut inventory, B, b"1"), again);
            assert_eq!(inventory.leftovers(), []);
        }
    }

    #[test]
    fn odd_names_have_the_time_of_their_folder() {
        let left = inventory(&[ODD, "evil.json.gz"]).leftovers();
        assert!(
            matches!(left[0].time, LeftoverTime::Day(day) if day.start() == "2020-01-02T00:00:00Z".parse().unwrap())
        );
        assert_eq!(left[1].time, LeftoverTime::Unknown);
    }

    #[test]
    fn a_name_and_its_folders_may_tell_different_times() {
        let of = |rest: &str| inventory(&[rest]).leftovers()[0].time;
        let at = "2020-01-02T03:04:00Z".parse().unwrap();
        let name = A.strip_prefix("2020/01/02/").unwrap();
        assert_eq!(of(A), LeftoverTime::At(at));
        for deep in ["2020/01/02/deeper/", "before/2020/01/02/"] {
            assert_eq!(of(&format!("{deep}{name}")), LeftoverTime::At(at));
        }
        assert_eq!(of(name), LeftoverTime::Apart(at, None));
        let other = of(&format!("2020/01/03/{name}"));
        let day = folder_day(&path("2020/01/03/x")).unwrap();
        assert_eq!(other, LeftoverTime::Apart(at, Some(day)));
    }

    #[test]
    fn what_was_named_twice_before_it_was_listed_is_known_by_both_hashes() {
        let mut inventory = inventory(&[A]);
        assert!(!inventory.is_empty() && Inventory::new(place()).is_empty());
        for content in [&b"1"[..], b"2", b"3"] {
            assert_eq!(name(&mut inventory, B, content), UNLISTED);
        }
        let mut more = Inventory::new(place());
        more.add(&LogKind::CloudTrail.into(), B, false);
        inventory.absorb(more);
        inventory.seal();
        for content in [&b"1"[..], b"2", b"3"] {
            assert_eq!(name(&mut inventory, B, content), Naming::Again);
        }
    }
}
