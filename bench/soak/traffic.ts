import type { Cast } from './cast.js';
import type { Prophecy } from './oracle.js';
import type { Random } from './random.js';
import type { Request } from './request.js';

/** One request, and what may be answered. */
export interface Errand extends Request {
  readonly expected: Prophecy;
  /** What equal requests have in common, where a credential is used more than once. */
  readonly credential?: object;
  /** Is told the answer. */
  readonly heard?: (answer: string) => void;
}

/** A kind of request. */
export interface Kind {
  readonly name: string;
  readonly weight: number;
  /** Whether each such request waits for Clerk, which may take long. */
  readonly asksClerk?: boolean;
  /** None where there is no such request at the moment. */
  readonly make: (cast: Cast, random: Random) => Promise<Errand | undefined> | Errand | undefined;
}

const INVALID = ['401 token-invalid'];
const EXPIRED = ['401 token-expired'];
const FOREIGN = ['401 origin-not-allowed'];
const REQUIRED = ['401 authentication-required'];
const UNAVAILABLE = ['503 clerk-unavailable'];
const LACKING = ['403 insufficient-permissions'];
const NOBODY = ['200 nobody'];
const HANDSHAKE = ['307 /v1/client/handshake'];

/** How long an opaque token that Clerk has just refused is refused without asking. */
const REFUSED_FOR_MS = 5_000;

const DAY = 86_400;
const NAVIGATION = { accept: 'text/html', 'sec-fetch-dest': 'document' };

/** Behind a proxy of that name: new tokens are made for the origin that the browser sees. */
const FROM_FRONTEND = { 'x-forwarded-host': 'localhost:3000' };

const bearer = (token: string) => ({ authorization: `Bearer ${token}` });
/** Always answered like this, whatever becomes of Clerk. */
const always = (...well: string[]): Prophecy => ({ well });
/** Clerk alone knows about it. */
const asked = (...well: string[]): Prophecy => ({ well, down: UNAVAILABLE });
/** Its key is not among those that are known: refused, or left open while keys cannot be fetched, or not so soon again. */
const unknownKey = always(...INVALID, ...UNAVAILABLE);
const seconds = () => Math.floor(Date.now() / 1000);
/** The cookies without the one that gets a new session token. */
const withoutRefresh = (cookies: string) => cookies.replace(/;?\s*__refresh_[^;]*/g, '');

