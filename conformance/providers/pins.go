//go:build pins

// Package providers is to run identity providers that nobody here wrote. This file keeps the modules that they, and the
// browser suite, are made of.
package providers

import (
	_ "github.com/go-rod/rod"
	_ "github.com/go-rod/rod/lib/launcher"
	_ "github.com/go-rod/rod/lib/proto"
	_ "github.com/ory/fosite/compose"
	_ "github.com/ory/fosite/handler/openid"
	_ "github.com/ory/fosite/storage"
	_ "github.com/ory/fosite/token/jwt"
	_ "github.com/zitadel/oidc/v3/example/server/exampleop"
	_ "github.com/zitadel/oidc/v3/example/server/storage"
	_ "github.com/zitadel/oidc/v3/pkg/op"
)
