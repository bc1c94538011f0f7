import { headerToken, inBoth, inHeader, token, type Attack, type Family, type Place, type Stage } from './entry.js';

const CONFUSION = 'RFC 8725 §2.8';

type Kind = keyof Stage['good'];
const KINDS: Readonly<Record<string, Kind>> = {
  'a session token': 'session',
  'an M2M token': 'opaqueM2m',
  'an M2M JWT': 'm2m',
  'an OAuth token': 'opaqueOauth',
  'an OAuth JWT': 'oauth',
  'an API key': 'apiKey',
};

/** Valid tokens of all other types. */
const others = (at: string, accepted: readonly Kind[]): readonly Attack[] =>
  Object.entries(KINDS)
    .filter(([, kind]) => !accepted.includes(kind))
    .map(([name, kind]) => headerToken(`${name} ${at}`, CONFUSION, ({ good }) => good[kind]));

/** A family of machine tokens: valid ones as the control, and attacks. */
const machine = (name: string, at: Place, kinds: readonly Kind[], attacks: readonly Attack[]): Family => ({
  name,
  at,
  control: ({ good }) => kinds.map((kind) => inHeader(good[kind])),
  attacks: [...others(`as ${name}`, kinds), ...attacks],
});

const template = ({ clerk }: Stage) => clerk.templateToken({ expiresIn: 3600 });