const good: readonly Kind[] = [
  {
    name: 'a session token, until it expires and beyond',
    weight: 16,
    async make(cast, random) {
      const credential = await cast.reusedToken(random);
      const { token, person, expiry } = credential;
      const change = () => ({ at: expiry, well: EXPIRED });
      return { path: '/session', headers: bearer(token), credential, expected: { well: [`200 ${person.id}`], change } };
    },
  },
  {
    name: 'a new session token',
    weight: 12,
    async make(cast, random) {
      const person = random.pick(cast.people);
      const [path, method] = random.pick([['/session'], ['/any'], ['/public'], ['/session', 'POST']] as const);
      const status = method === 'POST' ? 201 : 200;
      return { path, method, headers: bearer(await cast.token(person)), expected: always(`${status} ${person.id}`) };
    },
  },
  {
    name: 'a permission of the organization',
    weight: 8,
    async make(cast, random) {
      const person = random.pick(cast.people);
      const answers = person.permitted ? [`200 ${person.id}`] : LACKING;
      return { path: '/permission', headers: bearer(await cast.token(person)), expected: always(...answers) };
    },
  },
  {
    name: 'a factor verified lately, or not',
    weight: 2,
    async make(cast, random) {
      const person = random.pick(cast.people);
      const lately = random.next() < 0.5;
      const token = await cast.token(person, { factorVerificationAge: lately ? [0, 0] : [60, 60] });
      const answer = lately ? `200 ${person.id}` : '403 reverification-error';
      return { path: '/reverified', headers: bearer(token), expected: always(answer) };
    },
  },
  {
    name: 'the user who calls, from Clerk',
    weight: 2,
    asksClerk: true,
    async make(cast, random) {
      const person = random.pick(cast.people);
      return { path: '/me', headers: bearer(await cast.token(person)), expected: asked(`200 ${person.id}`) };
    },
  },
  {
    name: 'cookies',
    weight: 5,
    async make({ clerk, people, keys }, random) {
      const person = random.pick(people);
      const cookie = await clerk.browserCookies({ session: person.session, ...keys.good });
      const [path, more] = random.pick([
        ['/session', {}],
        ['/page', NAVIGATION],
        ['/public', {}],
      ] as const);
      return { path, headers: { cookie, ...more }, expected: always(`200 ${person.id}`) };
    },
  },
  {
    name: 'cookies beside a lot of others, ever different ones',
    weight: 4,
    async make({ clerk, people, keys }, random) {
      const person = random.pick(people);
      const cookie = await clerk.browserCookies({ session: person.session, ...keys.good });
      const padded = `p=${String(random.integer(2 ** 31)).padEnd(12_000, 'x')}; ${cookie}`;
      return { path: '/session', headers: { cookie: padded }, expected: always(`200 ${person.id}`) };
    },
  },
  {
    name: 'expired cookies that Clerk makes new ones for',
    weight: 2,
    asksClerk: true,
    async make({ clerk, people, keys }, random) {
      const person = random.pick(people);
      const cookie = await clerk.browserCookies({
        session: person.session,
        issuedAt: seconds() - 120 - random.integer(DAY),
        ...keys.good,
      });
      // Clerk calls it a handshake where it cannot be reached, and an outage where it does not answer in time.
      const down = [...HANDSHAKE, ...UNAVAILABLE];
      // What Clerk makes anew it signs with its newest key, which is not the old cookie's.
      const since = keys.newUnknownSince;
      const change = () => ({
        at: Math.min(since, keys.newUnknownSince),
        well: [`200 ${person.id}`, ...HANDSHAKE],
        down,
      });
      const expected = { well: [`200 ${person.id}`], down, change };
      return { path: '/page', headers: { cookie, ...NAVIGATION, ...FROM_FRONTEND }, expected };
    },
  },
  {
    name: 'a stream of events that the client leaves',
    weight: 3,
    async make(cast, random) {
      const person = random.pick(cast.people);
      const headers = { ...bearer(await cast.token(person)), accept: 'text/event-stream' };
      return { path: '/stream', headers, expected: always(`200 ${person.id}`) };
    },
  },
  {
    name: 'a client that leaves before the answer',
    weight: 4,
    asksClerk: true,
    async make(cast, random) {
      const person = random.pick(cast.people);
      const leaveAfter = random.integer(6);
      if (random.next() < 0.5) {
        const expected = always(`200 ${person.id}`, 'left');
        return { path: '/session', headers: bearer(await cast.token(person)), leaveAfter, expected };
      }
      const { secret } = cast.clerk.createApiKey({ subject: person.id });
      const expected = always(`200 ${person.id}`, ...UNAVAILABLE, 'left');
      return { path: '/api-key', headers: bearer(secret), leaveAfter, expected };
    },
  },
  {
    name: 'an API key, until it is revoked and beyond',
    weight: 5,
    asksClerk: true,
    make(cast, random) {
      const credential = cast.apiKey(random);
      const path = random.pick(['/api-key', '/any', '/scope', '/public-machines']);
      const { owner, secret } = credential;
      // A public route goes on without knowing who is calling; a right that is lacking shows only once that is known.
      const isPublic = path === '/public-machines';
      const down = isPublic ? NOBODY : UNAVAILABLE;
      const well = path === '/scope' ? ['403 insufficient-scope'] : [`200 ${owner}`];
      const change = () => ({
        at: credential.revokedAt,
        well: isPublic ? NOBODY : INVALID,
        down,
        remembered: true,
        repeatedFor: REFUSED_FOR_MS,
      });
      return { path, headers: bearer(secret), credential, expected: { well, down, remembered: true, change } };
    },
  },
  {
    name: 'an opaque M2M or OAuth token',
    weight: 3,
    asksClerk: true,
    async make({ clerk, machine, people }, random) {
      if (random.next() < 0.5) {
        const { token } = await clerk.createM2MToken({ machine });
        return { path: '/m2m', headers: bearer(token), expected: asked(`200 ${machine}`) };
      }
      const user = random.pick(people).id;
      const { token } = await clerk.createOAuthToken({ user });
      return { path: '/oauth', headers: bearer(token), expected: asked(`200 ${user}`) };
    },
  },
  {
    name: 'an M2M or OAuth token that is a JWT',
    weight: 4,
    async make({ clerk, machine, people, keys }, random) {
      if (random.next() < 0.5) {
        const { token } = await clerk.createM2MToken({ machine, format: 'jwt', ...keys.good });
        return { path: '/m2m', headers: bearer(token), expected: always(`200 ${machine}`) };
      }
      const user = random.pick(people).id;
      const { token } = await clerk.createOAuthToken({ user, format: 'jwt', ...keys.good });
      return { path: '/oauth', headers: bearer(token), expected: always(`200 ${user}`) };
    },
  },
  {
    name: 'a session token under a key that is new',
    weight: 2,
    async make(cast, random) {
      const { keys, clerk } = cast;
      if (keys.newUnknownSince === Infinity) return undefined;
      const person = random.pick(cast.people);
      const { keyId } = clerk;
      const headers = bearer(await cast.token(person, { key: undefined }));
      const expected = always(`200 ${person.id}`, ...INVALID, ...UNAVAILABLE);
      return { path: '/session', headers, expected, heard: (answer) => keys.heardOfNew(keyId, answer) };
    },
  },
  {
    name: 'a session token under a key that is gone',
    weight: 2,
    async make(cast, random) {
      const { keys } = cast;
      const { former } = keys;
      if (!former) return undefined;
      const person = random.pick(cast.people);
      const headers = bearer(await cast.token(person, { key: 'rotated' }));
      // Until the application knows; from then on never.
      const expected = former.isGone ? unknownKey : always(`200 ${person.id}`, ...INVALID, ...UNAVAILABLE);
      return { path: '/session', headers, expected, heard: (answer) => keys.heardOfOld(former.kid, answer) };
    },
  },
];

