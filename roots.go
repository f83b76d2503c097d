package main

// The authorities that Mozilla trusts, for where the system has none, as in a container with nothing but limn.
import _ "golang.org/x/crypto/x509roots/fallback"
