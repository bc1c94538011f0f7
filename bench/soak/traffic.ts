import type { Callers } from './callers.js';
import type { Expectation } from './oracle.js';
import type { Random } from './random.js';
import type { Request } from './request.js';

/** A request and its allowed answers. */
export interface PlannedRequest extends Request {
  readonly expected: Expectation;
  /** Identifies requests with the same credential, if it is used more than once. */
  readonly credential?: object;
  /** Called with the answer. */
  readonly onAnswer?: (answer: string) => void;
}

/** A kind of request. */
export interface RequestKind {
  readonly name: string;
  readonly weight: number;
  /** Whether these requests wait for Clerk, which may take long. */
  readonly callsClerk?: boolean;
  /** Returns `undefined` if no such request is possible at the moment. */
  readonly make: (callers: Callers, random: Random) => Promise<PlannedRequest | undefined> | PlannedRequest | undefined;
}

const INVALID = ['401 token-invalid'];
const EXPIRED = ['401 token-expired'];
const FOREIGN = ['401 origin-not-allowed'];
const REQUIRED = ['401 authentication-required'];
const UNAVAILABLE = ['503 clerk-unavailable'];
const LACKING = ['403 insufficient-permissions'];
const ANONYMOUS = ['200 anonymous'];
const HANDSHAKE = ['307 /v1/client/handshake'];

/** How long an opaque token that Clerk has rejected is denied without a call to Clerk. */
const REJECTED_FOR_MS = 5_000;

const DAY = 86_400;
const NAVIGATION = { accept: 'text/html', 'sec-fetch-dest': 'document' };

/** From a proxy: new tokens are issued for the origin that the browser sees. */
const FROM_FRONTEND = { 'x-forwarded-host': 'localhost:3000' };

const bearer = (token: string) => ({ authorization: `Bearer ${token}` });
/** The same answers, whatever the state of Clerk. */
const always = (...healthy: string[]): Expectation => ({ healthy });
/** Answers that depend on a call to Clerk. */
const fromClerk = (...healthy: string[]): Expectation => ({ healthy, down: UNAVAILABLE });
/** For tokens signed with an unknown key: denied, or 503 while the keys cannot be fetched or not fetched again yet. */
const unknownKey = always(...INVALID, ...UNAVAILABLE);
const seconds = () => Math.floor(Date.now() / 1000);
/** Removes the refresh token, with which Clerk would issue a new session token. */
const withoutRefresh = (cookies: string) => cookies.replace(/;?\s*__refresh_[^;]*/g, '');

