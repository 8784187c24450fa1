// OAuth clients on npm's oauth4webapi, which takes nothing on trust: each answer is read by the library's own function for
// it, with no check of them switched off. Its argument is the folder that holds node_modules.
//
// The first line of the standard input says where the gateway is and which client to be. Then each line of the standard
// output asks for something that is not a client's to do, and is answered by a line: to publish a document, or to send a
// person to a URL. The last line says what became of it: {"done": true}, or {"error": "…"} with the step that failed.
import { createRequire } from 'node:module';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { pathToFileURL } from 'node:url';

const installed = createRequire(join(process.argv[2], 'package.json'));
const oauth = await import(pathToFileURL(installed.resolve('oauth4webapi')));

const lines = createInterface({ input: process.stdin })[Symbol.asyncIterator]();
const read = async () => JSON.parse((await lines.next()).value);
const print = (object) => process.stdout.write(`${JSON.stringify(object)}\n`);
const ask = async (question) => (print(question), read());

// What the clients are besides public: how they prove who they are, in the words of RFC 7591 and of the library.
const methods = {
  none: () => oauth.None(),
  client_secret_basic: ({ secret }) => oauth.ClientSecretBasic(secret),
  client_secret_post: ({ secret }) => oauth.ClientSecretPost(secret),
  private_key_jwt: ({ keys }) => oauth.PrivateKeyJwt({ key: keys.privateKey, kid: 'one' }),
};

let step = 'begin';
const settings = await read(); // {issuer, resource, redirect, host, identified: registered|document, method, alg, keysAt}
try {
  await live();
  print({ done: true });
} catch (error) {
  print({ error: `${step}: ${error.name}: ${error.message} ${error.code ?? ''} ${JSON.stringify(error.cause) ?? ''}` });
}
process.exit(0);

function expect(holds, what) {
  if (!holds) throw new Error(`want ${what}`);
}

// live is the life of one client, from the MCP server's URL to the end of its grant.
async function live() {
  const as = await discover();
  const { client, prove } = await identify(as);
  const tokens = await signIn(as, client, prove);
  const renewed = await refresh(as, client, prove, tokens.refresh_token);
  await introspect(as, client, prove, renewed.access_token, tokens.sub);
  await end(as, client, prove, renewed);
}

// call calls a tool, and answers the status.
async function call(token) {
  const response = await oauth.protectedResourceRequest(token, 'POST', new URL(settings.resource), new Headers({
    'content-type': 'application/json', accept: 'application/json, text/event-stream', 'mcp-protocol-version': '2026-07-28',
    'mcp-method': 'tools/call', 'mcp-name': 'echo',
  }), settings.message);
  await response.body?.cancel();
  return response.status;
}

// refused wants a call to be challenged as the library understands it, and answers the challenge's parameters.
async function refused(token) {
  try {
    await call(token);
  } catch (error) {
    expect(error instanceof oauth.WWWAuthenticateChallengeError, `a challenge, not ${error.name} ${error.message}`);
    expect(error.status === 401 && error.cause.length === 1 && error.cause[0].scheme === 'bearer', 'one Bearer challenge and 401');
    return error.cause[0].parameters;
  }
  throw new Error('want a challenge');
}

// discover goes from the MCP server's URL to the authorization server's metadata, which is the same in both places.
async function discover() {
  step = 'challenge';
  const { resource_metadata: at, error, scope } = await refused('no-such-token');
  expect(error === 'invalid_token' && scope === 'mcp:tools', `invalid_token for mcp:tools, not ${error} for ${scope}`);

  step = 'resource metadata';
  const resource = new URL(settings.resource);
  const answer = await oauth.resourceDiscoveryRequest(resource);
  expect(answer.url === at, `the metadata at ${at}, not ${answer.url}`);
  const found = await oauth.processResourceDiscoveryResponse(resource, answer);
  expect(found.resource === settings.resource && found.authorization_servers[0] === settings.issuer, 'this resource and this issuer');

  const issuer = new URL(found.authorization_servers[0]);
  const documents = {};
  for (const algorithm of ['oauth2', 'oidc']) {
    step = `discovery by ${algorithm}`;
    documents[algorithm] = await oauth.processDiscoveryResponse(issuer, await oauth.discoveryRequest(issuer, { algorithm }));
  }
  for (const [name, value] of Object.entries(documents.oauth2)) {
    expect(JSON.stringify(documents.oidc[name]) === JSON.stringify(value), `the same ${name} in both documents`);
  }
  expect(documents.oauth2.authorization_response_iss_parameter_supported === true, 'iss to be advertised');
  expect(documents.oauth2.code_challenge_methods_supported.includes('S256'), 'S256 to be advertised');
  expect(documents.oauth2.token_endpoint_auth_methods_supported.includes(settings.method), `${settings.method} to be advertised`);
  return documents.oauth2;
}

