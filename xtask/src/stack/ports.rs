//! Which addresses the stack listens on.

use std::net::{Ipv4Addr, SocketAddr, TcpListener};

/// How ports are chosen.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Ports {
    /// The well-known ones where they are free: people bookmark them.
    Nice,
    /// All from the kernel: any number of stacks side by side.
    Kernel,
}

impl Ports {
    /// A loopback address to listen on; port 0 means "from the kernel".
    pub(crate) fn address(self, nice: u16) -> SocketAddr {
        let address = SocketAddr::from((Ipv4Addr::LOCALHOST, nice));
        match self {
            Self::Nice if TcpListener::bind(address).is_ok() => address,
            Self::Nice | Self::Kernel => SocketAddr::from((Ipv4Addr::LOCALHOST, 0)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_port_in_use_is_left_to_the_kernel() {
        let taken = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
        let port = taken.local_addr().unwrap().port();
        assert_eq!(Ports::Nice.address(port).port(), 0);
    }

    #[test]
    fn the_demo_never_asks_for_a_fixed_port() {
        assert_eq!(Ports::Kernel.address(8883).port(), 0);
    }
}
