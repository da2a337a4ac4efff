//! The shipped files are read.

use emqx_config::{EMQX_5_3, EMQX_5_8, EmqxConf};

#[test]
fn both_files_parse() {
    for text in [EMQX_5_8, EMQX_5_3] {
        let conf = EmqxConf::parse(text).expect("the shipped file");
        assert_eq!(conf.listeners.iter().filter(|l| l.enable).count(), 3);
    }
    let _ = EmqxConf::parse(
    )
    .unwrap();
}
