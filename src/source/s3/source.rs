//! S3 as the engine sees it.

use std::fmt;
use std::sync::{Arc, PoisonError, RwLock};
use std::time::Duration;

use anyhow::{Context as _, Result, bail};

use super::again::{open_again, why_not_missing};
use super::aws;
use super::clients::Clients;
use super::download::open;
use super::fault::{Fault, Kind};
use super::fetching::Fetching;
use super::folder::{Listing, Part};
use super::keys::CloudTrailKeys;
use super::object::Target;
use super::place::S3Place;
use super::request::Service;
use super::search::{each_folder, folders, level, search, shows_day};
use super::settings::Settings;
use super::span::{Folder, Span};
use super::tls;
use super::trail::{Trail, TrailArn, describe};
use super::versions::versions;
use super::wait::Reactor;
use crate::source::{
    Body, Fetch, KeyRange, Level, ListedObject, Metadata, ObjectVersion, Problem, Root, Source,
    SourceError,
};
use crate::verify::location::{ObjectLocation, RootId, join_key};
use crate::verify::query::is_of_an_export;
use crate::verify::time::{Bounds, NAME_SLACK, PAST_END, minus, plus};

/// What is there in a moment is there after so long.
const MOMENT: Duration = Duration::from_millis(500);

/// A bucket and prefix with an `AWSLogs` folder: what a root is in S3.
type Place = (Arc<str>, Arc<str>);

/// Live buckets.
pub struct S3Source {
    pub(super) service: Arc<Service>,
    place: S3Place,
    /// By number. Chains may lead to further ones while the run goes on.
    roots: RwLock<Vec<Place>>,
    /// Last, so that the runtime outlives whatever waits on it.
    _reactor: Arc<Reactor>,
}

impl fmt::Debug for S3Source {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("S3Source")
            .field("place", &self.place)
            .finish_non_exhaustive()
    }
}

/// A connection to S3 and `CloudTrail`, before it is known what is to be read. What is made of it
/// shares credentials, connections, and the bound on requests.
#[derive(Clone, Debug)]
pub struct Connection {
    service: Arc<Service>,
    reactor: Arc<Reactor>,
}

impl Connection {
    /// Loads the environment and the config files. No service is asked anything yet, but where
    /// credentials come from one. `tell` is given what ends all waiting when it is called.
    ///
    /// # Errors
    /// Where the environment names what cannot be used.
    pub fn open(
        settings: Settings,
        tell: impl FnOnce(Box<dyn Fn() + Send + Sync>),
    ) -> Result<Self> {
        let reactor = Reactor::new().context("cannot start the threads that make requests")?;
        tell(Box::new(reactor.stopper()));
        let (http, direct) = {
            let _inside = reactor.waiter().handle().enter();
            tls::http_clients(&settings)?
        };
        let settings = Self::heed_profile(settings, &reactor)?;
        let clients = reactor
            .waiter()
            .wait(async { Ok(Clients::load(settings, http, direct).await) })?;
        let service = Service::new(clients, reactor.waiter().clone());
        Ok(Self {
            service: Arc::new(service),
            reactor: Arc::new(reactor),
        })
    }

    /// Takes in what the SDK does not: it tells a profile that is not there as credentials that
    /// are not there, and its own retries are not used.
    fn heed_profile(mut settings: Settings, reactor: &Reactor) -> Result<Settings> {
        let named = settings.profile.clone();
        let profiles = reactor
            .waiter()
            .wait(async { Ok(aws::profiles(named).await) })?
            .map_err(anyhow::Error::msg)
            .context("the AWS config files cannot be read")?;
        if let Some(profile) = &settings.profile
            && profiles.get_profile(profile).is_none()
        {
            bail!("--profile {profile:?}: the AWS config files have no profile of that name");
        }
        if let Some(attempts) = aws::attempts(&profiles).map_err(anyhow::Error::msg)? {
            settings.patience.attempts = Some(attempts);
        }
        Ok(settings)
    }

    /// Asks `CloudTrail` where a trail delivers to.
    ///
    /// # Errors
    /// Where it does not tell.
    pub fn describe_trail(&self, arn: &TrailArn) -> Result<Trail, SourceError> {
        self.service.waiter.wait(async {
            let described = describe(&self.service, arn).await;
            described.map_err(Fault::into_source_error)
        })
    }

    pub(super) fn into_parts(self) -> (Arc<Service>, Arc<Reactor>) {
        (self.service, self.reactor)
    }

    /// Keys from `CloudTrail`, for digests of a range.
    pub fn keys(&self, bounds: Bounds) -> CloudTrailKeys {
        CloudTrailKeys::new(Arc::clone(&self.service), bounds)
    }
}

impl S3Source {
    /// The source at `place`.
    pub fn new(connection: Connection, place: S3Place) -> Self {
        Self {
            service: connection.service,
            _reactor: connection.reactor,
            place,
            roots: RwLock::default(),
        }
    }

