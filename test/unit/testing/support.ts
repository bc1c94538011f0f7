import { createClerkClient, type ClerkClient } from '@clerk/backend';

import { LocalClerk } from '../../../lib/testing/index.js';

/** Clerk's own SDK, pointed at a local Clerk. */
export function sdkOf(clerk: LocalClerk, options: Parameters<typeof createClerkClient>[0] = {}): ClerkClient {
  return createClerkClient({ ...clerk.options, ...options });
}

/** A request with a bearer token, as an app receives it. */
export function bearing(token: string): Request {
  return new Request('http://localhost:4000/', { headers: { authorization: `Bearer ${token}` } });
}

/** What the local Clerk answers to a plain request. */
export async function call(
  clerk: LocalClerk,
  path: string,
  { method = 'GET', key = clerk.secretKey, body }: { method?: string; key?: string; body?: string } = {},
) {
  const response = await fetch(clerk.url + path, { method, body, headers: { authorization: `Bearer ${key}` } });
  const text = await response.text();
  return { status: response.status, headers: response.headers, text, json: text ? JSON.parse(text) : undefined };
}

/** The parts of a JWT. */
export function decoded(token: string): { header: Record<string, unknown>; claims: Record<string, any> } {
  const [header, claims] = token.split('.').map((part) => Buffer.from(part, 'base64url').toString());
  return { header: JSON.parse(header!), claims: claims ? JSON.parse(claims) : {} };
}

/** Rejects as Clerk's SDK does: with a status and a code. */
export const clerkError = (status: number, code: string) =>
  expect.objectContaining({ status, errors: [expect.objectContaining({ code })] });

/** Seconds since 1970, from now. */
export const inSeconds = (seconds: number) => Math.floor(Date.now() / 1000) + seconds;
