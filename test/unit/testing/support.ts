import { createClerkClient, type ClerkClient } from '@clerk/backend';

import { LocalClerk } from '../../../lib/testing/index.js';

/** Clerk's own SDK, configured for a local Clerk. */
export function sdkOf(clerk: LocalClerk, options: Parameters<typeof createClerkClient>[0] = {}): ClerkClient {
  return createClerkClient({ ...clerk.options, ...options });
}

/** A request with a bearer token, as an application receives it. */
export function bearing(token: string): Request {
  return new Request('http://localhost:4000/', { headers: { authorization: `Bearer ${token}` } });
}

/** Sends a plain request to the local Clerk and returns its response. */
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

/** An error of Clerk's SDK with this status and code. */
export const clerkError = (status: number, code: string) =>
  expect.objectContaining({ status, errors: [expect.objectContaining({ code })] });

/** The Unix time in `seconds` from now. */
export const inSeconds = (seconds: number) => Math.floor(Date.now() / 1000) + seconds;
