// An OpenID Connect provider for tests: oidc-provider with tokens shaped like Keycloak's. Whoever asks
// with `login_hint` is signed in as that subject, without a page. Never for production.
//
// It prints its issuer as the first line and ends when its standard input does.

import { generateKeyPairSync } from 'node:crypto';
import { createServer } from 'node:http';
import Provider from 'oidc-provider';

const AUDIENCE = 'iot-hub';
const RESOURCE = 'https://iot-hub.example';
const REDIRECT = 'https://console.example.com/callback';

// Standard output is for the issuer alone: its reader goes away after the first line.
console.info = console.warn;

let generation = 0;
let published = [];

/** A new pair of keys in front; the older ones stay published unless `keep` is false. */
function rotate(keep) {
  generation += 1;
  const ec = generateKeyPairSync('ec', { namedCurve: 'P-256' }).privateKey.export({ format: 'jwk' });
  const rsa = generateKeyPairSync('rsa', { modulusLength: 2048 }).privateKey.export({ format: 'jwk' });
  const fresh = [
    { ...ec, kid: `ec-${generation}`, use: 'sig', alg: 'ES256' },
    { ...rsa, kid: `rsa-${generation}`, use: 'sig', alg: 'RS256' },
  ];
  published = keep ? [...fresh, ...published] : fresh;
}

/** A public client of a browser, signing with one algorithm, its tokens good for some seconds. */
const browser = (client_id) => ({
  client_id,
  redirect_uris: [REDIRECT],
  grant_types: ['authorization_code', 'refresh_token'],
  response_types: ['code'],
  token_endpoint_auth_method: 'none',
});
const ALGORITHM = { console: 'ES256', 'console-rsa': 'RS256' };
const LIFE_S = { 'console-brief': 1 };

const clients = [
  browser('console'),
  browser('console-rsa'),
  browser('console-brief'),
  {
    client_id: 'factory',
    client_secret: 'for-tests-only-and-no-secret',
    redirect_uris: [],
    grant_types: ['client_credentials'],
    response_types: [],
  },
];

function provider(issuer) {
  return new Provider(issuer, {
    clients,
    jwks: { keys: published },
    cookies: { keys: ['for-tests-only'] },
    pkce: { required: () => true },
    scopes: ['openid'],
    issueRefreshToken: async () => true,
    rotateRefreshToken: true,
    findAccount: async (_, id) => ({ accountId: id, claims: async () => ({ sub: id }) }),
    // Everybody agrees to everything: consent is no matter of these tests.
    loadExistingGrant: async (ctx) => {
      const { client, session, params } = ctx.oidc;
      const grant = new ctx.oidc.provider.Grant({ clientId: client.clientId, accountId: session.accountId });
      grant.addOIDCScope(params.scope);
      grant.addResourceScope(RESOURCE, 'hub');
      await grant.save();
      return grant;
    },
    extraTokenClaims: async (_, token) => {
      const person = token.accountId;
      const roles = person === 'root' ? ['admin'] : person ? ['user'] : ['manufacturer'];
      const claims = { azp: token.clientId, realm_access: { roles } };
      return person
        ? { ...claims, preferred_username: person, email: `${person}@example.com`, organization: ['acme'] }
        : claims;
    },
    features: {
      devInteractions: { enabled: false },
      clientCredentials: { enabled: true },
      resourceIndicators: {
        enabled: true,
        defaultResource: async () => RESOURCE,
        useGrantedResource: async () => true,
        getResourceServerInfo: async (_, __, client) => ({
          scope: 'hub',
          audience: AUDIENCE,
          accessTokenTTL: LIFE_S[client.clientId] ?? 300,
          accessTokenFormat: 'jwt',
          jwt: { sign: { alg: ALGORITHM[client.clientId] ?? 'ES256' } },
        }),
      },
    },
  });
}

const server = createServer(async (request, response) => {
  if (request.method === 'POST' && request.url.startsWith('/test/rotate')) {
    rotate(!request.url.endsWith('?drop'));
    current = provider(issuer);
    handle = current.callback();
    response.writeHead(204).end();
  } else if (request.url.startsWith('/interaction/')) {
    const { params } = await current.interactionDetails(request, response);
    const login = { accountId: params.login_hint };
    await current.interactionFinished(request, response, { login });
  } else {
    handle(request, response);
  }
});

let current;
let handle;
let issuer;
server.listen(0, '127.0.0.1', () => {
  issuer = `http://127.0.0.1:${server.address().port}`;
  rotate(true);
  current = provider(issuer);
  handle = current.callback();
  console.log(issuer);
});
process.stdin.resume().on('end', () => process.exit(0));