    /// All of `bucket` as one root, wherever `AWSLogs` lies.
    pub fn whole(connection: Connection, bucket: &str) -> Self {
        let source = Self::new(connection, S3Place::new(bucket, ""));
        source.root_at(bucket, "");
        source
    }

    /// What is read.
    pub fn place(&self) -> &S3Place {
        &self.place
    }

    /// What is read, as users write it.
    pub fn name(&self) -> String {
        format!("s3://{}/{}", self.place.bucket, self.place.prefix)
    }

    fn root(&self, root: RootId) -> Result<Place, SourceError> {
        let roots = self.roots.read().unwrap_or_else(PoisonError::into_inner);
        let place = roots.get(root.0 as usize);
        place.cloned().ok_or(SourceError::NotFound)
    }

    /// The number of a place, which is a new one where the place is new.
    fn root_at(&self, bucket: &str, prefix: &str) -> RootId {
        let mut roots = self.roots.write().unwrap_or_else(PoisonError::into_inner);
        let known = roots
            .iter()
            .position(|(known, at)| **known == *bucket && **at == *prefix);
        let number = known.unwrap_or_else(|| {
            roots.push((bucket.into(), prefix.into()));
            roots.len() - 1
        });
        RootId(u32::try_from(number).unwrap_or(u32::MAX))
    }

    pub(super) fn target(&self, root: RootId, path: &str) -> Result<Target, SourceError> {
        let (bucket, prefix) = self.root(root)?;
        Ok(Target {
            bucket,
            key: join_key(&prefix, path),
            version: None,
        })
    }

    fn open_object(&self, target: Target) -> Result<(Body, Metadata), SourceError> {
        self.service.waiter.wait(open(&self.service, target))
    }

    fn list_keys(
        &self,
        root: RootId,
        path: &str,
        bounds: &Bounds,
        part: Option<&KeyRange<'_>>,
        visit: &mut dyn FnMut(ListedObject<'_>),
    ) -> Vec<Problem> {
        let (bucket, prefix) = match self.root(root) {
            Ok(place) => place,
            Err(error) => {
                let path = path.to_owned();
                return vec![Problem { path, error }];
            }
        };
        let whole = format!("{}/", join_key(&prefix, path));
        let in_keys = |part: &KeyRange<'_>| Part {
            after: {
                let mut after = format!("{whole}{}", part.from);
                after.pop();
                after
            },
            until: part.until.map(|until| format!("{whole}{until}")),
        };
        let listing = Listing {
            part: part.map(in_keys),
            service: Arc::clone(&self.service),
            bucket: Arc::clone(&bucket),
            folder: Folder::new(whole.clone(), path),
            span: bounds
                .start()
                .zip(bounds.end())
                .map(|(start, end)| Span::days(minus(start, NAME_SLACK), plus(end, PAST_END))),
        };
        let mut is_any = false;
        let mut problems = listing.run(&mut |entry| {
            is_any = true;
            if let Some(rest) = entry.key.strip_prefix(&whole)
                && part.is_none_or(|part| part.contains(rest))
            {
                visit(ListedObject {
                    rest,
                    archived: entry.archived,
                    size: &|| entry.size,
                });
            }
        });
        if !is_any && problems.is_empty() {
            // Nothing of the range, or nothing at all, of a folder that was shown?
            let looked = self.service.waiter.wait(async {
                let looked = each_folder(&self.service, &bucket, &whole, &mut |_| ()).await;
                looked.map_err(Fault::into_source_error)
            });
            problems.extend(looked.err().map(|error| (whole.clone(), error)));
        }
        let problem = |(key, error): (String, SourceError)| {
            let below = key.strip_prefix(&whole).unwrap_or_default();
            let path = format!("{path}/{below}");
            Problem {
                path: path.trim_end_matches('/').to_owned(),
                error,
            }
        };
        problems.into_iter().map(problem).collect()
    }
}

impl Source for S3Source {
    fn roots(&self) -> Result<(Vec<Root>, Vec<Problem>), SourceError> {
        let S3Place { bucket, prefix, .. } = &self.place;
        let (prefixes, problems) = if self.place.is_root {
            (vec![prefix.clone()], Vec::new())
        } else {
            let found = self
                .service
                .waiter
                .wait(async { Ok(search(&self.service, bucket, prefix).await) })?;
            let found = match found {
                Ok(found) => found,
                // It is there, and may not be looked into, or cannot be just now: that is told,
                // like all that could not be read.
                Err(fault) if fault.is_of_the_moment() || fault.kind == Kind::Denied => {
                    let path = format!("s3://{bucket}/{prefix}");
                    let error = fault.into_source_error();
                    return Ok((Vec::new(), vec![Problem { path, error }]));
                }
                Err(fault) => return Err(fault.into_source_error()),
            };
            (found.prefixes.into_iter().collect(), found.problems)
        };
        let describe = |prefix: String| Root {
            id: self.root_at(bucket, &prefix),
            name: format!("s3://{bucket}/{prefix}"),
        };
        let roots = prefixes.into_iter().map(describe).collect();
        let problems = problems
            .into_iter()
            .map(|(path, error)| Problem { path, error });
        Ok((roots, problems.collect()))
    }

