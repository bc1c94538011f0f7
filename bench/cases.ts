import type { LocalClerk } from 'nest-clerk/testing';

import type { Platform, Variant } from './apps.js';
import type { Load } from './subject.js';

/** A kind of traffic, and the goals for it. */
export interface Case {
  readonly name: string;
  readonly path: string;
  /** The expected status of every response, since denials could be faster. */
  readonly status: number;
  /** Returns the headers of each request of a round. */
  readonly headers: (clerk: LocalClerk, round: number) => Promise<Load['headers']>;
  /** Whether each request is sent once, instead of repeatedly for a second. */
  readonly once?: boolean;
  readonly variants: readonly Variant[];
  /** The minimum ratio of our throughput to that of the other variants. */
  readonly goals?: Partial<Record<Exclude<Variant, 'ours'>, Record<Platform, number>>>;
  /** How long opaque machine tokens are cached, in milliseconds. */
  readonly machineTokenTtl?: number;
}

const ALL: readonly Variant[] = ['open', 'ours', 'clerk'];
const HOUR_IN_SECONDS = 3600;
const NEW_TOKENS_PER_ROUND = 4_000;

const bearer = (token: string) => ({ authorization: `Bearer ${token}` });
const authorizedUser = { expiresIn: HOUR_IN_SECONDS, organization: '', permissions: ['org:invoices:create'] };

/** Creates the headers once, for all rounds. */
const constant = (make: (clerk: LocalClerk) => Promise<Load['headers']>): Case['headers'] => {
  let made: Promise<Load['headers']> | undefined;
  return (clerk) => (made ??= make(clerk));
};
const tokens = async (clerk: LocalClerk, count: number): Promise<Load['headers']> => {
  const organization = clerk.createOrganization();
  const user = clerk.createUser();
  return Promise.all(
    Array.from({ length: count }, async () =>
      bearer(await clerk.sessionToken({ ...authorizedUser, user, organization })),
    ),
  );
};

export const CASES: readonly Case[] = [
  {
    name: 'one header token',
    path: '/session',
    status: 200,
    headers: constant((clerk) => tokens(clerk, 1)),
    variants: ALL,
    goals: { open: { express: 0.95, fastify: 0.85 }, clerk: { express: 4, fastify: 10 } },
  },
  {
    name: '64 tokens in turn',
    path: '/session',
    status: 200,
    headers: constant((clerk) => tokens(clerk, 64)),
    variants: ALL,
  },
  {
    name: 'every token new',
    path: '/session',
    status: 200,
    headers: perRound((clerk) => tokens(clerk, NEW_TOKENS_PER_ROUND)),
    once: true,
    variants: ALL,
    goals: { clerk: { express: 2.5, fastify: 3 } },
  },
  {
    name: 'cookie session',
    path: '/session',
    status: 200,
    headers: constant(async (clerk) => [{ cookie: await clerk.browserCookies({ expiresIn: HOUR_IN_SECONDS }) }]),
    variants: ALL,
    goals: { clerk: { express: 4, fastify: 8 } },
  },
  {
    name: 'no credentials, public route',
    path: '/public',
    status: 200,
    headers: constant(async () => [{}]),
    variants: ALL,
  },
  {
    name: 'invalid token',
    path: '/session',
    status: 401,
    headers: constant(async (clerk) => [bearer(`${await clerk.sessionToken()}x`)]),
    variants: ['ours', 'clerk'],
  },
  {
    name: 'permission',
    path: '/permission',
    status: 200,
    headers: constant((clerk) => tokens(clerk, 1)),
    variants: ALL,
  },
  {
    name: 'API key',
    path: '/api-key',
    status: 200,
    headers: constant(async (clerk) => [bearer(clerk.createApiKey({ subject: clerk.createUser() }).secret)]),
    variants: ALL,
  },
  {
    name: 'API key, cached',
    path: '/api-key',
    status: 200,
    headers: constant(async (clerk) => [bearer(clerk.createApiKey({ subject: clerk.createUser() }).secret)]),
    variants: ALL,
    machineTokenTtl: 60_000,
  },
];

/** Creates new headers for each round, the same for all variants. */
function perRound(make: (clerk: LocalClerk) => Promise<Load['headers']>): Case['headers'] {
  const made: Promise<Load['headers']>[] = [];
  return (clerk, round) => (made[round] ??= make(clerk));
}
