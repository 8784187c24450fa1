// An OpenID provider on npm's oidc-provider, with Clerk's paths, over TLS. It is told what to be, and when to end, as
// the Go programs are (see ../internal/program): settings and callback are lines of the standard input, and it ends with
// that. Its argument is the folder that holds node_modules.
import { generateKeyPairSync, randomBytes } from 'node:crypto';
import { createServer } from 'node:https';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { pathToFileURL } from 'node:url';

console.info = console.error; // the library's notices: the standard output is for what is agreed
const installed = createRequire(join(process.argv[2], 'package.json'));
const { default: Provider } = await import(pathToFileURL(installed.resolve('oidc-provider')));

const lines = createInterface({ input: process.stdin })[Symbol.asyncIterator]();
const read = async () => JSON.parse((await lines.next()).value);
const print = (object) => process.stdout.write(`${JSON.stringify(object)}\n`);

const settings = await read();
const gone = new Set(); // the subjects of those who are disabled
let answer; // what answers requests, once it is known whom the client is
const server = createServer({ key: settings.key, cert: settings.certificate }, (req, res) => answer(req, res));
await new Promise((listening) => server.listen(0, '127.0.0.1', listening));
const issuer = `https://127.0.0.1:${server.address().port}`;
print({ issuer });

const { redirectUri } = await read();
const provider = new Provider(issuer, configuration(redirectUri));
const protocol = provider.callback();
answer = (req, res) => (req.url.startsWith('/interaction/') ? interact(req, res) : protocol(req, res));
print({ serving: true });
for await (const line of lines) { // until the standard input ends
  gone.add(JSON.parse(line).disable);
  print({ changed: true });
}
process.exit(0);

function configuration(redirectUri) {
  const { privateKey } = generateKeyPairSync('rsa', { modulusLength: 2048 });
  return {
    clients: [{
      client_id: settings.clientId, client_secret: settings.clientSecret, redirect_uris: [redirectUri],
      response_types: ['code'], grant_types: ['authorization_code', 'refresh_token'],
      token_endpoint_auth_method: 'client_secret_basic',
    }],
    routes: {
      authorization: '/oauth/authorize', token: '/oauth/token', userinfo: '/oauth/userinfo',
      jwks: '/.well-known/jwks.json', revocation: '/oauth/token/revoke', introspection: '/oauth/token_info',
      end_session: '/oauth/end_session',
    },
    jwks: { keys: [{ ...privateKey.export({ format: 'jwk' }), use: 'sig', alg: 'RS256', kid: 'ins_oidc_provider' }] },
    cookies: { keys: [randomBytes(32).toString('base64url')] },
    // As Clerk: the claims of profile and email stand in the ID token, and everybody gets a refresh token.
    conformIdTokenClaims: false,
    issueRefreshToken: () => true,
    rotateRefreshToken: true,
    claims: { openid: ['sub'], email: ['email', 'email_verified'], profile: ['name', 'preferred_username'] },
    responseTypes: ['code'],
    pkce: { required: () => false },
    ttl: { AccessToken: 86400, IdToken: 86400, AuthorizationCode: 600, Interaction: 600, Session: 3600, Grant: 3600 },
    features: { devInteractions: { enabled: false }, revocation: { enabled: true }, introspection: { enabled: true } },
    interactions: { url: (_, interaction) => `/interaction/${interaction.uid}` },
    findAccount: (_, id) => {
      const who = settings.people.find((one) => one.subject === id && !gone.has(id));
      return who && { accountId: id, claims: () => claims(who) };
    },
  };
}

function claims(who) {
  return {
    sub: who.subject, email: who.email, email_verified: true, name: who.name, preferred_username: who.username,
  };
}

// interact shows the page that an authorization request waits for, or takes its form.
async function interact(req, res) {
  try {
    const details = await provider.interactionDetails(req, res);
    if (req.method !== 'POST') {
      show(res, details);
      return;
    }
    const form = new URLSearchParams(await body(req));
    const result = form.get('answer') === 'allow' ? await take(details, form)
      : { error: 'access_denied', error_description: 'the person said no' };
    if (result) {
      await provider.interactionFinished(req, res, result, { mergeWithLastSubmission: false });
    } else {
      show(res, details, 'There is nobody of that name and password.');
    }
  } catch (error) {
    console.error(error);
    page(res, 500, '<h1>That did not work</h1>');
  }
}

// take answers what came of a form that was sent to be allowed, or nothing if it does not name a person.
async function take(details, form) {
  const { prompt, params, session } = details;
  if (prompt.name === 'login') {
    const who = settings.people.find((one) => one.username === form.get('username') && one.password === form.get('password'));
    return who && !gone.has(who.subject) && { login: { accountId: who.subject } };
  }
  const grant = details.grantId ? await provider.Grant.find(details.grantId)
    : new provider.Grant({ accountId: session.accountId, clientId: params.client_id });
  grant.addOIDCScope(params.scope);
  return { consent: { grantId: await grant.save() } };
}

function show(res, { uid, prompt, params }, fault) {
  const fields = `
    <p><label>User name <input type="text" name="username" autocomplete="username"></label></p>
    <p><label>Password <input type="password" name="password" autocomplete="current-password"></label></p>`;
  const question = `<p>The application ${escaped(params.client_id)} will see: ${escaped(params.scope)}</p>`;
  const [heading, content, button] = prompt.name === 'login'
    ? ['Sign in to oidc-provider', fields, 'Sign in'] : ['Allow access', question, 'Allow'];
  page(res, 200, `<h1>${heading}</h1>${fault ? `<p role="alert">${fault}</p>` : ''}
    <form method="post" action="/interaction/${escaped(uid)}">${content}
    <button name="answer" value="allow">${button}</button> <button name="answer" value="deny">Cancel</button></form>`);
}

function page(res, status, main) {
  res.writeHead(status, { 'content-type': 'text/html; charset=utf-8', 'cache-control': 'no-store' });
  res.end(`<!doctype html><html lang="en"><head><meta charset="utf-8"><title>Sign in</title></head><body><main>${main}</main></body></html>`);
}

function escaped(text) {
  return String(text).replace(/[&<>"']/g, (character) => `&#${character.codePointAt(0)};`);
}

async function body(req) {
  let text = '';
  for await (const chunk of req) text += chunk;
  return text;
}