    fn looks_for_roots(&self) -> Box<str> {
        self.place.looks_for_roots()
    }

    fn stated(&self, root: RootId) -> Option<(Arc<str>, Arc<str>)> {
        self.root(root).ok()
    }

    fn folders(&self, root: RootId, path: &str) -> Result<Vec<String>, SourceError> {
        let (bucket, prefix) = self.root(root)?;
        let prefix = format!("{}/", join_key(&prefix, path));
        self.service.waiter.wait(async {
            let names = folders(&self.service, &bucket, &prefix).await;
            names.map_err(Fault::into_source_error)
        })
    }

    /// A folder's marker alone is no folder that holds anything.
    fn shows_day(&self, root: RootId, path: &str) -> Result<bool, SourceError> {
        let (bucket, prefix) = self.root(root)?;
        let prefix = format!("{}/", join_key(&prefix, path));
        self.service.waiter.wait(async {
            let looked = shows_day(&self.service, &bucket, &prefix).await;
            looked.map_err(Fault::into_source_error)
        })
    }

    fn level(&self, root: RootId, path: &str) -> Result<Level, SourceError> {
        let (bucket, prefix) = self.root(root)?;
        let prefix = match join_key(&prefix, path) {
            whole if whole.is_empty() => whole,
            whole => format!("{whole}/"),
        };
        self.service.waiter.wait(async {
            let looked = level(&self.service, &bucket, &prefix, is_of_an_export).await;
            looked.map_err(Fault::into_source_error)
        })
    }

    fn list(
        &self,
        root: RootId,
        path: &str,
        bounds: &Bounds,
        visit: &mut dyn FnMut(ListedObject<'_>),
    ) -> Vec<Problem> {
        self.list_keys(root, path, bounds, None, visit)
    }

    fn list_part(
        &self,
        root: RootId,
        path: &str,
        bounds: &Bounds,
        part: &KeyRange<'_>,
        visit: &mut dyn FnMut(ListedObject<'_>),
    ) -> Vec<Problem> {
        self.list_keys(root, path, bounds, Some(part), visit)
    }

    fn digest(&self, root: RootId, path: &str) -> Result<(Body, Metadata), SourceError> {
        self.open_object(self.target(root, path)?)
    }

    fn log(&self, root: RootId, path: &str) -> Result<Body, SourceError> {
        let (body, _) = self.open_object(self.target(root, path)?)?;
        Ok(body)
    }

    fn digest_again(&self, root: RootId, path: &str) -> Result<(Body, Metadata), SourceError> {
        let target = self.target(root, path)?;
        self.service.waiter.wait(open_again(&self.service, target))
    }

    fn log_again(&self, root: RootId, path: &str) -> Result<Body, SourceError> {
        let (body, _) = self.digest_again(root, path)?;
        Ok(body)
    }

    fn wait_a_moment(&self) {
        if self.service.seen.may_wait() {
            let moment = async {
                tokio::time::sleep(MOMENT).await;
                Ok(())
            };
            // Where the run is stopped meanwhile, whoever waits sees that.
            let _ = self.service.waiter.wait(moment);
        }
    }

    fn why_not_missing(&self, root: RootId, path: &str) -> Option<Box<str>> {
        let target = self.target(root, path).ok()?;
        let look = async { Ok(why_not_missing(&self.service, &target).await) };
        self.service.waiter.wait(look).ok()?
    }

    fn fetch(&self) -> Option<Box<dyn Fetch + '_>> {
        Some(Box::new(Fetching::new(self)))
    }

    fn requests(&self) -> Option<u64> {
        Some(self.service.requests())
    }

    fn keeps_versions(&self) -> bool {
        true
    }

    fn versions(&self, root: RootId, path: &str) -> Result<Vec<ObjectVersion>, SourceError> {
        let target = self.target(root, path)?;
        self.service.waiter.wait(async {
            let found = versions(&self.service, &target.bucket, &target.key).await;
            found.map_err(Fault::into_source_error)
        })
    }

    fn cli_options(&self) -> Vec<String> {
        self.service.clients.settings().cli_options()
    }

    fn version(&self, root: RootId, path: &str, id: &str) -> Result<(Body, Metadata), SourceError> {
        self.open_object(Target {
            version: Some(id.to_owned()),
            ..self.target(root, path)?
        })
    }

    fn elsewhere(&self, _: RootId, location: &ObjectLocation) -> Option<(RootId, String)> {
        let (prefix, path) = location.split()?;
        let root = self.root_at(location.bucket(), prefix);
        Some((root, path.to_owned()))
    }
}
