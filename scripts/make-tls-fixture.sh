#!/usr/bin/env bash
# Makes the self-signed certificate that test servers use: for loopback, and for the push service's name.
set -euo pipefail
cd "$(dirname "$0")/../test/fixtures/tls"
openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 36500 -subj '/CN=ota test' \
  -addext 'subjectAltName=DNS:localhost,DNS:fcm.googleapis.com,IP:127.0.0.1' -keyout key.pem -out cert.pem
# A second pair, to renew the first with.
openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 36500 -subj '/CN=ota test, renewed' \
  -addext 'subjectAltName=DNS:localhost,IP:127.0.0.1' -keyout renewed-key.pem -out renewed-cert.pem
