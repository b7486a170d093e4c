package transit

// Policy is all that a Wayleave server needs of Vault, for the environments dev,
// staging and prod, the mount "transit" and the key prefix "wl-".
//
// There is no "create": with it, a mistyped key name would silently become a new
// key.
const Policy = `# Make data keys and unwrap them, one key per environment.
path "transit/datakey/plaintext/wl-dev"     { capabilities = ["update"] }
path "transit/datakey/plaintext/wl-staging" { capabilities = ["update"] }
path "transit/datakey/plaintext/wl-prod"    { capabilities = ["update"] }
path "transit/decrypt/wl-dev"               { capabilities = ["update"] }
path "transit/decrypt/wl-staging"           { capabilities = ["update"] }
path "transit/decrypt/wl-prod"              { capabilities = ["update"] }

# See at start that the keys are derived and cannot leave Vault.
path "transit/keys/wl-dev"                  { capabilities = ["read"] }
path "transit/keys/wl-staging"              { capabilities = ["read"] }
path "transit/keys/wl-prod"                 { capabilities = ["read"] }

# Keep the own token alive.
path "auth/token/renew-self"                { capabilities = ["update"] }
path "auth/token/lookup-self"               { capabilities = ["read"] }
`

// RewrapPolicy is what carrying credentials over to a new version of a key needs
// on top: a role of its own, for the time that it takes.
const RewrapPolicy = `# Wrap data keys anew under the newest version; they do not leave Vault.
path "transit/rewrap/wl-dev"                { capabilities = ["update"] }
path "transit/rewrap/wl-staging"            { capabilities = ["update"] }
path "transit/rewrap/wl-prod"               { capabilities = ["update"] }
`
