//! A configuration file for EMQX, checked without a broker.

use std::path::Path;

use emqx_config::hocon::{self, Value};

use super::conf;
use crate::doctor::facts::{Broker, Facts, Gap, Missing, Version};

/// Longest file that is read, in bytes.
const FILE_BYTES_MAX: u64 = hocon::MAX_BYTES as u64;

/// Reads a file as a broker of its own. Returns its zones, which a live broker does not tell.
pub(super) fn read(path: &Path, version: Option<Version>, facts: &mut Facts) -> Option<Value> {
    let name = path.display().to_string();
    let tree = match text(path).and_then(|text| hocon::parse(&text).map_err(|e| e.to_string())) {
        Ok(tree) => tree,
        Err(reason) => {
            facts.gaps.push(Gap {
                what: Missing::File,
                subject: format!("--emqx-conf {name}"),
                reason,
            });
            return None;
        }
    };
    let mut strange = Vec::new();
    let conf = conf::read(&tree, &mut strange);
    for reason in strange {
        facts.gaps.push(Gap {
            what: Missing::BrokerSetting,
            subject: name.clone(),
            reason,
        });
    }
    facts.brokers.push(Broker {
        name,
        nodes: Vec::new(),
        version,
        conf: conf.with_known_zones(),
        differs_from: Vec::new(),
    });
    tree.get("zones").cloned()
}

fn text(path: &Path) -> Result<String, String> {
    let length = std::fs::metadata(path).map_err(|e| e.to_string())?.len();
    if length > FILE_BYTES_MAX {
        return Err(format!("is longer than {FILE_BYTES_MAX} bytes"));
    }
    std::fs::read_to_string(path).map_err(|e| e.to_string())
}