const valid: readonly RequestKind[] = [
  {
    name: 'a session token, before and after its expiry',
    weight: 16,
    async make(callers, random) {
      const credential = await callers.reusedToken(random);
      const { token, user, expiry } = credential;
      const change = () => ({ at: expiry, healthy: EXPIRED });
      return {
        path: '/session',
        headers: bearer(token),
        credential,
        expected: { healthy: [`200 ${user.id}`], change },
      };
    },
  },
  {
    name: 'a new session token',
    weight: 12,
    async make(callers, random) {
      const user = random.pick(callers.users);
      const [path, method] = random.pick([['/session'], ['/any'], ['/public'], ['/session', 'POST']] as const);
      const status = method === 'POST' ? 201 : 200;
      return { path, method, headers: bearer(await callers.token(user)), expected: always(`${status} ${user.id}`) };
    },
  },
  {
    name: 'a permission of the organization',
    weight: 8,
    async make(callers, random) {
      const user = random.pick(callers.users);
      const answers = user.mayCreateInvoices ? [`200 ${user.id}`] : LACKING;
      return { path: '/permission', headers: bearer(await callers.token(user)), expected: always(...answers) };
    },
  },
  {
    name: 'a factor that was verified recently, or not',
    weight: 2,
    async make(callers, random) {
      const user = random.pick(callers.users);
      const isRecent = random.next() < 0.5;
      const token = await callers.token(user, { factorVerificationAge: isRecent ? [0, 0] : [60, 60] });
      const answer = isRecent ? `200 ${user.id}` : '403 reverification-error';
      return { path: '/reverified', headers: bearer(token), expected: always(answer) };
    },
  },
  {
    name: 'the current user, loaded from Clerk',
    weight: 2,
    callsClerk: true,
    async make(callers, random) {
      const user = random.pick(callers.users);
      return { path: '/me', headers: bearer(await callers.token(user)), expected: fromClerk(`200 ${user.id}`) };
    },
  },
  {
    name: 'cookies',
    weight: 5,
    async make({ clerk, users, keys }, random) {
      const user = random.pick(users);
      const cookie = await clerk.browserCookies({ session: user.session, ...keys.knownKey });
      const [path, more] = random.pick([
        ['/session', {}],
        ['/page', NAVIGATION],
        ['/public', {}],
      ] as const);
      return { path, headers: { cookie, ...more }, expected: always(`200 ${user.id}`) };
    },
  },
  {
    name: 'cookies among large and changing other cookies',
    weight: 4,
    async make({ clerk, users, keys }, random) {
      const user = random.pick(users);
      const cookie = await clerk.browserCookies({ session: user.session, ...keys.knownKey });
      const padded = `p=${String(random.integer(2 ** 31)).padEnd(12_000, 'x')}; ${cookie}`;
      return { path: '/session', headers: { cookie: padded }, expected: always(`200 ${user.id}`) };
    },
  },
  {
    name: 'expired cookies that Clerk refreshes',
    weight: 2,
    callsClerk: true,
    async make({ clerk, users, keys }, random) {
      const user = random.pick(users);
      const cookie = await clerk.browserCookies({
        session: user.session,
        issuedAt: seconds() - 120 - random.integer(DAY),
        ...keys.knownKey,
      });
      // If Clerk is unreachable the answer is a handshake, and if Clerk is too slow an outage.
      const down = [...HANDSHAKE, ...UNAVAILABLE];
      // Clerk signs the new cookies with its newest key, not with that of the old ones.
      const since = keys.newKeySince;
      const change = () => ({
        at: Math.min(since, keys.newKeySince),
        healthy: [`200 ${user.id}`, ...HANDSHAKE],
        down,
      });
      const expected = { healthy: [`200 ${user.id}`], down, change };
      return { path: '/page', headers: { cookie, ...NAVIGATION, ...FROM_FRONTEND }, expected };
    },
  },
  {
    name: 'a stream of events that the client closes',
    weight: 3,
    async make(callers, random) {
      const user = random.pick(callers.users);
      const headers = { ...bearer(await callers.token(user)), accept: 'text/event-stream' };
      return { path: '/stream', headers, expected: always(`200 ${user.id}`) };
    },
  },
  {
    name: 'a client that aborts before the answer',
    weight: 4,
    callsClerk: true,
    async make(callers, random) {
      const user = random.pick(callers.users);
      const abortAfter = random.integer(6);
      if (random.next() < 0.5) {
        const expected = always(`200 ${user.id}`, 'aborted');
        return { path: '/session', headers: bearer(await callers.token(user)), abortAfter, expected };
      }
      const { secret } = callers.clerk.createApiKey({ subject: user.id });
      const expected = always(`200 ${user.id}`, ...UNAVAILABLE, 'aborted');
      return { path: '/api-key', headers: bearer(secret), abortAfter, expected };
    },
  },
  {
    name: 'an API key, before and after its revocation',
    weight: 5,
    callsClerk: true,
    make(callers, random) {
      const credential = callers.apiKey(random);
      const path = random.pick(['/api-key', '/any', '/scope', '/public-machines']);
      const { owner, secret } = credential;
      // A public route continues with an unknown caller. A missing right is only detected once the caller is known.
      const isPublic = path === '/public-machines';
      const down = isPublic ? ANONYMOUS : UNAVAILABLE;
      const healthy = path === '/scope' ? ['403 insufficient-scope'] : [`200 ${owner}`];
      const change = () => ({
        at: credential.revokedAt,
        healthy: isPublic ? ANONYMOUS : INVALID,
        down,
        cached: true,
        repeatedFor: REJECTED_FOR_MS,
      });
      return { path, headers: bearer(secret), credential, expected: { healthy, down, cached: true, change } };
    },
  },
  {
    name: 'an opaque M2M or OAuth token',
    weight: 3,
    callsClerk: true,
    async make({ clerk, machine, users }, random) {
      if (random.next() < 0.5) {
        const { token } = await clerk.createM2MToken({ machine });
        return { path: '/m2m', headers: bearer(token), expected: fromClerk(`200 ${machine}`) };
      }
      const user = random.pick(users).id;
      const { token } = await clerk.createOAuthToken({ user });
      return { path: '/oauth', headers: bearer(token), expected: fromClerk(`200 ${user}`) };
    },
  },
  {
    name: 'an M2M or OAuth token that is a JWT',
    weight: 4,
    async make({ clerk, machine, users, keys }, random) {
      if (random.next() < 0.5) {
        const { token } = await clerk.createM2MToken({ machine, format: 'jwt', ...keys.knownKey });
        return { path: '/m2m', headers: bearer(token), expected: always(`200 ${machine}`) };
      }
      const user = random.pick(users).id;
      const { token } = await clerk.createOAuthToken({ user, format: 'jwt', ...keys.knownKey });
      return { path: '/oauth', headers: bearer(token), expected: always(`200 ${user}`) };
    },
  },
  {
    name: 'a session token signed with a new key',
    weight: 2,
    async make(callers, random) {
      const { keys, clerk } = callers;
      if (keys.newKeySince === Infinity) return undefined;
      const user = random.pick(callers.users);
      const { keyId } = clerk;
      const headers = bearer(await callers.token(user, { key: undefined }));
      const expected = always(`200 ${user.id}`, ...INVALID, ...UNAVAILABLE);
      return { path: '/session', headers, expected, onAnswer: (answer) => keys.onNewKeyAnswer(keyId, answer) };
    },
  },
  {
    name: 'a session token signed with a retired key',
    weight: 2,
    async make(callers, random) {
      const { keys } = callers;
      const { formerKey: former } = keys;
      if (!former) return undefined;
      const user = random.pick(callers.users);
      const headers = bearer(await callers.token(user, { key: 'rotated' }));
      // Accepted until the application knows that the key is retired, then never again.
      const expected = former.isGone ? unknownKey : always(`200 ${user.id}`, ...INVALID, ...UNAVAILABLE);
      return { path: '/session', headers, expected, onAnswer: (answer) => keys.onOldKeyAnswer(former.kid, answer) };
    },
  },
];

