//! Library and command: one root, three issuing CAs, CSR checking, device certificates, CRLs.
