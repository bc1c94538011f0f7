import type { LocalClerk } from 'nest-clerk/testing';

import type { Platform, Variant } from './apps.js';
import type { Load } from './subject.js';

/** A kind of traffic, and what is expected of us under it. */
export interface Case {
  readonly name: string;
  readonly path: string;
  /** What every answer has to be; an application that refuses quickly is not fast. */
  readonly status: number;
  /** The headers of the requests of one round. */
  readonly headers: (clerk: LocalClerk, round: number) => Promise<Load['headers']>;
  /** Whether each request is sent once, instead of over and over for a second. */
  readonly once?: boolean;
  readonly variants: readonly Variant[];
  /** How many times as many requests as the others we are to answer. */
  readonly goals?: Partial<Record<Exclude<Variant, 'ours'>, Record<Platform, number>>>;
  /** How long opaque machine tokens are remembered, in milliseconds. */
  readonly machineTokenTtl?: number;
}

const ALL: readonly Variant[] = ['open', 'ours', 'clerk'];
const HOUR_IN_SECONDS = 3600;
const NEW_TOKENS_A_ROUND = 4_000;

const bearer = (token: string) => ({ authorization: `Bearer ${token}` });
const userWithRights = { expiresIn: HOUR_IN_SECONDS, organization: '', permissions: ['org:invoices:create'] };

/** The same for all rounds. */
const constant = (make: (clerk: LocalClerk) => Promise<Load['headers']>): Case['headers'] => {
  let made: Promise<Load['headers']> | undefined;
  return (clerk) => (made ??= make(clerk));
};
const tokens = async (clerk: LocalClerk, count: number): Promise<Load['headers']> => {
  const organization = clerk.createOrganization();
  const user = clerk.createUser();
  return Promise.all(
    Array.from({ length: count }, async () =>
      bearer(await clerk.sessionToken({ ...userWithRights, user, organization })),
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
    headers: perRound((clerk) => tokens(clerk, NEW_TOKENS_A_ROUND)),
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

/** New ones for each round, the same for all variants. */
function perRound(make: (clerk: LocalClerk) => Promise<Load['headers']>): Case['headers'] {
  const made: Promise<Load['headers']>[] = [];
  return (clerk, round) => (made[round] ??= make(clerk));
}