const nobody: readonly Kind[] = [
  {
    name: 'nobody',
    weight: 4,
    make: (_cast, random) =>
      random.pick([
        { path: '/session', expected: always(...REQUIRED) },
        { path: '/api-key', expected: always(...REQUIRED) },
        { path: '/any', expected: always(...REQUIRED) },
        { path: '/public', expected: always(...NOBODY) },
        { path: '/session', headers: NAVIGATION, expected: always(...HANDSHAKE) },
        {
          path: '/page',
          headers: { ...NAVIGATION, cookie: '__clerk_db_jwt=dvb_1; __client_uat=0' },
          expected: always('302 /sign-in'),
        },
      ]),
  },
  {
    name: 'a route that looks at no credential',
    weight: 3,
    make: (_cast, random) => ({
      path: '/health',
      headers: random.pick<Record<string, string>>([{}, bearer('garbage'), { cookie: '__session=garbage' }]),
      expected: always(...NOBODY),
    }),
  },
];

/** None of these must ever be let in, in any weather. */
const bad: readonly Kind[] = [
  {
    name: 'a session token that is bad',
    weight: 10,
    async make(cast, random) {
      const person = random.pick(cast.people);
      const isExpired = random.next() < 0.1;
      const issuedAt = seconds() - 70 - random.integer(DAY);
      const invalid = random.pick([
        () => cast.token(person, cast.keys.forgedBy(cast.other)),
        () => cast.token(person, { header: { alg: 'none' } }),
        () => cast.token(person, { header: { alg: 'HS256' } }),
        () => cast.token(person, { notBefore: seconds() + 60 }),
        () => cast.clerk.templateToken({ user: person.id, ...cast.keys.good }),
        async () => `${await cast.token(person)}x`,
        async () => (await cast.token(person)).replace(/\.[^.]+$/, '.'),
      ]);
      const isForeign = random.next() < 0.1;
      const foreign = () => cast.token(person, { authorizedParty: 'https://elsewhere.example' });
      const token = await (isExpired ? cast.token(person, { issuedAt }) : isForeign ? foreign() : invalid());
      const isPublic = random.next() < 0.2;
      const denied = isExpired ? EXPIRED : isForeign ? FOREIGN : INVALID;
      const expected = always(...(isPublic ? NOBODY : denied));
      return { path: isPublic ? '/public' : '/session', headers: bearer(token), expected };
    },
  },
  {
    name: 'a session token under a key of nobody’s, or of another instance',
    weight: 5,
    async make(cast, random) {
      const person = random.pick(cast.people);
      const token = await random.pick([
        () => cast.token(person, { header: { kid: `ins_${random.integer(2 ** 31)}` } }),
        () => cast.other.sessionToken(),
      ])();
      return { path: '/session', headers: bearer(token), expected: unknownKey };
    },
  },
  {
    name: 'a session with an open task',
    weight: 1,
    async make(cast, random) {
      const token = await cast.token(random.pick(cast.people), { sessionStatus: 'pending' });
      return { path: '/session', headers: bearer(token), expected: always('401 session-pending') };
    },
  },
  {
    name: 'what is no token at all',
    weight: 3,
    make: (_cast, random) =>
      random.pick([
        { path: '/session', headers: bearer('garbage'), expected: always(...INVALID) },
        { path: '/session', headers: bearer('e30.e30.e30'), expected: always(...INVALID) },
        { path: '/session', headers: bearer('x'.repeat(4_000)), expected: always(...INVALID) },
        { path: '/session', headers: { authorization: 'Basic dXNlcjpwYXNz' }, expected: always(...REQUIRED) },
      ]),
  },
  {
    name: 'a token of the wrong kind',
    weight: 4,
    async make(cast, random) {
      const person = random.pick(cast.people);
      const { clerk, machine } = cast;
      const apiKey = () => clerk.createApiKey({ subject: person.id }).secret;
      const m2m = async () => (await clerk.createM2MToken({ machine, format: 'jwt', ...cast.keys.good })).token;
      const [path, make] = random.pick<readonly [string, () => Promise<string> | string]>([
        ['/session', apiKey],
        ['/session', m2m],
        ['/oauth', m2m],
        ['/m2m', apiKey],
        ['/api-key', () => cast.token(person)],
        ['/m2m', () => cast.token(person)],
      ]);
      return { path, headers: bearer(await make()), expected: always(...INVALID) };
    },
  },
  {
    name: 'a machine token that nobody made, that has expired, or that was forged',
    weight: 3,
    asksClerk: true,
    async make({ clerk, other, machine, people, keys }, random) {
      const user = random.pick(people).id;
      const text = String(random.integer(2 ** 31)).padEnd(40, '0');
      const expired = { secondsUntilExpiration: -60 };
      const jwt = { machine, format: 'jwt', ...keys.good } as const;
      const [path, token, expected] = await random.pick<() => Promise<readonly [string, string, Prophecy]>>([
        async () => ['/api-key', `ak_${text}`, asked(...INVALID)],
        async () => ['/m2m', `mt_${text}`, asked(...INVALID)],
        async () => ['/oauth', `oat_${text}`, asked(...INVALID)],
        async () => ['/api-key', clerk.createApiKey({ subject: user, ...expired }).secret, asked(...INVALID)],
        async () => ['/m2m', (await clerk.createM2MToken({ ...jwt, ...expired })).token, always(...INVALID)],
        async () => [
          '/m2m',
          (await clerk.createM2MToken({ ...jwt, ...keys.forgedBy(other) })).token,
          always(...INVALID),
        ],
      ])();
      return { path, headers: bearer(token), expected };
    },
  },
  {
    name: 'cookies that are expired, or forged',
    weight: 3,
    async make({ clerk, other, people, keys }, random) {
      const { session } = random.pick(people);
      const issuedAt = seconds() - 120 - random.integer(DAY);
      const isExpired = random.next() < 0.5;
      const bent = isExpired ? { issuedAt, ...keys.good } : keys.forgedBy(other);
      const cookie = withoutRefresh(await clerk.browserCookies({ session, ...bent }));
      if (random.next() < 0.5)
        return { path: '/session', headers: { cookie }, expected: always(...(isExpired ? EXPIRED : INVALID)) };
      const expected = always(...(isExpired ? HANDSHAKE : INVALID));
      return { path: '/session', headers: { cookie, ...NAVIGATION }, expected };
    },
  },
];

export const KINDS: readonly Kind[] = [...good, ...nobody, ...bad];