const anonymous: readonly RequestKind[] = [
  {
    name: 'no credentials',
    weight: 4,
    make: (_callers, random) =>
      random.pick([
        { path: '/session', expected: always(...REQUIRED) },
        { path: '/api-key', expected: always(...REQUIRED) },
        { path: '/any', expected: always(...REQUIRED) },
        { path: '/public', expected: always(...ANONYMOUS) },
        { path: '/session', headers: NAVIGATION, expected: always(...HANDSHAKE) },
        {
          path: '/page',
          headers: { ...NAVIGATION, cookie: '__clerk_db_jwt=dvb_1; __client_uat=0' },
          expected: always('302 /sign-in'),
        },
      ]),
  },
  {
    name: 'a route that checks no credentials',
    weight: 3,
    make: (_callers, random) => ({
      path: '/health',
      headers: random.pick<Record<string, string>>([{}, bearer('garbage'), { cookie: '__session=garbage' }]),
      expected: always(...ANONYMOUS),
    }),
  },
];

/** None of these may ever get access, whatever the state of Clerk. */
const invalid: readonly RequestKind[] = [
  {
    name: 'an invalid session token',
    weight: 10,
    async make(callers, random) {
      const user = random.pick(callers.users);
      const isExpired = random.next() < 0.1;
      const issuedAt = seconds() - 70 - random.integer(DAY);
      const forge = random.pick([
        () => callers.token(user, callers.keys.forgedWith(callers.otherInstance)),
        () => callers.token(user, { header: { alg: 'none' } }),
        () => callers.token(user, { header: { alg: 'HS256' } }),
        () => callers.token(user, { notBefore: seconds() + 60 }),
        () => callers.clerk.templateToken({ user: user.id, ...callers.keys.knownKey }),
        async () => `${await callers.token(user)}x`,
        async () => (await callers.token(user)).replace(/\.[^.]+$/, '.'),
      ]);
      const isForeign = random.next() < 0.1;
      const foreign = () => callers.token(user, { authorizedParty: 'https://elsewhere.example' });
      const token = await (isExpired ? callers.token(user, { issuedAt }) : isForeign ? foreign() : forge());
      const isPublic = random.next() < 0.2;
      const denied = isExpired ? EXPIRED : isForeign ? FOREIGN : INVALID;
      const expected = always(...(isPublic ? ANONYMOUS : denied));
      return { path: isPublic ? '/public' : '/session', headers: bearer(token), expected };
    },
  },
  {
    name: 'a session token signed with an unknown key, or with that of another instance',
    weight: 5,
    async make(callers, random) {
      const user = random.pick(callers.users);
      const token = await random.pick([
        () => callers.token(user, { header: { kid: `ins_${random.integer(2 ** 31)}` } }),
        () => callers.otherInstance.sessionToken(),
      ])();
      return { path: '/session', headers: bearer(token), expected: unknownKey };
    },
  },
  {
    name: 'a session with an open task',
    weight: 1,
    async make(callers, random) {
      const token = await callers.token(random.pick(callers.users), { sessionStatus: 'pending' });
      return { path: '/session', headers: bearer(token), expected: always('401 session-pending') };
    },
  },
  {
    name: 'a string that is not a token',
    weight: 3,
    make: (_callers, random) =>
      random.pick([
        { path: '/session', headers: bearer('garbage'), expected: always(...INVALID) },
        { path: '/session', headers: bearer('e30.e30.e30'), expected: always(...INVALID) },
        { path: '/session', headers: bearer('x'.repeat(4_000)), expected: always(...INVALID) },
        { path: '/session', headers: { authorization: 'Basic dXNlcjpwYXNz' }, expected: always(...REQUIRED) },
      ]),
  },
  {
    name: 'a token of the wrong type',
    weight: 4,
    async make(callers, random) {
      const user = random.pick(callers.users);
      const { clerk, machine } = callers;
      const apiKey = () => clerk.createApiKey({ subject: user.id }).secret;
      const m2m = async () => (await clerk.createM2MToken({ machine, format: 'jwt', ...callers.keys.knownKey })).token;
      const [path, make] = random.pick<readonly [string, () => Promise<string> | string]>([
        ['/session', apiKey],
        ['/session', m2m],
        ['/oauth', m2m],
        ['/m2m', apiKey],
        ['/api-key', () => callers.token(user)],
        ['/m2m', () => callers.token(user)],
      ]);
      return { path, headers: bearer(await make()), expected: always(...INVALID) };
    },
  },
  {
    name: 'a machine token that is unknown, expired or forged',
    weight: 3,
    callsClerk: true,
    async make({ clerk, otherInstance, machine, users, keys }, random) {
      const user = random.pick(users).id;
      const text = String(random.integer(2 ** 31)).padEnd(40, '0');
      const expired = { secondsUntilExpiration: -60 };
      const jwt = { machine, format: 'jwt', ...keys.knownKey } as const;
      const [path, token, expected] = await random.pick<() => Promise<readonly [string, string, Expectation]>>([
        async () => ['/api-key', `ak_${text}`, fromClerk(...INVALID)],
        async () => ['/m2m', `mt_${text}`, fromClerk(...INVALID)],
        async () => ['/oauth', `oat_${text}`, fromClerk(...INVALID)],
        async () => ['/api-key', clerk.createApiKey({ subject: user, ...expired }).secret, fromClerk(...INVALID)],
        async () => ['/m2m', (await clerk.createM2MToken({ ...jwt, ...expired })).token, always(...INVALID)],
        async () => [
          '/m2m',
          (await clerk.createM2MToken({ ...jwt, ...keys.forgedWith(otherInstance) })).token,
          always(...INVALID),
        ],
      ])();
      return { path, headers: bearer(token), expected };
    },
  },
  {
    name: 'expired or forged cookies',
    weight: 3,
    async make({ clerk, otherInstance, users, keys }, random) {
      const { session } = random.pick(users);
      const issuedAt = seconds() - 120 - random.integer(DAY);
      const isExpired = random.next() < 0.5;
      const options = isExpired ? { issuedAt, ...keys.knownKey } : keys.forgedWith(otherInstance);
      const cookie = withoutRefresh(await clerk.browserCookies({ session, ...options }));
      if (random.next() < 0.5)
        return { path: '/session', headers: { cookie }, expected: always(...(isExpired ? EXPIRED : INVALID)) };
      const expected = always(...(isExpired ? HANDSHAKE : INVALID));
      return { path: '/session', headers: { cookie, ...NAVIGATION }, expected };
    },
  },
];

export const KINDS: readonly RequestKind[] = [...valid, ...anonymous, ...invalid];
