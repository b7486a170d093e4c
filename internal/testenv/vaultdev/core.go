package main

import (
	"github.com/hashicorp/go-hclog"
	"github.com/hashicorp/vault/audit"
	auditFile "github.com/hashicorp/vault/builtin/audit/file"
	"github.com/hashicorp/vault/builtin/credential/approle"
	"github.com/hashicorp/vault/builtin/logical/transit"
	"github.com/hashicorp/vault/sdk/helper/consts"
	"github.com/hashicorp/vault/sdk/logical"
	"github.com/hashicorp/vault/sdk/physical"
	"github.com/hashicorp/vault/sdk/physical/file"
	"github.com/hashicorp/vault/sdk/physical/inmem"
	"github.com/hashicorp/vault/vault"
)

// newCore returns a sealed core over the configured storage.
func newCore(conf config, logger hclog.Logger) (*vault.Core, error) {
	storage, err := newStorage(conf, logger)
	if err != nil {
		return nil, err
	}
	return vault.NewCore(&vault.CoreConfig{
		Physical:           storage,
		LogicalBackends:    map[string]logical.Factory{"transit": transit.Factory},
		CredentialBackends: map[string]logical.Factory{"approle": approle.Factory},
		AuditBackends:      map[string]audit.Factory{"file": auditFile.Factory},
		BuiltinRegistry:    plugins{},
		DisableMlock:       conf.DisableMlock,
		Logger:             logger,
	})
}

func newStorage(conf config, logger hclog.Logger) (physical.Backend, error) {
	if conf.Storage.File == nil {
		return inmem.NewInmem(nil, logger)
	}
	return file.NewFileBackend(map[string]string{"path": conf.Storage.File.Path}, logger)
}

// plugins is the list of what can be mounted, as the core asks for it.
type plugins struct{}

// factory returns what makes the plugin, nil if it is not one of ours.
func factory(name string, t consts.PluginType) logical.Factory {
	switch {
	case t == consts.PluginTypeSecrets && name == "transit":
		return transit.Factory
	case t == consts.PluginTypeCredential && name == "approle":
		return approle.Factory
	}
	return nil
}

// Contains reports whether the plugin can be mounted.
func (plugins) Contains(name string, t consts.PluginType) bool { return factory(name, t) != nil }

// Get returns a function that returns the plugin's factory.
func (plugins) Get(name string, t consts.PluginType) (func() (interface{}, error), bool) {
	f := factory(name, t)
	return func() (interface{}, error) { return f, nil }, f != nil
}

// Keys lists the plugins of a type.
func (plugins) Keys(t consts.PluginType) []string {
	switch t {
	case consts.PluginTypeSecrets:
		return []string{"transit"}
	case consts.PluginTypeCredential:
		return []string{"approle"}
	}
	return nil
}

// DeprecationStatus says that none of the plugins is deprecated.
func (plugins) DeprecationStatus(name string, t consts.PluginType) (consts.DeprecationStatus, bool) {
	return consts.Supported, factory(name, t) != nil
}

// IsBuiltinEntPlugin says that none of the plugins is of the Enterprise edition.
func (plugins) IsBuiltinEntPlugin(string, consts.PluginType) bool { return false }
