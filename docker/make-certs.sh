#!/bin/sh
# The one-shot container `certs`: makes what is missing and hands each program its own part.
# Input: BROKER_NAMES, the broker's DNS names and IPs, parted by blanks. Never overwrites an issuing key.
#   /pki         everything, the root key included; no other container mounts it
#   /out/broker  what EMQX reads: trust files, its certificate and key
#   /out/api     what api-service reads: the device CA's certificate and key, the root, what devices trust
set -eu

: "${BROKER_NAMES:?set it to the broker names that clients use, for example 'mqtt.example.com 192.0.2.7'}"

# A blank parts two names: the splitting is wanted.
# shellcheck disable=SC2086
set -- $BROKER_NAMES
for name in "$@"; do
    set -- "$@" --name "$name"
    shift
done

certs init --dir /pki
certs broker --dir /pki "$@"
certs service --dir /pki --name gateway

cd /pki
install --mode=0644 device-trust.pem service-trust.pem broker.pem /out/broker
install --mode=0600 broker.key /out/broker
install --mode=0644 device-ca.pem root-ca.pem server-ca.pem /out/api
install --mode=0600 device-ca.key /out/api
