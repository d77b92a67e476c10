//! temp
use crate::verify::conclusion::Conclusion;
use serde_json::json;
use std::io::Write;
use std::path::Path;

#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
#[allow(missing_docs)]
pub enum Format {
    Text,
    Json,
}
#[allow(missing_docs)]
impl Format {
    pub fn from_path(p: &Path) -> Option<Self> {
        (p.extension()? == "json").then_some(Self::Json)
    }
}
#[allow(missing_docs, clippy::missing_errors_doc)]
pub fn write(c: &Conclusion, source: &str, w: &mut dyn Write) -> std::io::Result<()> {
    let v = json!({
        "schema_version": 1,
        "source": source,
        "run": {},
        "requested": {"start": c.start.map(|t| t.to_string()), "end": c.end.map(|t| t.to_string())},
        "verdict": c.verdict().name(),
        "totals": {"digests": {"valid": c.digests.valid, "invalid": c.digests.invalid, "missing": c.digests.missing, "unverified": c.digests.unverified},
          "logs": {"valid": c.logs.valid, "invalid": c.logs.invalid, "missing": c.logs.missing, "unreferenced": c.logs.unreferenced, "unverified": c.logs.unverified},
          "bytes": {"read": c.bytes_read, "hashed": c.bytes_hashed}},
        "chains": c.chains.iter().map(|r| json!({"organization": r.chain.place().organization(), "account": r.chain.place().account(), "region": r.chain.place().region(), "trail": r.chain.trail(), "home_region": r.chain.home_region(), "backfill": r.chain.is_backfill(),
          "covered": r.covered.ranges().iter().map(|x| json!({"start": x.start().to_string(), "end": x.end().to_string()})).collect::<Vec<_>>(),
          "gaps": r.gaps.iter().map(|x| json!({"start": x.range.start().to_string(), "end": x.range.end().to_string(), "cause": format!("{:?}", x.cause)})).collect::<Vec<_>>(),
          "digests": {"valid": r.digests.valid, "invalid": r.digests.invalid, "missing": r.digests.missing, "unverified": r.digests.unverified},
          "logs": {"valid": r.logs.valid, "invalid": r.logs.invalid, "missing": r.logs.missing, "unreferenced": r.logs.unreferenced, "unverified": r.logs.unverified},
          "key_fingerprints": r.fingerprints})).collect::<Vec<_>>(),
        "findings": c.findings.iter().map(|f| json!({"code": f.finding.code.name(), "severity": f.severity.name(), "bucket": f.bucket.as_deref(), "key": f.key.as_deref(), "chain": f.finding.chain.as_deref(), "digest": f.finding.digest.as_deref(), "expected": f.finding.expected.as_deref(), "actual": f.finding.actual.as_deref(), "message": f.finding.message()})).collect::<Vec<_>>(),
    });
    writeln!(w, "{v:#}")
}
