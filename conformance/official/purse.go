package official

import (
	"context"
	"sync"
	"time"

	"golang.org/x/oauth2"
)

// Purse is a token source that the SDK is given by way of NewTokenSource: x/oauth2's own, whose token a test can spoil.
type Purse struct {
	mu     sync.Mutex
	ctx    context.Context
	config *oauth2.Config
	source oauth2.TokenSource
	token  oauth2.Token // as it was given out last
}

func (p *Purse) fill(ctx context.Context, c *oauth2.Config, token *oauth2.Token) (oauth2.TokenSource, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.ctx, p.config, p.source, p.token = ctx, c, c.TokenSource(ctx, token), *token
	return p, nil
}

// Token implements oauth2.TokenSource.
func (p *Purse) Token() (*oauth2.Token, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	token, err := p.source.Token()
	if err == nil {
		p.token = *token
	}
	return token, err
}

// Now answers the token that was given out last.
func (p *Purse) Now() oauth2.Token {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.token
}

// Spoil lets the access token look expired, and changes the token as it is told.
func (p *Purse) Spoil(change func(*oauth2.Token)) {
	p.mu.Lock()
	defer p.mu.Unlock()
	token := p.token
	token.Expiry = time.Now().Add(-time.Minute)
	change(&token)
	p.source = p.config.TokenSource(p.ctx, &token)
}