// identify makes the client known: by registration, or by a document.
async function identify(as) {
  const given = {};
  const metadata = {
    client_name: 'oauth4webapi', redirect_uris: [settings.redirect], token_endpoint_auth_method: settings.method,
    grant_types: ['authorization_code', 'refresh_token'], response_types: ['code'],
  };
  if (settings.method === 'private_key_jwt') {
    step = 'keys';
    given.keys = await oauth.generateKeyPair(settings.alg);
    const { kty, crv, x, y, n, e } = await crypto.subtle.exportKey('jwk', given.keys.publicKey);
    const jwks = { keys: [{ kty, crv, x, y, n, e, kid: 'one', use: 'sig', alg: settings.alg }] };
    if (settings.keysAt) {
      metadata.jwks_uri = settings.host + settings.keysAt;
      await ask({ publish: settings.keysAt, document: jwks });
    } else {
      metadata.jwks = jwks;
    }
  }
  let id;
  if (settings.identified === 'document') {
    step = 'document';
    expect(as.client_id_metadata_document_supported === true, 'client metadata documents to be supported');
    id = `${settings.host}/client.json`;
    await ask({ publish: '/client.json', document: { client_id: id, ...metadata } });
  } else {
    step = 'registration';
    const said = await oauth.processDynamicClientRegistrationResponse(await oauth.dynamicClientRegistrationRequest(as, metadata));
    for (const [name, value] of Object.entries(metadata)) {
      expect(JSON.stringify(said[name]) === JSON.stringify(value), `${name} as it was asked for, not ${JSON.stringify(said[name])}`);
    }
    expect((said.client_secret !== undefined) === settings.method.startsWith('client_secret'), 'a secret for who uses one');
    id = said.client_id;
    given.secret = said.client_secret;
  }
  return { client: { client_id: id }, prove: methods[settings.method](given) };
}

// signIn is the code flow with PKCE and state; the library validates iss.
async function signIn(as, client, prove) {
  step = 'authorization';
  const verifier = oauth.generateRandomCodeVerifier();
  const state = oauth.generateRandomState();
  const url = new URL(as.authorization_endpoint);
  url.search = new URLSearchParams({
    client_id: client.client_id, redirect_uri: settings.redirect, response_type: 'code', state, scope: 'mcp:tools offline_access',
    resource: settings.resource, code_challenge: await oauth.calculatePKCECodeChallenge(verifier), code_challenge_method: 'S256',
  });
  const { callback } = await ask({ visit: url.href });
  const answer = oauth.validateAuthResponse(as, client, new URL(callback), state);
  expect(answer.get('iss') === as.issuer, 'iss in the answer');

  step = 'code';
  const response = await oauth.authorizationCodeGrantRequest(as, client, prove, answer, settings.redirect, verifier, {
    additionalParameters: { resource: settings.resource },
  });
  const tokens = await oauth.processAuthorizationCodeResponse(as, client, response);
  expect(tokens.refresh_token && tokens.expires_in > 0 && tokens.token_type === 'bearer', 'both tokens');
  step = 'call';
  expect((await call(tokens.access_token)) === 200, 'the call to be answered 200');
  return tokens;
}

// refresh renews the tokens, with the resource and without.
async function refresh(as, client, prove, token) {
  let tokens;
  for (const additionalParameters of [{ resource: settings.resource }, {}]) {
    step = `refresh with ${JSON.stringify(additionalParameters)}`;
    const response = await oauth.refreshTokenGrantRequest(as, client, prove, token, { additionalParameters });
    tokens = await oauth.processRefreshTokenResponse(as, client, response);
    expect(tokens.refresh_token && tokens.refresh_token !== token, 'another refresh token');
    token = tokens.refresh_token;
  }
  step = 'call with the new token';
  expect((await call(tokens.access_token)) === 200, 'the call to be answered 200');
  return tokens;
}

// introspect has a confidential client ask about its token. A public one is refused.
async function introspect(as, client, prove, token) {
  step = 'introspection';
  const response = await oauth.introspectionRequest(as, client, prove, token);
  if (settings.method === 'none') {
    expect(response.status === 401, `401, not ${response.status}`);
    await response.body?.cancel();
    return;
  }
  const said = await oauth.processIntrospectionResponse(as, client, response);
  expect(said.active && said.client_id === client.client_id && said.aud === settings.resource && said.iss === as.issuer,
    `an active token of this client, not ${JSON.stringify(said)}`);
}

// end revokes first the access token, then the grant.
async function end(as, client, prove, tokens) {
  step = 'revocation of the access token';
  await oauth.processRevocationResponse(await oauth.revocationRequest(as, client, prove, tokens.access_token, {
    additionalParameters: { token_type_hint: 'access_token' },
  }));
  expect((await refused(tokens.access_token)).error === 'invalid_token', 'the token to be dead');
  if (settings.method !== 'none') {
    const said = await oauth.processIntrospectionResponse(as, client,
      await oauth.introspectionRequest(as, client, prove, tokens.access_token));
    expect(said.active === false && Object.keys(said).length === 1, `{"active": false}, not ${JSON.stringify(said)}`);
  }
  step = 'refresh after that';
  const last = await oauth.processRefreshTokenResponse(as, client,
    await oauth.refreshTokenGrantRequest(as, client, prove, tokens.refresh_token));

  step = 'revocation of the refresh token';
  await oauth.processRevocationResponse(await oauth.revocationRequest(as, client, prove, last.refresh_token));
  expect((await refused(last.access_token)).error === 'invalid_token', 'the grant to be dead');
  step = 'refresh at the end';
  try {
    await oauth.processRefreshTokenResponse(as, client,
      await oauth.refreshTokenGrantRequest(as, client, prove, last.refresh_token));
  } catch (error) {
    expect(error instanceof oauth.ResponseBodyError && error.error === 'invalid_grant', `invalid_grant, not ${error.message}`);
    return;
  }
  throw new Error('want invalid_grant');
}