/** Valid tokens of one type where another is required, and tokens that only look valid. */
export const tokenTypes: readonly Family[] = [
  {
    name: 'sessions',
    control: ({ good }) => inBoth(good.session),
    attacks: [
      ...others('as a session', ['session']),
      token('a token of a JWT template', 'RFC 8725 §3.12', template),
      token('a token of a JWT template with session claims', 'RFC 8725 §3.12', ({ clerk }) =>
        clerk.templateToken({ expiresIn: 3600, claims: { sid: 'sess_1', v: 2, sts: 'active' } }),
      ),
      headerToken('an M2M JWT instead of a session token', CONFUSION, ({ good }) => good.m2m),
      token('a pending session', 'Clerk: session tasks', ({ clerk }) =>
        clerk.sessionToken({ expiresIn: 3600, sessionStatus: 'pending' }),
      ),
      token('a handshake token', CONFUSION, async ({ clerk }) => (await clerk.createHandshake()).token),
      headerToken('the secret key', 'CWE-287', ({ clerk }) => clerk.secretKey),
      headerToken('the publishable key', 'CWE-287', ({ clerk }) => clerk.publishableKey),
      headerToken('a machine secret key', 'CWE-287', ({ clerk }) => clerk.createMachine().secret_key),
      headerToken('a session ID', 'CWE-639', ({ clerk }) => clerk.createSession({ user: clerk.createUser() }).id),
      headerToken('a user ID', 'CWE-639', ({ clerk }) => clerk.createUser().id),
    ],
  },
  machine(
    'M2M tokens',
    'm2m',
    ['m2m', 'opaqueM2m'],
    [
      headerToken('a JWT template token as an M2M token', CONFUSION, template),
      headerToken(
        'an M2M JWT signed by an attacker',
        'RFC 8725 §3.3',
        async ({ clerk, attacker }) =>
          (await clerk.createM2MToken({ machine: clerk.createMachine(), format: 'jwt', key: attacker })).token,
      ),
      headerToken(
        'an M2M JWT without a signature',
        'RFC 8725 §3.2',
        async ({ clerk }) =>
          (await clerk.createM2MToken({ machine: clerk.createMachine(), format: 'jwt', header: { alg: 'none' } }))
            .token,
      ),
      headerToken(
        'an M2M JWT with an HMAC with the public key',
        'CVE-2015-9235 (jsonwebtoken)',
        async ({ clerk }) =>
          (await clerk.createM2MToken({ machine: clerk.createMachine(), format: 'jwt', header: { alg: 'HS256' } }))
            .token,
      ),
      headerToken(
        'an expired M2M JWT',
        'RFC 7519 §4.1.4',
        async ({ clerk }) =>
          (await clerk.createM2MToken({ machine: clerk.createMachine(), format: 'jwt', secondsUntilExpiration: -60 }))
            .token,
      ),
      headerToken(
        'an expired M2M token',
        'CWE-613',
        async ({ clerk }) =>
          (await clerk.createM2MToken({ machine: clerk.createMachine(), secondsUntilExpiration: -60 })).token,
      ),
      headerToken('a revoked M2M token', 'CWE-613', async ({ clerk }) => {
        const made = await clerk.createM2MToken({ machine: clerk.createMachine() });
        clerk.revoke(made.id);
        return made.token;
      }),
      headerToken(
        'an M2M token of another instance',
        'RFC 8725 §2.7',
        async ({ neighbour }) => (await neighbour.createM2MToken({ machine: neighbour.createMachine() })).token,
      ),
      headerToken(
        'an M2M JWT of another instance',
        'RFC 8725 §2.7',
        async ({ neighbour }) =>
          (await neighbour.createM2MToken({ machine: neighbour.createMachine(), format: 'jwt' })).token,
      ),
      headerToken('an unknown M2M token', 'CWE-287', () => 'mt_forged'),
      headerToken('the secret key as an M2M token', 'CWE-287', ({ clerk }) => clerk.secretKey),
    ],
  ),
  machine(
    'OAuth tokens',
    'oauth',
    ['oauth', 'opaqueOauth'],
    [
      headerToken('a JWT template token as an OAuth token', CONFUSION, template),
      headerToken(
        'an OAuth JWT signed by an attacker',
        'RFC 8725 §3.3',
        async ({ clerk, attacker }) =>
          (await clerk.createOAuthToken({ user: clerk.createUser(), format: 'jwt', key: attacker })).token,
      ),
      headerToken(
        'an OAuth JWT without a signature',
        'RFC 8725 §3.2',
        async ({ clerk }) =>
          (await clerk.createOAuthToken({ user: clerk.createUser(), format: 'jwt', header: { alg: 'none' } })).token,
      ),
      headerToken(
        'an expired OAuth JWT',
        'RFC 7519 §4.1.4',
        async ({ clerk }) =>
          (await clerk.createOAuthToken({ user: clerk.createUser(), format: 'jwt', secondsUntilExpiration: -60 }))
            .token,
      ),
      headerToken(
        'an OAuth JWT of another instance',
        'RFC 8725 §2.7',
        async ({ neighbour }) =>
          (await neighbour.createOAuthToken({ user: neighbour.createUser(), format: 'jwt' })).token,
      ),
      headerToken('a revoked OAuth token', 'CWE-613', async ({ clerk }) => {
        const made = await clerk.createOAuthToken({ user: clerk.createUser() });
        clerk.revoke(made.id);
        return made.token;
      }),
      headerToken('an unknown OAuth token', 'CWE-287', () => 'oat_forged'),
    ],
  ),
  machine(
    'API keys',
    'api-key',
    ['apiKey'],
    [
      headerToken('a JWT template token as an API key', CONFUSION, template),
      headerToken('an unknown API key', 'CWE-287', () => 'ak_forged'),
      headerToken(
        'an expired API key',
        'CWE-613',
        ({ clerk }) => clerk.createApiKey({ subject: clerk.createUser(), secondsUntilExpiration: -60 }).secret,
      ),
      headerToken('a revoked API key', 'CWE-613', ({ clerk }) => {
        const { id, secret } = clerk.createApiKey({ subject: clerk.createUser() });
        clerk.revoke(id);
        return secret;
      }),
      headerToken(
        'an API key of another instance',
        'RFC 8725 §2.7',
        ({ neighbour }) => neighbour.createApiKey({ subject: neighbour.createUser() }).secret,
      ),
      headerToken('an API key in upper case', 'CWE-178', ({ good }) => good.apiKey.toUpperCase()),
      headerToken('an API key with an additional letter', 'CWE-187', ({ good }) => `${good.apiKey}x`),
      headerToken('an API key without its last character', 'CWE-187', ({ good }) => good.apiKey.slice(0, -1)),
      headerToken(
        'the ID of an API key',
        'CWE-639',
        ({ clerk }) => clerk.createApiKey({ subject: clerk.createUser() }).id,
      ),
      headerToken('an API key with a path', 'CWE-22', () => 'ak_/../../v1/users'),
      headerToken('an API key with a percent-encoded space', 'CWE-172', ({ good }) => `${good.apiKey}%20`),
      headerToken('an API key with a wildcard', 'CWE-155', () => 'ak_*'),
      headerToken('only the prefix of an API key', 'CWE-20', () => 'ak_'),
      headerToken('an API key with thousands of characters', 'CWE-400', () => `ak_${'x'.repeat(6_000)}`),
      headerToken('an API key that looks like a JWT', CONFUSION, () => 'ak_e30.e30.AAAA'),
      headerToken('an API key with a query', 'CWE-88', () => 'ak_x?secret=y&z'),
    ],
  ),
];
