package store

import (
	"github.com/wayleave/wayleave/connections"
	"github.com/wayleave/wayleave/credentials"
	"github.com/wayleave/wayleave/internal/access"
	"github.com/wayleave/wayleave/internal/feed"
	"github.com/wayleave/wayleave/toolkits"
)

// What a Store is to the packages whose nouns it keeps.
var (
	_ access.Tenants          = (*Store)(nil)
	_ access.Actors           = (*Store)(nil)
	_ access.Keys             = (*Store)(nil)
	_ credentials.AuthConfigs = (*Store)(nil)
	_ connections.Store       = (*Store)(nil)
	_ connections.Attempts    = (*Store)(nil)
	_ toolkits.Store          = (*Store)(nil)
	_ toolkits.Idempotency    = (*Idempotency)(nil)
	_ feed.Source             = (*Store)(nil)
)
