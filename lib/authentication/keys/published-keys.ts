import { createPublicKey, type JsonWebKey, type KeyObject } from 'node:crypto';

import type { JWK } from 'jose';
import { createRemoteJWKSet, customFetch, jwksCache, type ExportedJWKSCache } from 'jose/jwks/remote';

import { ClerkKeyRejectedError, ClerkUnavailableError } from '../../errors/clerk.errors.js';
import { retryTimes } from '../../client/clerk-calls.js';

/** The maximum size of a key set, in bytes. A normal one has a few kilobytes. */
const MAX_KEY_SET_BYTES = 1024 * 1024;

/** A public key, in both forms used for verification. */
export interface PublishedKey {
  readonly key: KeyObject;
  readonly pem: string;
}

/** The keys that may verify tokens, by `kid`. */
export type PublishedKeys = ReadonlyMap<string, PublishedKey>;

export interface PublishedKeysOptions {
  readonly apiUrl: string;
  readonly apiVersion: string;
  readonly secretKey: string;
}

/**
 * Creates a function that fetches the published keys with jose. The caller decides when to fetch and how long to use
 * the keys, because jose's own cache breaks if the clock is set back.
 *
 * @returns The fetch function. It throws ClerkUnavailableError if the keys cannot be fetched, and ClerkKeyRejectedError
 *   if Clerk rejects the key of this application.
 */
export function createKeyFetcher(
  { apiUrl, apiVersion, secretKey }: PublishedKeysOptions,
  timeoutInMs: number,
  fetch: typeof globalThis.fetch,
): () => Promise<PublishedKeys> {
  const fetched: Partial<ExportedJWKSCache> = {};
  const jwks = createRemoteJWKSet(new URL(`${apiUrl.replace(/(?<!\/)\/+$/, '')}/${apiVersion}/jwks`), {
    headers: { Authorization: `Bearer ${secretKey}` },
    timeoutDuration: timeoutInMs,
    [jwksCache]: fetched as ExportedJWKSCache,
    [customFetch]: async (href, init) => limitSize(assertOk(await fetch(href, init))),
  });
  return async () => {
    try {
      await jwks.reload();
    } catch (error) {
      if (error instanceof ClerkKeyRejectedError || error instanceof ClerkUnavailableError) throw error;
      throw new ClerkUnavailableError('The keys of the Clerk instance could not be fetched', { cause: error });
    }
    const keys = usableKeysIn((fetched as ExportedJWKSCache).jwks.keys);
    // Every instance has a key. Accepting an empty set would deny every caller.
    if (keys.size === 0) throw new ClerkUnavailableError('The Backend API published no usable key');
    return keys;
  };
}

function assertOk(response: Response): Response {
  const { status, headers } = response;
  if (status === 200) return response;
  const message = `The Backend API returned ${status} to a request for the keys`;
  if (status === 401 || status === 403) throw new ClerkKeyRejectedError(message);
  // Parsed as in Clerk's client.
  const retryAfter = Number.parseInt(headers.get('retry-after') ?? '', 10);
  throw new ClerkUnavailableError(message, retryTimes(status, retryAfter));
}

/** Returns the response with a body that fails once it exceeds the size limit. */
function limitSize(response: Response): Response {
  let bytes = 0;
  const limit = new TransformStream<Uint8Array, Uint8Array>({
    transform(chunk, controller) {
      bytes += chunk.length;
      if (bytes > MAX_KEY_SET_BYTES) controller.error(new Error('the key set is too large'));
      else controller.enqueue(chunk);
    },
  });
  return new Response(response.body?.pipeThrough(limit));
}

/** The keys that can verify session tokens. Keys with a duplicate `kid` and invalid keys are left out. */
function usableKeysIn(jwks: readonly JWK[]): PublishedKeys {
  const counts = new Map<unknown, number>();
  for (const { kid } of jwks) counts.set(kid, (counts.get(kid) ?? 0) + 1);
  const unique = jwks.filter(({ kid }) => counts.get(kid) === 1);
  return new Map(unique.flatMap((jwk) => toPublishedKey(jwk) ?? []).map((entry) => [entry.kid, entry]));
}

function toPublishedKey(jwk: JWK): (PublishedKey & { readonly kid: string }) | undefined {
  const { kty, alg = 'RS256', use = 'sig', key_ops: operations = ['verify'], kid } = jwk;
  if (kty !== 'RSA' || alg !== 'RS256' || use !== 'sig' || typeof kid !== 'string') return undefined;
  try {
    if (!operations.includes('verify')) return undefined;
    const key = createPublicKey({ key: jwk as JsonWebKey, format: 'jwk' });
    return { kid, key, pem: key.export({ type: 'spki', format: 'pem' }).toString().trim() };
  } catch {
    return undefined;
  }
}
