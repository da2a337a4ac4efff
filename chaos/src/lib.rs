//! The harness of chaos runs and of the measurements that need a whole stack: processes, proxies
//! between them, devices over mTLS, and an oracle that judges every connect.
//!
//! It uses nothing of the services as a library: they run as shipped, and are judged from outside.

pub mod crowd;
pub mod device;
pub mod oracle;
pub mod packet;
pub mod pki;
pub mod process;
pub mod programs;
pub mod revoker;
pub mod stack;
pub mod wait;
