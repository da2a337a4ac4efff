//! The sabotages: one line of meaning each, and the tests that must notice.

/// A named way to break the code.
#[derive(Debug)]
pub(super) struct Sabotage {
    pub(super) name: &'static str,
    /// What the saboteur changes.
    pub(super) edits: &'static [Edit],
    /// The package whose tests must notice.
    pub(super) package: &'static str,
    /// Parts of the names of these tests.
    pub(super) tests: &'static [&'static str],
}

/// A change of one place.
#[derive(Debug)]
pub(super) struct Edit {
    /// Relative to the root.
    pub(super) file: &'static str,
    /// What stands there, exactly once.
    pub(super) find: &'static str,
    /// What the saboteur writes instead.
    pub(super) replace: &'static str,
}

const HOOKS: &str = "hook-service";
const API: &str = "api-service";

/// The seven of the spine, and the four of the revoke that ends everything.
pub(super) const SABOTAGES: &[Sabotage] = &[
    // A device could take over any session by choosing its client id.
    Sabotage {
        name: "client id not compared",
        package: HOOKS,
        tests: &["client_id_username_and_common_name_must_all_be_the_device"],
        edits: &[Edit {
            file: "hook-service/src/decide/authn_device.rs",
            find: "= connect.client_id.and_then(ClientId::parse) else",
            replace: "= connect.cert_common_name.and_then(ClientId::parse) else",
        }],
    },
    // Whatever no rule names would be asked of the next source.
    Sabotage {
        name: "terminal deny missing",
        package: HOOKS,
        tests: &["an_acl_ends_with_a_deny_of_everything_the_broker_knows"],
        edits: &[Edit {
            file: "hook-service/src/rights/device.rs",
            find: "    out.extend_from_slice(b\"]},\");\n    out.extend_from_slice(TERMINAL_DENY);\n",
            replace: "    let _ = TERMINAL_DENY;\n    out.extend_from_slice(b\"]}]\");\n",
        }],
    },
    // A restored or promoted database with the same number would be taken for the one before.
    Sabotage {
        name: "poll without epoch and timeline",
        package: HOOKS,
        tests: &[
            "another_epoch_is_loaded_as_a_whole_even_if_the_number_is_the_same",
            "a_promoted_standby_that_missed_a_change_is_loaded_as_a_whole",
        ],
        edits: &[
            Edit {
                file: "hook-service/src/feed/head.rs",
                find: "(SELECT epoch FROM feed_state) AS epoch",
                replace: "'00000000-0000-0000-0000-000000000000'::uuid AS epoch",
            },
            Edit {
                file: "hook-service/src/feed/head.rs",
                find: "substr(pg_walfile_name(pg_current_wal_lsn()), 1, 8) AS timeline",
                replace: "'00000001' AS timeline",
            },
        ],
    },
    // What commits between the two would be told to nobody.
    Sabotage {
        name: "snapshot before LISTEN",
        package: HOOKS,
        tests: &["what_commits_while_the_table_is_loading_is_told_by_its_hint"],
        edits: &[
            Edit {
                file: "hook-service/src/feed/follow.rs",
                find: "            link.listen().await?;\n",
                replace: "",
            },
            Edit {
                file: "hook-service/src/feed/follow.rs",
                find: "        self.metrics.reloaded(reason);\n        self.publish(snapshot);\n        Ok(())\n",
                replace: "        self.metrics.reloaded(reason);\n        self.publish(snapshot);\n        \
                          link.listen().await\n",
            },
        ],
    },
    // Any certificate of our CA would do for any device of that name, retired and revoked ones too.
    Sabotage {
        name: "cert_pem not compared",
        package: HOOKS,
        tests: &["each_missing_proof_is_refused_for_its_own_reason"],
        edits: &[Edit {
            file: "hook-service/src/decide/authn_device.rs",
            find: ".ok_or(Deny::CertificateNotActive)",
            replace: ".map_or(Ok(i64::MAX), Ok)",
        }],
    },
    // A replica that hears nothing would allow for ever.
    Sabotage {
        name: "staleness bound ignored",
        package: HOOKS,
        tests: &[
            "allowing_ends_at_the_deadline_and_at_a_lapse",
            "nothing_is_allowed_before_a_lease_nor_after_the_bound",
            "without_news_it_allows_up_to_the_bound_then_denies_then_heals",
        ],
        edits: &[Edit {
            file: "lease/src/gate.rs",
            find: "            _ => Standing::Stale,\n",
            replace: "            _ => Standing::Fresh,\n",
        }],
    },
    // EMQX reads 204 as "allow".
    Sabotage {
        name: "204 instead of an explicit answer",
        package: HOOKS,
        tests: &[
            "a_body_that_is_not_what_the_templates_send_is_denied",
            "every_recorded_request_is_answered_with_an_explicit_result",
        ],
        edits: &[Edit {
            file: "hook-service/src/endpoints/answer.rs",
            find: "        Err(_) => Bytes::from_static(DENY),\n",
            replace: "        Err(_) => {\n            let _ = DENY;\n            \
                      let mut response = Response::new(Full::new(Bytes::new()));\n            \
                      *response.status_mut() = http::StatusCode::NO_CONTENT;\n            \
                      return response;\n        }\n",
        }],
    },
    // A lagging replica would let the device in again behind its own ban.
    Sabotage {
        name: "fence off",
        package: API,
        tests: &["nothing_reaches_the_broker_before_every_replica_has_applied_the_change"],
        edits: &[Edit {
            file: "api-service/src/outbox/entry/steps.rs",
            find: "self.tools.api.fence.wait(number);",
            replace: "self.tools.api.fence.wait(0);",
        }],
    },
    // The same, for as long as the ban stands in another way: kicked, and back before the fence.
    Sabotage {
        name: "kick before fence",
        package: API,
        tests: &["nothing_reaches_the_broker_before_every_replica_has_applied_the_change"],
        edits: &[Edit {
            file: "api-service/src/outbox/entry.rs",
            find: "        self.fence().await?;\n",
            replace: "        let early = self.target()?;\n        for cluster in &self.clusters {\n            \
                      let _ = super::ending::keep_out(cluster, &early).await;\n        }\n        \
                      self.fence().await?;\n",
        }],
    },
    // A connect that was being let in while the ban was placed would stay, banned or not.
    Sabotage {
        name: "no repeated kick",
        package: API,
        tests: &["a_session_that_registers_after_the_look_is_ended_by_the_repeated_kick"],
        edits: &[Edit {
            file: "api-service/src/outbox/entry/lane.rs",
            find: "kick_again(self.cluster, self.target)\n                .await",
            replace: "std::future::ready({\n                let _ = kick_again;\n                \
                      Ok::<bool, String>(false)\n            })\n                .await",
        }],
    },
    // A process that is stopped between its decision and the write would allow after the fence.
    Sabotage {
        name: "lease not checked at the end",
        package: HOOKS,
        tests: &["an_allow_leaves_while_the_lease_runs_and_not_after"],
        edits: &[Edit {
            file: "hook-service/src/listener/last_look.rs",
            find: "if held_for <= HELD_MAX && self.hooks.policy.may_allow(standing).is_ok() {",
            replace: "let _ = standing;\n        if held_for <= HELD_MAX {",
        }],
    },
];
