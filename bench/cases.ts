import type { Platform, Variant } from './apps.js';
import type { Credentials, HeadersOf } from './credentials.js';

/** What we compare nest-clerk with. */
export type Rival = Exclude<Variant, 'ours' | 'verifying'>;
type Goals = Readonly<Partial<Record<Rival, Readonly<Record<Platform, number>>>>>;

/** A kind of traffic, and the goals for it. */
export interface Case {
  readonly name: string;
  readonly path: string;
  /** The expected status of every response, since denials could be faster. @default 200 */
  readonly status?: number;
  readonly rivals: readonly Rival[];
  /** How many different headers are sent in turn; `all` if no request is repeated. @default 1 */
  readonly distinct?: number | 'all';
  /** @param count How many different headers there are. */
  readonly headers: (credentials: Credentials, count: number) => HeadersOf | Promise<HeadersOf>;
  /** The minimum ratio of our throughput to that of each rival. */
  readonly goals?: Goals;
  /** The maximum CPU time for each request beyond a pass-through guard and an RSA verification, in microseconds. */
  readonly maxBeyondVerification?: number;
  /** How long opaque machine tokens are cached, in milliseconds. */
  readonly machineTokenTtl?: number;
}

const KNOWN = { express: 0.95, fastify: 0.92 };
const COOKIES = { express: 0.92, fastify: 0.85 };
const SIGNED_OUT: Goals = { open: { express: 0.92, fastify: 0.85 }, clerk: { express: 2.4, fastify: 5 } };
const INVALID: Goals = { clerk: { express: 3, fastify: 4 } };

/** Cases with status 200: every variant returns the same response. */
const ACCEPTED: readonly Omit<Case, 'rivals'>[] = [
  {
    name: 'one header token',
    path: '/session',
    headers: (credentials, count) => credentials.tokens(count),
    goals: { open: KNOWN },
  },
  {
    name: '64 tokens in turn',
    path: '/session',
    distinct: 64,
    headers: (credentials, count) => credentials.tokens(count),
  },
  {
    name: 'every token new',
    path: '/session',
    distinct: 'all',
    headers: (credentials, count) => credentials.tokens(count),
    goals: { clerk: { express: 2.8, fastify: 4.5 } },
    maxBeyondVerification: 35,
  },
  {
    name: 'cookie session',
    path: '/session',
    headers: (credentials) => credentials.cookieSession(),
    goals: { open: COOKIES },
  },
  { name: 'permission', path: '/permission', headers: (credentials, count) => credentials.tokens(count) },
  {
    name: 'public route, no cookies',
    path: '/public',
    headers: (credentials) => credentials.none(),
    goals: SIGNED_OUT,
  },
  {
    name: 'public route, foreign cookies',
    path: '/public',
    headers: (credentials) => credentials.foreignCookies(),
    goals: SIGNED_OUT,
  },
  { name: 'API key', path: '/api-key', headers: (credentials) => credentials.apiKey() },
  {
    name: 'API key, cached',
    path: '/api-key',
    headers: (credentials) => credentials.apiKey(),
    machineTokenTtl: 60_000,
  },
];

/**
 * Cases with status 401. A pass-through guard returns 200, and Nest's exceptions cost time themselves, so they are only
 * compared with Clerk's SDK. No token is sent twice, because a flood consists of distinct tokens.
 */
const DENIED: readonly Omit<Case, 'rivals' | 'path' | 'status'>[] = [
  {
    name: 'no credentials, 401',
    headers: (credentials) => credentials.none(),
  },
  {
    name: 'expired tokens, 401',
    distinct: 'all',
    headers: (credentials, count) => credentials.expiredTokens(count),
    goals: INVALID,
  },
  {
    name: 'wrong signatures, 401',
    distinct: 'all',
    headers: (credentials) => credentials.forgedTokens(),
    goals: INVALID,
  },
  { name: 'unknown kid, 401', distinct: 'all', headers: (credentials) => credentials.tokensOfUnknownKey() },
  { name: '"Bearer garbage", 401', headers: (credentials) => credentials.garbage() },
  { name: 'long random text, 401', distinct: 'all', headers: (credentials) => credentials.randomText(600) },
];

export const CASES: readonly Case[] = [
  ...ACCEPTED.map((each): Case => ({ ...each, rivals: ['open', 'clerk'] })),
  ...DENIED.map((each): Case => ({ ...each, path: '/session', status: 401, rivals: ['clerk'] })),
];
